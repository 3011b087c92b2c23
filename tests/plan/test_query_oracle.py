"""Random version lists and every kind of query: the go command's choice beside `resolve`."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopack.adapters.goproxy import HttpSource
from gopack.adapters.web import Web
from gopack.errors import GopackError
from gopack.flows.steps import run_steps
from gopack.plan.query import resolve
from gopack.spec import pseudo
from gopack.spec.goenv import GoEnv
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream, make_info, serve

pytestmark = pytest.mark.oracle

MODULES = 60
OLD = "v0.0.0-20200101000000-123456789abc"
NEW = "v0.0.0-20210101000000-abcdefabcdef"
RELEASES = ["v0.1.0", "v0.2.0", "v1.0.0", "v1.0.1", "v1.2.0", "v1.2.3", "v1.10.0"]
PRERELEASES = ["v1.0.0-rc.1", "v1.2.1-beta", "v1.11.0-rc.1", "v1.11.0-rc.2"]
INCOMPATIBLE = ["v2.0.0+incompatible", "v2.1.0+incompatible", "v3.0.0-rc.1+incompatible"]
LATER = "v1.10.1-0.20220101000000-aaaaaaaaaaaa"
QUERIES = [
    "latest", "upgrade", "patch", "v0", "v1", "v1.0", "v1.2", "v1.2.3", "v2", "v2.1", "v9.9.9",
    "<v1", "<v1.2", "<v1.2.0", "<=v1.2", "<=v1.2.0", ">v1", ">v1.2.0", ">=v1", ">=v1.2.1", ">=v2",
    ">v9", "<v0.0.1", "main", "abcdefabcdef", "no-such-branch", "v1.2.3+meta", "v1.0.9+meta", ">=1",
    "<", OLD, "v2.0.0+incompatible", "v1.0.0-rc.1", "retractedbranch",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    path: str
    current: str  # what the main module requires; empty for none


def make_case(upstream: Upstream, number: int) -> Case:
    rng = random.Random(number)
    path = f"example.com/q{number}"
    some = [v for v in [*RELEASES, *PRERELEASES] if rng.random() < 0.4]
    some += [v for v in INCOMPATIBLE if rng.random() < 0.3]
    if rng.random() < 0.25:
        some = []
    listed = some + [v for v in (OLD, NEW, LATER) if rng.random() < 0.3]
    for version in {*listed, NEW}:
        stamp = "2020-06-01T00:00:00Z"
        if pseudo.is_pseudo(version):
            stamp = pseudo.pseudo_time(version).strftime("%Y-%m-%dT%H:%M:%SZ")
        upstream.add(path, version, mod=make_mod(path, version, rng), stamp=stamp, listed=False)
    lines = [v + (" 2021-06-01T00:00:00Z" if rng.random() < 0.1 else "") for v in listed]
    lines += rng.sample(["garbage", "v1.2", "1.0.0", "v1.0.0.0", ""], rng.randint(0, 2))
    rng.shuffle(lines)
    upstream.put(f"{path}/@v/list", "\n".join(lines).encode())
    if rng.random() < 0.5:
        upstream.put(f"{path}/@latest", make_info(NEW, "2021-01-01T00:00:00Z"))
    for name in ("main", "abcdefabcdef"):
        upstream.put(f"{path}/@v/{name}.info", make_info(NEW, "2021-01-01T00:00:00Z"))
    current = rng.choice([v for v in some if "+" not in v] or [""])
    return Case(path, current if rng.random() < 0.6 else "")


def make_mod(path: str, version: str, rng: random.Random) -> str:
    if version.endswith("+incompatible"):
        return f"module {path}\n"
    text = f"module {path}\n"
    if rng.random() < 0.5:
        text += "\ngo 1.20\n"
    if rng.random() < 0.3:
        what = rng.choice(
            ["v1.2.3", "[v1.0.0, v1.10.0]", f"[{version}, {version}]", "[v0.0.0-0, v9.0.0]"]
        )
        text += f"\nretract {what} // oops\n"
    return text


@dataclass(frozen=True)
class Verdict:
    version: str
    error: str


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Upstream, list[Case]]]:
    for upstream in serve():
        yield upstream, [make_case(upstream, number) for number in range(MODULES)]


@pytest.fixture(scope="module")
def go_says(
    served: tuple[Upstream, list[Case]], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Verdict]:
    """One call of the go command a query: it takes all modules at once."""
    upstream, cases = served
    go = GoJudge(tmp_path_factory.mktemp("queries"), upstream.url)
    go.require([(case.path, case.current) for case in cases if case.current])
    found = {}
    for query in QUERIES:
        arguments = [f"{case.path}@{query}" for case in cases]
        for answer in go.objects("list", "-m", "-e", "-mod=mod", "-json", *arguments):
            error = answer.get("Error", {}).get("Err", "")
            path = answer["Path"].partition("@")[0]
            found[path, query] = Verdict("" if error else answer["Version"], error)
    return found


def test_resolve_chooses_what_go_chooses(
    served: tuple[Upstream, list[Case]],
    go_says: dict[tuple[str, str], Verdict],
    tmp_path: Path,
) -> None:
    upstream, cases = served
    web = Web(GoEnv(proxies=()))
    source = HttpSource(upstream.url, web)
    wrong, doubtful = [], 0
    for case in cases:
        for query in QUERIES:
            ours = ask(source, case, query)
            if agree(ours, go_says[case.path, query]):
                continue
            # `go list` lets branches name retracted versions, and not a current one: `go get` does
            # as its documentation says, and is too slow to be asked everything.
            doubtful += 1
            go = GoJudge(tmp_path / str(doubtful), upstream.url)
            if not agree(ours, go_get(go, case, query)):
                wrong.append((case, query, ours, go_says[case.path, query]))
    web.close()
    assert not wrong, "\n".join(map(str, wrong))
    assert doubtful < len(go_says) // 20
    assert sum(not verdict.error for verdict in go_says.values()) > len(go_says) // 4


def ask(source: HttpSource, case: Case, query: str) -> Verdict:
    current = case.current if query in {"upgrade", "patch"} else ""
    try:
        found = run_steps(resolve(case.path, query, current=current), source)
    except GopackError as error:
        return Verdict("", error.what)
    return Verdict(found.module.version, "")


def go_get(go: GoJudge, case: Case, query: str) -> Verdict:
    if case.current:
        go.require([(case.path, case.current)])
    done = go.run("get", f"{case.path}@{query}")
    if done.returncode:
        return Verdict("", done.stderr)
    [module] = go.objects("list", "-m", "-json", case.path)
    return Verdict(module["Version"], "")


def agree(ours: Verdict, go: Verdict) -> bool:
    """The same version, or both fail and go says what we say (a proxy's 404 is told our way)."""
    if ours.version != go.version:
        return False
    return not go.error or "404" in ours.error or ours.error in go.error
