"""The bundle as a tar archive on disk: a writer that streams, a reader that accepts no other bytes.

Rules:
- The reader knows from the index which files come, in which order and of which size. It compares
  headers and padding byte by byte with those that the writer makes; what differs is looked at
  only to say what it is.
- Nothing is unpacked to a name out of the archive.
"""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gopack.adapters.volumes import Region, VolumeReader, VolumeWriter
from gopack.errors import IntegrityError, StoreError
from gopack.plan.bundle import tarball
from gopack.plan.bundle.index import HEAD_NAME, INDEX_NAME, MAX_HEAD_BYTES, Head, Member, Sealed

_PIECE_BYTES = 1 << 20
_AGAIN = "the bundle is damaged: carry it across again; nothing was imported"


class TarWriter:
    """Writes files one after the other: flows.bundle_create.Output."""

    def __init__(self, volumes: VolumeWriter) -> None:
        self._volumes = volumes
        self._at = 0
        self._hasher = ThreadPoolExecutor(1, thread_name_prefix="hash")

    def add(self, member: Member, pieces: Iterable[bytes | memoryview]) -> None:
        """Write a file, which must be what the member says.

        Raises:
            StoreError: it is another one, or the disk refuses it.
        """
        header = tarball.header(member.name, member.size_bytes)
        span = tarball.span(member.name, member.size_bytes)
        if not self._volumes.wants(self._at, span):
            self._volumes.skip(span)
            self._at += span
            return
        self._volumes.write(header)
        digest, size, hashed = hashlib.sha256(), 0, None
        for piece in pieces:
            if hashed is not None:
                hashed.result()
            hashed = self._hasher.submit(digest.update, piece)  # while it is written
            size += len(piece)
            self._volumes.write(piece)
        if hashed is not None:
            hashed.result()
        if (size, digest.hexdigest()) != (member.size_bytes, member.sha256):
            raise StoreError(
                f"{member.name} is not what was recorded",
                expected=f"{member.size_bytes} bytes, sha256 {member.sha256}",
                got=f"{size} bytes, sha256 {digest.hexdigest()}",
                hint="somebody edited the storage: run gopack check, and fetch again",
            )
        self._volumes.write(tarball.padding(member.size_bytes))
        self._at += span

    def end(self) -> None:
        """Write the end: all is on the disk then, and nothing has appeared."""
        self._hasher.shutdown()
        self._volumes.write(tarball.END)
        self._volumes.end()

    def appear(self) -> list[Path]:
        """Give the files their names, and tell them."""
        return self._volumes.appear()

    def discard(self) -> None:
        """Delete what was written so far."""
        self._hasher.shutdown()
        self._volumes.discard()


