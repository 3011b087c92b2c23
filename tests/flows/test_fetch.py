"""The main job over fakes: lines that fail, the order of appearing, second and broken runs."""

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gopack.errors import GopackError, IntegrityError, NotFoundError, StoreError, UpstreamError
from gopack.flows.fetch import FetchResult
from gopack.flows.prune import prunable, prune
from gopack.plan.closure import Level
from gopack.plan.layout import FileKind
from gopack.plan.manifest import Annotations
from gopack.ports import FetchedZip, Publication, State
from gopack.spec.goproxy import Info, Request
from gopack.spec.module import ModuleVersion
from tests.flows.kit import Breaking, Kit, counting, make_kit
from tests.plan.graphs import mv, names

GRAPH = {"a1": "b1", "b1": "c1", "c1": "", "d1": "b1 e1", "e1": "", "f1": ""}


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return make_kit(tmp_path, GRAPH)


def statuses(result: FetchResult) -> list[str]:
    return [line.status for line in result.outcome.lines]


def error_of(result: FetchResult, line: int = 0) -> GopackError:
    error = result.outcome.lines[line].error
    assert error is not None
    return error


def test_fetch_stores_the_closure_and_writes_it_down(kit: Kit) -> None:
    result = kit.run("a", "f")
    assert statuses(result) == ["done", "done"]
    assert kit.stored() == dict.fromkeys(["a1", "b1", "c1", "f1"], "complete")
    manifest = kit.ledger().manifest
    assert names(manifest.versions) == "a1 b1 c1 f1"
    assert manifest.versions[mv("a1")].why == ("a",)
    assert manifest.versions[mv("c1")].why == ("required by a.b/b@v1.1.0",)
    assert set(manifest.listed) == {mv("a1"), mv("f1")}
    assert result.outcome.exit_status == 0


def test_fetch_publishes_requirements_first_and_roots_last(kit: Kit) -> None:
    kit.run("a", "d")
    order = [module for module, _state in kit.store.published]
    for above, below in (("a1", "b1"), ("b1", "c1"), ("d1", "b1"), ("d1", "e1"), ("a1", "c1")):
        assert order.index(mv(below)) < order.index(mv(above))


def test_fetch_line_that_does_not_resolve_leaves_the_others(kit: Kit) -> None:
    result = kit.run("z", "f", "a@v9.0.0")
    assert statuses(result) == ["failed", "done", "failed"]
    assert result.outcome.exit_status == 3
    assert kit.stored() == {"f1": "complete"}


def test_fetch_line_over_a_spoilt_go_mod_is_no_fault_of_the_list(kit: Kit) -> None:
    kit.source.files["a.b/b/@v/v1.1.0.mod"] = b"module a.b/b\n\nrequire a.b/\xa3 v1.0.0\n"
    result = kit.run("a", "d", "e", "f")
    assert statuses(result) == ["failed", "failed", "done", "done"]
    assert isinstance(error_of(result), IntegrityError)
    assert "a.b/b@v1.1.0" in str(error_of(result))
    assert not [key for key in kit.ledger().manifest.surveys if key.startswith("together")]


def test_fetch_patch_takes_its_base_from_another_line(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "", "a2": ""})
    kit.source.files["a.b/a/@v/list"] += b"v1.1.5\n"
    for kind in ("info", "mod", "zip"):
        data = kit.source.files[f"a.b/a/@v/v1.1.0.{kind}"].replace(b"v1.1.0", b"v1.1.5")
        kit.source.files[f"a.b/a/@v/v1.1.5.{kind}"] = data
    result = kit.run("a@patch", "a@v1.1.0")
    assert result.outcome.lines[0].versions == ("v1.1.5",)
    assert statuses(kit.run("a@patch")) == ["failed"]


