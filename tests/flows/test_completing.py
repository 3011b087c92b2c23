"""What a fetch adds so that sealed queries end well, and what failing look-ups do to a fetch."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gopack.errors import GopackError, UpstreamError
from gopack.flows.answering import guess
from gopack.flows.importing import Importer
from gopack.flows.steps import run_steps
from gopack.plan.answering import answers
from gopack.plan.closure import Level
from gopack.plan.survey import Contents
from gopack.ports import Attempt
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package
from tests.flows.kit import Breaking, Kit, make_kit
from tests.plan.graphs import mv
from tests.plan.test_query import info
from tests.waiting import until

OLD = "v0.1.1-0.20210101000000-bbbbbbbbbbbb"
NEW = "v0.0.0-20230101000000-aaaaaaaaaaaa"


def add(kit: Kit, path: str, version: str, *lines: str) -> None:
    """Put a version with this go.mod into the upstream."""
    base = f"{path}/@v/"
    text = "".join(f"{line}\n" for line in (f"module {path}", *lines))
    kit.source.files[f"{base}{version}.mod"] = text.encode()
    kit.source.files[f"{base}{version}.info"] = info(version)
    kit.source.files[f"{base}{version}.zip"] = b"zip"
    listed = kit.source.files.get(f"{base}list", b"")
    kit.source.files[f"{base}list"] = listed + f"{version}\n".encode()


def state(kit: Kit, path: str, version: str) -> str:
    return kit.store.state(ModuleVersion(path, version)).value


def test_version_that_retracts_the_listed_one_comes_with_its_graph(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "", "b2": ""})
    add(kit, "a.b/a", "v1.3.0", "go 1.20", "require a.b/b v1.2.0", "retract v1.1.0")
    kit.run("a@v1.1.0")
    assert kit.stored() == {"a1": "complete", "a3": "complete", "b2": "complete"}


def test_version_that_takes_a_retraction_back_comes_too(tmp_path: Path) -> None:
    """Where the listed one were the highest it would retract itself, and no query choose it."""
    kit = make_kit(tmp_path, {})
    for version, line in (("v1.1.0", "retract v1.1.0"), ("v1.2.0", ""), ("v1.3.0", "")):
        add(kit, "a.b/a", version, line)
    kit.run("a@v1.1.0")
    assert kit.stored() == {"a1": "complete", "a3": "complete"}


def test_version_that_retracts_itself_too_is_stored_without_its_zip(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": ""})
    add(kit, "a.b/a", "v1.3.0", "retract [v1.1.0, v1.3.0]")
    kit.run("a@v1.1.0")
    assert kit.stored() == {"a1": "complete", "a3": "mod-only"}


def make_kit_of_pseudo_versions(tmp_path: Path) -> Kit:
    """Serve a module that requires one without tags at NEW, and through another at OLD."""
    kit = make_kit(tmp_path, {})
    add(kit, "a.b/a", "v1.0.0", f"require a.b/p {NEW}", "require a.b/q v1.0.0")
    add(kit, "a.b/q", "v1.0.0", f"require a.b/p {OLD}")
    for version in (OLD, NEW):
        add(kit, "a.b/p", version)
    kit.source.files["a.b/p/@v/list"] = b""
    return kit


@pytest.mark.parametrize("level", [Level.BUILD, Level.CLOSED])
def test_pseudo_version_that_is_newest_by_time_is_whole(tmp_path: Path, level: Level) -> None:
    kit = make_kit_of_pseudo_versions(tmp_path)
    kit.run("a", level=level)
    assert {state(kit, "a.b/p", v) for v in (OLD, NEW)} == {"complete"}


def test_what_a_query_will_choose_is_begun_while_imports_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_kit_of_pseudo_versions(tmp_path)
    read = kit.zips.packages

    def read_late(module: ModuleVersion, wanted: frozenset[str]) -> "Future[Contents]":
        until(lambda: ModuleVersion("a.b/p", NEW) in kit.zips.fetched)
        return read(module, wanted)

    monkeypatch.setattr(kit.zips, "packages", read_late)
    kit.run("a", level=Level.BUILD)
    assert kit.zips.fetched.count(ModuleVersion("a.b/p", NEW)) == 1
    assert state(kit, "a.b/p", NEW) == "complete"


def test_patch_of_a_selected_version_is_whole_with_its_graph(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"f1": ""})
    add(kit, "a.b/a", "v1.0.0", "go 1.20", "require a.b/p v1.0.0", "require a.b/q v1.0.0")
    add(kit, "a.b/q", "v1.0.0", "go 1.20", "require a.b/r v1.0.0")
    add(kit, "a.b/r", "v1.0.0", "go 1.20", "require a.b/s v1.0.0")
    add(kit, "a.b/s", "v1.0.0", "go 1.20", "require a.b/p v1.0.1", "require a.b/t v1.0.0")
    for path, versions in {"p": ("v1.0.0", "v1.0.1", "v1.1.0"), "t": ("v1.0.0",)}.items():
        for version in versions:
            add(kit, f"a.b/{path}", version, "go 1.20", "require a.b/f v1.1.0")
    kit.run("a", level=Level.CLOSED)
    assert state(kit, "a.b/p", "v1.0.1") == "complete"
    assert state(kit, "a.b/p", "v1.1.0") == "complete"
    assert state(kit, "a.b/f", "v1.1.0") == "complete"


def importer(source: Breaking, executor: ThreadPoolExecutor, *packages: str) -> Importer:
    """One that finds these packages in every module."""

    def read(_module: ModuleVersion, _wanted: frozenset[str]) -> "Future[Contents]":
        future: Future[Contents] = Future()
        future.set_result(Contents(frozenset(packages), {}))
        return future

    class Sources:
        def attempts(self, _path: str) -> list[Attempt]:
            return [Attempt(source, falls_back_on_error=False)]

    return Importer(Sources(), executor, read, lambda _modules: {})


def test_failure_behind_the_module_that_has_the_package_matters_not(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": ""})
    kit.source.breaks["a.b/@v/list"] = UpstreamError("busy", retryable=True)
    with ThreadPoolExecutor(2) as executor:
        found = importer(kit.source, executor, "a.b/a/p").provide(["a.b/a/p"])
    assert found == {"a.b/a/p": ModuleVersion("a.b/a", "v1.1.0")}


def test_failure_before_the_module_that_has_the_package_is_told(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": ""})
    kit.source.breaks["a.b/a/p/@v/list"] = UpstreamError("busy", retryable=True)
    with ThreadPoolExecutor(2) as executor, pytest.raises(UpstreamError, match="busy"):
        importer(kit.source, executor, "a.b/a/p").provide(["a.b/a/p"])


def test_package_beside_an_incompatible_version_is_looked_for_in_such_ones(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {})
    for version in ("v1.5.0", "v2.0.0+incompatible", "v3.0.0+incompatible"):
        add(kit, "a.b/a", version, *(["go 1.20"] if version == "v1.5.0" else []))
    with ThreadPoolExecutor(2) as executor:
        asking = importer(kit.source, executor, "a.b/a/p")
        beside = [ModuleVersion("a.b/a", "v2.0.0+incompatible")]
        for _ in range(2):
            assert asking.provide(["a.b/a/p"]) == {"a.b/a/p": ModuleVersion("a.b/a", "v1.5.0")}
            found = asking.provide(["a.b/a/p"], beside)
            assert found == {"a.b/a/p": ModuleVersion("a.b/a", "v3.0.0+incompatible")}


def put_package(kit: Kit, name: str, imports: str = "", tests: str = "") -> None:
    """Let a version have one package, in its root, that imports those of these modules."""
    module = mv(name)
    found, tested = (tuple(f"a.b/{m}" for m in text.split()) for text in (imports, tests))
    package = Package(module.path, found, tested)
    kit.zips.contents[module] = Contents(frozenset({module.path}), {module.path: package})


@pytest.mark.parametrize("level", [Level.BUILD, Level.GRAPH])
@pytest.mark.parametrize("others", [(), ("x",)])
def test_package_is_looked_up_only_after_all_is_required_that_is_loaded(
    tmp_path: Path, level: Level, others: tuple[str, ...]
) -> None:
    """f's go.mod does not name g: a project that uses f requires c, then g, and so has h1."""
    chain = {"f1": "c1", "c1": "g1", "g1": "h1"}
    kit = make_kit(tmp_path, {**chain, "g2": "", "h1": "", "h2": "", "x1": ""})
    for name, required in chain.items():
        put_package(kit, name, imports=required[0])
    for name in ("g2", "h1", "h2", "x1"):
        put_package(kit, name)
    stored = dict.fromkeys((*chain, "h1", *(f"{other}1" for other in others)), "complete")
    for _ in range(2):
        kit.run("f", *others, level=level)
        assert kit.stored() == dict(sorted(stored.items()))


