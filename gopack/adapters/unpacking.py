"""Bodies that a server packed though it was asked not to: unpacked a little at a time.

Rules kept:
- gzip (x-gzip is the same) and deflate are unpacked, an answer that is packed otherwise is refused:
  the bytes that came are not the file; a word that is no coding (`utf-8`) says nothing, as for go;
- deflate is in zlib's form, or bare, as some servers have it;
- a body that ends before what is packed in it does was cut short, whatever its length was to be;
- behind gzip's end another member may follow, and zeros that pad it; all else is an error, as for
  go. What follows deflate's end is no part of it, and is ignored;
- what a few bytes unpack to is bounded, and what unpacks to nothing is given up.

Spec: RFC 9110, 8.4.1; RFC 1950, 2.2; RFC 1952, 2.2 (members follow each other).
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gopack.adapters import weberrors
from gopack.errors import UpstreamError

_CODINGS = {
    *("aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip"),
    *("x-compress", "x-gzip", "zstd"),
}
"""Those that change bytes. Source: IANA's HTTP Content Coding Registry."""
_PACKED_BYTES = 4 << 10
"""How much of a packed body is unpacked at once: to 4 MiB at most, by deflate."""
_IDLE_BYTES = 1 << 20
"""So much more than it unpacks to may come of one: what unpacks to nothing would never end."""
_DEFLATED = 8
"""What the first byte of zlib's form ends with (its method), and of bare deflate does not."""


class _Unpacker(Protocol):
    """What zlib.decompressobj gives."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def unpacked(encoding: str, packed: Iterable[bytes], *, where: str, url: str) -> Iterator[bytes]:
    """Give the pieces of a body as they were before the server packed it.

    Raises:
        UpstreamError: it is packed in a way that is not known here.
        httpx.HTTPError: while they are read, see weberrors.translated: it is cut short, or broken.
    """
    codings = [coding.strip().lower() for coding in encoding.split(",")]
    match [coding for coding in codings if coding in _CODINGS]:
        case []:
            return iter(packed)
        case ["gzip" | "x-gzip"]:
            return _unpack(packed, _gzip, _without_padding)
        case ["deflate"]:
            return _unpack(packed, _deflate, _nothing)
    raise UpstreamError(
        f"the answer is compressed in a way that was not asked for ({encoding}): "
        f"{weberrors.shown(url)}",
        where=where,
        url=weberrors.shown(url),
        hint="have the server, or what stands before it, send the files as they are",
    )


def _gzip(_start: int) -> _Unpacker:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _deflate(start: int) -> _Unpacker:
    return zlib.decompressobj(zlib.MAX_WBITS if start & 0x0F == _DEFLATED else -zlib.MAX_WBITS)


def _without_padding(rest: bytes) -> bytes:
    return rest.lstrip(b"\0")


def _nothing(_rest: bytes) -> bytes:
    return b""


def _unpack(
    packed: Iterable[bytes],
    begin: Callable[[int], _Unpacker],
    following: Callable[[bytes], bytes],
) -> Iterator[bytes]:
    """Unpack what begins at the start, and at each of the `following` bytes behind an end."""
    import httpx  # noqa: PLC0415 - see web.py

    came = given = 0
    unpacker: _Unpacker | None = None
    try:
        for slice_ in _slices(packed):
            came += len(slice_)
            if came > given + _IDLE_BYTES:
                raise httpx.DecodingError("a body that unpacks to nothing")
            rest = following(slice_) if unpacker is not None and unpacker.eof else slice_
            while rest:
                if unpacker is None or unpacker.eof:
                    unpacker = begin(rest[0])
                if piece := unpacker.decompress(rest):
                    given += len(piece)
                    yield piece
                rest = following(unpacker.unused_data)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if unpacker is not None and not unpacker.eof:
        raise httpx.RemoteProtocolError("an incomplete compressed body")


def _slices(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _PACKED_BYTES):
            yield piece[at : at + _PACKED_BYTES]
