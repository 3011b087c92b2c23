"""Version queries, answered by small repositories; tests/oracle asks the go command the same."""

import json

import pytest

from gopack.errors import GopackError, InputError, IntegrityError, NotFoundError, UpstreamError
from gopack.flows.steps import run_steps
from gopack.plan.query import (
    Resolution,
    highest,
    is_exact,
    newest_listed,
    parse_versions,
    remarked,
    resolve,
    resolve_bare,
)
from gopack.spec import pseudo
from gopack.spec.goproxy import Request
from gopack.spec.module import ModuleVersion
from tests.fake_source import FakeSource

PATH = "a.b/m"
OLD = "v0.0.0-20200101000000-123456789abc"
NEW = "v0.0.0-20210101000000-abcdefabcdef"


def info(version: str, time: str = "2020-01-01T00:00:00Z") -> bytes:
    return json.dumps({"Version": version, "Time": time}).encode()


def repo(
    *versions: str,
    mods: dict[str, str] | None = None,
    latest: str = "",
    revisions: dict[str, str] | None = None,
    listed: str | None = None,
) -> FakeSource:
    """A module with these versions; `mods` are go.mod texts that are not the plain one."""
    files = {f"{PATH}/@v/list": ("\n".join(versions) if listed is None else listed).encode()}
    for version in [*versions, *([latest] if latest else []), *(revisions or {}).values()]:
        time = "2020-01-01T00:00:00Z"
        if pseudo.is_pseudo(version):
            time = pseudo.pseudo_time(version).isoformat()
        files[f"{PATH}/@v/{version}.info"] = info(version, time)
        text = (mods or {}).get(version, f"module {PATH}\n")
        files[f"{PATH}/@v/{version}.mod"] = text.encode()
    for name, version in (revisions or {}).items():
        files[f"{PATH}/@v/{name}.info"] = info(version)
    if latest:
        files[f"{PATH}/@latest"] = files[f"{PATH}/@v/{latest}.info"]
    return FakeSource(files)


def ask(source: FakeSource, query: str, current: str = "") -> Resolution:
    return run_steps(resolve(PATH, query, current=current), source)


MANY = ("v1.0.0", "v1.0.1", "v1.2.0", "v1.2.1-rc.1", "v1.10.0", "v1.11.0-rc.1")
WITH_GO_MOD = {"v1.1.0": f"module {PATH}\n\ngo 1.20\n"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("latest", "v1.10.0"),
        ("upgrade", "v1.10.0"),
        ("v1", "v1.10.0"),
        ("v1.0", "v1.0.1"),
        ("v1.2", "v1.2.0"),
        ("v1.2.0", "v1.2.0"),
        ("<v1.2", "v1.0.1"),
        ("<v1.2.0", "v1.0.1"),
        ("<=v1.2.0", "v1.2.0"),
        (">v1.2.0", "v1.10.0"),
        (">v1.10.0", "v1.11.0-rc.1"),
        (">=v1.2", "v1.2.0"),
        (">=v1.0.0", "v1.0.0"),
    ],
)
def test_resolve_query_over_a_list(query: str, expected: str) -> None:
    assert ask(repo(*MANY), query).module == ModuleVersion(PATH, expected)


@pytest.mark.parametrize(
    ("current", "query", "expected"),
    [
        ("v1.0.0", "patch", "v1.0.1"),
        ("v1.0.1", "patch", "v1.0.1"),
        ("v1.2.0", "upgrade", "v1.10.0"),
        ("v1.11.0-rc.1", "upgrade", "v1.11.0-rc.1"),
        (OLD, "upgrade", "v1.10.0"),
        (NEW, "upgrade", NEW),
    ],
)
def test_resolve_from_current_never_goes_back(current: str, query: str, expected: str) -> None:
    source = repo(*MANY, revisions={"x": current})
    assert ask(source, query, current).module.version == expected


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [({"v1.10.0"}, "v1.2.0"), ({"v1.10.0", "v1.2.0"}, "v1.0.1"), ({"v1.11.0-rc.1"}, "v1.10.0")],
)
def test_resolve_passes_by_what_the_main_module_excludes(excluded: set[str], expected: str) -> None:
    steps = resolve(PATH, "upgrade", current="v1.0.0", excluded=excluded)
    assert run_steps(steps, repo(*MANY)).module.version == expected


