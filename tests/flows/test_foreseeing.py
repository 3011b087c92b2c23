"""Foreseeing: what is begun before the plan is made, and what is not."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gopack.errors import StoreError, UpstreamError
from gopack.flows.foreseeing import PLENTY, Foresight
from gopack.flows.smallfiles import SmallFileReader
from gopack.flows.verify import SumVerifier
from gopack.plan.room import Room
from gopack.ports import FetchedZip, FileKind
from gopack.spec.goproxy import GoMod, Request
from gopack.spec.module import ModuleVersion
from tests.flows.kit import Breaking, FakeZips, Kit, make_kit, module_files
from tests.plan.graphs import mv, names
from tests.waiting import until

WAIT_S = 10
A, B, C = mv("a1"), mv("b1"), mv("c1")
SIZE = len(f"zip of {A}")


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return make_kit(tmp_path, {"a1": "b1", "b1": "c1", "c1": ""})


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def foresight(kit: Kit, executor: ThreadPoolExecutor, *, room_bytes: int = 10**9) -> Foresight:
    return Foresight(
        SmallFileReader(kit, kit.store),
        kit.store,
        kit.zips,
        SumVerifier(None, exempt=lambda _path: "GOSUMDB=off"),
        executor,
        lambda: Room("the disk", room_bytes, None),
        sizes_at_once=2,
    )


def test_what_is_seen_is_measured_begun_and_described(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    seen = foresight(kit, executor)
    seen.see([A, B])
    assert seen.size(A).result(WAIT_S) == SIZE
    assert (job := seen.take(A)) is not None
    assert job.result(WAIT_S).size_bytes == kit.zips.sizes[A] == SIZE
    assert (info := seen.info(B)) is not None
    assert info.result(WAIT_S) == kit.source.files["a.b/b/@v/v1.1.0.info"]


def test_a_zip_is_taken_once(kit: Kit, executor: ThreadPoolExecutor) -> None:
    seen = foresight(kit, executor)
    seen.see([A, A])
    seen.size(A).result(WAIT_S)
    assert seen.take(A) is not None
    assert seen.take(A) is None
    assert kit.zips.fetched == [A]


def test_zips_begin_only_while_twice_as_much_fits(kit: Kit, executor: ThreadPoolExecutor) -> None:
    seen = foresight(kit, executor, room_bytes=PLENTY * 2 * SIZE)
    for module in (A, B, C):
        seen.see([module])
        assert seen.size(module).result(WAIT_S) == SIZE
    assert kit.zips.fetched == [A, B]


def test_what_the_storage_has_is_not_asked_for(kit: Kit, executor: ThreadPoolExecutor) -> None:
    kit.store.files[A] = {FileKind.INFO: b"", FileKind.MOD: b"", FileKind.ZIP: b""}
    seen = foresight(kit, executor)
    seen.see([A])
    assert (kit.source.asked, seen.info(A), seen.take(A)) == ([], None, None)


def test_nothing_is_begun_where_no_worker_waits(kit: Kit, executor: ThreadPoolExecutor) -> None:
    kit.zips.can_begin = False
    seen = foresight(kit, executor)
    seen.see([A])
    assert (kit.source.asked, seen.info(A)) == ([], None)
    assert seen.size(A).result(WAIT_S) == SIZE


def test_a_size_that_cannot_be_had_is_told_to_who_waits_for_it(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    del kit.source.files["a.b/a/@v/v1.1.0.zip"]
    seen = foresight(kit, executor)
    seen.see([A, B])
    with pytest.raises(UpstreamError):
        seen.size(A).result(WAIT_S)
    assert seen.take(A) is None
    assert seen.size(B).result(WAIT_S) == SIZE


def test_an_info_that_cannot_be_had_fails_its_version_alone(kit: Kit) -> None:
    del kit.source.files["a.b/c/@v/v1.1.0.info"]
    kit.run("a@v1.1.0", "b@v1.1.0")
    assert kit.stored() == {}
    kit.source.files["a.b/c/@v/v1.1.0.info"] = b'{"Version":"v1.1.0"}'
    kit.run("a@v1.1.0", "b@v1.1.0")
    assert set(kit.stored().values()) == {"complete"}


@pytest.fixture
def shrinking(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Kit:
    """A disk on which each zip takes room when it comes."""
    fetch = kit.zips.fetch

    def fetch_to_disk(module: ModuleVersion, *, size_bytes: int = 0) -> "Future[FetchedZip]":
        kit.room_bytes -= SIZE - kit.zips.arrived_bytes(module)
        return fetch(module, size_bytes=size_bytes)

    monkeypatch.setattr(kit.zips, "fetch", fetch_to_disk)
    return kit


def test_what_came_early_takes_no_room_from_the_rest(shrinking: Kit) -> None:
    shrinking.room_bytes = 3 * SIZE
    shrinking.run("a@v1.1.0")
    assert set(shrinking.stored().values()) == {"complete"}
    assert shrinking.room_bytes == 0


def test_what_came_before_a_refusal_takes_no_room_from_a_shorter_list(shrinking: Kit) -> None:
    shrinking.room_bytes = 3 * SIZE - 1
    for _ in range(2):
        with pytest.raises(StoreError, match="too little space"):
            shrinking.run("a@v1.1.0")
    assert shrinking.zips.fetched, "one came early"
    shrinking.run("b@v1.1.0")
    assert shrinking.stored() == {"b1": "complete", "c1": "complete"}


class _Slow(FakeZips):
    """Zips that never come."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit.source, kit.folder)
        self.has_begun = threading.Event()
        self.begun: dict[ModuleVersion, Future[FetchedZip]] = {}

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> "Future[FetchedZip]":
        del size_bytes
        self.begun[module] = Future()
        self.has_begun.set()
        return self.begun[module]


