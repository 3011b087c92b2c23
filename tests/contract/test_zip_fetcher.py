"""ports.ZipFetcher: one suite on threads and on processes."""

import hashlib
import multiprocessing.process
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gopack.adapters import zipwork
from gopack.adapters.sources import ProxySources
from gopack.adapters.zippackages import read_packages
from gopack.adapters.zippool import AdaptiveZips, ProcessZips, ThreadZips
from gopack.adapters.zipwork import ZipWork, incoming_name
from gopack.errors import IntegrityError, NotFoundError, StoreError
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.plan.survey import Contents
from gopack.ports import FetchedZip
from gopack.spec.goenv import GoEnv, ProxyEntry
from gopack.spec.module import ModuleVersion
from tests.upstream import Fault, Upstream, raw_zip
from tests.waiting import until

A = ModuleVersion("example.com/a", "v1.0.0")
WAIT_S = 20.0

Zips = ThreadZips | ProcessZips
Make = Callable[[ZipWork], Zips]


def processes(work: ZipWork, count: int = 1) -> ProcessZips:
    return ProcessZips(work, processes=count, threads=2)


def threads(work: ZipWork) -> ThreadZips:
    return ThreadZips(work, 4)


OPEN: list[ProxySources] = []


def make_sources(env: GoEnv) -> ProxySources:
    """Sources that the fixture closes; those of a worker process end with it."""
    OPEN.append(ProxySources(env))
    return OPEN[-1]


def make_sources_and_tell(env: GoEnv, told: Path) -> ProxySources:
    """Sources that can be seen from another process to have been made."""
    told.write_text("made")
    return make_sources(env)


@pytest.fixture
def work(upstream: Upstream, tmp_path: Path) -> Iterator[ZipWork]:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    env = GoEnv(proxies=(ProxyEntry(upstream.url, falls_back_on_error=False),))
    yield ZipWork(partial(make_sources, env), incoming, tmp_path / "root")
    while OPEN:
        OPEN.pop().close()


WORKERS = pytest.param(processes, id="processes", marks=pytest.mark.e2e)
"""Processes begin with a new interpreter each: not in make check."""


@pytest.fixture(params=[pytest.param(threads, id="threads"), WORKERS])
def zips(request: pytest.FixtureRequest, work: ZipWork) -> Iterator[Zips]:
    make: Make = request.param
    made = make(work)
    yield made
    made.close()


def nine(upstream: Upstream) -> list[ModuleVersion]:
    """Modules that the upstream has, m0 to m8."""
    modules = [ModuleVersion(f"example.com/m{n}", "v1.0.0") for n in range(9)]
    for module in modules:
        upstream.add(*module)
    return modules


def got(future: "Future[FetchedZip]") -> FetchedZip:
    return future.result(WAIT_S)


def test_fetch_good_zip_lies_in_incoming_with_its_sums(
    zips: Zips, upstream: Upstream, work: ZipWork
) -> None:
    upstream.add(*A)
    found = got(zips.fetch(A))
    data = upstream.files["/example.com/a/@v/v1.0.0.zip"][0]
    assert found.path == work.incoming / incoming_name(A)
    assert found.path.read_bytes() == data
    assert found.size_bytes == len(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.h1.startswith("h1:")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"no zip", IntegrityError),
        (raw_zip({"other/a.go": b""}), IntegrityError),
        (None, NotFoundError),
    ],
)
def test_fetch_what_cannot_be_had_leaves_nothing_and_the_others_go_on(
    zips: Zips, upstream: Upstream, work: ZipWork, data: bytes | None, kind: type[Exception]
) -> None:
    bad = ModuleVersion("example.com/bad", "v1.0.0")
    upstream.add(*A)
    if data is not None:
        upstream.put("example.com/bad/@v/v1.0.0.zip", data)
    futures = [zips.fetch(bad), zips.fetch(A)]
    with pytest.raises(kind, match=r"example\.com/bad@v1\.0\.0"):
        got(futures[0])
    assert got(futures[1]).path is not None
    assert [file.name for file in work.incoming.iterdir()] == [incoming_name(A)]


def test_fetch_uses_what_an_earlier_run_left(zips: Zips, upstream: Upstream, work: ZipWork) -> None:
    upstream.add(*A)
    first = got(zips.fetch(A))
    upstream.log.clear()
    assert got(zips.fetch(A)) == first
    assert upstream.log == []


