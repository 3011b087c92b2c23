"""Packing a module: which version it may have, which files go into its zip, what is wrong.

Rules kept:
- The version is canonical and fits the path; `+incompatible` is for modules without go.mod.
- The path is go.mod's; where one is given, the two must agree; without go.mod one must be given.
- All that is wrong in a tree is told at once: names, letter case, sizes, what cannot be read.

Spec: golang.org/x/mod/zip (Create), modfetch.codeRepo (checkCanonical, LegacyGoMod).
Differs: a tree without any file is refused, and so is a go.mod that is a link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gopack.errors import InputError
from gopack.plan.summary import parse_fault
from gopack.spec import gomod, runes, semver
from gopack.spec.module import (
    ModuleVersion,
    canonical_version,
    check,
    check_path,
    split_path_version,
)
from gopack.spec.modzip import MAX_ZIP_BYTES, FileKind, Finding, SourceFile, check_files

PACKED_HERE = "unverified: not in the checksum database (packed here)"
"""What the manifest says behind `verified` of a packed version."""

MAX_SHOWN = 100
_INCOMPATIBLE = "+incompatible"
_LARGEST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a tree: the files, what its walk left out, and what it could not read.

    `newest_ns` is the time of the newest file, in nanoseconds since 1970.
    """

    files: Sequence[SourceFile]
    omitted: Sequence[Finding] = ()
    unreadable: Sequence[Finding] = ()
    newest_ns: int = 0


class CommittedFile(NamedTuple):
    """A file in a commit, its path below the module's root, and its blob's hash in hex."""

    path: str
    kind: FileKind
    blob: str


@dataclass(frozen=True, slots=True)
class WrittenZip:
    """A zip's size, its SHA-256 in hex and its `h1:` sum; or the findings that made it none."""

    size_bytes: int
    sha256: str
    h1: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Packing:
    """What goes into a zip, in its order, and what does not."""

    module: ModuleVersion
    files: Sequence[SourceFile]
    omitted: Sequence[Finding]

    @property
    def size_bytes(self) -> int:
        """All files together, unpacked."""
        return sum(file.size_bytes for file in self.files)


class PackError(InputError):
    """A tree that cannot be packed; `findings` has everything that is wrong with it."""

    def __init__(self, module: ModuleVersion, findings: Sequence[Finding], size_error: str) -> None:
        self.findings = tuple(findings)
        self.size_error = size_error
        shown = [told(finding) for finding in findings[:MAX_SHOWN]]
        if size_error:
            shown.append(size_error)
        if len(findings) > MAX_SHOWN:
            shown.append(f"and {len(findings) - MAX_SHOWN} more")
        count = len(findings) + bool(size_error)
        super().__init__(
            f"{count} {'thing is' if count == 1 else 'things are'} wrong, nothing was packed:\n    "
            + "\n    ".join(shown),
            where=str(module),
            hint="Rename, shrink, remove or make readable what is named here, and pack again.",
        )


def told(finding: Finding) -> str:
    r"""Give a finding as one line, whatever the file's name holds.

    >>> print(told(Finding("a\nb.go", "is a symbolic link")))
    'a\nb.go': is a symbolic link
    """
    return f"{runes.shown(finding.path)}: {finding.reason}"


def check_version(path: str, version: str, *, has_go_mod: bool) -> ModuleVersion:
    """Check the version that a module is to be packed as.

    Raises:
        InputError: it is no version, not canonical, or does not fit the path.
    """
    try:
        check_path(path)
    except InputError as error:
        error.hint = error.hint or "Give the module's path as import lines have it: host/module."
        raise
    where = f"{path}@{version}"
    if not version.startswith("v") and semver.is_valid(f"v{version}"):
        hint = f"Write v{version}."
        raise InputError("invalid version: it does not begin with v", where=where, hint=hint)
    canonical = canonical_version(version)
    if canonical and canonical != version:
        raise InputError(
            "the version is not canonical", where=where, hint=f"Write {canonical} in full."
        )
    try:
        check(path, version)
    except InputError as error:
        error.hint = error.hint or _major_hint(path, version, has_go_mod=has_go_mod)
        raise
    if version.endswith(_INCOMPATIBLE) and (has_go_mod or semver.major(version) in {"v0", "v1"}):
        why = "the module has a go.mod" if has_go_mod else "v0 and v1 need none"
        raise InputError(
            f"invalid version: {_INCOMPATIBLE} is not allowed, {why}",
            where=where,
            hint=f"Write {version.removesuffix(_INCOMPATIBLE)}, and the major version in the path.",
        )
    return ModuleVersion(path, version)


