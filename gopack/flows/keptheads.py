"""The heads that are kept of a checksum database, each with its signature checked."""

from gopack.errors import IntegrityError
from gopack.ports import ProofStore
from gopack.spec import note
from gopack.spec.sumdb import SignedHead, open_head

REPAIR = (
    "run `gopack check --repair`, which moves what is spoilt aside, then `gopack fetch` with the "
    "same list where there is a network: it completes the proofs"
)


def open_heads(store: ProofStore, key: note.Verifier) -> list[SignedHead]:
    """Read every head that is kept, smallest tree first.

    One that cannot be believed is not passed over: all that a log may not take back rests on it.

    Raises:
        IntegrityError: one is not signed by the key: it was spoilt on the disk, or the key is
            another. It names the file.
    """
    return [_open(place, message, key) for place, message in store.heads().items()]


def _open(place: str, message: bytes, key: note.Verifier) -> SignedHead:
    try:
        return open_head(message, key)
    except IntegrityError as error:
        error.what = f"a tree head that is kept of {key.name} cannot be believed: {error.what}"
        error.where = place
        error.hint = f"is GOSUMDB what it was? Then the file is damaged: {REPAIR}"
        raise