@pytest.mark.parametrize("what", ["zip", "info"])
def test_fetch_dependency_that_fails_takes_the_lines_that_need_it(kit: Kit, what: str) -> None:
    error = UpstreamError("503", where="a.b/b@v1.1.0", retryable=True)
    if what == "zip":
        kit.zips.errors[mv("b1")] = error
    else:
        kit.source.breaks["a.b/b/@v/v1.1.0.info"] = error
    result = kit.run("a", "f", "d")
    assert statuses(result) == ["failed", "done", "failed"]
    assert "a.b/a@v1.1.0 requires a.b/b@v1.1.0" in str(error_of(result))
    assert "a1" not in kit.stored()
    assert "b1" not in kit.stored()
    assert "d1" not in kit.stored()
    assert kit.stored()["f1"] == "complete"
    kit.zips.errors.clear()
    kit.source.breaks.clear()
    assert statuses(kit.run("a", "f", "d")) == ["done", "there", "done"]


def test_fetch_failed_version_does_not_hold_back_a_line_that_does_not_need_it(
    tmp_path: Path,
) -> None:
    kit = make_kit(tmp_path, {"a1!": "b1", "b1": "c1", "c1": "", "d1": "e1", "e1": ""})
    kit.zips.errors[mv("c1")] = IntegrityError("lies", where="c1")
    result = kit.run("a", "d", level=Level.BUILD)
    assert statuses(result) == ["failed", "done"]
    assert kit.stored() == {"d1": "complete", "e1": "complete"}


def test_fetch_wrong_zip_is_integrity_and_weighs_most(kit: Kit) -> None:
    kit.zips.errors[mv("c1")] = IntegrityError("lies", where="c1")
    kit.zips.errors[mv("b1")] = UpstreamError("503", where="b1")
    result = kit.run("a")
    assert isinstance(error_of(result), IntegrityError)
    assert result.outcome.exit_status == 4
    assert kit.stored() == {}


def test_fetch_version_that_only_promotion_names_may_be_missing(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "b1", "b1": "c1"})
    result = kit.run("a")
    assert statuses(result) == ["done"]
    assert kit.stored() == {"a1": "complete", "b1": "complete"}
    assert len(result.outcome.warnings) == 1
    assert "a.b/c@v1.1.0" in result.outcome.warnings[0]


def test_fetch_version_of_the_first_graph_may_not_be_missing(tmp_path: Path) -> None:
    result = make_kit(tmp_path, {"a1!": "b1", "b1!": "c1"}).run("a")
    assert isinstance(error_of(result), NotFoundError)
    assert "requires a.b/c@v1.1.0" in str(error_of(result))


def test_fetch_missing_zip_of_what_go_need_not_have_is_a_warning(kit: Kit) -> None:
    del kit.source.files["a.b/c/@v/v1.1.0.zip"]
    result = kit.run("a")
    assert statuses(result) == ["done"]
    assert kit.stored() == {"a1": "complete", "b1": "complete", "c1": "mod-only"}
    assert "a.b/c@v1.1.0" in result.outcome.warnings[0]


def test_fetch_zip_that_is_refused_and_that_go_need_not_have_is_told_as_such(kit: Kit) -> None:
    kit.zips.errors[mv("c1")] = UpstreamError("403 Forbidden")
    result = kit.run("a")
    assert statuses(result) == ["done"]
    assert kit.stored()["c1"] == "mod-only"
    assert "a.b/c@v1.1.0: its zip cannot be had (403 Forbidden)" in result.outcome.warnings[0]


def test_fetch_zip_comes_though_its_size_was_refused(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_module: ModuleVersion) -> int | None:
        raise UpstreamError("416 Range Not Satisfiable")

    monkeypatch.setattr(kit.source, "zip_size", refuse)
    assert statuses(kit.run("a")) == ["done"]
    assert set(kit.stored().values()) == {"complete"}


def test_fetch_zip_that_cannot_be_read_is_told_and_not_taken_for_empty(kit: Kit) -> None:
    kit.zips.unreadable[mv("a1")] = StoreError("a worker process ended")
    result = kit.run("a")
    assert [error.what for error in result.outcome.together] == ["a worker process ended"]
    assert set(kit.stored().values()) == {"complete"}
    assert kit.ledger().manifest.surveys == {}
    kit.zips.unreadable.clear()
    assert not kit.run("a").outcome.errors
    assert kit.ledger().manifest.surveys


