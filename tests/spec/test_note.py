"""Signed notes: keys, signatures, and what a forger may try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.errors import InputError, IntegrityError
from gopack.spec import base64std, note

ALICE = note.Signer("alice.test", b"\x01" * 32)
BOB = note.Signer("bob.test/log", b"\x02" * 32)
TEXT = "go.sum database tree\n2\nhash\n"


def signed(text: str = TEXT, *signers: note.Signer) -> bytes:
    return note.sign_note(note.Note(text), *(signers or (ALICE,)))


def test_verifier_written_and_read_is_the_same() -> None:
    assert note.parse_verifier(str(ALICE.verifier)) == ALICE.verifier


def test_signer_written_and_read_is_the_same() -> None:
    assert note.parse_signer(ALICE.secret_text()) == ALICE


def test_signer_shown_hides_its_seed() -> None:
    assert "\\x01" not in repr(ALICE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+12345678",
        "name+1234567+AQ==",
        "name+1234567g+AQ==",
        "name+12345678+",
        "name+12345678+A",
        "na me+12345678+AQ==",
        "+12345678+AQ==",
        str(ALICE.verifier)[:-4],
        f"a+00000000+{base64std.encode(bytes([1]) + bytes(31))}",
    ],
)
def test_verifier_malformed_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="malformed verifier key"):
        note.parse_verifier(text)


def test_verifier_of_unknown_algorithm_is_an_error() -> None:
    with pytest.raises(InputError, match="unknown algorithm"):
        note.parse_verifier(f"a+00000000+{base64std.encode(bytes([2]) + bytes(32))}")


def test_verifier_whose_key_does_not_fit_its_name_is_an_error() -> None:
    with pytest.raises(InputError, match="does not fit its name"):
        note.parse_verifier(str(ALICE.verifier).replace("alice", "mallory"))


def test_signer_malformed_does_not_show_the_secret() -> None:
    with pytest.raises(InputError) as raised:
        note.parse_signer("PRIVATE-KEY+alice.test+secret")
    assert "secret" not in str(raised.value)
    with pytest.raises(InputError, match="does not fit"):
        note.parse_signer(ALICE.secret_text().replace("alice", "mallory"))


def test_note_signed_opens_with_its_text() -> None:
    opened = note.open_note(signed(TEXT, ALICE, BOB), [ALICE.verifier])
    assert opened.text == TEXT
    assert [s.name for s in opened.signatures] == ["alice.test"]
    assert [s.name for s in opened.unverified] == ["bob.test/log"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_note_any_text_round_trips(text: str) -> None:
    text = f"{text}\n\nand a blank line above\n"
    assert note.open_note(signed(text), [ALICE.verifier]).text == text


def test_note_signed_again_keeps_other_signatures_and_renews_its_own() -> None:
    first = note.open_note(signed(TEXT, ALICE, BOB), [ALICE.verifier])
    again = note.open_note(note.sign_note(first, ALICE), [ALICE.verifier, BOB.verifier])
    assert sorted(s.name for s in again.signatures) == ["alice.test", "bob.test/log"]


def test_note_repeated_signatures_count_once() -> None:
    message = signed(TEXT, ALICE, BOB)
    block = message.split(b"\n\n")[1]
    opened = note.open_note(message + block, [ALICE.verifier])
    assert (len(opened.signatures), len(opened.unverified)) == (1, 1)


def test_attack_note_with_wrong_key_is_refused() -> None:
    impostor = note.Signer(ALICE.name, b"\x03" * 32)
    with pytest.raises(IntegrityError, match="no signature by a known key"):
        note.open_note(signed(TEXT, impostor), [ALICE.verifier])


def test_attack_note_with_wrong_key_under_the_right_hash_is_refused() -> None:
    raw = ALICE.verifier.key_hash.to_bytes(4, "big") + BOB.sign(TEXT.encode())
    message = f"{TEXT}\n— {ALICE.name} {base64std.encode(raw)}\n".encode()
    with pytest.raises(IntegrityError, match="invalid signature"):
        note.open_note(message, [ALICE.verifier])


def test_attack_note_with_no_verifier_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"expected a known key, got alice\.test"):
        note.open_note(signed(), [])


@given(st.integers(min_value=0), st.integers(0, 7))
def test_attack_note_with_one_bit_flipped_is_refused(position: int, bit: int) -> None:
    message = bytearray(signed())
    position %= len(message)
    message[position] ^= 1 << bit
    try:
        opened = note.open_note(bytes(message), [ALICE.verifier])
    except IntegrityError:
        return
    # Go reads the last base64 digit laxly: bits of it that carry no byte may differ.
    whole = note.open_note(signed(), [ALICE.verifier])
    assert opened.text == whole.text
    assert base64std.decode(opened.signatures[0].base64) == base64std.decode(
        whole.signatures[0].base64
    )


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 alice.test AAAAAAAA",
        b"text\n\nalice.test AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 alice.test\n",
        b"text\n\n\xe2\x80\x94 alice.test AAAA\n",
        b"text\n\n\xe2\x80\x94 alice.test AAAAAAA\n",
        b"text\n\n\xe2\x80\x94 al+ice.test AAAAAAAA\n",
        b"te\txt\n\n\xe2\x80\x94 alice.test AAAAAAAA\n",
        b"te\xffxt\n\n\xe2\x80\x94 alice.test AAAAAAAA\n",
        b"text\n\n" + b"\xe2\x80\x94 bob AAAAAAAA\n" * 101,
    ],
)
def test_note_malformed_is_an_error(message: bytes) -> None:
    with pytest.raises(IntegrityError, match="malformed note"):
        note.open_note(message, [ALICE.verifier])


def test_note_with_ambiguous_verifiers_is_an_error() -> None:
    with pytest.raises(InputError, match="ambiguous"):
        note.open_note(signed(), [ALICE.verifier, ALICE.verifier])


def test_sign_refuses_what_would_not_open() -> None:
    with pytest.raises(InputError, match="newline"):
        note.sign_note(note.Note("text"), ALICE)
    with pytest.raises(InputError, match="invalid signer name"):
        note.sign_note(note.Note("text\n"), note.Signer("a b", bytes(32)))
    for bad in [
        note.Signature("a b", 0, "AAAAAAAA"),
        note.Signature("a", 0, "A"),
        note.Signature("a", 0, "AAAA"),
        note.Signature("a", 1, "AAAAAAAA"),
    ]:
        with pytest.raises(InputError, match="malformed signature"):
            note.sign_note(note.Note("text\n", (bad,)), ALICE)


def test_verify_with_a_public_key_of_wrong_length_is_false() -> None:
    assert not note.Verifier("a", b"short").verify(b"text", bytes(64))
