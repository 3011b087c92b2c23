"""What a line of the list means, asked of sources in memory."""

from collections.abc import Sequence

import pytest

from gopack.errors import GopackError, NotFoundError
from gopack.flows.resolving import Resolver, module_prefixes
from gopack.plan.items import Item, ModuleItem, PatternItem
from gopack.ports import Attempt
from tests.fake_source import FakeSource


class FakeSources:
    """ports.Sources: the same sources for every path, but for those of a private prefix."""

    def __init__(
        self, *sources: FakeSource, private: str = "", origin: FakeSource | None = None
    ) -> None:
        self._attempts = [Attempt(source, falls_back_on_error=False) for source in sources]
        self._private = private
        self._origin = origin

    def attempts(self, path: str) -> Sequence[Attempt]:
        if self._origin and (path + "/").startswith(f"{self._private}/"):
            return [Attempt(self._origin, falls_back_on_error=False)]
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


def resolved(item: Item, *sources: FakeSource) -> list[str]:
    roots = Resolver(FakeSources(*sources), lambda _item: None).resolve_item(item)
    return [str(root.module) for root in roots]


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
    [root] = resolver.resolve_item(ModuleItem("example.com/m/sub/x"))
    assert str(root.module) == "example.com/m@v1.0.0"
    assert all(path.startswith("example.com/m/sub") for path in origin.asked)
    assert not any(path.startswith("example.com/m/sub") for path in proxy.asked)


def test_resolve_item_stops_at_an_error_that_is_not_absence() -> None:
    files = served("example.com/m@v1.0.0")
    files["example.com/m/sub/@v/list"] = b"v0.1.0\n"
    files["example.com/m/sub/@v/v0.1.0.info"] = b"<html>"
    with pytest.raises(GopackError, match="info"):
        resolved(ModuleItem("example.com/m/sub"), FakeSource(files))


def test_module_prefixes_leaves_out_what_is_no_module_path() -> None:
    assert module_prefixes("gopkg.in/yaml.v3/internal") == ["gopkg.in/yaml.v3", "gopkg.in"]
    assert module_prefixes("example.com/m/v1/.x") == ["example.com/m", "example.com"]