def test_what_is_not_wanted_after_all_is_cancelled(kit: Kit, executor: ThreadPoolExecutor) -> None:
    kit.zips = slow = _Slow(kit)
    seen = foresight(kit, executor)
    seen.see([A, B, C])
    until(lambda: len(slow.begun) == len([A, B, C]))
    seen.keep({A: True, B: False})
    assert [slow.begun[module].cancelled() for module in (A, B, C)] == [False, True, True]
    assert seen.take(A) is slow.begun[A]
    assert seen.take(B) is seen.take(C) is None
    assert seen.info(B) is not None, "its go.mod is wanted"
    assert seen.info(C) is None


def test_what_is_expected_comes_though_it_is_wanted_without_its_zip(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    seen = foresight(kit, executor)
    seen.keep({A: True, B: False, C: False})
    seen.expect([B])
    assert seen.size(B).result(WAIT_S) == SIZE
    seen.keep({A: True, B: False, C: False})
    assert kit.zips.arrived_bytes(B) == SIZE
    assert (job := seen.take(B)) is not None
    assert job.result(WAIT_S).size_bytes == SIZE


def test_what_was_expected_in_vain_is_deleted_in_the_end(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    seen = foresight(kit, executor)
    seen.keep({A: True, B: False, C: False})
    seen.expect([A, B, C])
    for module in (A, B, C):
        assert seen.size(module).result(WAIT_S) == SIZE
    seen.keep({A: True, B: True, C: False})
    seen.end()
    assert [kit.zips.arrived_bytes(module) for module in (A, B, C)] == [SIZE, SIZE, 0]


def test_nothing_is_expected_where_no_worker_waits_or_it_is_stored(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    kit.store.files[A] = {FileKind.INFO: b"", FileKind.MOD: b"", FileKind.ZIP: b""}
    seen = foresight(kit, executor)
    seen.expect([A])
    kit.zips.can_begin = False
    seen.expect([B])
    assert kit.source.asked == []


def test_a_size_that_comes_late_begins_no_zip_that_nobody_wants(kit: Kit) -> None:
    with ThreadPoolExecutor(1) as executor:
        held = threading.Event()
        executor.submit(held.wait, WAIT_S)
        seen = foresight(kit, executor)
        seen.see([A])
        size = seen.size(A)  # somebody waits for it already, so it is not cancelled
        seen.keep({})
        held.set()
        assert size.result(WAIT_S) == SIZE
    assert kit.zips.fetched == []


def test_a_line_that_fails_stops_what_was_begun_for_it(kit: Kit) -> None:
    kit.zips = slow = _Slow(kit)

    class Failing(Breaking):
        def read(self, request: Request) -> bytes:
            if request == GoMod(B):
                assert slow.has_begun.wait(WAIT_S)
                raise UpstreamError("busy")
            return super().read(request)

    kit.source = Failing(kit.source.files)
    result = kit.run("a@v1.1.0")
    assert [line.error is None for line in result.plan.lines] == [False]
    assert A in slow.begun
    assert all(zip_.cancelled() for zip_ in slow.begun.values())


def test_what_came_for_a_line_that_fails_is_deleted(kit: Kit) -> None:
    has_come = threading.Event()  # what is asked for again comes when the zip is gone

    class Failing(Breaking):
        def read(self, request: Request) -> bytes:
            if request == GoMod(B):
                until(lambda: has_come.is_set() or kit.zips.arrived_bytes(A) > 0)
                has_come.set()
                raise UpstreamError("busy")
            return super().read(request)

    kit.source = Failing(kit.source.files)
    kit.run("a@v1.1.0")
    assert kit.zips.fetched
    assert not kit.zips.arrived_bytes(A)


def test_what_comes_late_is_deleted_unless_it_is_wanted_again(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    kit.zips = slow = _Slow(kit)
    seen = foresight(kit, executor)
    seen.see([A, B])
    until(lambda: len(slow.begun) == len([A, B]))
    for job in slow.begun.values():
        job.set_running_or_notify_cancel()
    seen.keep({})
    wanted = seen.take(A)
    for module, begun in slow.begun.items():
        path = kit.folder / module.path.replace("/", "_")
        path.write_bytes(b"x")
        begun.set_result(FetchedZip(path, 1, "sha", "h1:"))
    assert wanted is slow.begun[A]
    assert (kit.folder / "a.b_a").exists()
    assert not (kit.folder / "a.b_b").exists()
    assert seen.take(B) is None


def test_size_that_comes_after_it_was_asked_for_anew_begins_nothing(
    kit: Kit, executor: ThreadPoolExecutor
) -> None:
    """The zip that begins then would take the place of the one that was verified meanwhile."""
    slow, has_begun = threading.Event(), threading.Event()
    size = kit.source.zip_size

    def wait(module: ModuleVersion) -> int | None:
        if not has_begun.is_set():
            has_begun.set()
            assert slow.wait(WAIT_S)
        return size(module)

    kit.source.zip_size = wait  # type: ignore[method-assign]
    seen = foresight(kit, executor)
    seen.see([A])
    assert has_begun.wait(WAIT_S)
    seen.keep({})
    wants = {A: True}
    seen.keep(wants)
    assert seen.size(A).result(WAIT_S) == SIZE
    slow.set()
    executor.shutdown()
    assert kit.zips.fetched == []


def test_hurry_asks_for_all_that_waits(kit: Kit, executor: ThreadPoolExecutor) -> None:
    seen = foresight(kit, executor)
    seen.see([A, B, C])
    seen.hurry()
    infos = [seen.info(module) for module in (A, B, C)]
    assert all(info is not None and info.result(WAIT_S) for info in infos)


class _Holding(Breaking):
    """An upstream that gives one go.mod only after something else has happened."""

    def __init__(self, kit: Kit, held: str) -> None:
        super().__init__(module_files({"a1": "b1", "b1": "c1", "c1": ""}))
        self._kit, self._held = kit, mv(held)
        self.begun_before = ""
        self.happened = threading.Event()

    def read(self, request: Request) -> bytes:
        if request == GoMod(self._held):
            assert self.happened.wait(WAIT_S), "nothing was begun while this was waited for"
            self.begun_before = names(self._kit.zips.fetched)
        return super().read(request)


def test_zips_begin_while_the_graph_is_still_read(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.source = source = _Holding(kit, "c1")
    fetch = kit.zips.fetch

    def fetch_and_tell(module: object, **given: int) -> object:
        job = fetch(module, **given)  # type: ignore[arg-type]
        if module == B:
            source.happened.set()
        return job

    monkeypatch.setattr(kit.zips, "fetch", fetch_and_tell)
    kit.run("a@v1.1.0")
    assert "b1" in source.begun_before
    assert set(kit.stored().values()) == {"complete"}
