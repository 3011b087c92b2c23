"""Standard base64 as the Go programs read it: padding required, line ends ignored.

Python's own decoder is laxer about stray characters and, by version, about padding.

Spec: RFC 4648 section 4; Go encoding/base64 StdEncoding.
"""

import base64
import re

_STANDARD = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


def decode(text: str) -> bytes | None:
    r"""Decode `text`, or give None where Go's StdEncoding would refuse it.

    >>> decode("aGk=")
    b'hi'
    >>> decode("aGk") is None
    True
    """
    joined = text.replace("\r", "").replace("\n", "")
    if not _STANDARD.fullmatch(joined):
        return None
    return base64.b64decode(joined)


def encode(data: bytes) -> str:
    """Encode with padding and without line ends."""
    return base64.b64encode(data).decode("ascii")