def test_fetch_what_an_earlier_run_left_broken_is_fetched_anew(
    zips: Zips, upstream: Upstream, work: ZipWork
) -> None:
    upstream.add(*A)
    (work.incoming / incoming_name(A)).write_bytes(b"torn")
    (work.incoming / incoming_name(A)).with_suffix(".part").write_bytes(b"torn, and longer" * 99)
    assert got(zips.fetch(A)).size_bytes == len(upstream.files["/example.com/a/@v/v1.0.0.zip"][0])
    assert [file.name for file in work.incoming.iterdir()] == [incoming_name(A)]


def test_fetch_where_the_disk_refuses_is_store_error(
    zips: Zips, upstream: Upstream, work: ZipWork
) -> None:
    upstream.add(*A)
    work.incoming.rmdir()
    with pytest.raises(StoreError, match="cannot write a zip"):
        got(zips.fetch(A))


def store_zip(work: ZipWork, data: bytes) -> None:
    folder = work.root / A.path / A.version
    folder.mkdir(parents=True)
    (folder / "source.zip").write_bytes(data)


def test_check_stored_zip_gives_its_sums_and_no_path(
    zips: Zips, upstream: Upstream, work: ZipWork
) -> None:
    upstream.add(*A)
    store_zip(work, upstream.files["/example.com/a/@v/v1.0.0.zip"][0])
    checked = got(zips.check(A))
    assert checked.path is None
    fetched = got(zips.fetch(A))
    assert checked[1:] == fetched[1:]


def test_check_stored_zip_that_lies_is_integrity_error_and_it_stays(
    zips: Zips, work: ZipWork
) -> None:
    store_zip(work, b"no zip")
    with pytest.raises(IntegrityError, match=r"example\.com/a@v1\.0\.0"):
        got(zips.check(A))
    assert (work.root / A.path / A.version / "source.zip").read_bytes() == b"no zip"


def test_check_zip_that_is_gone_is_store_error(zips: Zips) -> None:
    with pytest.raises(StoreError):
        got(zips.check(A))


def test_close_does_not_wait_for_a_slow_upstream(zips: Zips, upstream: Upstream) -> None:
    upstream.add(*A)
    upstream.fail("*.zip", Fault(delay_s=3))
    future = zips.fetch(A)
    started = time.monotonic()
    zips.close()
    assert time.monotonic() - started < 2
    assert not future.done() or future.cancelled() or future.exception()


def test_zip_that_is_cancelled_before_its_turn_is_not_fetched(
    zips: Zips, upstream: Upstream
) -> None:
    modules = nine(upstream)
    upstream.fail("*.zip", Fault(delay_s=0.3))
    futures = [zips.fetch(module) for module in modules]
    assert futures[-1].cancel()
    assert not futures[0].cancel(), "it is under way"
    for future in futures[:-1]:
        assert got(future).path is not None
    assert got(zips.fetch(modules[0])).path is not None
    asked = upstream.paths()
    assert not any("m8" in path for path in asked)
    if isinstance(zips, ProcessZips):
        until(lambda: not any(worker.load.jobs for worker in zips._workers))


def test_small_zips_come_and_zips_are_looked_into_while_big_ones_wait(
    zips: Zips, upstream: Upstream
) -> None:
    modules = nine(upstream)
    assert got(zips.fetch(modules[0])).path is not None
    upstream.fail("*/m[1-4]/*.zip", Fault(delay_s=1.0))
    big = [zips.fetch(module, size_bytes=1 << 30) for module in modules[1:5]]
    small = zips.fetch(modules[5], size_bytes=100)
    assert zips.packages(modules[0], frozenset()).result(WAIT_S) == Contents(frozenset(), {})
    assert not any(job.done() for job in big), "they are slow"
    if isinstance(zips, ProcessZips):
        assert got(small).path is not None
        assert not any(job.done() for job in big), "they are slow"
    for job in big:
        assert got(job).path is not None


def test_expect_many_starts_processes_on_several_cores(work: ZipWork) -> None:
    zips = AdaptiveZips(work, jobs=4, cores=2)
    zips.expect(24)
    assert isinstance(zips._started(), ProcessZips)
    zips.close()
    single = AdaptiveZips(work, jobs=4, cores=1)
    single.expect(1000)
    assert isinstance(single._started(), ThreadZips)
    single.close()


@pytest.mark.e2e
def test_prepared_worker_makes_its_sources_and_one_that_waits_does_not(
    work: ZipWork, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    telling = replace(work, make_sources=partial(make_sources_and_tell, GoEnv(()), told))
    waiting = processes(telling)
    time.sleep(0.3)
    assert not told.exists()
    waiting.prepare()
    end = time.monotonic() + WAIT_S
    while not told.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    waiting.close()


def kill(worker: multiprocessing.process.BaseProcess) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)