def test_fetch_zip_that_did_not_come_is_not_read(kit: Kit) -> None:
    kit.zips.errors[mv("a1")] = UpstreamError("busy", retryable=True)
    assert statuses(kit.run("a")) == ["failed"]
    assert kit.zips.read == []


def test_fetch_zip_is_read_while_small_files_are_waited_for(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "b1", "b1": "c1", "c1": ""})
    waited: list[bool] = []

    class Late(Breaking):
        def read(self, request: Request) -> bytes:
            if request == Info("a.b/c", "v1.1.0"):
                deadline = time.monotonic() + 20
                while not kit.zips.read and time.monotonic() < deadline:
                    time.sleep(0.001)
                waited.append(bool(kit.zips.read))
            return super().read(request)

    kit.source = Late(kit.source.files)
    assert statuses(kit.run("a")) == ["done"]
    assert waited
    assert all(waited)


def test_fetch_lines_that_cannot_live_together_are_done_with_a_warning(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "c1", "b1": "c2", "c1": "", "c2": "e1", "e1!": "f1"})
    result = kit.run("a", "b")
    assert statuses(result) == ["done", "done"]
    assert result.outcome.exit_status == 0


def test_fetch_joint_graph_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    # Alone, a and b read c1 and c2; together a's promotion of c2 reads d2, which neither does.
    kit = make_kit(tmp_path, {"a1": "c1 d1", "b1": "d2", "c1": "", "d1": "", "d2": "e1", "e1": ""})
    kit.source.breaks["a.b/d/@v/v1.2.0.mod"] = UpstreamError("503", where="a.b/d@v1.2.0")
    result = kit.run("a", "b")
    assert result.outcome.exit_status == 3


def test_fetch_second_run_of_exact_versions_asks_nothing(kit: Kit) -> None:
    first = kit.run("a@v1.1.0", "d@v1.1.0")
    kit.known = {line.item.text: line.roots[0] for line in first.plan.lines}
    with counting(kit.source) as asked:
        result = kit.run("a@v1.1.0", "d@v1.1.0")
    assert asked == []
    assert statuses(result) == ["there", "there"]
    assert result.outcome.added == 0


def test_fetch_second_run_of_floating_lines_asks_for_lists_alone(kit: Kit) -> None:
    kit.run("a", "f")
    with counting(kit.source) as asked:
        assert statuses(kit.run("a", "f")) == ["there", "there"]
    assert sorted(asked) == ["a.b/a/@v/list", "a.b/f/@v/list"]


def test_fetch_new_line_fetches_only_what_is_new(kit: Kit) -> None:
    kit.run("a")
    kit.zips.fetched.clear()
    result = kit.run("a", "d")
    assert statuses(result) == ["there", "done"]
    assert names(kit.zips.fetched) == "d1 e1"


def test_fetch_mod_only_version_that_is_wanted_whole_becomes_complete(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1!": "b1 c1", "b1!": "c2", "c1": "", "c2": ""})
    kit.run("a", level=Level.BUILD)
    assert kit.stored()["c1"] == "mod-only"
    kit.run("c@v1.1.0")
    assert kit.stored()["c1"] == "complete"
    assert kit.ledger().vouches_for(mv("c1"), whole=True)


def test_fetch_too_little_room_starts_no_zip(kit: Kit) -> None:
    kit.room_bytes = 3
    with pytest.raises(StoreError, match="too little space"):
        kit.run("a")
    assert kit.zips.fetched == []
    assert kit.stored() == {}


def test_fetch_begins_a_listed_zip_before_its_graph_where_there_is_room(kit: Kit) -> None:
    def asked_first() -> str:
        with counting(kit.source) as asked:
            kit.run("a")
        return min(("v1.1.0.zip", "b/@v/v1.1.0.mod"), key=lambda end: _place(asked, end))

    kit.room_bytes = 10**13
    assert asked_first() == "v1.1.0.zip"
    assert sorted(kit.zips.fetched) == [mv("a1"), mv("b1"), mv("c1")]
    assert set(kit.stored().values()) == {"complete"}
    with counting(kit.source) as asked:
        kit.run("a@v1.1.0")
    assert [name for name in asked if name.endswith(".zip")] == []


def _place(asked: list[str], end: str) -> int:
    return next(at for at, name in enumerate(asked) if name.endswith(end))


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("appearing", ["c1", "a1"])
def test_fetch_interrupted_while_versions_appear_notes_them_and_begins_no_more(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, appearing: str
) -> None:
    publish_all = kit.store.publish_all

    def publish_slowly(wanted: Sequence[Publication]) -> dict[ModuleVersion, StoreError]:
        if mv(appearing) in [publication.module for publication in wanted]:
            time.sleep(0.3)  # so that it is waited for
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.1)
        return publish_all(wanted)

    monkeypatch.setattr(kit.store, "publish_all", publish_slowly)
    with pytest.raises(KeyboardInterrupt):
        kit.run("a")
    assert (appearing == "a1") is ("a1" in kit.stored())
    assert appearing in kit.stored()
    assert names(kit.ledger().manifest.versions) == " ".join(sorted(kit.stored()))


