"""Which stored versions the go command behind the gap may be given for a query.

It sees a list of what is stored, whole or not, and no `@latest`: from these it chooses what
`latest`, `upgrade` and `patch` mean. What it chooses must be there whole, or the query ends in a
404. The choice is made by the machine that resolves the list's own lines, shown the storage; what
it only asks to be told that a stored version is there is not read.

Spec: go.dev/ref/mod#version-queries. `upgrade` and `patch` start from every version that is stored
whole, since each may be selected in some project.
"""

import json
from collections.abc import Generator, Iterable, Mapping
from typing import TypeVar

from gopack.errors import GopackError, NotFoundError
from gopack.plan.query import Resolution, Steps, resolve
from gopack.spec.goproxy import Info, Latest, Request, VersionList
from gopack.spec.module import ModuleVersion
from gopack.spec.pseudo import is_pseudo

T = TypeVar("T")


def by_path(wants: Mapping[ModuleVersion, bool]) -> dict[str, dict[str, bool]]:
    """Part wanted versions by module path: version to whether it is whole."""
    found: dict[str, dict[str, bool]] = {}
    for module, whole in wants.items():
        found.setdefault(module.path, {})[module.version] = whole
    return found


def answers(path: str, stored: Mapping[str, bool]) -> Steps[set[ModuleVersion]]:
    """Tell what sealed queries on a module may resolve to.

    Args:
        path: the module path.
        stored: its versions in the storage, and of each whether it is whole.
    """
    listed = _listed(stored)
    read: dict[Request, bytes] = {}
    found: set[ModuleVersion] = set()
    for query, current in _queries(stored):
        try:
            resolution: Resolution = yield from _sealed(
                resolve(path, query, current=current),
                listed,
                reads_times=is_pseudo(current),
                read=read,
            )
        except GopackError:
            continue  # nothing that the query can be: go says so connected and sealed
        found.add(resolution.module)
    return found


def latest(path: str, stored: Iterable[str]) -> Steps[ModuleVersion]:
    """Tell what sealed `latest` on a module resolves to.

    Raises:
        NotFoundError: nothing that is stored can be it.
    """
    resolution: Resolution = yield from _sealed(resolve(path, "latest"), _listed(stored))
    return resolution.module


def _listed(stored: Iterable[str]) -> bytes:
    return "".join(f"{version}\n" for version in sorted(stored)).encode()


def _queries(stored: Mapping[str, bool]) -> Iterable[tuple[str, str]]:
    yield "latest", ""
    for version, whole in sorted(stored.items()):
        if whole:
            yield "upgrade", version
            yield "patch", version


def _sealed(
    steps: Steps[T],
    listed: bytes,
    *,
    reads_times: bool = False,
    read: dict[Request, bytes] | None = None,
) -> Generator[Request, bytes, T]:
    """Answer a machine's list and `@latest` as a sealed proxy does; pass on the rest.

    Args:
        steps: the machine.
        listed: the list.
        reads_times: whether it compares versions by their time, which only infos tell.
        read: what was passed on before, and the answers.
    """
    read = {} if read is None else read
    try:
        request = next(steps)
        while True:
            try:
                answer = _answer(request, listed, reads_times=reads_times)
                if answer is None:
                    answer = read.get(request)
                if answer is None:
                    answer = read[request] = yield request
            except GopackError as error:
                request = steps.throw(error)
            else:
                request = steps.send(answer)
    except StopIteration as result:
        return result.value  # type: ignore[no-any-return]  # StopIteration.value is Any


def _answer(request: Request, listed: bytes, *, reads_times: bool) -> bytes | None:
    match request:
        case Latest(path):
            raise NotFoundError("a sealed proxy has no @latest", where=path)
        case VersionList():
            return listed
        case Info(_, version) if not reads_times:
            return json.dumps({"Version": version}).encode()
        case _:
            return None
