"""Signed notes: a text with Ed25519 signature lines below it, and the keys that make them.

Rules:
- A note is UTF-8 without control characters other than newline; its text ends in a newline, then
  comes a blank line, then one or more lines `— name base64(key hash, signature)`.
- A verifier key is `name+hash+base64(1, public key)`; the hash binds name and key.
- Opening a note proves at least one signature by a key that the caller trusts; one bad signature
  by a trusted key spoils the note. Signatures by unknown keys are kept apart, unverified.

The cryptography package is imported when a signature is made or checked: it is slow to load, and
a run with nothing new needs none.

Spec: golang.org/x/mod/sumdb/note.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gopack.errors import InputError, IntegrityError
from gopack.spec import base64std

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALG_ED25519 = 1  # x/mod note algEd25519
KEY_BYTES = 32
MAX_SIGNATURES = 100  # x/mod note.Open: numSig > 100 is malformed
_MIN_SIGNATURE_BYTES = 5  # four bytes of key hash and at least one of signature
_SIGNATURE_PREFIX = "— "
_HASH = re.compile(r"[0-9a-fA-F]{8}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# Go's unicode.IsSpace; Python's \s has U+001C to U+001F besides.
_NOT_IN_NAME = re.compile(
    r"[+\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key that is trusted to sign notes, under a name."""

    name: str
    public_key: bytes

    @property
    def key_hash(self) -> int:
        """The number that stands for name and key in a signature line."""
        return key_hash(self.name, bytes([ALG_ED25519]) + self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `text`."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see the docstring
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        """The verifier key in its text form, `name+hash+key`."""
        key = base64std.encode(bytes([ALG_ED25519]) + self.public_key)
        return f"{self.name}+{self.key_hash:08x}+{key}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs notes; its text form must stay secret, so `str` and `repr` hide it."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The key that others check these signatures with."""
        public = _private_key(self.seed).public_key()
        return Verifier(self.name, public.public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """The bare signature over `text`."""
        return _private_key(self.seed).sign(text)

    def secret_text(self) -> str:
        """The signer key in its text form, `PRIVATE+KEY+name+hash+key`."""
        key = base64std.encode(bytes([ALG_ED25519]) + self.seed)
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_hash:08x}+{key}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; `base64` holds the four bytes of key hash and the signature."""

    name: str
    key_hash: int
    base64: str


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, with its signatures."""

    text: str
    signatures: tuple[Signature, ...] = ()
    unverified: tuple[Signature, ...] = ()


def _private_key(seed: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def is_valid_name(name: str) -> bool:
    """Whether a key may have this name: not empty, no space, no `+`."""
    return name != "" and not _NOT_IN_NAME.search(name)


def key_hash(name: str, key: bytes) -> int:
    """The hash that binds a name to a key (with its algorithm byte)."""
    digest = hashlib.sha256(name.encode() + b"\n" + key).digest()
    return int.from_bytes(digest[:4], "big")


def parse_verifier(text: str) -> Verifier:
    """Read a verifier key `name+hash+key`.

    Raises:
        InputError: malformed, of an unknown algorithm, or its hash does not fit name and key.
    """
    name, public_key, hash_given = _split_key(text, "verifier")
    verifier = Verifier(name, public_key)
    _check_hash(verifier, hash_given, "verifier")
    return verifier


def parse_signer(text: str) -> Signer:
    """Read a signer key `PRIVATE+KEY+name+hash+key`; its text never enters an error.

    Raises:
        InputError: malformed, of an unknown algorithm, or its hash does not fit name and key.
    """
    if not text.startswith("PRIVATE+KEY+"):
        raise InputError("malformed signer key", hint=_key_hint("signer"))
    name, seed, hash_given = _split_key(text.removeprefix("PRIVATE+KEY+"), "signer")
    signer = Signer(name, seed)
    _check_hash(signer.verifier, hash_given, "signer")
    return signer


def _split_key(text: str, kind: str) -> tuple[str, bytes, int]:
    name, _, rest = text.partition("+")
    hash_text, _, key_text = rest.partition("+")
    key = base64std.decode(key_text)
    if not _HASH.fullmatch(hash_text) or not key or not is_valid_name(name):
        raise InputError(f"malformed {kind} key", hint=_key_hint(kind))
    if key[0] != ALG_ED25519:
        raise InputError(f"{kind} key {name} has an unknown algorithm", hint=_key_hint(kind))
    if len(key) != 1 + KEY_BYTES:
        raise InputError(f"malformed {kind} key", hint=_key_hint(kind))
    return name, key[1:], int(hash_text, 16)


def _check_hash(verifier: Verifier, hash_given: int, kind: str) -> None:
    if verifier.key_hash != hash_given:
        raise InputError(
            f"{kind} key {verifier.name} does not fit its name",
            expected=f"key hash {verifier.key_hash:08x}",
            got=f"{hash_given:08x}",
            hint=_key_hint(kind),
        )


def _key_hint(kind: str) -> str:
    form = "name+hash+key" if kind == "verifier" else "PRIVATE+KEY+name+hash+key"
    return f"give the {kind} key whole, as {form}"


def open_note(message: bytes, verifiers: Sequence[Verifier]) -> Note:
    """Read a signed note and check its signatures.

    Raises:
        IntegrityError: malformed, a bad signature by one of `verifiers`, or none by any of them.
        InputError: two of `verifiers` share name and key hash.
    """
    known = _by_name_and_hash(verifiers)
    text, lines = _split_note(message)
    verified: dict[tuple[str, int], Signature] = {}
    unverified: dict[Signature, None] = {}
    for signature in (_parse_signature(line) for line in lines):
        key = (signature.name, signature.key_hash)
        verifier = known.get(key)
        if verifier is None:
            unverified[signature] = None
        elif key not in verified:
            if not verifier.verify(text.encode(), _signature_bytes(signature)):
                raise _bad_note(f"invalid signature for key {_key_name(key)}")
            verified[key] = signature
    if not verified:
        raise IntegrityError(
            "note has no signature by a known key",
            expected=" or ".join(_key_name(key) for key in known) or "a known key",
            got=", ".join(_key_name((s.name, s.key_hash)) for s in unverified),
            hint="check the key given (GOSUMDB for the checksum database)",
        )
    return Note(text, tuple(verified.values()), tuple(unverified))


def _by_name_and_hash(verifiers: Sequence[Verifier]) -> dict[tuple[str, int], Verifier]:
    known: dict[tuple[str, int], Verifier] = {}
    for verifier in verifiers:
        key = (verifier.name, verifier.key_hash)
        if key in known:
            raise InputError(f"ambiguous key {_key_name(key)}", hint="give each key once")
        known[key] = verifier
    return known


def _key_name(key: tuple[str, int]) -> str:
    return f"{key[0]}+{key[1]:08x}"


def _split_note(message: bytes) -> tuple[str, list[str]]:
    try:
        decoded = message.decode()
    except UnicodeDecodeError as error:
        raise _bad_note("malformed note: not UTF-8") from error
    if _CONTROL.search(decoded):
        raise _bad_note("malformed note: control character")
    text, separator, block = decoded.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise _bad_note("malformed note: no signatures")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _bad_note("malformed note: too many signatures")
    return text + "\n", lines


def _parse_signature(line: str) -> Signature:
    name, _, base64 = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    raw = base64std.decode(base64)
    if (
        not line.startswith(_SIGNATURE_PREFIX)
        or not is_valid_name(name)
        or raw is None
        or len(raw) < _MIN_SIGNATURE_BYTES
    ):
        raise _bad_note("malformed note: bad signature line")
    return Signature(name, int.from_bytes(raw[:4], "big"), base64)


def _signature_bytes(signature: Signature) -> bytes:
    return (base64std.decode(signature.base64) or b"")[4:]


def _bad_note(what: str) -> IntegrityError:
    return IntegrityError(what, hint="do not trust this source until it is known why")


def sign_note(note: Note, *signers: Signer) -> bytes:
    """Sign a note's text; signatures that it has and that `signers` do not renew are kept.

    Raises:
        InputError: the text does not end in a newline, or a name or a kept signature is invalid.
    """
    if not note.text.endswith("\n"):
        raise InputError("cannot sign a note whose text does not end in a newline")
    lines: list[str] = []
    renewed = {(signer.name, signer.verifier.key_hash) for signer in signers}
    for kept in (*note.signatures, *note.unverified):
        if (kept.name, kept.key_hash) not in renewed:
            lines.append(_format_kept(kept))
    for signer in signers:
        if not is_valid_name(signer.name):
            raise InputError(f"invalid signer name {signer.name!r}")
        key_id = signer.verifier.key_hash.to_bytes(4, "big")
        value = base64std.encode(key_id + signer.sign(note.text.encode()))
        lines.append(f"{_SIGNATURE_PREFIX}{signer.name} {value}\n")
    return (note.text + "\n" + "".join(lines)).encode()


def _format_kept(signature: Signature) -> str:
    raw = base64std.decode(signature.base64)
    if (
        not is_valid_name(signature.name)
        or raw is None
        or len(raw) < 4
        or int.from_bytes(raw[:4], "big") != signature.key_hash
    ):
        raise InputError(f"cannot keep a malformed signature of {signature.name!r}")
    return f"{_SIGNATURE_PREFIX}{signature.name} {signature.base64}\n"
