"""Random module graphs: what the go command reads and selects, beside GraphWalk and Closure."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from gopack.plan.closure import Closure, Level
from gopack.plan.graph import GraphWalk
from gopack.plan.summary import Summary, summarize
from gopack.spec.module import ModuleVersion
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = pytest.mark.oracle

GRAPHS = 60


@dataclass
class Case:
    """One random graph below a path of its own, and the roots of its main module."""

    prefix: str
    main_go: str
    mods: dict[ModuleVersion, str] = field(default_factory=dict)
    roots: list[ModuleVersion] = field(default_factory=list)

    @property
    def pruned(self) -> bool:
        return self.main_go != "1.16"


def make_case(number: int) -> Case:
    rng = random.Random(number)
    case = Case(f"example.com/g{number}", rng.choice(["1.21", "1.21", "1.16"]))
    paths = [f"{case.prefix}/{name}" for name in "abcdefg"[: rng.randint(2, 7)]]
    versions = [
        ModuleVersion(path, version)
        for path in paths
        for version in rng.sample(
            ["v0.1.0", "v1.0.0", "v1.1.0-rc.1", "v1.1.0", "v1.10.0", "v2.0.0+incompatible"],
            rng.randint(1, 4),
        )
    ]
    for module in versions:
        others = [v for v in versions if v.path != module.path]
        go = rng.choice(["", "go 1.13\n", "go 1.16\n", "go 1.17\n", "go 1.20\n", "go 1.21\n"])
        lines = []
        if not module.version.endswith("+incompatible"):
            count = rng.randint(0, 3)
            picked = {v.path: v for v in rng.sample(others, min(count, len(others)))}
            lines += [f"require {v.path} {v.version}" for v in picked.values()]
            if others and rng.random() < 0.3:
                victim, other = rng.choice(others), rng.choice(others)
                lines.append(f"replace {victim.path} => {other.path} {other.version}")
            if others and rng.random() < 0.3:
                excluded = rng.choice(others)
                lines.append(f"exclude {excluded.path} {excluded.version}")
        else:
            go = ""
        case.mods[module] = f"module {module.path}\n{go}" + "".join(f"{x}\n" for x in lines)
    by_path = {v.path: v for v in rng.sample(versions, len(versions))}
    case.roots = rng.sample(sorted(by_path.values()), rng.randint(1, min(3, len(by_path))))
    return case


def summaries(case: Case) -> dict[ModuleVersion, Summary]:
    return {m: summarize(m, text.encode()) for m, text in case.mods.items()}


def walk(machine: GraphWalk | Closure, known: dict[ModuleVersion, Summary]) -> None:
    while needed := machine.needs():
        for module in needed:
            machine.feed(module, known[module])
    assert machine.is_done


@dataclass
class Judged:
    build_list: set[ModuleVersion]
    asked: set[ModuleVersion]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Case, Judged]]]:
    """What the go command says of every case: its build list, and the go.mod files it asked for."""
    cases = [make_case(number) for number in range(GRAPHS)]
    folder = tmp_path_factory.mktemp("graphs")
    with Upstream() as upstream, ThreadPoolExecutor(2) as executor:
        for case in cases:
            for module, text in case.mods.items():
                upstream.add(*module, mod=text)
        judging = partial(judge, upstream=upstream, folder=folder)
        yield list(zip(cases, executor.map(judging, cases), strict=True))


def judge(case: Case, upstream: Upstream, folder: Path) -> Judged:
    go = GoJudge(folder / case.prefix.replace("/", "_"), upstream.url, go=case.main_go)
    go.require(case.roots)
    found = go.run("mod", "graph")
    assert found.returncode == 0, found.stderr
    asked = mods_asked(upstream, case)
    listed = go.objects("list", "-m", "-json", "all")
    build_list = {ModuleVersion(m["Path"], m["Version"]) for m in listed if not m.get("Main")}
    return Judged(build_list, asked)


def mods_asked(upstream: Upstream, case: Case) -> set[ModuleVersion]:
    found = set()
    for path in upstream.paths():
        module, _, file = path.lstrip("/").partition("/@v/")
        if module.startswith(f"{case.prefix}/") and file.endswith(".mod"):
            found.add(ModuleVersion(module, file.removesuffix(".mod")))
    return found


def walk_as_go(case: Case) -> tuple[set[ModuleVersion], set[ModuleVersion]]:
    """Tell the build list and what was read.

    As go does under -mod=mod, roots that are not selected are raised, and the graph is read anew.
    """
    roots, read, known = list(case.roots), set[ModuleVersion](), summaries(case)
    for _ in range(10):
        found = GraphWalk(roots, pruned=case.pruned)
        walk(found, known)
        read |= set(found.read)
        raised = [ModuleVersion(root.path, found.selected[root.path]) for root in roots]
        if raised == roots:
            return found.build_list(), read
        roots = raised
    raise AssertionError("the roots do not settle")


def test_walk_selects_and_reads_what_go_does(judged: list[tuple[Case, Judged]]) -> None:
    for case, go in judged:
        build_list, read = walk_as_go(case)
        assert build_list == go.build_list, case
        assert read == go.asked, case


def test_closure_stores_all_that_go_asks_for(judged: list[tuple[Case, Judged]]) -> None:
    for case, go in judged:
        for level in Level:
            closure = Closure(case.roots, level)
            walk(closure, summaries(case))
            stored = closure.complete() | closure.mod_only()
            if case.pruned:
                assert go.asked <= stored, (level, case)
                assert go.build_list <= stored, (level, case)
            elif level is Level.CLOSED:
                assert go.asked <= stored, case
