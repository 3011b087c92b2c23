"""Notes, log and tiles compared with golang.org/x/mod; what is spoilt in one bit fails on both."""

import base64
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from gopack.errors import GopackError, InputError, IntegrityError
from gopack.flows.verify import Database, SumVerifier, Verified
from gopack.plan import sumtree
from gopack.spec import note, sumdb, tiles, tlog
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from gopack.spec.tiles import Tile, TileProver
from gopack.spec.tlog import Record, Tree
from tests.fakes_sumdb import FakeProofStore, FakeSumDB, fake_h1
from tests.oracle import oracle

pytestmark = pytest.mark.oracle

T = TypeVar("T")
DICE = random.Random(20240229)  # the same in each run
SIZE = 40


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def proof_of(texts: Sequence[str] | None) -> tlog.Proof:
    return tuple(map(unb64, texts or ()))


def flip(data: bytes) -> bytes:
    spoilt = bytearray(data)
    bit = DICE.randrange(len(spoilt) * 8)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def grown(size: int) -> FakeSumDB:
    log = FakeSumDB()
    for n in range(size):
        log.append(f"m{n}.test v1.{DICE.randrange(1000)}.0 h1:{DICE.random()}\n".encode())
    return log


def passes(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except IntegrityError:
        return False
    return True


def same(read: Callable[[T], object], inputs: Sequence[T], answers: list[oracle.Answer]) -> None:
    """Both give the same value, or both refuse."""
    for one, answer in zip(inputs, answers, strict=True):
        try:
            value = read(one)
        except GopackError:
            value = None
        assert (value is None) == answer.refused, (one, value, answer)
        assert value == answer.value or value is None, one


def test_log_every_hash_and_every_proof_is_the_same() -> None:
    log = grown(SIZE)
    go = oracle.ask("tlog.log", {"Records": [b64(text) for text in log.texts]}).value
    assert [b64(stored) for stored in log.stored] == go["stored"]
    for size in range(SIZE + 1):
        assert b64(log.tree(size).hash) == go["roots"][size]
        for n in range(size):
            assert tlog.prove_record(size, n, log.read) == proof_of(go["records"][size][n])
            assert tlog.prove_tree(size, n + 1, log.read) == proof_of(go["trees"][size][n])


def spoilings(proof: tlog.Proof) -> list[tlog.Proof]:
    """The proof, each of its hashes spoilt in one bit, cut short, and too long."""
    spoilt = [(*proof[:i], flip(part), *proof[i + 1 :]) for i, part in enumerate(proof)]
    return [proof, *spoilt, proof[:-1], proof[1:], (*proof, bytes(32))]


def test_record_proof_spoilt_in_one_bit_fails_on_both() -> None:
    log = grown(300)
    arguments, verdicts = [], []
    for size in [1, 2, 3, 8, 255, 256, 257, *DICE.sample(range(4, 300), 20)]:
        n = DICE.randrange(size)
        tree, leaf = log.tree(size), tlog.record_hash(log.texts[n])
        proof = tlog.prove_record(size, n, log.read)
        cases = [(one, tree, n, leaf) for one in spoilings(proof)]
        cases += [(proof, Tree(size, flip(tree.hash)), n, leaf), (proof, tree, n, flip(leaf))]
        cases += [(proof, tree, other, leaf) for other in (-1, n - 1, n + 1, size)]
        for one, root, place, text_hash in cases:
            verdicts.append(passes(tlog.check_record, one, root, place, text_hash))
            arguments.append(
                {
                    "Proof": [b64(part) for part in one],
                    "Size": size,
                    "N": place,
                    "Root": b64(root.hash),
                    "Leaf": b64(text_hash),
                }
            )
    answers = oracle.ask_each("tlog.check_record", arguments)
    assert verdicts == [not answer.refused for answer in answers]
    assert 20 < sum(verdicts) < len(verdicts) / 3


def test_tree_proof_spoilt_in_one_bit_fails_on_both() -> None:
    log = grown(300)
    arguments, verdicts = [], []
    for size in [1, 2, 3, 8, 255, 256, 257, *DICE.sample(range(4, 300), 20)]:
        old_size = DICE.randint(1, size)
        tree, old = log.tree(size), log.tree(old_size)
        proof = tlog.prove_tree(size, old_size, log.read)
        cases = [(one, tree, old) for one in spoilings(proof)]
        cases += [(proof, Tree(size, flip(tree.hash)), old)]
        cases += [(proof, tree, Tree(old_size, flip(old.hash)))]
        cases += [(proof, tree, Tree(n, old.hash)) for n in (-1, 0, old_size + 1, size + 1)]
        for one, root, older in cases:
            verdicts.append(passes(tlog.check_tree, one, root, older))
            arguments.append(
                {
                    "Proof": [b64(part) for part in one],
                    "Size": size,
                    "N": older.size,
                    "Root": b64(root.hash),
                    "Old": b64(older.hash),
                }
            )
    answers = oracle.ask_each("tlog.check_tree", arguments)
    assert verdicts == [not answer.refused for answer in answers]
    assert 20 < sum(verdicts) < len(verdicts) / 3


def test_stored_indexes_are_the_same() -> None:
    indexes = [*range(600), *(DICE.randrange(1 << 50) for _ in range(600))]
    same(
        lambda i: list(tlog.split_stored_hash_index(i)),
        indexes,
        oracle.ask_each("tlog.split", indexes),
    )
    same(
        tlog.stored_hash_count,
        indexes,
        oracle.ask_each("tlog.count", indexes),
    )
    pairs = [(DICE.randint(1, 12), index) for index in indexes]
    same(
        lambda pair: tiles.tile_for_index(*pair).path,
        pairs,
        oracle.ask_each("tile.for_index", pairs),
    )


def test_new_tiles_are_the_same() -> None:
    asks = []
    for _ in range(300):
        old, new = sorted(DICE.randrange(5000) for _ in "ab")
        asks.append((DICE.randint(2, 9), old, new))
    same(
        lambda a: [tile.path for tile in tiles.new_tiles(*a)],
        asks,
        oracle.ask_each("tile.new", asks),
    )


def changed(text: str) -> str:
    """The text with one character taken out, doubled or replaced."""
    place = DICE.randrange(len(text))
    put = DICE.choice(["", text[place] * 2, DICE.choice("019-+x/. pdat\n"), "é"])
    return text[:place] + put + text[place + 1 :]


def test_tile_paths_are_read_the_same() -> None:
    paths = ["tile/8/data/x001/234", "tile/30/63/x999/999.p/1", "tile/3/0/x000/001", "tile/1/0/000"]
    for _ in range(300):
        height = DICE.randint(1, 30)
        width = DICE.choice([1 << height, DICE.randint(1, 1 << height)])
        number = DICE.randrange(10 ** DICE.randint(1, 15))
        paths.append(Tile(height, DICE.randint(-1, 63), number, width).path)
    paths += [changed(path) for path in paths for _ in range(5)]

    def read(path: str) -> dict[str, int]:
        return dict(zip("HLNW", tiles.parse_tile_path(path), strict=True))

    same(
        read,
        paths,
        oracle.ask_each("tile.parse", paths),
    )


def test_every_tile_of_a_tree_is_the_same() -> None:
    log = grown(200)
    for height in (1, 2, 3, 8):
        wanted = [tile for size in range(1, 201, 9) for tile in tiles.new_tiles(height, 0, size)]
        wanted = list(dict.fromkeys(wanted))
        argument = {
            "Records": [b64(text) for text in log.texts],
            "Paths": [tile.path for tile in wanted],
        }
        go = oracle.ask("tile.data", argument).value
        assert [b64(log.tile_data(tile)) for tile in wanted] == go


def test_tiles_are_planned_and_proven_the_same_and_a_spoilt_one_fails_on_both() -> None:
    log = grown(700)
    asks, ours = [], []
    for _ in range(150):
        size, height = DICE.randint(1, 700), DICE.randint(1, 9)
        indexes = [DICE.randrange(tlog.stored_hash_count(size)) for _ in range(DICE.randint(0, 6))]
        prover = TileProver(log.tree(size), height=height)
        wanted = prover.missing(indexes)
        data = {tile: log.tile_data(tile) for tile in wanted}
        kind = DICE.choice(["good", "flipped", "narrow", "wide"])
        victim = DICE.choice(wanted)
        if kind == "flipped":
            data[victim] = flip(data[victim])
        elif kind != "good":
            data[victim] = data[victim][:-32] if kind == "narrow" else data[victim] + bytes(32)
        ours.append((prover, data, indexes))
        asks.append(
            {
                "Height": height,
                "Size": size,
                "Root": b64(prover.tree.hash),
                "Tiles": {tile.path: b64(content) for tile, content in data.items()},
                "Indexes": indexes,
            }
        )
    same(read_tiles, ours, oracle.ask_each("tile.read", asks))


def read_tiles(case: tuple[TileProver, dict[Tile, bytes], list[int]]) -> dict[str, object]:
    prover, data, indexes = case
    if prover.admit(data):
        raise IntegrityError("spoilt")
    paths = [tile.path for tile in data]
    hashes = [b64(one) for one in prover.read(indexes)]
    return {"hashes": hashes, "asked": paths, "saved": paths}


TEXTS = [
    b"1\ntext\n\nrest",
    b"12\na v1 h1:x\na v1/go.mod h1:y\n\n",
    b"0\n\n\nrest",
    b"-5\nx\n\n",
    b"+5\nx\n\n",
    b"0005\nx\n\n",
    b"9223372036854775807\nx\n\n",
    b"9223372036854775808\nx\n\n",
    b"1_0\nx\n\n",
    "1\nzwölf\n\n".encode(),
    "1\n\ufffd\n\n".encode(),
    b"1\n\x7f\n\n",
    b"1\n\xed\xa0\x80\n\n",
]
TREES = [
    tlog.format_tree(Tree(n, bytes(range(32)))).encode() for n in (0, 7, 1 << 40, (1 << 63) - 1)
]


def changed_bytes(data: bytes) -> bytes:
    return changed(data.decode("latin-1")).encode("latin-1")


def test_records_and_trees_are_read_the_same() -> None:
    records = [*TEXTS, *(changed_bytes(DICE.choice(TEXTS)) for _ in range(800))]

    def record(message: bytes) -> list[object]:
        (record_id, text), rest = tlog.parse_record(message)
        return [record_id, b64(text), b64(rest)]

    same(
        record,
        records,
        oracle.ask_each("tlog.parse_record", [b64(message) for message in records]),
    )
    parts = [message.partition(b"\n")[2] for message in records]
    same(
        lambda p: b64(tlog.format_record(Record(7, p))),
        parts,
        oracle.ask_each("tlog.format_record", [{"ID": 7, "Text": b64(part)} for part in parts]),
    )
    trees = [*TREES, *(changed_bytes(DICE.choice(TREES)) for _ in range(800))]

    def tree(text: bytes) -> list[object]:
        size, root = tlog.parse_tree(text.decode())
        return [size, b64(root)]

    decodable = [text for text in trees if text.isascii()]
    same(
        tree,
        decodable,
        oracle.ask_each("tlog.parse_tree", [b64(text) for text in decodable]),
    )


ALICE, BOB = note.Signer("alice.test", b"\x01" * 32), note.Signer("bob.test/log", b"\x02" * 32)


def test_keys_are_read_the_same() -> None:
    keys = [
        str(ALICE.verifier),
        str(BOB.verifier),
        "a\u00a0b+12345678+AQ==",
        "a\x1cb+12345678+AQ==",
    ]
    keys += [changed(DICE.choice(keys)) for _ in range(600)]

    def read(key: str) -> list[object]:
        verifier = note.parse_verifier(key)
        return [verifier.name, verifier.key_hash]

    same(
        read,
        keys,
        oracle.ask_each("note.verifier", keys),
    )


def test_notes_are_opened_the_same_and_a_spoilt_one_fails_on_both() -> None:
    known = [ALICE.verifier]
    whole = [
        note.sign_note(note.Note(text), *signers)
        for text in ("text\n", "two\n\nparts\n", "zwölf\n")
        for signers in ((ALICE,), (BOB,), (ALICE, BOB), (BOB, ALICE))
    ]
    impostor = note.Signer("alice.test", b"\x03" * 32)
    messages = [*whole, note.sign_note(note.Note("text\n"), impostor, BOB)]
    messages += [
        one + one.rpartition(b"\n\n")[2] * times for one in whole for times in (1, 60, 120)
    ]
    messages += [changed_bytes(DICE.choice(whole)) for _ in range(500)]
    messages += [flip(DICE.choice(whole)) for _ in range(500)]

    def shown(signatures: tuple[note.Signature, ...]) -> list[str]:
        return [f"{s.name}+{s.key_hash:08x} {s.base64}" for s in signatures]

    def read(message: bytes) -> dict[str, object]:
        opened = note.open_note(message, known)
        return {
            "text": b64(opened.text.encode()),
            "sigs": shown(opened.signatures),
            "unverified": shown(opened.unverified),
        }

    keys = [str(verifier) for verifier in known]
    same(
        read,
        messages,
        oracle.ask_each("note.open", [{"Message": b64(m), "Keys": keys} for m in messages]),
    )


def test_notes_are_signed_the_same() -> None:
    secrets = [ALICE.secret_text(), BOB.secret_text()]
    answer = oracle.ask("note.sign", {"Text": b64(b"text\n"), "Secrets": secrets})
    assert unb64(answer.value) == note.sign_note(note.Note("text\n"), ALICE, BOB)
    with pytest.raises(InputError):
        note.parse_signer(changed(ALICE.secret_text()[:-3]))


MODULE = ModuleVersion("github.com/Azure/x", "v1.0.0")
SUMS = Sums(fake_h1("mod"), fake_h1("zip"))


def test_clients_agree_about_honest_and_lying_databases() -> None:
    """x/mod's client on a static tree, gopack's verifier on the same; each file spoilt in turn."""
    log = FakeSumDB()
    log.grow(400)
    log.add(MODULE, SUMS.zip or "", SUMS.mod)
    log.grow(300)
    older = sumdb.open_head(log.head(300), log.verifier)
    head = sumdb.open_head(log.head(), log.verifier)
    record = Record(log.ids[MODULE], log.texts[log.ids[MODULE]])
    wanted = sumtree.plan_tiles(head, [record], [older])
    narrow = sumtree.plan_narrow_tiles(head, [older])
    wanted += narrow
    files = dict(sumtree.compose(head, {MODULE: record}, wanted, log.tile_data))
    spoilt: list[dict[str, bytes]] = [files]
    for path, data in files.items():
        # The narrow ones are for the client alone: gopack proves the wider ones they are cut from.
        if path.startswith(("tile/", "lookup/")) and path not in {tile.path for tile in narrow}:
            spoilt += [{**files, path: flip(data)} for _ in range(12)]
    arguments, verdicts = [], []
    for tree in spoilt:
        arguments.append(
            {
                "Key": str(log.verifier),
                "Path": MODULE.path,
                "Version": MODULE.version,
                "Latest": b64(older.message),
                "Files": {f"/{path}": b64(data) for path, data in tree.items()},
            }
        )
        verdicts.append(is_verified(log, tree, older))
    answers = oracle.ask_each("sumdb.lookup", arguments)
    want = f"{MODULE.path} {MODULE.version} {SUMS.zip}"
    assert verdicts[0]
    for verdict, answer in zip(verdicts, answers, strict=True):
        go_verifies = not answer.refused and answer.value["lines"] == [want]
        assert verdict == go_verifies, answer
    assert {path for path in answers[0].value["asked"] if "tile" in path} == {
        f"/{tile.path}" for tile in wanted
    }, "the go command's client asks for the planned tiles, and for no other"


def is_verified(log: FakeSumDB, files: dict[str, bytes], older: sumdb.SignedHead) -> bool:
    liar = log.fork()
    liar.has_latest = False
    liar.spoilt_lookups[MODULE] = files[sumdb.lookup_path(MODULE)]
    for path, data in files.items():
        if path.startswith("tile/"):
            liar.spoilt_tiles[tiles.parse_tile_path(path)] = data
    store = FakeProofStore()
    store.save(records={}, tiles={}, heads=[older])
    with SumVerifier(Database(liar, store, log.verifier), exempt=lambda path: None) as verifier:
        return isinstance(verifier.prove({MODULE: SUMS})[MODULE], Verified)