def test_killed_worker_is_a_clear_error_and_the_others_go_on(
    work: ZipWork, upstream: Upstream
) -> None:
    modules = [ModuleVersion(f"example.com/m{n}", "v1.0.0") for n in range(4)]
    for module in modules:
        upstream.add(*module)
    upstream.fail("*.zip", Fault(delay_s=1))
    zips = processes(work, 2)
    futures = [zips.fetch(module) for module in modules]
    kill(zips._workers[0].process)
    errors = [future.exception(WAIT_S) for future in futures]
    failed = [error for error in errors if error is not None]
    assert 1 <= len(failed) <= 2
    for error in failed:
        assert isinstance(error, StoreError)
        assert "worker process" in str(error)
        assert error.hint
    assert got(zips.fetch(modules[0])).path is not None
    zips.close()


def test_all_workers_killed_every_zip_fails_and_nothing_hangs(
    work: ZipWork, upstream: Upstream
) -> None:
    upstream.add(*A)
    upstream.fail("*.zip", Fault(delay_s=2))
    zips = processes(work, 2)
    futures = [zips.fetch(ModuleVersion("example.com/a", f"v1.{n}.0")) for n in range(9)]
    for worker in zips._workers:
        kill(worker.process)
    futures += [zips.fetch(ModuleVersion("example.com/b", f"v1.{n}.0")) for n in range(20)]
    for future in futures:
        assert isinstance(future.exception(WAIT_S), StoreError)
    zips.close()


def test_packages_of_a_zip_that_comes_just_after_it_was_looked_for_are_read(
    work: ZipWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = work.root / athens_disk_key(A, FileKind.ZIP)

    def read_late(path: Path, module: ModuleVersion, wanted: frozenset[str]) -> Contents:
        if path == stored and not stored.exists():
            stored.parent.mkdir(parents=True)
            stored.write_bytes(
                raw_zip({f"{A}/go.mod": b"module example.com/a\n", f"{A}/a.go": b"package a\n"})
            )
            raise StoreError("no such file")
        return read_packages(path, module, wanted)

    monkeypatch.setattr(zipwork, "read_packages", read_late)
    assert work.packages(A, frozenset()).paths == {"example.com/a"}


def test_packages_of_a_zip_that_cannot_be_read_are_an_error(
    work: ZipWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = work.root / athens_disk_key(A, FileKind.ZIP)
    stored.parent.mkdir(parents=True)
    stored.touch()

    def refuse(_path: Path, _module: ModuleVersion, _wanted: frozenset[str]) -> Contents:
        raise StoreError("not to be read")

    monkeypatch.setattr(zipwork, "read_packages", refuse)
    with pytest.raises(StoreError, match="not to be read"):
        work.packages(A, frozenset())


def test_packages_of_a_zip_that_waits_for_a_slow_disk_are_read(
    work: ZipWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipwork, "MOVING_S", 0.0)
    staged = work.incoming.with_name("staging") / "1"
    staged.mkdir(parents=True)
    files = {f"{A}/go.mod": b"module example.com/a\n", f"{A}/a.go": b"package a\n"}
    (staged / "source.zip").write_bytes(raw_zip(files))

    def move_in() -> None:
        time.sleep(0.2)
        stored = work.root / athens_disk_key(A, FileKind.ZIP)
        stored.parent.parent.mkdir(parents=True)
        staged.rename(stored.parent)

    moving = threading.Thread(target=move_in)
    moving.start()
    assert work.packages(A, frozenset()).paths == {"example.com/a"}
    moving.join()
    begun = time.monotonic()
    with pytest.raises(StoreError):
        work.packages(ModuleVersion("example.com/b", "v1.0.0"), frozenset())
    assert time.monotonic() - begun < WAIT_S


@pytest.mark.e2e
def test_who_hears_of_a_death_may_ask_for_more(work: ZipWork, upstream: Upstream) -> None:
    """A lock that is held while it is told would be waited for by who holds another one."""
    upstream.add(*A)
    upstream.fail("*.zip", Fault(delay_s=2))
    zips = processes(work)
    first = zips.fetch(A)
    more: list[Future[FetchedZip]] = []
    first.add_done_callback(lambda _: more.append(zips.fetch(A)))
    kill(zips._workers[0].process)
    assert isinstance(first.exception(WAIT_S), StoreError)
    deadline = time.monotonic() + WAIT_S
    while not more and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(more[0].exception(WAIT_S), StoreError)
    zips.close()
