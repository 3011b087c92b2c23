"""What to pack of a git repository: which commit, which folder, which version."""

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gopack.errors import GopackError, InputError
from gopack.plan.gitplace import Place, ReadFile, find_folder, locate
from gopack.plan.gitversion import (
    REV_DIGITS,
    TAGS,
    Commit,
    GitError,
    Tags,
    check_pseudo,
    check_pseudo_base,
    choose_version,
    highest,
    origin_of,
    released,
    tag_of,
    version_of_tag,
    versions_in,
)
from gopack.plan.inputs.gowork import read_go_work
from gopack.plan.packing import check_version, is_reached, module_path, unparsed
from gopack.plan.summary import named_module
from gopack.spec import gomod, semver
from gopack.spec.info import Origin
from gopack.spec.module import ModuleVersion, match_path_major, split_path_version
from gopack.spec.pseudo import is_pseudo, pseudo_rev


class Repository(Protocol):
    """A git repository; every method may raise GitError where git fails."""

    @property
    def is_shallow(self) -> bool:
        """Whether history is cut off somewhere."""

    def refs(self) -> dict[str, str]:
        """Map HEAD, heads and tags, by full name, to commits."""

    def resolve(self, name: str) -> Commit:
        """Find the commit that a tag, branch or hash names."""

    def commit(self, full_hash: str) -> Commit:
        """Look a commit up by its full hash."""

    def tags_before(self, commit: Commit) -> list[str]:
        """List the tags on a commit and before it."""

    def read_file(self, commit: Commit, path: str) -> bytes | None:
        """Read a file of a commit; None where there is none."""

    def modules(self, commit: Commit) -> list[str]:
        """List the folders of a commit that hold a go.mod."""

    def url(self) -> str:
        """The remote's URL without credentials, or an empty text."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One module version of a repository; `notes` are what a person should know about it."""

    module: ModuleVersion
    folder: str
    commit: Commit
    go_mod: bytes | None
    origin: Origin
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A tag or folder that cannot be packed, and why."""

    name: str
    error: GopackError


@dataclass(frozen=True, slots=True)
class Passed:
    """A module that has nothing to pack, and why; no fault."""

    name: str
    why: str


Found = Revision | Refused | Passed


class NoTagError(InputError):
    """A module that has no version yet."""


class GitPlanner:
    """Decides on a repository's versions; its refs are read once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._refs = repository.refs()
        self._url = repository.url()
        self._tags = [ref.removeprefix(TAGS) for ref in self._refs if ref.startswith(TAGS)]

    def at(self, ref: str, *, given: str = "", version: str = "", folder: str = "") -> Revision:
        """Decide what a tag, branch or commit is packed as.

        `given` is the module path, if the caller knows it, `folder` where the module lies, and
        `version` what it is to be, instead of what the repository says.

        Raises:
            InputError: no such commit or module, or the version cannot be this commit's.
        """
        return self._at(ref, given, version, folder, takes_other=False)

    def _at(
        self, ref: str, given: str, version: str, folder: str, *, takes_other: bool
    ) -> Revision:
        """Decide as `at` does; `takes_other` takes a version that is not the tag's that was asked.

        So does a module of which a tag is no version, where all modules of a commit are wanted.
        """
        tag, commit, place = self._meant(ref, given, folder)
        read = self._reader(commit)
        found, go_mod = find_folder(place, read, where=ref)
        module_path(place.path, go_mod, where=f"{ref}: {found or '.'}", lax=True)
        notes = unparsed(go_mod)
        if version:
            notes += self._check_given(place, version, commit, has_go_mod=go_mod is not None)
        else:
            version = self._version(place, commit, asked_tag=tag)
            asked, in_full = version_of_tag(tag, place.tag_prefix)
            if in_full and not takes_other and version.partition("+")[0] != asked:
                version = asked  # it is refused below, with the reason
        module = check_version(place.path, version, has_go_mod=go_mod is not None)
        origin = origin_of(place, version, commit, self._refs, url=self._url)
        return Revision(module, found, commit, go_mod, origin, notes)

    def _meant(self, ref: str, given: str, folder: str) -> tuple[str, Commit, Place]:
        """Tell the tag that is meant, if it is one, its commit, and where in it the module lies.

        A version means the module's own tag, with its folder before it, if there is one. A branch
        of a version's name is no version (codehost.gitRepo.statLocal).
        """
        for tag in self._own_tags(ref, given, folder):
            commit = self._repository.resolve(tag)
            place = self._place(given, folder, commit, where=ref)
            if place.tag_prefix + ref == tag:
                return tag, commit, place
        commit = self._repository.resolve(ref)
        tag = ref if TAGS + ref in self._refs else ""
        return tag, commit, self._place(given, folder, commit, where=ref)

    def _place(self, given: str, folder: str, commit: Commit, *, where: str) -> Place:
        read = self._reader(commit)

        def declared() -> dict[str, str]:
            return self._declared(commit) or self._declared(self._repository.resolve("HEAD"))

        return locate(given, folder, read, declared, where=where, url=self._url)

    def _declared(self, commit: Commit) -> dict[str, str]:
        read = self._reader(commit)
        found = self._repository.modules(commit)
        return {f: named_module(read(f"{f}/go.mod" if f else "go.mod") or b"") for f in found}

    def all_tags(self, ref: str, *, given: str = "", folder: str = "") -> list[Found]:
        """Decide on every version that the tags have of a module, of all its major versions.

        With `given`, of this path alone.

        Raises:
            InputError: there is no such commit or module, or no tag for it.
        """
        commit = self._repository.resolve(ref)
        place = self._place(given, folder, commit, where=ref)
        found: list[Found] = []
        for tag in sorted(self._tags, key=lambda tag: _tag_key(tag, place.tag_prefix)):
            version = released(tag, place.tag_prefix)
            if version:
                found += self._of_tag(place, tag, version, is_given=bool(given))
        if not found:
            raise self._no_tag(place)
        return found

    def everything(self, ref: str, *, version: str = "", all_tags: bool = False) -> list[Found]:
        """Decide on every module of a commit: those that `./...` reaches, and go.work's.

        Raises:
            InputError: there is no such commit, or it has no module.
        """
        commit = self._repository.resolve(ref)
        found: list[Found] = []
        for folder in self._folders(commit):
            try:
                _check_inside(folder)
                if all_tags:
                    found += self.all_tags(ref, folder=folder)
                else:
                    found.append(self._at(ref, "", version, folder, takes_other=True))
            except NoTagError as error:
                found.append(Passed(folder or ".", str(error)))
            except GopackError as error:
                found.append(Refused(folder or ".", error))
        if not found:
            raise InputError("there is no go.mod in this commit", where=ref)
        if all(isinstance(each, Passed) for each in found):
            hint = "git fetch --tags, or leave --all-tags out."
            raise NoTagError("no module has a tag", where=ref, hint=hint)
        return _each_once(_but_packed(found) if all_tags else found)

    def _folders(self, commit: Commit) -> list[str]:
        reached = {f for f in self._repository.modules(commit) if _is_reached(f)}
        work = self._repository.read_file(commit, "go.work")
        members = read_go_work(work).members if work is not None else ()
        return sorted(reached | {_clean(member) for member in members})

    def _own_tags(self, ref: str, given: str, folder: str) -> list[str]:
        """The tags that `ref` may mean when it is a version, the longest first."""
        if not semver.is_valid(ref) or is_pseudo(ref):
            return []
        parent, _, last = folder.rpartition("/")
        stem = parent if last.startswith("v") and last[1:].isdigit() else folder
        path = f"/{split_path_version(given)[0] or stem}/"
        found = [tag for tag in self._tags if f"/{tag}".endswith(f"/{ref}")]
        return sorted((t for t in found if path.endswith(f"/{t.removesuffix(ref)}")), key=len)[::-1]

    def _reader(self, commit: Commit) -> ReadFile:
        return lambda path: self._repository.read_file(commit, path)

    def _version(self, place: Place, commit: Commit, *, asked_tag: str) -> str:
        version = choose_version(place, commit, self._tags_of(place, commit), asked_tag=asked_tag)
        if is_pseudo(version) and pseudo_rev(version) != commit.hash[:REV_DIGITS]:
            raise InputError(
                "the commit's tag looks like another commit's pseudo-version",
                where=f"{place.path}@{version}",
                hint="The go command refuses it: remove the tag, or give VERSION.",
            )
        if is_pseudo(version) and self._repository.is_shallow:
            raise InputError(
                "the clone is shallow: the tags before this commit are not known",
                where=f"{place.path}@{commit.hash[:12]}",
                hint="git fetch --unshallow --tags, or give VERSION.",
            )
        return version

    def _tags_of(self, place: Place, commit: Commit) -> Tags:
        return Tags(
            here=[tag for tag in self._tags if self._refs[TAGS + tag] == commit.hash],
            before=self._repository.tags_before(commit),
            is_retracted=self._retractions(place),
            may_be_incompatible=self._may_be_incompatible(place, commit),
        )

    def _no_tag(self, place: Place) -> "NoTagError":
        shallow = (
            " The clone is shallow: git fetch --unshallow --tags." * self._repository.is_shallow
        )
        return NoTagError(
            f"there is no tag {place.tag_prefix}vX.Y.Z",
            where=place.path,
            hint=f"git fetch --tags, or leave --all-tags out.{shallow}",
        )

    def _check_given(
        self, place: Place, version: str, commit: Commit, *, has_go_mod: bool
    ) -> tuple[str, ...]:
        check_version(place.path, version, has_go_mod=has_go_mod)
        if is_pseudo(version):
            check_pseudo(place, version, commit)
            if self._repository.is_shallow:
                return ("the clone is shallow: the tag that it follows was not looked for",)
            check_pseudo_base(place, version, self._tags_of(place, commit))
            return ()
        tag = tag_of(place, version)
        at = self._refs.get(TAGS + tag)
        if at is None:
            return (f"there is no tag {tag}: connected, the go command does not know {version}",)
        if at != commit.hash:
            raise InputError(
                "the tag of this version is on another commit", where=f"{place.path}@{version}",
                expected=at[:12], got=commit.hash[:12],
                hint=f"Pack it with --git {tag}, or give this commit another version.",
            )  # fmt: skip
        return ()

    def _retractions(self, place: Place) -> Callable[[str], bool]:
        newest = highest(versions_in(place, self._tags))
        go_mod = None
        if newest:
            try:
                commit = self._repository.commit(self._refs[f"{TAGS}{place.tag_prefix}{newest}"])
                go_mod = find_folder(place, self._reader(commit), where=newest)[1]
            except InputError:
                go_mod = None
        retracted = _retracted(go_mod)
        return lambda version: any(
            semver.compare(low, version) <= 0 <= semver.compare(high, version)
            for low, high in retracted
        )

    def _may_be_incompatible(self, place: Place, commit: Commit) -> Callable[[str], bool]:
        read = self._reader(commit)
        is_bare = not place.code_dir and not place.path_major and read("go.mod") is None
        return lambda version: is_bare and read(f"{semver.major(version)}/go.mod") is None

    def _of_tag(self, place: Place, tag: str, version: str, *, is_given: bool) -> list[Found]:
        stem, major, _ = split_path_version(place.path)
        if is_given and major and not match_path_major(version, major):
            return []
        wanted = semver.major(version)
        path = place.path
        if not major.startswith(".") and not is_given:
            path = stem if wanted in {"v0", "v1"} else f"{stem}/{wanted}"
        may_be_bare = not major or not (is_given or major.startswith("."))
        try:
            bare = self._bare(replace(place, path=stem), tag, version) if may_be_bare else None
            return [bare or self._tagged(replace(place, path=path), tag, version)]
        except GitError as error:
            return [Refused(tag, error)]
        except InputError as error:
            error.hint = "It is passed by; nobody can require it under this path."
            return (
                [] if is_given and not match_path_major(version, major) else [Refused(tag, error)]
            )

    def _tagged(self, place: Place, tag: str, version: str) -> Revision:
        commit = self._repository.commit(self._refs[TAGS + tag])
        folder, go_mod = find_folder(place, self._reader(commit), where=tag)
        module_path(place.path, go_mod, where=f"{tag}: {folder or '.'}", lax=True)
        module = check_version(place.path, version, has_go_mod=go_mod is not None)
        origin = origin_of(place, version, commit, self._refs, url=self._url)
        return Revision(module, folder, commit, go_mod, origin, unparsed(go_mod))

    def _bare(self, place: Place, tag: str, version: str) -> Revision | None:
        """A tag of v2 or more of a module without go.mod, whatever path later ones have."""
        if semver.major(version) in {"v0", "v1"}:
            return None
        commit = self._repository.commit(self._refs[TAGS + tag])
        if not self._may_be_incompatible(place, commit)(version):
            return None
        return self._tagged(place, tag, f"{version}+incompatible")


