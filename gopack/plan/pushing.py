"""What a push does with each version, and the shell scripts that do it beside Athens.

Rules:
- A version that is there with the same go.mod and zip stays; one with other bytes is a conflict
  and stays, too. What lies in a version's folder and is no whole version is replaced.
- Files are staged below `.gopack` on the storage's own disk; then each version appears by one
  rename of its folder, requirements first, and a mod-only one becomes complete by one rename of
  its zip. No staged file ends in `.info` while it is written.
- The scripts need a POSIX shell, find, mv, mkdir, chown and sha256sum: Athens' own image has them.
- Paths need no quoting in lists: go.dev/ref/mod#go-mod-file-ident allows neither spaces nor
  quotes in module paths and versions.
"""

import shlex
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from gopack.errors import StoreError
from gopack.plan.layout import (
    OWN_FOLDER,
    FileKind,
    athens_disk_folder,
    athens_disk_key,
)
from gopack.plan.manifest import UNVERIFIED, Entry, Manifest
from gopack.spec.module import ModuleVersion

FAILED_LOCK = 75
"""The publishing script's exit status when another gopack holds the storage."""

LOCK_WAIT_S = 60


class Step(Enum):
    """What is done with a version."""

    ADD = "added"
    REPLACE = "replaced, it was not whole"
    COMPLETE = "completed"
    THERE = "there"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the target found: every file by its path below the root, and what fits."""

    files: frozenset[str]
    free_bytes: int
    owner: tuple[int, int]
    is_empty: bool


def look_script(root: str, user: str) -> str:
    """Write the script that looks at a target: what `parse_look` reads.

    `user` is whom Athens runs as there, as Docker has it: `USER[:GROUP]`, names or numbers; empty
    for the root folder's owner.
    """
    who = _OWNER
    if user:
        name, _, group = user.partition(":")
        who = f"{_number('-u', name, name)}\n{_number('-g', name, group)}"
    return (
        f"set -eu\ncd {shlex.quote(root)}\n{who}\ndf -kP . | tail -n 1\n"
        f"find . -path ./{OWN_FOLDER}/staging -prune -o -type f -print\n"
    )


_OWNER = "ls -lnd . | { read -r _ _ uid gid _; echo $uid; echo $gid; }"


def _number(which: str, name: str, given: str) -> str:
    """Give the command that prints a number; a user that is only a number has the group 0."""
    if given.isdecimal():
        return f"echo {given}"
    if given and which == "-g":
        return f"awk -F: -v g={shlex.quote(given)} '$1 == g {{ print $3 }}' /etc/group"
    return f"id {which} {shlex.quote(name)} 2>/dev/null || echo 0"


def parse_look(text: str) -> Found:
    """Read what the look script said.

    Raises:
        StoreError: it said something else.
    """
    try:
        uid, gid, space, *names = text.splitlines()
        files = frozenset(name.removeprefix("./") for name in names)
        free = int(space.split()[-3]) * 1024  # df -P: ... Available Capacity Mounted-on
        return Found(files, free, (int(uid), int(gid)), is_empty=not files)
    except (ValueError, IndexError) as error:
        raise StoreError(
            f"the look at the target is not understood: {text[:200]!r}",
            hint="give --image with an image that has a POSIX shell, find, df and sha256sum",
        ) from error


def doubtful(manifest: Manifest, files: frozenset[str]) -> list[str]:
    """Name the files there whose sums decide what is done: those of versions that both have."""
    keys = []
    for module in sorted(manifest.versions):
        if _is_whole(module, files):
            keys += [key for kind in FileKind if (key := athens_disk_key(module, kind)) in files]
    return keys


def sums_script(root: str, names_file: str) -> str:
    """Write the script that hashes the files named in a file, one a line."""
    return f"set -eu\ncd {shlex.quote(root)}\nxargs sha256sum <{shlex.quote(names_file)}\n"


def parse_sums(text: str) -> dict[str, str]:
    """Read the output of sha256sum: by path, hex."""
    rows = (line.split(None, 1) for line in text.splitlines())
    return {row[1].lstrip("*"): row[0] for row in rows if len(row) == 2}


def decide(
    manifest: Manifest, files: frozenset[str], sums: Mapping[str, str]
) -> dict[ModuleVersion, Step]:
    """Decide what is done with each version of the storage."""
    folders = {name.rpartition("/")[0] for name in files}
    return {
        module: _step(module, entry, files, folders, sums)
        for module, entry in manifest.versions.items()
    }


def _step(
    module: ModuleVersion,
    entry: Entry,
    files: frozenset[str],
    folders: set[str],
    sums: Mapping[str, str],
) -> Step:
    if not _is_whole(module, files):
        return Step.REPLACE if athens_disk_folder(module) in folders else Step.ADD
    zip_key = athens_disk_key(module, FileKind.ZIP)
    if sums.get(athens_disk_key(module, FileKind.MOD)) != entry.mod_sha256:
        return Step.CONFLICT
    if entry.zip is None:
        return Step.THERE
    if zip_key not in files:
        return Step.COMPLETE
    return Step.THERE if sums.get(zip_key) == entry.zip.sha256 else Step.CONFLICT


def _is_whole(module: ModuleVersion, files: frozenset[str]) -> bool:
    return all(athens_disk_key(module, kind) in files for kind in (FileKind.INFO, FileKind.MOD))


def merged(
    theirs: Manifest,
    ours: Manifest,
    steps: Mapping[ModuleVersion, Step],
    sums: Mapping[str, str],
    *,
    has_proofs: bool,
) -> Manifest:
    """Give the manifest of the target after the push: what it had, and what was pushed.

    Without proofs, what our checksum database vouched for is unverified there.
    """
    versions = dict(theirs.versions)
    for module, step in steps.items():
        known = versions.get(module)
        if step is Step.CONFLICT or (step is Step.THERE and known):
            continue
        entry = ours.versions[module]
        kept = {Step.THERE, Step.COMPLETE}  # the .info that was there stays
        info = sums.get(athens_disk_key(module, FileKind.INFO)) if step in kept else None
        entry = replace(entry, info_sha256=info or entry.info_sha256)
        if not has_proofs and not entry.verified.startswith(UNVERIFIED):
            entry = replace(entry, verified=f"{UNVERIFIED}: pushed without its checksum record")
        versions[module] = entry
    known_only = {module for module in ours.listed if module in versions}
    return Manifest(
        versions,
        {**theirs.listed, **{m: f for m, f in ours.listed.items() if m in known_only}},
        {**theirs.surveys, **ours.surveys},
        {**theirs.modules, **ours.modules},
        theirs.aliases,
    )


def tar_file(name: str, size_bytes: int, *, owner: tuple[int, int], time_s: int = 0) -> bytes:
    """Give the header blocks of a file that Athens may read: mode 0644, this owner."""
    return _tar_header(name, tarfile.REGTYPE, 0o644, size_bytes, owner, time_s)


def tar_folder(name: str, *, owner: tuple[int, int]) -> bytes:
    """Give the header blocks of a folder that Athens may read: mode 0755, this owner."""
    return _tar_header(name, tarfile.DIRTYPE, 0o755, 0, owner, 0)


def _tar_header(
    name: str, kind: bytes, mode: int, size_bytes: int, owner: tuple[int, int], time_s: int
) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime = kind, mode, size_bytes, time_s
    info.uid, info.gid = owner
    return info.tobuf(tarfile.PAX_FORMAT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a push stages and publishes: the storage's root there, the push's own name."""

    root: str
    name: str
    owner: tuple[int, int]

    @property
    def staging(self) -> str:
        """The push's folder, below the root."""
        return f"{OWN_FOLDER}/staging/{self.name}"

    def staged(self, number: int, module: ModuleVersion) -> str:
        """The folder, below the root, where a version's files are staged."""
        return f"{self.staging}/{number}/{module.version}"