def _major_hint(path: str, version: str, *, has_go_mod: bool) -> str:
    suffix = split_path_version(path)[1]
    if suffix:
        return f"The path ends in {suffix}: give a version that begins with {suffix[1:]}."
    major = semver.major(version)
    if has_go_mod:
        return f"Say `module {path}/{major}` in go.mod, or pack another version."
    return f"A module without go.mod packs it as {version}{_INCOMPATIBLE}."


def module_path(given: str, go_mod: bytes | None, *, where: str, lax: bool = False) -> str:
    """Tell a module's path from its go.mod, and from what the caller gave, if anything.

    `lax` takes it from a go.mod that cannot be parsed, too.

    >>> module_path("", b"module example.com/m", where="go.mod")
    'example.com/m'

    Raises:
        InputError: go.mod cannot be read or names none, or the two disagree, or there is neither.
    """
    if go_mod is None:
        if not given:
            raise InputError(
                "there is no go.mod",
                where=where,
                hint="Name the module: gopack pack MODULE VERSION OUTPUT_DIR; "
                "or give its folder with --source.",
            )
        check_path(given)
        return given
    path = gomod.module_path(go_mod) if lax and parse_fault(go_mod) else ""
    path = path or gomod.parse(go_mod, where=f"{where.rstrip('/')}/go.mod").module
    if not path:
        raise InputError("go.mod names no module", where=where, hint="Add a line `module PATH`.")
    check_path(path)
    if given and given != path:
        raise InputError(
            "the module path disagrees with go.mod",
            where=where,
            expected=given,
            got=path,
            hint=f"Leave MODULE out, or write {path}.",
        )
    return path


def unparsed(go_mod: bytes | None) -> tuple[str, ...]:
    """Give the warning that a go.mod deserves which cannot be parsed; none for others."""
    fault = parse_fault(go_mod or b"")
    and_so = "the go command downloads such a version, and builds nothing with it"
    return (f"go.mod cannot be parsed, {and_so} ({fault})",) if fault else ()


def mod_file(path: str, go_mod: bytes | None) -> bytes:
    """Give the .mod file: go.mod, or what the go command makes up where there is none."""
    return f"module {path}\n".encode() if go_mod is None else go_mod


def go_version(go_mod: bytes | None) -> str:
    """Tell what go.mod says behind `go`; empty where it cannot be read or says nothing."""
    try:
        return gomod.parse(go_mod or b"").go
    except InputError:
        return ""


def is_reached(folder: str) -> bool:
    """Whether the go command's `./...` goes into a folder of this name, vendor left aside."""
    return not folder.startswith((".", "_")) and folder not in {"testdata", "vendor"}


def plan_packing(module: ModuleVersion, listing: Listing, *, go_version: str) -> Packing:
    """Decide which files of a tree make the zip.

    Raises:
        PackError: with everything that is wrong.
    """
    checked = check_files(listing.files, go_version=go_version)
    findings = [*listing.unreadable, *checked.invalid]
    links = [f for f in (*listing.omitted, *checked.omitted) if f.path == "go.mod"]
    findings += [Finding(f.path, f"{f.reason}: a zip cannot hold it") for f in links]
    if not findings and not checked.size_error and not checked.valid:
        raise InputError(
            "there is no file to pack", where=str(module), hint="Is --source the module's folder?"
        )
    if findings or checked.size_error:
        raise PackError(module, findings, _size_error(checked.size_error, listing.files))
    valid = set(checked.valid)
    files = [f for f in listing.files if f.path in valid and f.kind is FileKind.FILE]
    return Packing(module, files, [*checked.omitted, *listing.omitted])


def not_as_committed(
    packed: Mapping[str, str], committed: Sequence[CommittedFile], *, go_version: str
) -> list[str]:
    """Tell the paths that make a zip another than a commit's files would.

    `packed` maps the files in the zip to their blobs.
    """
    files = [SourceFile(file.path, 0, file.kind) for file in committed]
    valid = set(check_files(files, go_version=go_version).valid)
    wanted = {file.path: file.blob for file in committed if file.path in valid}
    return sorted(path for path in {*packed, *wanted} if packed.get(path) != wanted.get(path))


def _size_error(said: str, files: Sequence[SourceFile]) -> str:
    """Name the largest files beside the limit, since they are what a person can do about it."""
    if not said:
        return ""
    total = sum(file.size_bytes for file in files)
    largest = sorted(files, key=lambda f: (-f.size_bytes, f.path))[:_LARGEST_SHOWN]
    named = ", ".join(f"{runes.shown(f.path)} ({f.size_bytes} bytes)" for f in largest)
    return f"{said}: {total} of {MAX_ZIP_BYTES}; the largest are {named}"
