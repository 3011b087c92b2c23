"""Where the database is asked for, as the go command decides it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from gopack.adapters.checksumdb import ChecksumDatabase
from gopack.adapters.retry import Patience, RetryPolicy
from gopack.adapters.web import Web
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv, ProxyEntry
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from tests.fakes_sumdb import NAME, FakeSumDB
from tests.upstream import LOGIN_PAGE, Fault, Upstream

MODULE = ModuleVersion("github.com/Azure/x", "v1.0.0")
LOOKUP = "lookup/github.com/!azure/x@v1.0.0"


def served(upstream: Upstream, prefix: str = f"/sumdb/{NAME}") -> FakeSumDB:
    log = FakeSumDB()
    log.grow(300)
    log.add(MODULE)
    for path, data in {
        "supported": b"",
        "latest": log.head(),
        LOOKUP: log.lookup(MODULE),
        "tile/8/0/000": log.tile_data(Tile(8, 0, 0, 256)),
        "tile/8/0/001.p/45": log.tile_data(Tile(8, 0, 1, 45)),
    }.items():
        upstream.files[f"{prefix}/{path}"] = (data, "text/plain; charset=utf-8")
    return log


class NoWeb:
    """Stands for the internet: it records what is asked, and is down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        self.asked.append(url)
        raise UpstreamError("no route to host", where=where, url=url)


class MakeDatabase(Protocol):
    def __call__(self, *proxies: ProxyEntry, url: str | None = None) -> ChecksumDatabase: ...


@pytest.fixture
def database() -> Iterator[MakeDatabase]:
    """Databases over real HTTP, asked again once the first try failed for a moment."""
    web = Web(GoEnv(()))
    patience = Patience(RetryPolicy(tries=2, first_delay_s=0.001), threading.Event())

    def make(*proxies: ProxyEntry, url: str | None = None) -> ChecksumDatabase:
        return ChecksumDatabase(NAME, web=web, proxies=proxies, url=url, ask=patience.ask)

    yield make
    web.close()


def test_database_through_a_proxy_answers_all_it_has(
    upstream: Upstream, database: MakeDatabase
) -> None:
    log = served(upstream)
    db = database(ProxyEntry(upstream.url + "/"))
    assert db.name == NAME
    assert db.latest() == log.head()
    assert db.lookup(MODULE) == log.lookup(MODULE)
    assert db.tile(Tile(8, 0, 1, 45)) == log.tile_data(Tile(8, 0, 1, 45))
    assert upstream.paths().count(f"/sumdb/{NAME}/supported") == 1


def test_partial_tile_is_cut_from_the_full_one(upstream: Upstream, database: MakeDatabase) -> None:
    log = served(upstream)
    narrow = Tile(8, 0, 0, 7)
    assert database(ProxyEntry(upstream.url)).tile(narrow) == log.tile_data(narrow)


def test_tile_that_is_nowhere_is_not_found_as_asked(
    upstream: Upstream, database: MakeDatabase
) -> None:
    served(upstream)
    with pytest.raises(NotFoundError) as raised:
        database(ProxyEntry(upstream.url)).tile(Tile(8, 0, 9, 7))
    assert raised.value.where == f"{NAME}/tile/8/0/009.p/7"
    with pytest.raises(NotFoundError):
        database(ProxyEntry(upstream.url)).tile(Tile(8, 0, 9, 256))


def test_unknown_version_is_not_found(upstream: Upstream, database: MakeDatabase) -> None:
    served(upstream)
    with pytest.raises(NotFoundError) as raised:
        database(ProxyEntry(upstream.url)).lookup(ModuleVersion("a.test/b", "v1.0.0"))
    assert raised.value.where == "a.test/b@v1.0.0"


def test_url_of_gosumdb_bypasses_the_proxies(upstream: Upstream, database: MakeDatabase) -> None:
    log = served(upstream, "/db")
    db = database(ProxyEntry("http://unused.invalid"), url=f"{upstream.url}/db")
    assert db.latest() == log.head()
    assert upstream.paths() == ["/db/latest"]


def test_url_of_gosumdb_may_be_a_folder(tmp_path: Path, database: MakeDatabase) -> None:
    (tmp_path / "latest").write_bytes(b"head")
    db = database(url=f"file://{tmp_path}")
    assert db.latest() == b"head"
    with pytest.raises(NotFoundError):
        db.lookup(MODULE)
    (tmp_path / "tile/8/0/000").mkdir(parents=True)
    with pytest.raises(UpstreamError, match="cannot read"):
        db.tile(Tile(8, 0, 0, 256))
    (tmp_path / "latest").write_bytes(b"x" * 2_000_000)
    with pytest.raises(UpstreamError, match="larger than"):
        db.latest()
    with pytest.raises(UpstreamError):
        database(url="file:///%zz").latest()


