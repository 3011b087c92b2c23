"""What lookups and heads say, and what they prove."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.errors import InputError, IntegrityError
from gopack.spec import note, sumdb, tlog
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import HeadProver, SignedHead, Sums
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record
from tests.examples import examples
from tests.fakes_sumdb import FakeSumDB, fake_h1

ONE = ModuleVersion("github.com/BurntSushi/toml", "v1.0.0")
ZIP, MOD = fake_h1("zip"), fake_h1("mod")


def log_of(size: int) -> FakeSumDB:
    log = FakeSumDB()
    log.grow(size // 2)
    log.add(ONE, ZIP, MOD)
    log.grow(size - size // 2 - 1)
    return log


LOG = log_of(600)
RECORD = Record(LOG.ids[ONE], LOG.texts[LOG.ids[ONE]])


def head_of(log: FakeSumDB, size: int | None = None) -> SignedHead:
    return sumdb.open_head(log.head(size), log.verifier)


def prover_at(
    log: FakeSumDB, records: list[int], older: list[tlog.Tree], size: int | None = None
) -> HeadProver:
    prover = HeadProver(head_of(log, size))
    wanted = prover.missing(records, older)
    assert prover.admit({tile: log.tile_data(tile) for tile in wanted}) == []
    return prover


@pytest.mark.parametrize(
    "path",
    [
        "supported",
        "latest",
        "lookup/github.com/!burnt!sushi/toml@v1.0.0-!r!c1",
        "tile/8/0/x001/234",
    ],
)
def test_request_path_is_read_and_written_back(path: str) -> None:
    asked = sumdb.parse_request(path)
    if isinstance(asked, ModuleVersion):
        assert sumdb.lookup_path(asked) == path
    else:
        assert (asked.path if isinstance(asked, Tile) else asked) == path


@pytest.mark.parametrize(
    "path", ["", "lookup/", "lookup/a", "lookup/a.b/c@", "lookup/../x@v1.0.0", "tile/8", "/latest"]
)
def test_request_path_malformed_is_an_error(path: str) -> None:
    with pytest.raises(InputError):
        sumdb.parse_request(path)


def test_lookup_answer_is_record_and_head() -> None:
    head = head_of(LOG)
    answer = sumdb.parse_lookup(LOG.lookup(ONE))
    assert answer == (RECORD, head.message)
    assert sumdb.format_lookup(RECORD, head) == LOG.lookup(ONE)
    assert sumdb.recorded_lines(RECORD, ONE) == [
        f"{ONE.path} v1.0.0 {ZIP}",
        f"{ONE.path} v1.0.0/go.mod {MOD}",
    ]


def test_sums_as_recorded_pass() -> None:
    sumdb.check_sums(RECORD, ONE, Sums(MOD, ZIP), name="db")
    sumdb.check_sums(RECORD, ONE, Sums(MOD), name="db")
    sumdb.check_zip_sum(RECORD, ONE, ZIP, name="db")
    with pytest.raises(IntegrityError, match="zip is not what"):
        sumdb.check_zip_sum(RECORD, ONE, MOD, name="db")


@pytest.mark.parametrize(
    ("sums", "what"),
    [(Sums(ZIP, ZIP), "go.mod is not what"), (Sums(MOD, MOD), "zip is not what")],
)
def test_attack_other_bits_for_a_known_version_are_refused(sums: Sums, what: str) -> None:
    with pytest.raises(IntegrityError, match=what) as raised:
        sumdb.check_sums(RECORD, ONE, sums, name="db")
    assert raised.value.where == str(ONE)
    assert ZIP in raised.value.evidence


def test_attack_record_of_another_version_is_refused() -> None:
    other = ModuleVersion(ONE.path, "v1.0.1")
    with pytest.raises(IntegrityError, match=r"has no sum of the go\.mod"):
        sumdb.check_sums(RECORD, other, Sums(MOD), name="db")


def test_sums_of_a_hash_to_come_are_skipped() -> None:
    lines = f"{ONE.path} v1.0.0/go.mod h2:x\n{ONE.path} v1.0.0/go.mod {MOD}\n"
    sumdb.check_sums(Record(0, lines.encode()), ONE, Sums(MOD), name="db")


def test_attack_head_signed_by_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no signature by a known key"):
        sumdb.open_head(LOG.head(), FakeSumDB("other.test").verifier)


def test_attack_note_that_is_no_tree_is_refused() -> None:
    message = note.sign_note(note.Note("go.sum database shrub\n"), LOG.signer)
    with pytest.raises(IntegrityError, match="malformed tree"):
        sumdb.open_head(message, LOG.verifier)


@settings(max_examples=examples(50))
@given(st.integers(1, 600), st.data())
def test_head_proves_every_record_and_every_older_head(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size - 1))
    older = head_of(LOG, data.draw(st.integers(0, size)))
    prover = prover_at(LOG, [n], [older.tree], size)
    assert prover.covers(n)
    assert prover.missing([n], [older.tree]) == []
    assert set(prover.chain(n)) <= set(prover.proven)
    assert set(prover.root_tiles) <= set(prover.proven)
    prover.check_record(Record(n, LOG.texts[n]))
    prover.check_older(older)
    assert not prover.covers(size)


@given(st.integers(1, 600), st.data())
def test_record_is_told_in_its_tile_and_in_no_other(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size - 1))
    prover = HeadProver(head_of(LOG, size))
    leaf = prover.chain(n)[-1]
    tile = LOG.tile_data(leaf)
    record = Record(n, LOG.texts[n])
    assert sumdb.holds(leaf, tile, record)
    assert not sumdb.holds(leaf, tile, record._replace(text=record.text + b"x"))
    start = 32 * (n % 256)
    spoilt = tile[:start] + bytes([tile[start] ^ 1]) + tile[start + 1 :]
    assert not sumdb.holds(leaf, spoilt, record)
    assert not sumdb.holds(leaf, tile[:-1], record)
    assert not sumdb.holds(leaf, tile + bytes(32), record)


def test_attack_record_with_another_text_is_refused() -> None:
    prover = prover_at(LOG, [RECORD.id], [])
    with pytest.raises(IntegrityError, match="not in the log") as raised:
        prover.check_record(Record(RECORD.id, RECORD.text.replace(b"h1:", b"h1:A")))
    assert "go.sum database tree" in raised.value.evidence


def test_attack_record_beyond_the_head_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not in the tree"):
        prover_at(LOG, [], []).missing([600])


@pytest.mark.parametrize("common", [0, 1, 255, 256, 300])
def test_attack_fork_is_refused_with_both_notes_and_a_proof(common: int) -> None:
    honest = FakeSumDB()
    honest.grow(common)
    fork = honest.fork()
    honest.grow(301 - common)
    fork.append(b"evil.test v1.0.0 h1:x\n")
    fork.grow(700 - common)
    older = head_of(honest)
    prover = prover_at(fork, [], [older.tree])
    with pytest.raises(IntegrityError, match="forked") as raised:
        prover.check_older(older)
    assert older.message.decode() in raised.value.evidence
    assert fork.head().decode() in raised.value.evidence
    assert "its proof" in raised.value.evidence


def test_attack_empty_head_with_another_hash_is_a_fork() -> None:
    forged = SignedHead(tlog.Tree(0, bytes(32)), b"forged")
    with pytest.raises(IntegrityError, match="forked"):
        prover_at(LOG, [], []).check_older(forged)


def test_newest_is_the_largest_head() -> None:
    heads = [head_of(LOG, 5), head_of(LOG), head_of(LOG, 7), head_of(LOG, 5)]
    assert sumdb.newest(heads) == heads[1]
    assert sumdb.newest([]) == sumdb.NO_HEAD


def test_attack_two_heads_of_one_size_are_a_fork() -> None:
    forged = SignedHead(tlog.Tree(600, bytes(32)), b"forged")
    with pytest.raises(IntegrityError, match="forked") as raised:
        sumdb.newest([head_of(LOG), forged])
    assert "forged" in raised.value.evidence


@pytest.mark.parametrize(
    ("path", "settings_", "want"),
    [
        ("a.test/m", {}, None),
        ("a.test/m", {"is_off": True}, "GOSUMDB=off"),
        ("a.test/m", {"nosumdb": "*.test"}, "GONOSUMDB"),
        ("a.test/m", {"nosumdb": "b.test"}, None),
        ("golang.org/toolchain", {"is_off": True, "nosumdb": "golang.org"}, None),
        ("golang.org/toolchain", {"is_off": True, "proxies": ["file:///p"]}, "GOSUMDB=off"),
        ("golang.org/toolchain", {"is_off": True, "proxies": ["file:///p", "direct"]}, None),
    ],
)
def test_exemption_is_gos(path: str, settings_: dict[str, object], want: str | None) -> None:
    assert sumdb.exemption(path, **settings_) == want  # type: ignore[arg-type]


def test_head_is_read_without_its_signature() -> None:
    log = FakeSumDB()
    log.grow(5)
    message = log.head()
    read = sumdb.read_head(message)
    assert read is not None
    assert (read.tree, read.message) == (log.tree(), message)


@pytest.mark.parametrize("message", [b"", b"<html>", b"\xff\xfe\n\nx"])
def test_head_that_is_none_is_not_read(message: bytes) -> None:
    assert sumdb.read_head(message) is None


def test_needed_tiles_are_those_missing_before_any_is_admitted() -> None:
    log = FakeSumDB()
    log.grow(700)
    head = sumdb.open_head(log.head(), log.verifier)
    prover = HeadProver(head)
    needed = prover.needed([3, 600], [log.tree(500)])
    assert needed == prover.missing([3, 600], [log.tree(500)])
    prover.admit({tile: log.tile_data(tile) for tile in needed})
    assert prover.missing([3, 600], [log.tree(500)]) == []
    assert prover.needed([3, 600], [log.tree(500)]) == needed
