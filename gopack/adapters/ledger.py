"""ports.Ledger on disk: `.gopack/manifest.json` and `.gopack/go.sum`.

Both are written whole: to a new file, onto the disk, then renamed over the old one.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import open_anew
from gopack.plan import manifest as manifests
from gopack.plan.manifest import UNVERIFIED, Annotations, Entry, Manifest, ZipEntry
from gopack.ports import FetchedZip, FileKind
from gopack.spec import gosum
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums

MANIFEST = "manifest.json"
GO_SUM = "go.sum"


class DiskLedger:
    """The ledger of the storage whose `.gopack` folder this is.

    Used from one thread. A storage without a manifest has an empty ledger.

    Raises:
        StoreError: the manifest cannot be read, or is none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions: dict[ModuleVersion, Entry] = {}
        self._facts = Manifest()
        self._saved = b""
        self._load()

    def _load(self) -> None:
        path = self._folder / MANIFEST
        with disk_errors("read the manifest", path):
            if not path.exists():
                return
            data = path.read_bytes()
        self._saved = _digest_of([data])
        known = manifests.loads(data, where=str(path))
        self._versions, self._facts = dict(known.versions), known

    @property
    def manifest(self) -> Manifest:
        """What is known now."""
        return replace(self._facts, versions=self._versions)

    def vouches_for(self, module: ModuleVersion, *, whole: bool) -> bool:
        """Tell whether a version is recorded: its small files, and its zip if `whole`."""
        entry = self._versions.get(module)
        return entry is not None and (entry.zip is not None or not whole)

    def is_as_recorded(self, module: ModuleVersion, kind: FileKind, data: bytes) -> bool:
        """Tell whether a small file is, byte for byte, the one that was recorded."""
        entry = self._versions.get(module)
        if entry is None:
            return False
        recorded = entry.mod_sha256 if kind is FileKind.MOD else entry.info_sha256
        return hashlib.sha256(data).hexdigest() == recorded

    def record(
        self,
        module: ModuleVersion,
        *,
        info: bytes,
        mod: bytes,
        fetched_zip: FetchedZip | None,
        verified: str = UNVERIFIED,
    ) -> None:
        """Note what was just published; of another zip than the given one nothing is known then."""
        known = self._versions.get(module)
        self._versions[module] = Entry(
            info_sha256=hashlib.sha256(info).hexdigest(),
            mod_sha256=hashlib.sha256(mod).hexdigest(),
            mod_h1=hash_go_mod(mod),
            zip=_zip_entry(fetched_zip),
            verified=verified,
            why=known.why if known else (),
        )

    def sums(self, module: ModuleVersion) -> Sums | None:
        """Tell the recorded sums of a version, None of an unknown one."""
        entry = self._versions.get(module)
        return Sums(entry.mod_h1, entry.zip.h1 if entry.zip else None) if entry else None

    def zip_h1(self, module: ModuleVersion) -> str | None:
        """Tell the recorded sum of a version's zip, None where no zip is recorded."""
        entry = self._versions.get(module)
        return entry.zip.h1 if entry and entry.zip else None

    def unverified(self) -> dict[ModuleVersion, Sums]:
        """Tell the recorded versions that no checksum database vouches for, and their sums."""
        return {
            module: Sums(entry.mod_h1, entry.zip.h1 if entry.zip else None)
            for module, entry in self._versions.items()
            if entry.verified.startswith(UNVERIFIED)
        }

    def is_by_hand(self, module: ModuleVersion) -> bool:
        """Tell whether a person put a version in."""
        entry = self._versions.get(module)
        return entry is not None and entry.is_by_hand

    def annotate(self, notes: Annotations) -> None:
        """Note what a run has to say of versions; those not named keep what is known."""
        known = manifests.annotated(self.manifest, notes)
        self._versions, self._facts = dict(known.versions), known

    def forget(self, module: ModuleVersion) -> None:
        """Drop a version or an alias that was removed."""
        self._versions.pop(module, None)
        listed = {m: facts for m, facts in self._facts.listed.items() if m != module}
        aliases = {alias: v for alias, v in self._facts.aliases.items() if alias != module}
        self._facts = replace(self._facts, listed=listed, aliases=aliases)

    def forget_surveys(self) -> None:
        """Drop what packages were found to import: it is looked for anew."""
        self._facts = replace(self._facts, surveys={})

    def save(self) -> None:
        """Write manifest and go.sum, atomically; nothing is written where nothing changed."""
        manifest = self.manifest
        digest = _digest_of(manifests.pieces(manifest))
        if digest == self._saved:
            return
        self._write(GO_SUM, [gosum.format_lines(manifest.sum_lines()).encode()])
        self._write(MANIFEST, manifests.pieces(manifest))
        self._saved = digest

    def _write(self, name: str, pieces: Iterable[bytes]) -> None:
        path = self._folder / name
        part = path.with_name(f"{name}.part")
        with disk_errors(f"write {name}", path):
            with open_anew(part) as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(path)


def _digest_of(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _zip_entry(fetched: FetchedZip | None) -> ZipEntry | None:
    return ZipEntry(fetched.size_bytes, fetched.sha256, fetched.h1) if fetched else None