def test_resolve_patch_without_base_says_what_to_list() -> None:
    with pytest.raises(InputError, match='can\'t query version "patch"') as caught:
        ask(repo(*MANY), "patch")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (">v1.2", "ambiguous semantic version"),
        ("<=v1", "ambiguous semantic version"),
        (">=1.2", "invalid semantic version"),
        ("<", "invalid semantic version"),
    ],
)
def test_resolve_bad_range_is_input_error(query: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ask(repo(*MANY), query)


@pytest.mark.parametrize("query", [">v9.0.0", "v3", "v1.11", "<v0.1.0"])
def test_resolve_no_match_says_so_in_gos_words(query: str) -> None:
    with pytest.raises(NotFoundError, match=f'no matching versions for query "{query}"'):
        ask(repo(*MANY), query)


@pytest.mark.parametrize(
    ("versions", "mods", "expected"),
    [
        (("v1.0.0", "v2.0.0+incompatible"), {}, "v2.0.0+incompatible"),
        (("v1.0.0", "v1.1.0", "v2.0.0+incompatible"), WITH_GO_MOD, "v1.1.0"),
        (("v2.0.0+incompatible", "v3.0.0+incompatible"), {}, "v3.0.0+incompatible"),
        (("v1.1.0-rc.1", "v2.0.0+incompatible"), {}, "v2.0.0+incompatible"),
    ],
)
def test_latest_incompatible_only_where_compatible_has_no_go_mod(
    versions: tuple[str, ...], mods: dict[str, str], expected: str
) -> None:
    assert ask(repo(*versions, mods=mods), "latest").module.version == expected


def test_query_of_another_major_takes_incompatible() -> None:
    source = repo("v1.1.0", "v2.0.0+incompatible", "v2.1.0+incompatible", mods=WITH_GO_MOD)
    assert ask(source, "v2").module.version == "v2.1.0+incompatible"
    assert ask(source, ">=v2").module.version == "v2.0.0+incompatible"


def retracting(what: str) -> str:
    return f"module {PATH}\n\nretract {what} // broken build\n"


def test_latest_passes_over_what_the_highest_retracts() -> None:
    source = repo("v1.0.0", "v1.1.0", "v1.2.0", mods={"v1.2.0": retracting("[v1.1.0, v1.2.0]")})
    found = ask(source, "latest")
    assert found.module.version == "v1.0.0"
    assert found.carrier == ModuleVersion(PATH, "v1.2.0")
    assert found.retraction is None


def test_exact_version_may_be_retracted_and_tells() -> None:
    source = repo("v1.0.0", "v1.1.0", mods={"v1.1.0": retracting("v1.0.0")})
    found = ask(source, "v1.0.0")
    assert found.retraction is not None
    assert found.retraction.rationale == "broken build"


def test_branch_that_means_a_retracted_version_is_refused_with_its_name() -> None:
    source = repo(
        "v1.0.0", "v1.1.0", mods={"v1.1.0": retracting("v1.0.0")}, revisions={"main": "v1.0.0"}
    )
    with pytest.raises(NotFoundError, match="retracted by module author: broken build") as caught:
        ask(source, "main")
    assert f"{PATH}@v1.0.0" in caught.value.hint


def test_all_retracted_falls_back_to_latest_only_if_that_is_not() -> None:
    source = repo("v1.0.0", mods={"v1.0.0": retracting("[v0.0.0-0, v1.0.0]")}, latest="v1.0.0")
    with pytest.raises(NotFoundError, match="no matching versions"):
        ask(source, "latest")


def test_retractions_that_cannot_be_read_retract_nothing() -> None:
    source = repo("v1.0.0", "v1.1.0", mods={"v1.1.0": "module (\n"})
    found = ask(source, "v1.0.0")
    assert (found.retraction, found.deprecated) == (None, "")


def test_deprecation_comes_from_the_highest() -> None:
    source = repo("v1.0.0", "v1.1.0", mods={"v1.1.0": f"// Deprecated: use b.\nmodule {PATH}\n"})
    assert ask(source, "v1.0.0").deprecated == "use b."


def test_latest_with_empty_list_is_the_proxys_latest() -> None:
    assert ask(repo(latest=NEW), "latest").module.version == NEW


def test_latest_with_pseudo_versions_only_is_the_newest_by_time() -> None:
    higher_but_older = "v0.5.1-0.20190101000000-123456789abc"
    source = repo(OLD, NEW, higher_but_older)
    assert ask(source, "latest").module.version == NEW


def test_latest_with_nothing_at_all_is_not_found() -> None:
    with pytest.raises(NotFoundError, match='no matching versions for query "latest"'):
        ask(repo(), "latest")


def test_latest_whose_proxy_breaks_is_not_taken_for_none() -> None:
    class Broken(FakeSource):
        def read(self, request: Request) -> bytes:
            if type(request).__name__ == "Latest":
                raise UpstreamError("503", retryable=True)
            return super().read(request)

    with pytest.raises(UpstreamError, match="503"):
        run_steps(resolve(PATH, "latest"), Broken(repo().files))


def test_prefix_query_does_not_ask_latest() -> None:
    source = repo(latest=NEW)
    with pytest.raises(NotFoundError):
        ask(source, "v0")
    assert f"{PATH}/@latest" not in source.asked


def test_branch_and_commit_resolve_to_what_the_proxy_says() -> None:
    source = repo("v1.0.0", revisions={"main": NEW, "abcdefabcdef": NEW})
    assert ask(source, "main").module.version == NEW
    assert ask(source, "abcdefabcdef").module.version == NEW
    with pytest.raises(NotFoundError):
        ask(source, "no-such-branch")


def test_build_metadata_falls_back_to_the_version_without() -> None:
    assert ask(repo("v1.0.0"), "v1.0.0+meta").module.version == "v1.0.0"
    with pytest.raises(NotFoundError):
        ask(repo("v1.0.0"), "v1.1.0+meta")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b'{"Version":"v1.0.1"}',
        b'{"Version":""}',
        b'{"Version":7}',
        b"[]",
    ],
)
def test_info_that_cannot_be_is_integrity_error(answer: bytes) -> None:
    source = repo("v1.0.0")
    source.files[f"{PATH}/@v/v1.0.0.info"] = answer
    with pytest.raises(IntegrityError, match=r"a\.b/m@v1\.0\.0"):
        ask(source, "v1.0.0")


