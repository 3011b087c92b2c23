"""Finding what `gopack pack` was asked for: folders and commits become tasks."""

import os
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from gopack.adapters.committedtree import CommittedTree
from gopack.adapters.gittree import GitRepository, NoRepositoryError
from gopack.adapters.sourcetree import SourceTree, find_modules
from gopack.errors import GopackError, InputError
from gopack.flows.pack import PackTask
from gopack.flows.packgit import Found, GitPlanner, Passed, Refused, Revision
from gopack.plan.gitplace import Place, without_major
from gopack.plan.gitversion import REV_DIGITS, TAGS, Commit, check_pseudo, origin_of, tag_of
from gopack.plan.inputs.gowork import read_go_work
from gopack.plan.packing import check_version, module_path
from gopack.spec.pseudo import is_pseudo

Note = Callable[[str], None]
"""Tells a person something that is worth knowing and stops nothing."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line; texts are empty where nothing was."""

    source: Path
    module: str
    version: str
    ref: str = ""
    all_tags: bool = False
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class FoundTask:
    """A task that opens its tree only while it is packed; opening it may raise a GopackError.

    `name` is its folder.
    """

    name: str
    task: Callable[[], AbstractContextManager[PackTask]]


OwnPaths = Callable[[Path], set[Path]]
"""Tells what lies in a folder that is packed and is the run's own output: it is never packed."""


def find_tasks(request: Request, own_paths: OwnPaths, note: Note) -> Iterator[FoundTask]:
    """Find every module version that was asked for.

    Raises:
        InputError: it cannot be told what is to be packed, or the output would be packed.
        StoreError: a folder cannot be read.
    """
    if request.all_tags and request.version:
        raise InputError("--all-tags takes the versions of the tags", hint="Leave VERSION out.")
    if request.recursive and request.module:
        raise InputError("--recursive takes the modules of go.mod", hint="Leave MODULE out.")
    if not request.source.is_dir():
        raise InputError("there is no such folder", where=str(request.source), hint="See --source.")
    if request.ref or request.all_tags:
        yield from _from_git(request, note)
    elif request.recursive:
        for folder in _folders(request.source, own_paths(request.source)):
            yield _from_folder(request, request.source / folder, own_paths, note)
    else:
        yield _from_folder(request, request.source, own_paths, note)


def _from_git(request: Request, note: Note) -> Iterator[FoundTask]:
    repository = GitRepository(request.source)
    planner = GitPlanner(repository)
    if repository.top is not None and repository.is_dirty():
        note("the folder has changes that are not committed: they are not packed")
    for found in _found_in_git(request, repository, planner):
        if isinstance(found, Passed):
            note(f"{found.why}: passed by")
            continue
        if isinstance(found, Revision):
            for each in found.notes:
                note(f"{found.module}: {each}")
        name = found.folder if isinstance(found, Revision) else found.name
        yield FoundTask(name or ".", _opener(repository, found))


def _found_in_git(
    request: Request, repository: GitRepository, planner: GitPlanner
) -> "list[Found]":
    ref = request.ref or "HEAD"
    if request.recursive:
        return planner.everything(ref, version=request.version, all_tags=request.all_tags)
    if request.all_tags:
        return planner.all_tags(ref, given=request.module, folder=repository.folder)
    return [
        planner.at(ref, given=request.module, version=request.version, folder=repository.folder)
    ]


def _opener(
    repository: GitRepository, found: Revision | Refused
) -> Callable[[], AbstractContextManager[PackTask]]:
    @contextmanager
    def task() -> Iterator[PackTask]:
        if not isinstance(found, Revision):
            found.error.where = found.error.where or found.name
            raise found.error
        with repository.tree(found.commit, found.folder) as tree:
            yield PackTask(
                found.module,
                found.go_mod,
                tree,
                how=f"packed from git commit {found.commit.hash}",
                time=found.commit.time,
                origin=found.origin,
            )

    return task


def _folders(source: Path, own: Set[Path]) -> list[str]:
    folders = set(find_modules(source, passed_by=own))
    work = source / "go.work"
    if work.is_file():
        members = read_go_work(work.read_bytes(), name=str(work)).members
        normal = map(os.path.normpath, members)
        folders |= {"" if m == "." else m for m in normal}
    if not folders:
        raise InputError("there is no go.mod in or below this folder", where=str(source))
    return sorted(folders)


def _from_folder(request: Request, folder: Path, own_paths: OwnPaths, note: Note) -> FoundTask:
    def task() -> AbstractContextManager[PackTask]:
        return nullcontext(_folder_task(request, folder, own_paths(folder), note))

    return FoundTask(str(folder), task)


def _folder_task(request: Request, folder: Path, own_paths: Set[Path], note: Note) -> PackTask:
    tree = SourceTree(folder, passed_by=own_paths)
    go_mod = tree.go_mod()
    path = module_path(request.module, go_mod, where=str(folder))
    module = check_version(path, request.version, has_go_mod=go_mod is not None)
    if go_mod is None and any(
        own.parent == tree.root and own.name == "go.mod" for own in own_paths
    ):
        raise InputError(
            "OUTPUT_DIR is the module's folder, and a go.mod would be left in it",
            where=str(module),
            hint="Give another OUTPUT_DIR, or write a go.mod.",
        )
    task = PackTask(module, go_mod, tree, how="packed from a folder")
    try:
        return _with_commit(task, tree, note)
    except NoRepositoryError:
        return task
    except GopackError as error:
        note(
            f"{task.module}: the info names no commit, and its time is the newest file's: "
            f"{error} ({error.next_step})"
        )
        return task


def _with_commit(task: PackTask, tree: SourceTree, note: Note) -> PackTask:
    """Add what git knows of a folder: the commit that it should be; nothing where git knows none.

    Raises:
        NoRepositoryError: the folder is in no git repository.
        GitError: git cannot tell.
    """
    repository = GitRepository(tree.root)
    refs = repository.refs()
    if repository.top is None or "HEAD" not in refs:
        return task
    commit = repository.commit(refs["HEAD"])
    committed = repository.files(commit)
    if committed is None:
        return task
    path, version = task.module
    place = Place(path, without_major(repository.folder, path))
    for each in _doubts(place, version, commit, refs):
        note(f"{task.module}: {each}")
    if repository.folder and not any(file.path == "LICENSE" for file in committed):
        license_ = repository.root_license(commit)
        committed += [license_] if license_ else []
        if license_ and not (tree.root / "LICENSE").exists():
            note(f"{task.module}: --git adds the LICENSE of the repository's root; here is none")
    watched = CommittedTree(tree, committed, repository.hash_algorithm)
    return replace(
        task,
        tree=watched,
        how=f"packed from git commit {commit.hash}",
        time=commit.time,
        origin=origin_of(place, version, commit, refs, url=repository.url()),
        commit=watched,
        how_else=f"packed from a folder with changes since git commit {commit.hash}",
    )


def _doubts(place: Place, version: str, commit: Commit, refs: Mapping[str, str]) -> tuple[str, ...]:
    """Tell what says that a folder is not what its version should be."""
    if is_pseudo(version):
        try:
            check_pseudo(place, version, commit)
        except InputError as error:
            return (str(error),)
        return ()
    tag = tag_of(place, version)
    at = refs.get(f"{TAGS}{tag}", commit.hash)
    if at == commit.hash:
        return ()
    return (
        f"the tag {tag} is on commit {at[:REV_DIGITS]}, and this folder is "
        f"{commit.hash[:REV_DIGITS]} (--git {tag} packs the tag)",
    )