def test_fetch_broken_off_saves_what_was_stored_and_the_next_run_goes_on(kit: Kit) -> None:
    kit.zips.broken[mv("b1")] = Interrupted()
    with pytest.raises(Interrupted):
        kit.run("f", "a")
    recorded = kit.ledger().manifest.versions
    assert {module for module, _state in kit.store.published} == set(recorded)
    kit.zips.broken.clear()
    kit.zips.fetched.clear()
    assert kit.run("f", "a").outcome.exit_status == 0
    assert kit.stored() == dict.fromkeys(["a1", "b1", "c1", "f1"], "complete")
    assert not set(kit.zips.fetched) & set(recorded)


def forget_manifest(kit: Kit) -> None:
    (kit.folder / "manifest.json").unlink()


def test_fetch_adopts_what_is_stored_but_not_recorded_by_checking_it(kit: Kit) -> None:
    kit.run("a")
    before = kit.ledger().manifest
    forget_manifest(kit)
    kit.zips.fetched.clear()
    kit.run("a")
    assert kit.zips.fetched == []
    assert names(kit.zips.checked) == "a1 b1 c1"
    assert names(kit.ledger().manifest.versions) == names(before.versions)


def test_fetch_adopts_the_info_that_lies_there(kit: Kit) -> None:
    kit.run("f")
    other = b'{"Version":"v1.1.0","Time":"2020-01-01T00:00:00Z"}'
    kit.store.files[mv("f1")][FileKind.INFO] = other
    forget_manifest(kit)
    assert statuses(kit.run("f")) == ["done"]
    assert kit.ledger().is_as_recorded(mv("f1"), FileKind.INFO, other)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (FileKind.MOD, b"module a.b/f\n\nrequire a.b/evil v1.0.0\n"),
        (FileKind.INFO, b'{"Version":"v1.0.9"}'),
        (FileKind.INFO, b"torn"),
    ],
)
def test_fetch_does_not_adopt_what_differs_from_upstream(
    kit: Kit, kind: FileKind, data: bytes
) -> None:
    kit.run("f")
    kit.store.files[mv("f1")][kind] = data
    forget_manifest(kit)
    result = kit.run("f", "a")
    assert statuses(result) == ["failed", "done"]
    assert result.outcome.exit_status == 5
    assert "remove this version's folder" in error_of(result).hint
    assert mv("f1") not in kit.ledger().manifest.versions


def test_fetch_does_not_adopt_a_zip_that_is_wrong(kit: Kit) -> None:
    kit.run("a")
    forget_manifest(kit)
    kit.zips.errors[mv("b1")] = IntegrityError("lies", where="b1")
    result = kit.run("a")
    assert statuses(result) == ["failed"]
    assert not kit.ledger().vouches_for(mv("b1"), whole=False)


def test_fetch_version_the_storage_refuses_takes_only_lines_that_need_it(kit: Kit) -> None:
    publish = kit.store.publish

    def refusing(module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path | None) -> None:
        if module == mv("c1"):
            raise StoreError("c and C would be one folder", where=str(module))
        publish(module, info=info, mod=mod, zip_file=zip_file)

    kit.store.publish = refusing  # type: ignore[method-assign]
    result = kit.run("a", "f")
    assert statuses(result) == ["failed", "done"]
    assert result.outcome.exit_status == 5
    assert kit.stored() == {"f1": "complete"}


