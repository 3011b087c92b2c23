"""Tags by which a process knows bytes again.

A tag is a message authentication code, made with a key that is drawn at random for each process and
never leaves it: whoever chooses the bytes cannot choose two that have one tag without that key (the
chance is less than n/2**128 for n bytes). It takes a third of the time of SHA-256, and says nothing
outside the process.

Spec: NIST SP 800-38D (GMAC, AES-GCM without a text).
"""

import functools
from collections.abc import Callable

_KEY_BITS = 128
_NONCE = bytes(12)  # one is enough, since no tag is shown to anybody


@functools.cache
def tagger() -> Callable[[memoryview], bytes]:
    """Give this process's way to tag bytes, fewer than 2 GiB of them; a tag has 16.

    The library is imported when it is first needed: it is slow to load.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return functools.partial(AESGCM(AESGCM.generate_key(_KEY_BITS)).encrypt, _NONCE, b"")
