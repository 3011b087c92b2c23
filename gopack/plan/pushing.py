"""What a push does with each version, and the shell scripts that do it beside Athens.

Rules:
- A version that is there with the same go.mod and zip stays; one with other bytes is a conflict
  and stays, too. What lies in a version's folder and is no whole version is replaced.
- Files are staged below `.gopack` on the storage's own disk; then each version appears by one
  rename of its folder, requirements first, and a mod-only one becomes complete by one rename of
  its zip. No staged file ends in `.info` while it is written.
- The lock is taken for publishing, not while hours of files are sent: where the record that was
  seen has changed by then, or a version or a zip has come that was lacking, nothing is published.
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
    STAGING,
    FileKind,
    athens_disk_folder,
    athens_disk_key,
)
from gopack.plan.manifest import UNVERIFIED, Entry, Manifest
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

FAILED_LOCK, CHANGED = 75, 76
"""The publishing script's exit status when another gopack holds the storage, or changed it."""

_OLD_S = 24 * 3600
"""Another push's staging folder is left alone for so long: it may be under way."""

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

    `user` is whom Athens runs as there, as Docker has it: `USER[:GROUP]`, names or numbers. The
    root folder's owner stands for an empty one and for names that the image does not know.
    """
    name, _, group = user.partition(":")
    return f"""set -eu
cd {shlex.quote(root)}
uid={_number("-u", name, name)}
gid={_number("-g", name, group)}
ls -lnd . | {{ read -r _ _ owner group _; echo ${{uid:-$owner}}; echo ${{gid:-$group}}; }}
df -kP . | tail -n 1
find . -path ./{OWN_FOLDER}/{STAGING} -prune -o -type f -print
"""


def _number(which: str, name: str, given: str) -> str:
    """Give the word that is a number or empty; a user that is only a number has the group 0."""
    if not name:
        return ""
    if given.isdecimal():
        return given
    if given and which == "-g":
        return f"$(awk -F: -v g={shlex.quote(given)} '$1 == g {{ print $3 }}' /etc/group)"
    unknown = "echo 0" if name.isdecimal() else ":"
    return f"$(id {which} {shlex.quote(name)} 2>/dev/null || {unknown})"


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
    """Write the script that hashes the files named in a file, one a line, and deletes that."""
    return (
        f"{_deleting(names_file)}set -eu\ncd {shlex.quote(root)}\n"
        f"xargs sha256sum <{shlex.quote(names_file)}\n"
    )


def _deleting(file: str) -> str:
    """Write the line of a script that deletes what it was given to read, however it ends."""
    return f"given={shlex.quote(file)}; trap 'rm -f \"$given\"' EXIT\n"


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


def new_aliases(
    theirs: Manifest, ours: Manifest, steps: Mapping[ModuleVersion, Step], files: frozenset[str]
) -> dict[ModuleVersion, str]:
    """Tell which names of branches, tags and commits go along, with the versions they stand for.

    As with a bundle: a name never goes back to a lower version, and one that is there from
    elsewhere stays; one whose version is a conflict stays here.
    """
    found = {}
    for alias, version in sorted(ours.aliases.items()):
        is_there = athens_disk_key(alias, FileKind.INFO) in files
        known = theirs.aliases.get(alias)
        if known is not None and semver.compare(known, version) > 0:
            continue
        if is_there and known in {None, version}:
            continue
        if steps.get(ModuleVersion(alias.path, version), Step.CONFLICT) is not Step.CONFLICT:
            found[alias] = version
    return found


_NO_ALIASES: Mapping[ModuleVersion, str] = {}


def merged(
    theirs: Manifest,
    ours: Manifest,
    steps: Mapping[ModuleVersion, Step],
    sums: Mapping[str, str],
    *,
    has_proofs: bool,
    aliases: Mapping[ModuleVersion, str] = _NO_ALIASES,
) -> Manifest:
    """Give the manifest of the target after the push: what it had, and what was pushed.

    Without proofs, what our checksum database vouched for is unverified there.
    """
    versions = dict(theirs.versions)
    for module, step in steps.items():
        known = versions.get(module)
        entry = ours.versions[module]
        has_more = entry.zip is None and athens_disk_key(module, FileKind.ZIP) in sums
        if step is Step.CONFLICT or (step is Step.THERE and (known or has_more)):
            continue
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
        {**theirs.aliases, **aliases},
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
    """Where a push stages and publishes: the storage's root there, the push's own name.

    The name is `push-SECONDS-...`, with the time it began, in seconds since 1970.
    """

    root: str
    name: str
    owner: tuple[int, int]

    @property
    def staging(self) -> str:
        """The push's folder, below the root."""
        return f"{OWN_FOLDER}/{STAGING}/{self.name}"

    @property
    def begun_s(self) -> int:
        """When the push began."""
        return int(self.name.split("-")[1])

    def staged(self, number: int, module: ModuleVersion) -> str:
        """The folder, below the root, where a version's files are staged."""
        return f"{self.staging}/{number}/{module.version}"


