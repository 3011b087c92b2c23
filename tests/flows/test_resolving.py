"""What a line of the list means, asked of sources in memory."""

from collections.abc import Sequence

import pytest

from gopack.errors import GopackError, NotFoundError
from gopack.flows.resolving import Resolver, module_prefixes
from gopack.plan.items import (
    GoItem,
    Item,
    ModuleItem,
    PatternItem,
    ToolchainItem,
    VersionsItem,
)
from gopack.plan.toolchains import platforms_of
from gopack.ports import Attempt
from tests.fake_source import FakeSource


class FakeSources:
    """ports.Sources: the same sources for every path, but for those of a private prefix.

    Without any, as under GOPROXY=off.
    """

    def __init__(
        self, *sources: FakeSource, private: str = "", origin: FakeSource | None = None
    ) -> None:
        self._attempts = [Attempt(source, falls_back_on_error=False) for source in sources]
        self._private = private
        self._origin = origin

    def attempts(self, path: str) -> Sequence[Attempt]:
        if self._origin and (path + "/").startswith(f"{self._private}/"):
            return [Attempt(self._origin, falls_back_on_error=False)]
        if not self._attempts:
            raise NotFoundError("module lookup disabled by GOPROXY=off", where=path)
        return self._attempts


def served(*modules: str) -> dict[str, bytes]:
    """Proxy files of `path@version` modules."""
    files: dict[str, bytes] = {}
    for text in modules:
        path, _, version = text.partition("@")
        base = f"{path}/@v/"
        files[base + "list"] = files.get(base + "list", b"") + f"{version}\n".encode()
        info = f'{{"Version":"{version}","Time":"2020-01-02T03:04:05Z"}}'
        files[f"{base}{version}.info"] = info.encode()
        files[f"{base}{version}.mod"] = f"module {path}\n".encode()
    return files


def resolved(item: Item, *sources: FakeSource, platforms: Sequence[str] = ()) -> list[str]:
    resolver = Resolver(FakeSources(*sources), lambda _item: None, platforms_of([item], platforms))
    roots, listed = resolver.resolve_item(item)
    return [str(module) for module in (*(root.module for root in roots), *listed)]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (ModuleItem("example.com/m"), "example.com/m@v1.1.0"),
        (ModuleItem("example.com/m/cmd/tool"), "example.com/m@v1.1.0"),
        (ModuleItem("example.com/m/cmd/tool", "v1.0.0"), "example.com/m@v1.0.0"),
        (ModuleItem("example.com/m/sub/x"), "example.com/m/sub@v0.1.0"),
        (PatternItem("example.com/m/..."), "example.com/m@v1.1.0"),
        (PatternItem("example.com/m/c.../x"), "example.com/m@v1.1.0"),
        (PatternItem("example.com/m/sub/..."), "example.com/m/sub@v0.1.0"),
    ],
)
def test_resolve_item_takes_the_longest_prefix_that_is_a_module(item: Item, expected: str) -> None:
    proxy = FakeSource(
        served("example.com/m@v1.0.0", "example.com/m@v1.1.0", "example.com/m/sub@v0.1.0")
    )
    assert resolved(item, proxy) == [expected]


def test_resolve_item_asks_a_proxy_for_all_prefixes_before_the_next() -> None:
    first = FakeSource(served("example.com/m@v1.0.0"))
    second = FakeSource(served("example.com/m/sub@v0.1.0"))
    assert resolved(ModuleItem("example.com/m/sub"), first, second) == ["example.com/m@v1.0.0"]
    assert second.asked == []


def test_resolve_item_without_a_module_tells_of_the_whole_path() -> None:
    with pytest.raises(NotFoundError) as raised:
        resolved(ModuleItem("example.com/m/cmd/tool"), FakeSource({}))
    assert raised.value.where.startswith("example.com/m/cmd/tool")


def test_resolve_item_goes_on_to_public_prefixes_of_a_private_path() -> None:
    origin, proxy = FakeSource({}, "direct"), FakeSource(served("example.com/m@v1.0.0"))
    sources = FakeSources(proxy, private="example.com/m/sub", origin=origin)
    resolver = Resolver(sources, lambda _item: None)
    [[root], _] = resolver.resolve_item(ModuleItem("example.com/m/sub/x"))
    assert str(root.module) == "example.com/m@v1.0.0"
    assert all(path.startswith("example.com/m/sub") for path in origin.asked)
    assert not any(path.startswith("example.com/m/sub") for path in proxy.asked)


def test_resolve_item_asks_the_origin_of_a_private_path_where_no_proxy_is_asked() -> None:
    origin = FakeSource(served("example.com/m/sub@v1.0.0"), "direct")
    resolver = Resolver(FakeSources(private="example.com/m/sub", origin=origin), lambda _item: None)
    [[root], _] = resolver.resolve_item(ModuleItem("example.com/m/sub/x"))
    assert str(root.module) == "example.com/m/sub@v1.0.0"
    with pytest.raises(NotFoundError, match="GOPROXY=off"):
        resolver.resolve_item(ModuleItem("example.com/m/x"))