class TarBundle:
    """A bundle on disk: flows.bundle_open.Source."""

    def __init__(self, path: Path) -> None:
        self.volumes = VolumeReader(path)
        self.path = path
        self._head_end = 0

    def read_note(self) -> bytes:
        """Read the first file, the signed head.

        Raises:
            IntegrityError: this is no bundle.
        """
        block = self.volumes.read(0, tarball.BLOCK)
        where = str(self.path)
        if len(block) < tarball.BLOCK or not block.startswith(HEAD_NAME.encode() + b"\0"):
            raise IntegrityError(
                "not a gopack bundle", where=where, hint="give a file that `bundle create` made"
            )
        size = tarball.check_file(block, where=where)[1]
        if size > MAX_HEAD_BYTES:
            raise IntegrityError(f"a head of {size} bytes", where=where, hint=_AGAIN)
        note = b"".join(self._file(0, HEAD_NAME, size))
        self._head_end = tarball.span(HEAD_NAME, size)
        return note

    def read_index(self, head: Head) -> bytes:
        """Read the packed index; `read_note` comes first.

        Raises:
            IntegrityError: it is not where and as long as the head says.
        """
        return b"".join(self._file(self._head_end, INDEX_NAME, head.packed_bytes))

    def layout(self, sealed: Sealed) -> dict[str, tuple[int, Member]]:
        """Tell where each file begins: the place of its header."""
        at = self._head_end + tarball.span(INDEX_NAME, sealed.head.packed_bytes)
        places = {}
        for member in sealed.index.members():
            places[member.name] = (at, member)
            at += tarball.span(member.name, member.size_bytes)
        return places

    def check_end(self, sealed: Sealed) -> None:
        """Check that the archive ends where it must.

        Raises:
            IntegrityError: it is cut short, or goes on.
        """
        at = self._head_end + tarball.span(INDEX_NAME, sealed.head.packed_bytes)
        at += sum(tarball.span(m.name, m.size_bytes) for m in sealed.index.members())
        end = self.volumes.read(at, len(tarball.END) + 1)
        if end != tarball.END:
            is_short = self.volumes.size_bytes < at + len(tarball.END)
            raise self._fault("is cut short" if is_short else "does not end where it must", at, 1)

    def check_shell(self, at: int, member: Member) -> None:
        """Check the header before and the padding after a file's bytes.

        Raises:
            IntegrityError: they are not the ones that a bundle has.
        """
        expected = tarball.header(member.name, member.size_bytes)
        got = self.volumes.read(at, len(expected))
        if got != expected:
            self._diagnose(at, member)
        after = at + len(expected) + member.size_bytes
        padding = tarball.padding(member.size_bytes)
        if self.volumes.read(after, len(padding)) != padding:
            raise self._fault(f"is damaged behind {member.name}", after, len(padding) or 1)

    def pieces(self, at: int, member: Member) -> Iterator[bytes]:
        """Read a file, checked to its end: the last piece comes only if all of it is right.

        Raises:
            IntegrityError: it is not what the index says; damaged volumes are named.
        """
        self.check_shell(at, member)
        start = at + len(tarball.header(member.name, member.size_bytes))
        digest, piece = hashlib.sha256(), b""
        for offset in range(0, member.size_bytes, _PIECE_BYTES):
            if offset:
                yield piece
            piece = self.volumes.read(start + offset, min(_PIECE_BYTES, member.size_bytes - offset))
            digest.update(piece)
        if digest.hexdigest() != member.sha256:
            raise self.damage(at, member)
        yield piece

    def regions(self, at: int, member: Member) -> tuple[Region, ...]:
        """Tell in which files a file's bytes lie."""
        start = at + len(tarball.header(member.name, member.size_bytes))
        return tuple(self.volumes.regions(start, member.size_bytes))

    def read_part(self, at: int, member: Member, offset: int, size_bytes: int) -> bytes:
        """Read some bytes of a file, unchecked."""
        start = at + len(tarball.header(member.name, member.size_bytes))
        return self.volumes.read(start + offset, size_bytes)

    def damage(self, at: int, member: Member) -> IntegrityError:
        """Make the error for a file that is not what the index says."""
        span = tarball.span(member.name, member.size_bytes)
        return self._fault(f"is damaged: {member.name} is not what the index says", at, span)

    def close(self) -> None:
        """Close what is open."""
        self.volumes.close()

    def _file(self, at: int, name: str, size: int) -> Iterator[bytes]:
        self.check_shell(at, Member(name, size, ""))
        data = self.volumes.read(at + len(tarball.header(name, size)), size)
        if len(data) != size:
            raise self._fault("is cut short", at, size)
        yield data

    def _diagnose(self, at: int, member: Member) -> None:
        """Say what stands where a header is not the expected one; always raises."""
        span = tarball.span(member.name, member.size_bytes)
        if self.volumes.size_bytes < at + span:
            raise self._fault(f"is cut short at {member.name}", at, span)
        damaged = self.volumes.damaged(at, span)
        if damaged:
            raise self._fault(f"is damaged at {member.name}", at, span)
        where = str(self.path)
        block = self.volumes.read(at, tarball.BLOCK)
        pax = tarball.pax_bytes(block, where=where)
        if pax is None:
            name, size = tarball.check_file(block, where=where)
            if (name, size) != (member.name, member.size_bytes):
                raise IntegrityError(
                    "holds another file than its index says",
                    where=where,
                    expected=f"{member.name}, {member.size_bytes} bytes",
                    got=f"{name}, {size} bytes",
                    hint=_AGAIN,
                )
        raise self._fault(f"has another header at {member.name} than its index says", at, span)

    def _fault(self, what: str, start: int, size_bytes: int) -> IntegrityError:
        damaged = self.volumes.damaged(start, size_bytes)
        hint = _AGAIN
        if damaged:
            what = f"{what}; damaged: {', '.join(damaged)}"
            hint = (
                f"carry {', '.join(damaged)} across again, or make it anew: `gopack bundle create "
                "--again SEQUENCE --only NUMBER`; nothing was imported"
            )
        return IntegrityError(what, where=str(self.path), hint=hint)