def _check_inside(folder: str) -> None:
    if folder.startswith("/") or ".." in folder.split("/"):
        what = f"go.work names {folder}, which is not in the repository"
        raise InputError(what, hint="Pack it from its own repository.")


def _but_packed(found: Sequence[Found]) -> list[Found]:
    """Drop the refusals of tags that are another module's, which was found by them."""
    packed = {each.origin.ref for each in found if isinstance(each, Revision)}
    return [f for f in found if not isinstance(f, Refused) or TAGS + f.name not in packed]


def _each_once(found: Sequence[Found]) -> list[Found]:
    """Drop what was found twice: a module's major versions show in its folder and in `vN`."""
    first: dict[object, Found] = {}
    for each in found:
        first.setdefault(each.module if isinstance(each, Revision) else each.name, each)
    return list(first.values())


def _retracted(go_mod: bytes | None) -> Sequence[tuple[str, str]]:
    try:
        return [(r.low, r.high) for r in gomod.parse(go_mod or b"").retract]
    except InputError:
        return []


def _tag_key(tag: str, prefix: str) -> tuple[object, ...]:
    version, in_full = version_of_tag(tag, prefix)
    return (True, semver.sort_key(version)) if in_full else (False, tag)


def _is_reached(folder: str) -> bool:
    return all(is_reached(element) for element in folder.split("/") if folder)


def _clean(member: str) -> str:
    path = posixpath.normpath(member)
    return "" if path == "." else path
