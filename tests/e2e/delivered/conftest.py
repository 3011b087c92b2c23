"""What several sealed tests share: one delivery a module, and a new client a test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.sumdb_store import SumdbStore
from gopack.spec.sumdb import lookup_path, parse_lookup
from tests.e2e.caching_proxy import caching_proxy
from tests.e2e.delivered.delivering import (
    LATER,
    MODULES,
    TOOLCHAIN,
    Client,
    Delivered,
    asked,
    earlier_day,
    fetch,
)


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    folder = tmp_path_factory.mktemp("delivered")
    first, second = folder / "first", folder / "second"
    lines = [*MODULES]
    with caching_proxy() as proxy:
        with earlier_day(proxy.url) as earlier:
            fetch(first, earlier, lines)
        [name] = [path.name for path in (first / ".gopack/sumdb").iterdir()]
        kept = SumdbStore.of(first / ".gopack", name)
        urls = (f"{proxy.url}/sumdb/{name}/{lookup_path(module)}" for module in kept.records())
        seen = sorted({parse_lookup(asked(url)[1]).head for url in urls} - {*kept.heads().values()})
        assert seen, "the database answered every lookup with one head"
        (folder / "laptop.latest").write_bytes(seen[0])
        shutil.copytree(first, second)
        options = ("--head", str(folder / "laptop.latest"))
        fetch(second, proxy.url, [*lines, LATER, f"toolchain@{TOOLCHAIN}"], *options)
    return Delivered(first, second, name, seen[0])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    made = Client(tmp_path / "client")
    yield made
    made.forget_modules()