def test_resolve_item_stops_at_an_error_that_is_not_absence() -> None:
    files = served("example.com/m@v1.0.0")
    files["example.com/m/sub/@v/list"] = b"v0.1.0\n"
    files["example.com/m/sub/@v/v0.1.0.info"] = b"<html>"
    with pytest.raises(GopackError, match="info"):
        resolved(ModuleItem("example.com/m/sub"), FakeSource(files))


def test_module_prefixes_leaves_out_what_is_no_module_path() -> None:
    assert module_prefixes("gopkg.in/yaml.v3/internal") == ["gopkg.in/yaml.v3", "gopkg.in"]
    assert module_prefixes("example.com/m/v1/.x") == ["example.com/m", "example.com"]


MANY = (
    *("v0.9.0", "v1.0.0", "v1.1.0-rc.1", "v1.1.0", "v1.2.0", "v2.0.0+incompatible"),
    "v0.0.0-20200102030405-0123456789ab",
)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((), "v1.2.0 v1.1.0 v1.1.0-rc.1 v1.0.0 v0.9.0"),
        ((">=v1", "<v1.2"), "v1.1.0 v1.1.0-rc.1 v1.0.0"),
        ((">v1.0.0",), "v1.2.0 v1.1.0 v1.1.0-rc.1"),
        (("<=v1.0.0",), "v1.0.0 v0.9.0"),
    ],
)
def test_resolve_item_of_all_takes_what_is_listed_and_matches_highest_first(
    bounds: tuple[str, ...], expected: str
) -> None:
    files = served(*(f"example.com/m@{version}" for version in MANY))
    for version in MANY:
        files[f"example.com/m/@v/{version}.mod"] = b"module example.com/m\n\ngo 1.20\n"
    found = resolved(VersionsItem("example.com/m", bounds), FakeSource(files))
    assert [text.partition("@")[2] for text in found] == expected.split()


def test_resolve_item_of_all_leaves_retracted_versions_out() -> None:
    files = served("example.com/m@v1.0.0", "example.com/m@v1.1.0", "example.com/m@v1.2.0")
    mod = b"module example.com/m\n\nretract [v1.1.0, v1.1.9] // bad\n"
    files["example.com/m/@v/v1.2.0.mod"] = mod
    found = resolved(VersionsItem("example.com/m"), FakeSource(files))
    assert found == ["example.com/m@v1.2.0", "example.com/m@v1.0.0"]


def test_resolve_item_of_all_without_a_match_is_not_found() -> None:
    proxy = FakeSource(served("example.com/m@v1.0.0"))
    with pytest.raises(NotFoundError, match="no listed version matches") as raised:
        resolved(VersionsItem("example.com/m", (">=v1.5",)), proxy)
    assert raised.value.where == "example.com/m@all[>=v1.5]"


GO = FakeSource(
    served(
        *(
            f"golang.org/toolchain@v0.0.1-go{name}"
            for name in (
                *("1.25.8.linux-amd64", "1.25.8.windows-amd64"),
                *("1.25.9.linux-amd64", "1.26rc1.linux-amd64", "1.26.2.linux-amd64"),
                *("1.26.3.linux-amd64", "1.26.3.windows-amd64", "1.26.3.darwin-arm64"),
            )
        )
    )
)


@pytest.mark.parametrize(
    ("item", "platforms", "expected"),
    [
        (GoItem("1.26.x"), (), "1.26.3.linux-amd64"),
        (GoItem("1.26.2"), ("windows/amd64",), "1.26.2.linux-amd64"),
        (GoItem("1.26rc1"), (), "1.26rc1.linux-amd64"),
        (GoItem("1.25.x"), ("windows/amd64",), "1.25.8.linux-amd64 1.25.8.windows-amd64"),
        (GoItem("1.25.x"), ("darwin/arm64",), "1.25.9.linux-amd64"),
        (ToolchainItem("1.25", ("windows/amd64",)), (), "1.25.8.linux-amd64 1.25.8.windows-amd64"),
        (GoItem(), ("windows/amd64",), "1.26.3.linux-amd64 1.26.3.windows-amd64"),
        (
            ToolchainItem("1.26.x", ("darwin/arm64",)),
            (),
            "1.26.3.darwin-arm64 1.26.3.linux-amd64",
        ),
    ],
)
def test_resolve_item_of_go_gives_linux_amd64_and_the_platforms_that_are_named(
    item: Item, platforms: tuple[str, ...], expected: str
) -> None:
    found = resolved(item, GO, platforms=platforms)
    assert found == [f"golang.org/toolchain@v0.0.1-go{name}" for name in expected.split()]


def test_resolve_item_of_go_that_is_not_there_names_the_newest() -> None:
    with pytest.raises(NotFoundError, match="no Go version matches") as raised:
        resolved(GoItem("1.27.x"), GO)
    assert "1.26.3" in raised.value.hint


def test_resolve_item_of_a_toolchain_for_a_platform_without_one_tells_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="not there for windows/amd64") as raised:
        resolved(ToolchainItem("1.26.2", ("windows/amd64",)), GO)
    assert "linux/amd64" in raised.value.hint