def test_branch_info_with_a_version_of_another_major_is_integrity_error() -> None:
    source = repo("v1.0.0", revisions={"main": "v1.0.0"})
    source.files[f"{PATH}/@v/main.info"] = info("v2.0.0")
    with pytest.raises(IntegrityError, match="cannot be"):
        ask(source, "main")


def test_resolve_bare_asks_once_for_an_exact_version() -> None:
    source = repo(*MANY)
    found = run_steps(resolve_bare(PATH, "v1.0.1"), source)
    assert (found.module.version, found.is_bare) == ("v1.0.1", True)
    assert source.asked == [f"{PATH}/@v/v1.0.1.info"]


def test_remarked_says_what_resolve_says_at_once() -> None:
    source = repo(*MANY)
    bare = run_steps(resolve_bare(PATH, "v1.0.1"), source)
    remarks = remarked(bare, run_steps(highest(PATH), source))
    assert remarks == run_steps(resolve(PATH, "v1.0.1"), source)
    assert remarks.carrier is not None


def test_resolve_bare_of_a_query_says_all_at_once() -> None:
    source = repo(*MANY)
    assert run_steps(resolve_bare(PATH, "latest"), source) == run_steps(
        resolve(PATH, "latest"), source
    )


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("a.b/m", "v1.2.3", True),
        ("a.b/m", "v2.0.0+incompatible", True),
        ("a.b/m", "v2.0.0", False),
        ("a.b/m/v2", "v2.0.0", True),
        ("a.b/m/v2", "v1.0.0", False),
        ("a.b/m", OLD, True),
        ("a.b/m", "v1.2.3+meta", False),
        ("a.b/m", "main", False),
        ("a.b/m", "latest", False),
    ],
)
def test_is_exact(path: str, query: str, *, expected: bool) -> None:
    assert is_exact(path, query) is expected


def test_parse_versions_passes_over_what_is_none() -> None:
    text = f"v1.0.0 2020-01-01T00:00:00Z\n\nnot one\r\n{OLD}\nv2\n1.0.0\n\xff\n v1.1.0\n"
    assert parse_versions(text.encode("latin-1")) == ["v1.0.0", "v1.1.0", "v2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (f"{NEW}\n{OLD}\n", NEW),
        (f"{OLD} 2022-01-01T00:00:00Z\n{NEW}\n", OLD),
        (f"{OLD} no time\n{NEW}\n", NEW),
        (f"{OLD} 2022-01-01T00:00:00\n", ""),
        ("v1.0.0 2022-01-01T00:00:00Z\n", "v1.0.0"),
        ("v1.0.0\nmain\n", ""),
    ],
)
def test_newest_listed_goes_by_time(text: str, expected: str) -> None:
    assert newest_listed(text.encode()) == expected


def test_every_failure_names_module_and_query() -> None:
    for query in ("v9", "none-such", ">v1", "patch"):
        with pytest.raises(GopackError, match=r"a\.b/m"):
            ask(repo(*MANY), query)
