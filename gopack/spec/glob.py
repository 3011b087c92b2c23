r"""Shell patterns as Go's path.Match knows them, for GOPRIVATE and its kin.

    *        any run of bytes other than /        [a-z] [^a-z]  a character of a class, or not of it
    ?        one character other than /           \c           the character c itself

A pattern must match the whole name. Both are taken as bytes, so that text which is not UTF-8
behaves as in Go: a byte that starts no character counts as U+FFFD.

Spec: pkg.go.dev/path#Match.
"""

from gopack.spec import runes

_SLASH, _STAR, _BACKSLASH, _OPEN, _CLOSE = b"/*\\[]"
_QUESTION, _DASH = b"?-"


class BadPatternError(ValueError):
    """The pattern is malformed (path.ErrBadPattern)."""


def match(pattern: str, name: str) -> bool:
    """Whether name matches pattern.

    >>> match("*.example.com", "git.example.com"), match("a*", "a/b"), match("v[0-9]", "v7")
    (True, False, True)

    Raises:
        BadPatternError: the pattern is malformed. As in Go, that shows only where matching or the
            check of the rest after a mismatch comes across it.
    """
    rest, subject = runes.encoded(pattern), runes.encoded(name)
    while rest:
        has_star, chunk, rest = _next_chunk(rest)
        if has_star and not chunk:
            return b"/" not in subject
        after = _after_chunk(chunk, subject, has_star=has_star, is_last=not rest)
        if after is None:
            _check_chunks(rest)
            return False
        subject = after
    return not subject


def _next_chunk(pattern: bytes) -> tuple[bool, bytes, bytes]:
    """Split into: stars before, what needs no star, and the rest from the next star on."""
    body = pattern.lstrip(b"*")
    in_class = False
    i = 0
    while i < len(body):
        if body[i] == _BACKSLASH:
            i += 1
        elif body[i] == _OPEN:
            in_class = True
        elif body[i] == _CLOSE:
            in_class = False
        elif body[i] == _STAR and not in_class:
            break
        i += 1
    return body != pattern, body[:i], body[i:]


def _after_chunk(chunk: bytes, subject: bytes, *, has_star: bool, is_last: bool) -> bytes | None:
    """What of the subject is left behind the first place where the chunk fits; None if nowhere."""
    skip = 0
    while True:
        left = _match_chunk(chunk, subject[skip:])
        if left is not None and not (is_last and left):
            return left
        if not has_star or skip >= len(subject) or subject[skip] == _SLASH:
            return None
        skip += 1


def _check_chunks(pattern: bytes) -> None:
    while pattern:
        _, chunk, pattern = _next_chunk(pattern)
        _match_chunk(chunk, b"")


def _match_chunk(chunk: bytes, subject: bytes) -> bytes | None:
    """Match one chunk at the subject's start; checks the whole chunk's form, match or not."""
    failed = False
    while chunk:
        failed = failed or not subject
        operator = chunk[0]
        if operator == _OPEN:
            rune, size = (0, 0) if failed else runes.decode(subject)
            subject = subject[size:]
            found, chunk = _match_class(chunk[1:], rune)
            failed = failed or not found
            continue
        if operator == _QUESTION:
            if not failed:
                failed = subject[0] == _SLASH
                subject = subject[runes.decode(subject)[1] :]
        else:
            if operator == _BACKSLASH:
                chunk = chunk[1:]
                if not chunk:
                    raise BadPatternError
            if not failed:
                failed = chunk[0] != subject[0]
                subject = subject[1:]
        chunk = chunk[1:]
    return None if failed else subject


def _match_class(chunk: bytes, rune: int) -> tuple[bool, bytes]:
    """Read a character class behind its bracket: whether rune is of it, and the rest."""
    negated = chunk[:1] == b"^"
    chunk = chunk[negated:]
    found = False
    is_first = True
    while is_first or chunk[:1] != b"]":
        low, chunk = _class_char(chunk)
        high = low
        if chunk[0] == _DASH:
            high, chunk = _class_char(chunk[1:])
        found = found or low <= rune <= high
        is_first = False
    return found != negated, chunk[1:]


def _class_char(chunk: bytes) -> tuple[int, bytes]:
    if not chunk or chunk[0] in (_DASH, _CLOSE):
        raise BadPatternError
    if chunk[0] == _BACKSLASH:
        chunk = chunk[1:]
        if not chunk:
            raise BadPatternError
    rune, size = runes.decode(chunk)
    if (rune == runes.ERROR and size == 1) or len(chunk) == size:
        raise BadPatternError
    return rune, chunk[size:]