def test_lines_together_look_up_nothing_that_one_of_them_brings_in_at_last(tmp_path: Path) -> None:
    """With a alone x2 is looked up; with b there is x1, which loads y1 and so z1."""
    requires = {"a1": "", "b1": "x1", "x1": "y1", "x2": "", "y1": "z1", "z1": "", "z2": ""}
    kit = make_kit(tmp_path, requires)
    for name, imports in {**dict.fromkeys(requires, ""), "a1": "x", "x1": "y", "y1": "z"}.items():
        put_package(kit, name, imports=imports)
    for _ in range(2):
        kit.run("a", "b")
        assert kit.stored() == dict.fromkeys(requires.keys() - {"z2"}, "complete")


def test_build_has_what_a_test_imports_of_a_module_that_a_line_brings_in(tmp_path: Path) -> None:
    """A project requires b itself, whose go.mod names t; a's need not."""
    kit = make_kit(tmp_path, {"a1": "b1", "b1": "t1", "t1": "", "t2": ""})
    put_package(kit, "a1", imports="b")
    put_package(kit, "b1", tests="t")
    put_package(kit, "t1")
    kit.run("a", level=Level.BUILD)
    assert kit.stored() == dict.fromkeys(("a1", "b1", "t1"), "complete")


class Proxies:
    """Sources with these separators; what each was asked for is in `asked`."""

    def __init__(self, sources: Sequence[Breaking], *, falls_back: bool = False) -> None:
        self._attempts = [Attempt(source, falls_back) for source in sources]

    def attempts(self, _path: str) -> list[Attempt]:
        return self._attempts