def worklist(
    steps: Iterable[tuple[int, ModuleVersion, Step]], own: Iterable[str], last: Iterable[str]
) -> bytes:
    """Write what the publishing script does, in order; `own` and `last` are gopack's own files.

    `own` (proofs) come before the versions, `last` (the manifest) after them.
    """
    lines = [f"own 0 {name} -" for name in own]
    lines += [
        f"{'zip' if step is Step.COMPLETE else 'version'} {number} {module.path} {module.version}"
        for number, module, step in steps
    ]
    lines += [f"own 0 {name} -" for name in last]
    return "".join(f"{line}\n" for line in lines).encode()


def publish_script(place: Place, worklist_file: str) -> str:
    """Write the script that lets staged versions appear; they are on the disk before."""
    uid, gid = place.owner
    return f"""set -eu
umask 022
cd {shlex.quote(place.root)}
owner={uid}:{gid}
staging={place.staging}
[ -e {OWN_FOLDER}/lock ] || {{ : >{OWN_FOLDER}/lock; chown $owner {OWN_FOLDER}/lock; }}
exec 9<>{OWN_FOLDER}/lock
tries=0
while command -v flock >/dev/null && ! flock -n 9; do
  tries=$((tries + 1))
  [ $tries -lt {LOCK_WAIT_S} ] || exit {FAILED_LOCK}
  sleep 1
done
folders() {{
  rest=$1 at=.
  while [ -n "$rest" ]; do
    at=$at/${{rest%%/*}}
    case $rest in */*) rest=${{rest#*/}} ;; *) rest= ;; esac
    [ -d "$at" ] || {{ mkdir "$at"; chown $owner "$at"; }}
  done
}}
sync
while read -r kind number path version; do
  staged=$staging/$number/$version
  case $kind in
  zip) mv "$staged/source.zip" "$path/$version/source.zip" ;;
  own)
    case $path in */*) folders "{OWN_FOLDER}/${{path%/*}}" ;; esac
    mv -f "$staging/own/$path" "{OWN_FOLDER}/$path" ;;
  version)
    folders "$path"
    mv "$staged/info" "$staged/$version.info"
    if [ -e "$path/$version" ]; then mv "$path/$version" "$staging/$number/aside"; fi
    mv "$staged" "$path/" ;;
  esac
done <{shlex.quote(worklist_file)}
sync
rm -rf {OWN_FOLDER}/staging/push-*
"""


def clean_script(place: Place) -> str:
    """Write the script that deletes what a push staged, after a failure."""
    return f"cd {shlex.quote(place.root)} && rm -rf {place.staging}\n"
