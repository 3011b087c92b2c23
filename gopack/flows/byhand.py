"""Versions that a person puts into a storage: packed here, or brought from elsewhere.

What is there with the same sums stays as it is. Other content under a version that is there is
refused, since a version never changes for those who have it; or it is replaced, and the manifest
says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gopack.errors import IntegrityError, OtherFilesError
from gopack.plan.manifest import BY_HAND, Annotations, LineFacts
from gopack.ports import FetchedZip, FileKind, Ledger, State, Store
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums


@dataclass(frozen=True, slots=True)
class HandMade:
    """A checked version: its files, what vouches for it, and how it came, for the manifest.

    `notes` are what a person should know about it.
    """

    module: ModuleVersion
    info: bytes
    mod: bytes
    zip: FetchedZip | None
    verified: str
    how: str
    notes: tuple[str, ...] = ()

    @property
    def sums(self) -> Sums:
        """The sums that go.sum has."""
        return Sums(hash_go_mod(self.mod), self.zip.h1 if self.zip else None)


class Became(Enum):
    """What became of a version that was put in."""

    STORED = "stored"
    THERE = "there already"
    REPLACED = "replaced"


class StoredFiles(NamedTuple):
    """What a stored version's files are: go.mod's `h1:` sum, and the zip, if it is there."""

    mod_h1: str
    zip: FetchedZip | None

    @property
    def sums(self) -> Sums:
        """The sums that go.sum has."""
        return Sums(self.mod_h1, self.zip.h1 if self.zip else None)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where versions are put: `stored_files` reads a stored version's files anew."""

    store: Store
    ledger: Ledger
    stored_files: Callable[[ModuleVersion], StoredFiles]

    def put(self, version: HandMade, *, may_replace: bool) -> Became:
        """Make a version appear and note it; its zip is moved from the staging folder.

        Raises:
            IntegrityError: other content is there under this version, or a zip that is none, and it
                is not to be replaced.
            StoreError: the storage refuses.
        """
        module, old, became, zip_ = version.module, "", Became.STORED, version.zip
        state = self.store.state(module)
        if state is not State.ABSENT:
            files = self._files_there(module, may_be_damaged=may_replace)
            if files is None or _differ(files.sums, version.sums):
                if files is not None and not may_replace:
                    raise _other_content(module, files.sums, version.sums)
                old = files.sums.zip or files.sums.mod if files is not None else "damaged files"
                became = Became.REPLACED
                self.store.remove(module)
                self.ledger.forget(module)
            elif state is State.COMPLETE or version.zip is None:
                became = Became.THERE
                zip_ = zip_ and files.zip  # it has the same sums, and may have other bytes
        try:
            self.store.publish(
                module,
                info=version.info,
                mod=version.mod,
                zip_file=version.zip.path if version.zip else None,
            )
        except OtherFilesError:
            if became is not Became.THERE:  # those were looked at, and have the same sums
                raise
        self._note(version, zip_, became, old)
        return became

    def _files_there(self, module: ModuleVersion, *, may_be_damaged: bool) -> StoredFiles | None:
        """Read a stored version's files; None where they are damaged and may be."""
        try:
            return self.stored_files(module)
        except IntegrityError:
            if not may_be_damaged:
                raise
            return None

    def _note(self, version: HandMade, zip_: FetchedZip | None, became: Became, old: str) -> None:
        module = version.module
        how = f"{BY_HAND}: {version.how}" + (f", replaced {old}" if old else "")
        whole = version.zip is not None
        if became is Became.THERE and self.ledger.vouches_for(module, whole=whole):
            # What is known of it may be better than what came now; but from now on it is to stay.
            self.ledger.annotate(Annotations(why={module: [how]}))
            return
        self.ledger.record(
            module,
            info=self._stored_info(module),
            mod=version.mod,
            fetched_zip=zip_,
            verified=version.verified,
        )
        self.ledger.annotate(Annotations(why={module: [how]}, listed={module: LineFacts()}))

    def _stored_info(self, module: ModuleVersion) -> bytes:
        """Read what is there now: of a version that was there before, it stays."""
        with self.store.open(module, FileKind.INFO) as file:
            return file.read()


def _differ(there: Sums, new: Sums) -> bool:
    zips = there.zip and new.zip and there.zip != new.zip
    return bool(zips) or there.mod != new.mod


def _other_content(module: ModuleVersion, there: Sums, new: Sums) -> IntegrityError:
    is_zip = there.zip and new.zip and there.zip != new.zip
    old_h1, new_h1 = (there.zip, new.zip) if is_zip else (there.mod, new.mod)
    return IntegrityError(
        f"the storage has this version with other content (the {'zip' if is_zip else 'go.mod'})",
        where=str(module),
        expected=old_h1,
        got=new_h1,
        hint="Give the new content a new version: go refuses a version that changed. "
        "Or say --replace, if nobody has the old one.",
    )