def have_somebody_else_store(kit: Kit, module: ModuleVersion, **files: bytes) -> None:
    """Have files of a version appear just before gopack would store it, as an Athens may."""
    publish_all = kit.store.publish_all
    theirs = {
        FileKind.INFO: b'{"Version":"v1.1.0","Time":"2020-01-01T00:00:00Z"}',
        FileKind.MOD: kit.source.files[f"{module.path}/@v/{module.version}.mod"],
        FileKind.ZIP: b"packed otherwise",
        **{FileKind[name]: data for name, data in files.items()},
    }

    def publish_late(wanted: Sequence[Publication]) -> dict[ModuleVersion, StoreError]:
        if module in [one.module for one in wanted]:
            kit.store.files[module] = theirs
        return publish_all(wanted)

    kit.store.publish_all = publish_late  # type: ignore[method-assign]


def test_fetch_takes_what_somebody_else_stores_meanwhile_if_it_has_the_same_sums(kit: Kit) -> None:
    have_somebody_else_store(kit, mv("c1"))
    assert statuses(kit.run("a")) == ["done"]
    assert names(kit.zips.checked) == "c1"
    ledger = kit.ledger()
    info = kit.store.files[mv("c1")][FileKind.INFO]
    assert ledger.is_as_recorded(mv("c1"), FileKind.INFO, info)
    entry = ledger.manifest.versions[mv("c1")]
    assert entry.zip is not None
    assert entry.zip.size_bytes == 3, "that of the zip that is there"


@pytest.mark.parametrize("is_mod", [True, False])
def test_fetch_does_not_vouch_for_what_somebody_else_stores_meanwhile(
    kit: Kit, *, is_mod: bool
) -> None:
    if is_mod:
        have_somebody_else_store(kit, mv("c1"), MOD=b"module evil\n")
    else:
        have_somebody_else_store(kit, mv("c1"))
        kit.zips.stored_h1[mv("c1")] = "h1:evil"
    result = kit.run("a", "f")
    assert statuses(result) == ["failed", "done"]
    assert result.outcome.exit_status == 5
    assert "with other files" in str(error_of(result))
    assert kit.stored() == {"c1": "complete", "f1": "complete"}
    assert mv("c1") not in kit.ledger().manifest.versions


def test_prune_takes_what_no_line_needs_and_nothing_put_in_by_hand(kit: Kit) -> None:
    kit.run("a", "d", "f")
    ledger = kit.ledger()
    ledger.annotate(Annotations(why={mv("f1"): ["by hand: add"]}))
    ledger.save()
    kit.store.files[mv("z9")] = {}
    result = kit.run("a")
    ledger = kit.ledger()
    going = prunable(result, ledger.manifest.versions)
    assert names(going) == "d1 e1"
    said: list[str] = []
    prune(kit.store, ledger, going, said.append)
    assert [line for line in said if "a.b/d@v1.1.0" in line]
    assert set(kit.stored()) == {"a1", "b1", "c1", "f1", "z9"}
    assert names(kit.ledger().manifest.versions) == "a1 b1 c1 f1"


def test_prune_nothing_goes_when_a_line_failed(kit: Kit) -> None:
    kit.run("a", "f")
    result = kit.run("a", "z")
    assert prunable(result, kit.ledger().manifest.versions) == []
    said: list[str] = []
    prune(kit.store, kit.ledger(), [], said.append)
    assert said == ["nothing to prune"]


def test_fetch_go_mod_of_another_module_names_both(kit: Kit) -> None:
    kit.source.files["a.b/f/@v/v1.1.0.mod"] = b"module a.b/moved\n"
    error = error_of(kit.run("f"))
    assert isinstance(error, IntegrityError)
    assert "a.b/moved" in error.hint


def test_fake_zips_keep_the_ports_promise(kit: Kit) -> None:
    found: FetchedZip = kit.zips.fetch(mv("f1")).result()
    assert found.path is not None
    assert kit.store.state(mv("f1")) is State.ABSENT
