"""Verification while fetching, against a log in memory that may lie."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gopack.errors import IntegrityError, StoreError, UpstreamError
from gopack.flows.verify import Database, Outcome, SumVerifier, Unverified, Verified
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import HeadProver, Sums, open_head
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record, format_record
from tests.fakes_sumdb import FakeProofStore, FakeSumDB, fake_h1

MODULES = [ModuleVersion(f"m{n}.test/a", f"v1.{n}.0") for n in range(20)]
ONE, TWO = MODULES[:2]


def sums_of(module: ModuleVersion) -> Sums:
    return Sums(fake_h1(f"{module}/go.mod"), fake_h1(str(module)))


def make_log() -> FakeSumDB:
    log = FakeSumDB()
    for module in MODULES:
        log.grow(97)
        log.add(module)
    log.grow(321)
    return log


def never(path: str) -> str | None:
    return None


@contextmanager
def verifying(log: FakeSumDB, store: FakeProofStore) -> Iterator[SumVerifier]:
    with SumVerifier(Database(log, store, log.verifier), exempt=never, jobs=4) as verifier:
        yield verifier


def run(
    log: FakeSumDB, store: FakeProofStore, modules: list[ModuleVersion]
) -> dict[ModuleVersion, Outcome]:
    with verifying(log, store) as verifier:
        for module in modules:
            verifier.prefetch(module)
        outcomes = verifier.prove({module: sums_of(module) for module in modules})
        if not any(isinstance(outcome, Exception) for outcome in outcomes.values()):
            verifier.finish()
    return outcomes


def test_prove_known_versions_are_verified_and_kept() -> None:
    log, store = make_log(), FakeProofStore()
    outcomes = run(log, store, MODULES)
    assert all(isinstance(outcome, Verified) for outcome in outcomes.values())
    assert set(store.kept_records) == set(MODULES)
    assert list(store.heads().values()) == [log.head()]
    assert len(log.asked) == len(set(log.asked)), "each lookup and tile is asked for once"


def test_prove_in_waves_keeps_one_head_and_asks_for_nothing_twice() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        proven: dict[ModuleVersion, Outcome] = {}
        for module in MODULES:
            proven |= verifier.prove({module: sums_of(module)})
        verifier.finish()
        assert proven == {m: Verified(store.kept_records[m]) for m in MODULES}
    assert len(log.asked) == len(set(log.asked))
    assert len(store.heads()) == 1


def test_prove_mod_only_then_complete_asks_once() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        mod_only = verifier.prove({ONE: Sums(sums_of(ONE).mod)})
        whole = verifier.prove({ONE: sums_of(ONE)})
    assert mod_only == whole
    assert log.asked.count(f"lookup/{ONE}") == 1


def test_second_run_of_known_versions_sends_no_request() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    log.asked.clear()
    log.grow(1000)
    outcomes = run(log, store, MODULES)
    assert all(isinstance(outcome, Verified) for outcome in outcomes.values())
    assert log.asked == []


def test_records_that_a_kill_left_without_their_head_are_asked_for_anew() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    store.kept_heads.clear()
    outcomes = run(log, store, MODULES)
    assert all(isinstance(outcome, Verified) for outcome in outcomes.values())
    assert list(store.heads().values()) == [log.head()]


def test_nothing_to_verify_sends_no_request() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        assert verifier.prove({}) == {}
        verifier.finish()
    assert log.asked == []


def test_second_run_with_a_new_version_moves_the_head_and_carries_all_tiles() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    first = log.head()
    log.grow(700)
    new = ModuleVersion("new.test/m", "v1.0.0")
    log.add(new)
    log.grow(5)
    assert isinstance(run(log, store, [new])[new], Verified)
    assert list(store.heads().values()) == [first, log.head()]
    log.asked.clear()
    with verifying(log, store) as verifier:
        verifier.prefetch(ONE)
        verifier.finish()
    assert log.asked == [], "the kept tiles prove every record and head"


def test_of_what_an_earlier_run_proved_only_what_holds_the_records_is_read() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    read: list[Tile] = []
    tile_of = store.tile

    def watched(tile: Tile) -> bytes | None:
        read.append(tile)
        return tile_of(tile)

    store.tile = watched  # type: ignore[method-assign]
    log.asked.clear()
    with verifying(log, store) as verifier:
        verifier.complete()
        verifier.finish()
    head = HeadProver(open_head(log.head(), log.verifier))
    leaves = {head.chain(record.id)[-1] for record in store.records().values()}
    assert leaves <= set(read) <= leaves | set(head.root_tiles)
    assert log.asked == []


@pytest.mark.parametrize("grown", [0, 3, 700])
def test_lost_tile_of_what_is_kept_comes_back_at_whatever_head(grown: int) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    lost = leaf_tile(log, ONE)
    del store.kept_tiles[lost]
    new = ModuleVersion("new.test/m", "v1.0.0")
    log.add(new)
    log.grow(grown)
    assert isinstance(run(log, store, [new])[new], Verified)
    head = HeadProver(open_head(list(store.heads().values())[-1], log.verifier))
    needed = head.needed([record.id for record in store.records().values()])
    assert head.admit({tile: store.kept_tiles[tile] for tile in needed}) == []
    for record in store.records().values():
        head.check_record(record)


def test_exempt_versions_are_not_asked_for() -> None:
    log, store = make_log(), FakeProofStore()
    with SumVerifier(
        Database(log, store, log.verifier), exempt=lambda path: "GONOSUMDB"
    ) as verifier:
        verifier.prefetch(ONE)
        assert verifier.prove({ONE: sums_of(ONE)}) == {ONE: Unverified("GONOSUMDB")}
        verifier.finish()
    assert log.asked == []


def test_database_off_fails_what_must_be_verified() -> None:
    with SumVerifier(None, exempt=never) as verifier:
        verifier.prefetch(ONE)
        outcome = verifier.prove({ONE: sums_of(ONE)})[ONE]
        verifier.finish()
    assert isinstance(outcome, UpstreamError)
    assert "GOSUMDB=off" in str(outcome)


def test_unknown_version_fails_alone_and_names_gonosumdb() -> None:
    log, store = make_log(), FakeProofStore()
    private = ModuleVersion("corp.test/secret", "v1.0.0")
    outcomes = run(log, store, [ONE, private])
    assert isinstance(outcomes[ONE], Verified)
    error = outcomes[private]
    assert isinstance(error, UpstreamError)
    assert "GONOSUMDB=corp.test/secret" in error.hint
    assert error.where == str(private)


def test_attack_other_zip_for_a_known_version_is_refused() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        spoilt = Sums(sums_of(ONE).mod, fake_h1("evil"))
        outcomes = verifier.prove({ONE: spoilt, TWO: sums_of(TWO)})
    assert isinstance(outcomes[ONE], IntegrityError)
    assert isinstance(outcomes[TWO], Verified)
    assert ONE not in store.kept_records


def test_attack_forged_record_is_refused() -> None:
    log, store = make_log(), FakeProofStore()
    answer = log.lookup(ONE).replace(b"h1:", b"h1:A", 1)
    log.spoilt_lookups[ONE] = answer
    outcomes = run(log, store, [ONE, TWO])
    assert "not in the log" in str(outcomes[ONE])
    assert isinstance(outcomes[TWO], Verified)


@pytest.mark.parametrize("answer", [b"", b"<html>sorry</html>", b"1\ntext\n\nno note\n"])
def test_lookup_that_is_no_record_fails_alone(answer: bytes) -> None:
    log, store = make_log(), FakeProofStore()
    log.spoilt_lookups[ONE] = answer
    outcomes = run(log, store, [ONE, TWO])
    error = outcomes[ONE]
    assert isinstance(error, IntegrityError)
    assert error.where == str(ONE)
    assert isinstance(outcomes[TWO], Verified)


def test_attack_note_with_wrong_key_is_refused() -> None:
    log, store = make_log(), FakeProofStore()
    impostor = FakeSumDB(seed=b"\x66" * 32)
    impostor.texts, impostor.ids, impostor.stored = log.texts, log.ids, log.stored
    with SumVerifier(Database(impostor, store, log.verifier), exempt=never) as verifier:
        outcome = verifier.prove({ONE: sums_of(ONE)})[ONE]
    assert isinstance(outcome, IntegrityError)
    assert not store.kept_heads


def test_attack_record_beyond_its_own_head_is_refused() -> None:
    log, store = make_log(), FakeProofStore()
    log.lookup_head_size = 5
    outcomes = run(log, store, [ONE])
    assert "beyond the tree it came with" in str(outcomes[ONE])


def leaf_tile(log: FakeSumDB, module: ModuleVersion) -> Tile:
    return Tile(8, 0, log.ids[module] >> 8, 256)


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def test_attack_flipped_tile_fails_only_what_rests_on_it() -> None:
    log, store = make_log(), FakeProofStore()
    victim, other = MODULES[0], MODULES[10]
    tile = leaf_tile(log, victim)
    log.spoilt_tiles[tile] = flipped(log.tile_data(tile))
    outcomes = run(log, store, [victim, other])
    error = outcomes[victim]
    assert isinstance(error, IntegrityError)
    assert error.where == tile.path
    assert isinstance(outcomes[other], Verified)
    assert tile not in store.kept_tiles


def test_attack_flipped_root_tile_fails_everything_and_keeps_nothing() -> None:
    log, store = make_log(), FakeProofStore()
    tile = Tile(8, 0, len(log.texts) >> 8, len(log.texts) & 255)
    log.spoilt_tiles[tile] = flipped(log.tile_data(tile))
    outcomes = run(log, store, [ONE, TWO])
    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes.values())
    assert not store.kept_heads
    assert not store.kept_tiles


@pytest.mark.parametrize("change", [-32, 32, -1])
def test_attack_wrong_width_tile_is_refused(change: int) -> None:
    log, store = make_log(), FakeProofStore()
    tile = leaf_tile(log, ONE)
    data = log.tile_data(tile)
    log.spoilt_tiles[tile] = data[:change] if change < 0 else data + bytes(change)
    assert isinstance(run(log, store, [ONE])[ONE], IntegrityError)


@pytest.mark.parametrize("root", [False, True])
def test_spoilt_kept_tile_is_fetched_again(root: bool) -> None:  # noqa: FBT001
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    tile = Tile(8, 0, len(log.texts) >> 8, len(log.texts) & 255) if root else leaf_tile(log, ONE)
    good = store.kept_tiles[tile]
    store.kept_tiles[tile] = flipped(good)
    log.asked.clear()
    assert isinstance(run(log, store, [ONE])[ONE], Verified)
    assert store.kept_tiles[tile] == good
    assert tile.path in log.asked


def test_spoilt_kept_root_tile_that_cannot_be_fetched_again_is_an_upstream_error() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    tile = Tile(8, 0, len(log.texts) >> 8, len(log.texts) & 255)
    store.kept_tiles[tile] = flipped(store.kept_tiles[tile])
    log.broken_tiles.add(tile)
    assert isinstance(run(log, store, [ONE])[ONE], UpstreamError)


def test_finish_with_an_unreachable_tile_fails_and_moves_nothing() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [ONE])
    before = store.heads()
    log.grow(1000)
    log.broken_tiles.add(Tile(8, 0, 1, 256))
    with verifying(log, store) as verifier, pytest.raises(UpstreamError):
        verifier.finish({"laptop.latest": log.head(500)})
    assert store.heads() == before


def test_unreachable_tile_is_an_upstream_error_of_what_rests_on_it() -> None:
    log, store = make_log(), FakeProofStore()
    tile = leaf_tile(log, ONE)
    log.broken_tiles.add(tile)
    outcomes = run(log, store, [ONE, MODULES[10]])
    assert isinstance(outcomes[ONE], UpstreamError)
    assert isinstance(outcomes[MODULES[10]], Verified)


def grown_behind_a_tile(log: FakeSumDB, store: FakeProofStore) -> Tile:
    """Keep a head, grow the log by all but one tile, and tell what joins the two; TWO is new."""
    log.grow(290)
    log.add(ONE)
    log.grow(9)
    run(log, store, [ONE])
    log.grow(290)
    log.add(TWO)
    log.grow(260)
    return Tile(8, 0, 1, 256)


def test_unreachable_tile_between_two_heads_is_no_fork() -> None:
    log, store = FakeSumDB(), FakeProofStore()
    log.broken_tiles.add(grown_behind_a_tile(log, store))
    before = store.heads()
    with verifying(log, store) as verifier:
        outcomes = verifier.prove({TWO: sums_of(TWO)})
        looked_at = verifier.vouch(TWO, sums_of(TWO).mod)
    for outcome in (outcomes[TWO], looked_at):
        assert isinstance(outcome, UpstreamError)
        assert outcome.retryable
    assert store.heads() == before


def test_spoilt_tile_between_two_heads_is_told_as_such() -> None:
    log, store = FakeSumDB(), FakeProofStore()
    tile = grown_behind_a_tile(log, store)
    log.spoilt_tiles[tile] = flipped(log.tile_data(tile))
    outcome = run(log, store, [TWO])[TWO]
    assert isinstance(outcome, IntegrityError)
    assert outcome.where == tile.path


def test_unreachable_root_tile_is_an_upstream_error_of_all() -> None:
    log, store = make_log(), FakeProofStore()
    log.broken_tiles.add(Tile(8, 0, len(log.texts) >> 8, len(log.texts) & 255))
    outcomes = run(log, store, [ONE, TWO])
    assert all(isinstance(outcome, UpstreamError) for outcome in outcomes.values())


@pytest.mark.parametrize("what", ["leaf", "root", "between"])
def test_tile_that_failed_for_a_moment_is_asked_for_by_the_next_wave(what: str) -> None:
    log, store = FakeSumDB(), FakeProofStore()
    tiles = {"between": grown_behind_a_tile(log, store)}
    tiles |= {"leaf": leaf_tile(log, TWO), "root": Tile(8, 0, 3, len(log.texts) & 255)}
    log.broken_tiles = {tiles[what]}
    log.asked.clear()
    with verifying(log, store) as verifier:
        failed = verifier.prove({TWO: sums_of(TWO)})[TWO]
        assert log.asked.count(tiles[what].path) == 1, "a wave asks once"
        log.broken_tiles = set()
        assert isinstance(verifier.prove({TWO: sums_of(TWO)})[TWO], Verified)
        verifier.finish()
    assert isinstance(failed, UpstreamError)
    assert log.asked.count(tiles[what].path) == 2


def test_lookup_that_failed_for_a_moment_is_asked_for_by_the_next_wave() -> None:
    log, store = make_log(), FakeProofStore()
    log.broken_lookups = {ONE}
    with verifying(log, store) as verifier:
        verifier.prefetch(ONE)
        assert isinstance(verifier.prove({ONE: sums_of(ONE)})[ONE], UpstreamError)
        assert log.asked.count(f"lookup/{ONE}") == 1
        log.broken_lookups = set()
        assert isinstance(verifier.vouch(ONE, sums_of(ONE).mod), Verified)
    assert log.asked.count(f"lookup/{ONE}") == 2


def test_lookup_that_was_answered_with_no_is_not_asked_for_again() -> None:
    log, store = make_log(), FakeProofStore()
    private = ModuleVersion("corp.test/secret", "v1.0.0")
    with verifying(log, store) as verifier:
        for _ in range(2):
            assert isinstance(verifier.vouch(private, fake_h1("x")), UpstreamError)
    assert log.asked.count(f"lookup/{private}") == 1


def test_older_head_of_a_lookup_is_accepted_and_the_newest_kept() -> None:
    log, store = make_log(), FakeProofStore()
    log.lookup_head_size = log.ids[MODULES[-1]] + 1
    outcomes = run(log, store, MODULES)
    assert all(isinstance(outcome, Verified) for outcome in outcomes.values())
    assert list(store.heads().values()) == [log.head()]


def test_newer_head_of_a_lookup_than_latest_is_taken() -> None:
    log, store = make_log(), FakeProofStore()
    log.latest_size = 3
    assert isinstance(run(log, store, [ONE])[ONE], Verified)
    assert list(store.heads().values()) == [log.head()]


def test_attack_older_head_never_moves_the_kept_one_backwards() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [TWO])
    log.latest_size = log.lookup_head_size = log.ids[TWO] + 1
    assert isinstance(run(log, store, [ONE])[ONE], Verified)
    assert list(store.heads().values())[-1] == log.head(len(log.texts))


def forked(log: FakeSumDB, *, grow: int) -> FakeSumDB:
    """A log with the same key that saw other records from the first on."""
    other = FakeSumDB()
    other.append(b"evil.test v1.0.0 h1:x\n")
    for module in MODULES:
        other.add(module)
    other.grow(len(log.texts) + grow - len(other.texts))
    return other


@pytest.mark.parametrize("grow", [-400, 0, 1, 700])
def test_attack_fork_is_refused_and_both_heads_are_kept(grow: int) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [TWO])
    other = forked(log, grow=grow)
    with verifying(other, store) as verifier:
        outcome: object = verifier.prove({ONE: sums_of(ONE)})[ONE]
        if isinstance(outcome, Verified):
            pytest.fail("a forked log passed")
    assert list(store.heads().values()) == [log.head()]
    assert isinstance(outcome, IntegrityError)
    if grow >= 0:
        assert "evidence/1" in outcome.hint
        assert log.head().decode() in store.evidence[0]
        assert other.head().decode() in store.evidence[0]


def test_attack_fork_whose_tiles_do_not_fit_keeps_both_heads() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [TWO])
    log.grow(700)
    liar = log.fork()
    liar.forged_head = forked(log, grow=0).head()
    with verifying(liar, store) as verifier:
        outcome = verifier.prove({ONE: sums_of(ONE)})[ONE]
    assert isinstance(outcome, IntegrityError)
    assert liar.forged_head.decode() in store.evidence[0]


def test_attack_fork_in_an_older_head_of_a_lookup_is_found_at_the_end() -> None:
    log, store = make_log(), FakeProofStore()
    other = forked(log, grow=-50)
    with verifying(log, store) as verifier:
        log.spoilt_lookups[ONE] = log.lookup(ONE).split(b"\n\n")[0] + b"\n\n" + other.head()
        verifier.prove({ONE: sums_of(ONE), TWO: sums_of(TWO)})
        with pytest.raises(IntegrityError, match="forked"):
            verifier.finish()
        again = verifier.prove({TWO: sums_of(TWO)})[TWO]
    assert isinstance(again, IntegrityError), "after a fork nothing passes"
    assert other.head().decode() in store.evidence[0]


def test_carried_heads_are_kept_with_their_tiles() -> None:
    log, store = make_log(), FakeProofStore()
    old = log.head(700)
    with verifying(log, store) as verifier:
        verifier.prove({ONE: sums_of(ONE)})
        verifier.finish({"laptop.latest": old})
    assert list(store.heads().values()) == [old, log.head()]
    log.asked.clear()
    with verifying(log, store) as verifier:
        verifier.prefetch(ONE)
        verifier.finish()
    assert log.asked == []


def test_carried_head_newer_than_latest_becomes_the_newest() -> None:
    log, store = make_log(), FakeProofStore()
    log.latest_size = log.lookup_head_size = 1900
    with verifying(log, store) as verifier:
        verifier.prove({ONE: sums_of(ONE)})
        head = verifier.finish({"laptop.latest": log.head()})
    assert head.tree == log.tree()
    assert list(store.heads().values())[-1] == log.head()


def test_carried_head_without_any_version_is_proven_too() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [ONE])
    with verifying(log, store) as verifier:
        verifier.finish({"laptop.latest": log.head(5)})
    assert len(store.heads()) == 2


def test_attack_carried_head_of_a_foreign_key_is_named() -> None:
    log, store = make_log(), FakeProofStore()
    foreign = FakeSumDB("other.test")
    foreign.grow(3)
    with verifying(log, store) as verifier, pytest.raises(IntegrityError) as raised:
        verifier.finish({"laptop.latest": foreign.head()})
    assert raised.value.where == "laptop.latest"


def spoil_kept_record(store: FakeProofStore, how: str) -> Record:
    """Have the kept record of ONE be another; give what it was."""
    record = store.kept_records[ONE]
    changes = {
        "sum": Record(record.id, record.text.replace(b"h1:", b"h1:A")),
        "text": Record(record.id, b"forged\n"),
        "number": Record(record.id + 1, record.text),
        "far number": Record(record.id + 600, record.text),
        "number beyond": Record(record.id + 10**6, record.text),
        "version": store.kept_records[TWO],
    }
    store.kept_records[ONE] = changes[how]
    return record


SPOILT = ["sum", "text", "number", "far number", "number beyond", "version"]


@pytest.mark.parametrize("how", SPOILT)
def test_kept_record_that_was_spoilt_is_asked_for_anew(how: str) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    record = spoil_kept_record(store, how)
    log.asked.clear()
    with verifying(log, store) as verifier:
        for _ in range(2):
            outcomes = verifier.prove({ONE: sums_of(ONE), TWO: sums_of(TWO)})
            assert outcomes == {ONE: Verified(record), TWO: Verified(store.kept_records[TWO])}
        assert isinstance(verifier.vouch(ONE, sums_of(ONE).mod), Verified)
        verifier.finish()
    assert store.kept_records[ONE] == record
    assert log.asked.count(f"lookup/{ONE}") == 1
    log.asked.clear()
    assert isinstance(run(log, store, [ONE])[ONE], Verified)
    assert log.asked == []


@pytest.mark.parametrize("how", ["sum", "number", "version"])
def test_kept_record_that_was_spoilt_is_asked_for_anew_for_a_look(how: str) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    record = spoil_kept_record(store, how)
    with verifying(log, store) as verifier:
        assert verifier.vouch(ONE, sums_of(ONE).mod) == Verified(record)


@pytest.mark.parametrize("how", ["sum", "text", "number"])
def test_kept_record_that_was_spoilt_is_mended_at_the_end_of_any_run(how: str) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    record = spoil_kept_record(store, how)
    log.add(new := ModuleVersion("new.test/m", "v1.0.0"))
    assert isinstance(run(log, store, [new])[new], Verified)
    assert store.kept_records[ONE] == record


def test_kept_record_that_was_spoilt_and_cannot_be_had_is_an_upstream_error() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    spoil_kept_record(store, "sum")
    log.broken_lookups = {ONE}
    with verifying(log, store) as verifier:
        outcomes = verifier.prove({ONE: sums_of(ONE), TWO: sums_of(TWO)})
        with pytest.raises(UpstreamError):
            verifier.finish()
    assert isinstance(outcomes[ONE], UpstreamError)
    assert isinstance(outcomes[TWO], Verified)


def test_attack_record_that_is_forged_on_the_disk_and_at_its_source_is_refused() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    spoil_kept_record(store, "sum")
    log.spoilt_lookups[ONE] = format_record(store.kept_records[ONE]) + log.head()
    with verifying(log, store) as verifier:
        outcome = verifier.prove({ONE: sums_of(ONE)})[ONE]
        assert isinstance(outcome, IntegrityError)
        with pytest.raises(IntegrityError, match="not in the log"):
            verifier.finish()


@pytest.mark.parametrize("part", [b"go.sum", b"\n\n", b"\xe2\x80\x94"])
def test_kept_head_that_was_spoilt_is_named_and_stops_everything(part: bytes) -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, [ONE])
    [(size, head)] = store.kept_heads.items()
    store.kept_heads[size] = head.replace(part, b"x")
    log.asked.clear()
    with verifying(log, store) as verifier:
        outcomes = verifier.prove({ONE: sums_of(ONE), TWO: sums_of(TWO)})
        with pytest.raises(StoreError):
            verifier.finish()
    for outcome in outcomes.values():
        assert isinstance(outcome, StoreError)
        assert outcome.where == f"heads/{size}"
        assert "gopack check --repair" in outcome.hint
    assert log.asked == []


def test_attack_latest_with_wrong_key_fails_all_and_is_asked_for_once() -> None:
    log, store = make_log(), FakeProofStore()
    log.latest_note = FakeSumDB("other.test").head()
    outcomes = run(log, store, [ONE, TWO])
    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes.values())
    assert log.asked == ["latest"]


def test_proxy_without_latest_is_no_hindrance() -> None:
    log, store = make_log(), FakeProofStore()
    log.has_latest = False
    assert isinstance(run(log, store, [ONE])[ONE], Verified)


def test_vouch_verifies_and_keeps_no_record() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        assert isinstance(verifier.vouch(ONE, sums_of(ONE).mod), Verified)
        wrong = verifier.vouch(TWO, fake_h1("evil"))
        unknown = verifier.vouch(ModuleVersion("corp.test/x", "v1.0.0"), fake_h1("x"))
    assert isinstance(wrong, IntegrityError)
    assert isinstance(unknown, UpstreamError)
    assert store.kept_records == {}
    assert store.kept_tiles == {}
    assert list(store.heads().values()) == []


def test_vouch_zip_verifies_the_zip_alone() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        zip_h1 = sums_of(ONE).zip
        assert zip_h1 is not None
        assert isinstance(verifier.vouch_zip(ONE, zip_h1), Verified)
        wrong = verifier.vouch_zip(TWO, fake_h1("evil"))
        other = verifier.vouch_zip(TWO, sums_of(TWO).mod)
    assert isinstance(wrong, IntegrityError)
    assert "zip is not what" in str(wrong)
    assert isinstance(other, IntegrityError)
    assert store.kept_records == {}


def test_vouch_then_prove_keeps_everything() -> None:
    log, store = make_log(), FakeProofStore()
    with verifying(log, store) as verifier:
        for module in MODULES:
            verifier.vouch(module, sums_of(module).mod)
        verifier.prove({ONE: sums_of(ONE)})
        verifier.finish()
    log.asked.clear()
    assert isinstance(run(log, store, [ONE])[ONE], Verified)
    assert log.asked == [], "what was vouched for before was kept all the same"


def test_proofs_that_cannot_be_kept_fail_the_run() -> None:
    log, store = make_log(), FakeProofStore()

    def full(**_: object) -> None:
        raise StoreError("no space left")

    store.save = full  # type: ignore[method-assign]
    with verifying(log, store) as verifier:
        verifier.prove({ONE: sums_of(ONE)})
        with pytest.raises(StoreError):
            verifier.finish()


def test_complete_brings_back_a_lost_tile() -> None:
    log, store = make_log(), FakeProofStore()
    run(log, store, MODULES)
    lost = leaf_tile(log, ONE)
    del store.kept_tiles[lost]
    with verifying(log, store) as verifier:
        verifier.complete()
        verifier.finish()
    assert lost in store.kept_tiles
