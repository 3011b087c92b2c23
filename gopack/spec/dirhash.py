"""The `h1:` sums of go.sum: one SHA-256 over the list of a module's files and their SHA-256s.

Rules kept: the list is sorted by the names' bytes; folders' entries in a zip count as empty files;
a name with a line break is refused, since two lists could then look the same.

Spec: golang.org/x/mod/sumdb/dirhash (Hash1, HashZip).
"""

import base64
import hashlib
from collections.abc import Iterable

from gopack.errors import IntegrityError


def hash1(files: Iterable[tuple[bytes, str]]) -> str:
    """Give the `h1:` sum of files, each its name and the SHA-256 of its content in hex.

    >>> hash1([])
    'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

    Raises:
        IntegrityError: if a name has a line break in it.

    """
    lines = [b"%b  %b\n" % (digest.encode(), name) for name, digest in sorted(files)]
    summary = b"".join(lines)
    if summary.count(b"\n") != len(lines):
        raise _two_lines(lines)
    return _h1(summary)


def hash_go_mod(text: bytes) -> str:
    """Give the sum that go.sum holds for a go.mod file, in the lines that end in `/go.mod`.

    >>> hash_go_mod(b"module example.com/m")
    'h1:4skn8l0N017PMKb5NglblaMgDDll3WXfyNx9HQ0LHiY='
    """
    return hash1([(b"go.mod", hashlib.sha256(text).hexdigest())])


def _two_lines(lines: Iterable[bytes]) -> IntegrityError:
    line = next(line for line in lines if line.count(b"\n") > 1)
    name = line.partition(b"  ")[2][:-1]
    return IntegrityError("a file name with a line break has no h1 sum", where=repr(name))


def _h1(summary: bytes) -> str:
    return "h1:" + base64.b64encode(hashlib.sha256(summary).digest()).decode()
