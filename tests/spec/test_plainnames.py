"""All names at once: where nothing is to be found, and only there, the rules find nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import MAX_GO_MOD_BYTES, MAX_ZIP_BYTES, ZipName, check_zip
from gopack.spec.plainnames import are_plain

MODULE = ModuleVersion("example.com/m", "v1.0.0")
PREFIX = b"example.com/m@v1.0.0/"
ODD = [
    *("a", "A", "b", "go.mod", "Go.mod", "LICENSE", "x.go", "con", "AUX.go", "com1", "com10"),
    *("lpt9.tar.gz", "nul", "conx", "x.con", ".con", "-", ".a", "..", ".", "", "a.", "a..b", "~1"),
    *("a b", "a\\b", "a:b", "a\n", "\n", "é", "\u212a", "a'b", "a@v1", "[1]", "{x}", "\x7f", "a\0"),
]

elements = st.sampled_from(ODD) | st.text("abAB.go/mod~- ", max_size=8)
paths = st.lists(elements, min_size=1, max_size=4).map("/".join)
names = st.one_of(
    paths.map(lambda path: PREFIX + path.encode()),
    st.sampled_from([PREFIX, PREFIX[:-1], b"", b"example.com/m@v1.0.1/a", PREFIX * 2 + b"go.mod"]),
)
sizes = st.sampled_from([0, 1, 9, MAX_GO_MOD_BYTES, MAX_GO_MOD_BYTES + 1, MAX_ZIP_BYTES])
Entries = list[tuple[bytes, int]]


def plain(entries: Entries, zip_size_bytes: int = 1) -> bool:
    found, sizes_bytes = [name for name, _ in entries], [size for _, size in entries]
    return are_plain(MODULE, zip_size_bytes, found, sizes_bytes)


def ok(entries: Entries, zip_size_bytes: int = 1) -> bool:
    found = [ZipName(name.decode("utf-8", "surrogateescape"), size) for name, size in entries]
    return check_zip(MODULE, zip_size_bytes, found).is_ok


def is_simple(entries: Entries) -> bool:
    """Whether the look at all names at once claims to know such zips."""
    return bool(entries) and all(
        name.isascii() and not name.endswith(b"/") and size <= MAX_GO_MOD_BYTES
        for name, size in entries
    )


@given(st.lists(st.tuples(names, sizes), max_size=6))
@example([(PREFIX + b"a", 1), (PREFIX + b"A", 1)])
@example([(PREFIX + b"a/b", 1), (PREFIX + b"A/c", 1)])
@example([(PREFIX + b"a", 1), (PREFIX + b"a/b/c", 1)])
@example([(PREFIX + b"A", 1), (PREFIX + b"a/b/c", 1)])
@example([(PREFIX + b"a", 1), (PREFIX + b"a", 1)])
@example([(PREFIX + b"go.mod", 1), (PREFIX + b"x/go.mod", 1)])
@example([(PREFIX + b"x/GO.MOD", 1)])
@example([(PREFIX * 2 + b"go.mod", 1)])
@example([(PREFIX + b"go.mod", 1), (PREFIX + b"LICENSE", 1), (PREFIX + b"a/go.modx", 1)])
@example([(PREFIX + b"a\nb", 1)])
@example([(PREFIX + b"a", 1), (b"example.com/m@v1.0.0", 1)])
def test_are_plain_agrees_with_the_rules_name_by_name(entries: Entries) -> None:
    assert plain(entries) is (is_simple(entries) and ok(entries))


@given(st.lists(paths.map(lambda path: (PREFIX + path.encode(), 1)), min_size=1, max_size=3))
def test_are_plain_agrees_on_names_below_the_right_folder(entries: Entries) -> None:
    assert plain(entries) is (is_simple(entries) and ok(entries))


def test_are_plain_limits_are_exact() -> None:
    half = [(PREFIX + str(n).encode(), MAX_GO_MOD_BYTES) for n in range(31)]
    left = MAX_ZIP_BYTES - 31 * MAX_GO_MOD_BYTES
    whole = [*half, (PREFIX + b"rest", left)]
    assert plain(whole, MAX_ZIP_BYTES)
    assert not plain(whole, MAX_ZIP_BYTES + 1)
    assert not plain([*whole, (PREFIX + b"more", 1)])
    assert not plain([(PREFIX + b"a", MAX_GO_MOD_BYTES + 1)])


def test_are_plain_version_that_cannot_be_is_an_input_error() -> None:
    with pytest.raises(InputError):
        are_plain(MODULE._replace(version="v1.0"), 1, [], [])