_KINDS = {Step.ADD: "new", Step.REPLACE: "version", Step.COMPLETE: "zip"}


def worklist(
    steps: Iterable[tuple[int, ModuleVersion, Step]],
    aliases: Iterable[tuple[int, ModuleVersion]],
    own: Iterable[str],
    last: Iterable[str],
) -> bytes:
    """Write what the publishing script does, in order; `own` and `last` are gopack's own files.

    `own` (proofs) come before the versions, the names that stand for some behind them, and
    `last` (the manifest) comes behind all.
    """
    lines = [f"own 0 {name} -" for name in own]
    lines += [
        f"{_KINDS[step]} {number} {module.path} {module.version}" for number, module, step in steps
    ]
    lines += [f"alias {number} {alias.path} {alias.version}" for number, alias in aliases]
    lines += [f"own 0 {name} -" for name in last]
    return "".join(f"{line}\n" for line in lines).encode()


def _locked(place: Place, first: str = "") -> str:
    """Write the beginning of a script that holds the storage; `first` comes before that."""
    uid, gid = place.owner
    return f"""set -eu
umask 022
cd {shlex.quote(place.root)}
owner={uid}:{gid}
staging={place.staging}
{first}[ -e {OWN_FOLDER}/lock ] || {{ : >{OWN_FOLDER}/lock; chown $owner {OWN_FOLDER}/lock; }}
exec 9<>{OWN_FOLDER}/lock
tries=0
while command -v flock >/dev/null && ! flock -n 9; do
  tries=$((tries + 1))
  [ $tries -lt {LOCK_WAIT_S} ] || exit {FAILED_LOCK}
  sleep 1
done
"""


def _unchanged(seen: Mapping[str, str]) -> str:
    """Write the part of a script that ends it where gopack's own files are not as they were seen.

    `seen` are their SHA-256 by name, empty where there was none.
    """
    looks = (
        f'[ "$(sum {shlex.quote(f"{OWN_FOLDER}/{name}")})" = "{digest}" ] || exit {CHANGED}\n'
        for name, digest in sorted(seen.items())
    )
    return f"""sum() {{
  [ -e "$1" ] || return 0
  sha256sum "$1" | {{ read -r digest _; echo "$digest"; }}
}}
{"".join(looks)}"""


def publish_script(place: Place, worklist_file: str, seen: Mapping[str, str]) -> str:
    """Write the script that lets staged versions appear; they are on the disk before.

    `seen` are the SHA-256 of gopack's own files there that what is to be done was decided by. A
    look lists no folders, so a version's may be there when it is added; but no file in it.
    """
    work = shlex.quote(worklist_file)
    return f"""{_deleting(worklist_file)}{_locked(place)}{_unchanged(seen)}
is_whole() {{ [ -e "$1/$2.info" ] && [ -e "$1/go.mod" ]; }}
while read -r kind number path version; do
  at=$path/$version
  case $kind in
  new) [ ! -e "$at" ] || [ -z "$(find "$at" ! -type d)" ] || exit {CHANGED} ;;
  version) ! is_whole "$at" "$version" || exit {CHANGED} ;;
  zip) is_whole "$at" "$version" && [ ! -e "$at/source.zip" ] || exit {CHANGED} ;;
  esac
done <{work}
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
  alias)
    folders "$path/$version"
    mv -f "$staged/info" "$path/$version/$version.info" ;;
  own)
    case $path in */*) folders "{OWN_FOLDER}/${{path%/*}}" ;; esac
    mv -f "$staging/own/$path" "{OWN_FOLDER}/$path" ;;
  new|version)
    folders "$path"
    mv "$staged/info" "$staged/$version.info"
    if [ -e "$path/$version" ]; then mv "$path/$version" "$staging/$number/aside"; fi
    mv "$staged" "$path/" ;;
  esac
done <{work}
sync
rm -rf {place.staging}
for left in {OWN_FOLDER}/{STAGING}/push-*; do
  begun=${{left##*/push-}} begun=${{begun%%-*}}
  case $begun in *[!0-9]*|"") continue ;; esac
  [ "$begun" -ge {place.begun_s - _OLD_S} ] || rm -rf "$left"
done
"""


def clean_script(place: Place) -> str:
    """Write the script that deletes what a push staged, after a failure.

    It waits for the lock: the script that publishes may still run, whoever waited for it. Where
    nothing was staged there may be no folder for a lock.
    """
    locked = _locked(place, "[ -d $staging ] || exit 0\n")
    return f"{locked}rm -rf {place.staging}\n"