def where_asked(*proxies: ProxyEntry) -> list[str]:
    web = NoWeb()
    with pytest.raises(UpstreamError):
        ChecksumDatabase(NAME, web=web, proxies=proxies).latest()
    return web.asked


@pytest.mark.parametrize("word", ["direct", "off", "noproxy"])
def test_without_a_proxy_the_database_itself_is_asked(word: str) -> None:
    assert where_asked(ProxyEntry(word)) == [f"https://{NAME}/latest"]


def test_proxy_behind_direct_is_never_asked() -> None:
    asked = where_asked(ProxyEntry("direct"), ProxyEntry("http://p.invalid"))
    assert asked == [f"https://{NAME}/latest"]


def test_proxy_that_fails_ends_the_search() -> None:
    asked = where_asked(ProxyEntry("http://p.invalid"), ProxyEntry("direct"))
    assert asked == [f"http://p.invalid/sumdb/{NAME}/supported"]


def test_proxy_that_fails_before_a_bar_falls_back() -> None:
    asked = where_asked(
        ProxyEntry("http://p.invalid?k=v", falls_back_on_error=True), ProxyEntry("direct")
    )
    assert asked == [
        f"http://p.invalid/sumdb/{NAME}/supported?k=v",
        f"https://{NAME}/latest",
    ]


def test_proxies_that_all_fail_are_not_forgotten_at_the_end() -> None:
    bar = ProxyEntry("http://p.invalid", falls_back_on_error=True)
    assert where_asked(bar, ProxyEntry("off")) == [f"http://p.invalid/sumdb/{NAME}/supported"]


@pytest.mark.parametrize("status", [404, 410])
def test_proxy_without_the_database_passes_on(
    upstream: Upstream, status: int, database: MakeDatabase
) -> None:
    log = served(upstream)
    upstream.fail("/none/*", Fault(status=status))
    db = database(ProxyEntry(f"{upstream.url}/none"), ProxyEntry(upstream.url))
    assert db.latest() == log.head()


@pytest.mark.parametrize("fault", [Fault(status=403), Fault(status=501), LOGIN_PAGE])
def test_proxy_in_trouble_is_the_error_and_stays_it(
    upstream: Upstream, fault: Fault, database: MakeDatabase
) -> None:
    served(upstream)
    upstream.fail("*/supported", fault)
    db = database(ProxyEntry(upstream.url), ProxyEntry("direct"))
    for ask in (db.latest, db.latest):
        with pytest.raises(UpstreamError):
            ask()
    assert set(upstream.paths()) == {f"/sumdb/{NAME}/supported"}
    assert len(upstream.paths()) <= 2


def test_proxy_in_trouble_for_a_moment_is_asked_by_who_asks_next(
    upstream: Upstream, database: MakeDatabase
) -> None:
    log = served(upstream)
    upstream.fail("*/supported", Fault(status=503), times=2)
    db = database(ProxyEntry(upstream.url), ProxyEntry("direct"))
    with pytest.raises(UpstreamError):
        db.latest()
    assert db.latest() == log.head()
    assert upstream.paths() == [
        *[f"/sumdb/{NAME}/supported"] * 3,
        f"/sumdb/{NAME}/latest",
    ]


def test_answer_that_is_a_page_is_refused(upstream: Upstream, database: MakeDatabase) -> None:
    served(upstream)
    upstream.fail("*/lookup/*", LOGIN_PAGE)
    with pytest.raises(UpstreamError):
        database(ProxyEntry(upstream.url)).lookup(MODULE)


def test_attack_endless_tile_is_refused(upstream: Upstream, database: MakeDatabase) -> None:
    served(upstream)
    upstream.files[f"/sumdb/{NAME}/tile/8/0/000"] = (bytes(1 << 20), "application/octet-stream")
    with pytest.raises(UpstreamError, match="larger than"):
        database(ProxyEntry(upstream.url)).tile(Tile(8, 0, 0, 256))


def test_failure_for_a_moment_is_asked_again(upstream: Upstream, database: MakeDatabase) -> None:
    log = served(upstream)
    upstream.fail("*/supported", Fault(status=503), times=1)
    upstream.fail("*/latest", Fault(reset=True), times=1)
    db = database(ProxyEntry(upstream.url))
    assert db.latest() == log.head()