def providing(proxies: Proxies, executor: ThreadPoolExecutor, *packages: str) -> Importer:
    found = importer(Breaking({}), executor, *packages)
    found.sources = proxies
    return found


def test_package_of_a_first_proxy_is_asked_of_no_other(tmp_path: Path) -> None:
    """Neither its longer paths, which may be modules there, nor its shorter ones."""
    house, world = Breaking(make_kit(tmp_path, {"a1": ""}).source.files), Breaking({})
    world.files = {path.replace("a.b/a/", "a.b/a/p/"): data for path, data in house.files.items()}
    with ThreadPoolExecutor(2) as executor:
        found = providing(Proxies([house, world]), executor, "a.b/a/p").provide(["a.b/a/p"])
    assert found == {"a.b/a/p": ModuleVersion("a.b/a", "v1.1.0")}
    assert world.asked == []


def test_package_that_a_first_proxy_knows_nothing_of_is_asked_of_the_next(tmp_path: Path) -> None:
    world = Breaking(make_kit(tmp_path, {"a1": ""}).source.files)
    with ThreadPoolExecutor(2) as executor:
        proxies = Proxies([Breaking({}), world])
        found = providing(proxies, executor, "a.b/a/p").provide(["a.b/a/p", "x.y/z"])
    assert found == {"a.b/a/p": ModuleVersion("a.b/a", "v1.1.0"), "x.y/z": None}


def test_proxy_that_fails_is_passed_over_where_a_bar_follows_and_told_if_nobody_has_it(
    tmp_path: Path,
) -> None:
    busy = Breaking({})
    for prefix in ("a.b/a/p", "a.b/a", "a.b", "x.y/z", "x.y"):
        busy.breaks[f"{prefix}/@v/list"] = UpstreamError("busy", retryable=True)
    world = Breaking(make_kit(tmp_path, {"a1": ""}).source.files)
    with ThreadPoolExecutor(2) as executor:
        asking = providing(Proxies([busy, world], falls_back=True), executor, "a.b/a/p")
        assert asking.provide(["a.b/a/p"]) == {"a.b/a/p": ModuleVersion("a.b/a", "v1.1.0")}
        with pytest.raises(UpstreamError, match="busy"):
            asking.provide(["x.y/z"])
        with pytest.raises(UpstreamError, match="busy"):
            providing(Proxies([busy, world]), executor, "a.b/a/p").provide(["a.b/a/p"])


def test_zip_that_may_come_later_is_no_missing_package(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": ""})
    with ThreadPoolExecutor(2) as executor:
        asking = importer(kit.source, executor, "a.b/a/p")
        busy: dict[ModuleVersion, GopackError] = {
            ModuleVersion("a.b/a", "v1.1.0"): UpstreamError("busy", retryable=True)
        }
        asking.bring = lambda modules: {m: busy[m] for m in modules}
        with pytest.raises(UpstreamError, match="busy"):
            asking.provide(["a.b/a/p"])


def test_guess_is_what_queries_choose_though_it_asks_nobody() -> None:
    stored = {OLD: True, NEW: False, "v1.0.0": False, "v1.1.0": True, "v1.1.7": False}
    wanted = {ModuleVersion("a.b/p", version): whole for version, whole in stored.items()}
    source = Breaking({})
    for version in stored:
        source.files[f"a.b/p/@v/{version}.mod"] = b"module a.b/p\n"
        source.files[f"a.b/p/@v/{version}.info"] = info(version)
    gomods = {m: source.files[f"a.b/p/@v/{m.version}.mod"] for m in wanted}
    chosen = {m.version for m in run_steps(answers("a.b/p", stored), source)}
    assert chosen == {OLD, "v1.1.7"}
    assert {m.version for m in guess(wanted, set(), gomods)} == chosen
    assert {m.version for m in guess(wanted, {"a.b/p"}, {})} == {OLD, "v1.1.7"}
