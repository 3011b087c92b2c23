"""The manifest as bytes and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.errors import StoreError
from gopack.plan import manifest as manifests
from gopack.plan.manifest import (
    BY_HAND,
    Annotations,
    Entry,
    LineFacts,
    Manifest,
    SurveyFacts,
    ZipEntry,
)
from gopack.spec.module import ModuleVersion
from tests.examples import examples

A, B = ModuleVersion("a.b/m", "v1.0.0"), ModuleVersion("a.b/n", "v1.0.0")
ZIP = ZipEntry(10, "5" * 64, "h1:zip=")
ENTRY = Entry("1" * 64, "2" * 64, "h1:mod=", ZIP)

modules = st.builds(
    ModuleVersion,
    st.text("abcXYZ019-_", max_size=8).map("example.com/m{}".format),
    st.sampled_from(["v1.0.0", "v2.0.0+incompatible", "v0.0.0-20200101000000-123456789abc"]),
)
texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
sums = st.text(st.characters(max_codepoint=127), max_size=8)
entries = st.builds(
    Entry,
    sums,
    sums,
    sums,
    st.none() | st.builds(ZipEntry, st.integers(0, 10**9), sums, sums),
    texts,
    st.lists(texts, max_size=2).map(tuple),
)
facts = st.builds(LineFacts, st.none() | texts, texts, texts)


@settings(max_examples=examples(100))
@given(st.dictionaries(modules, entries, max_size=4), st.dictionaries(modules, facts, max_size=3))
def test_dumps_then_loads_is_the_same_and_order_does_not_count(
    versions: dict[ModuleVersion, Entry], listed: dict[ModuleVersion, LineFacts]
) -> None:
    data = manifests.dumps(Manifest(versions, listed))
    assert manifests.loads(data, where="here") == Manifest(versions, listed)
    turned = Manifest(dict(reversed(versions.items())), dict(reversed(listed.items())))
    assert manifests.dumps(turned) == data


def test_survey_keeps_all_that_was_found() -> None:
    facts = SurveyFacts(
        (A,), ("a.b/none",), frozenset({"a.b/m"}), {B: False}, (B,), {"a.b/x": (A, B)}, {"a.b/y": B}
    )
    manifest = Manifest({A: ENTRY}, surveys={"key": facts, "nothing": SurveyFacts()})
    assert manifests.loads(manifests.dumps(manifest), where="here") == manifest


@pytest.mark.parametrize("newer", [b',"passed_over":{}', b',"promoted":[]'])
def test_survey_of_an_older_gopack_that_may_lack_something_is_made_anew(newer: bytes) -> None:
    facts = SurveyFacts(unresolved=("a.b/none",))
    data = manifests.dumps(Manifest({A: ENTRY}, surveys={"key": facts}))
    assert manifests.loads(data, where="here").surveys == {"key": facts}
    older = data.replace(newer, b"")
    assert older != data
    assert manifests.loads(older, where="here").surveys == {}


def test_dumps_writes_one_version_a_line() -> None:
    text = manifests.dumps(Manifest({A: ENTRY, B: ENTRY})).decode()
    assert [line.split(":")[0] for line in text.splitlines() if "@v1.0.0" in line] == [
        '"a.b/m@v1.0.0"',
        '"a.b/n@v1.0.0"',
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b'{"format":"1"}',
        b'{"format":1,"listed":[],"versions":{}}',
        b'{"format":1,"listed":{},"versions":{"no version":{"state":"complete"}}}',
        b'{"format":1,"listed":{"a.b/m@v1.0.0":{"other":1}},"versions":{}}',
        b'{"format":1,"listed":{},"versions":{"a.b/m@v1.0.0":{"state":"complete"}}}',
        b'{"format":1,"listed":{},"versions":{"a.b/m@v1.0.0":{"state":"mod-only","info_sha256":"1",'
        b'"mod_sha256":"2","mod_h1":"\\ud800","verified":"","why":[]}}}',
        b'{"format":1,"listed":{"../a.b/m@v1.0.0":{}},"versions":{}}',
        b'{"format":1,"listed":{"/etc@v1.0.0":{}},"versions":{}}',
        b'{"format":1,"listed":{"a.b/m@../../x":{}},"versions":{}}',
        b'{"format":1,"listed":{"a.b/m@v1.0.0/../..":{}},"versions":{}}',
        b"[" * 100_000,
    ],
)
def test_loads_what_is_no_manifest_is_store_error_with_next_step(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"^here: not a manifest") as caught:
        manifests.loads(data, where="here")
    assert caught.value.hint


def test_dumps_bytes_that_are_no_utf8_read_back() -> None:
    rationale = b"not \xff UTF-8".decode("utf-8", "surrogateescape")
    module = ModuleVersion("example.com/m", "v1.0.0")
    known = Manifest({module: Entry("1", "2", "h1:mod=")}, {module: LineFacts(rationale, "", "")})
    data = manifests.dumps(known)
    data.decode()
    assert manifests.loads(data, where="here") == known


def test_loads_newer_format_says_so() -> None:
    with pytest.raises(StoreError, match="newer than this gopack"):
        manifests.loads(b'{"format":2,"listed":{},"versions":{}}', where="here")


def test_sum_lines_mod_only_has_no_zip_line() -> None:
    mod_only = Entry("1", "2", "h1:mod=")
    lines = [str(s) for s in Manifest({A: ENTRY, B: mod_only}).sum_lines()]
    assert lines == [
        "a.b/m v1.0.0/go.mod h1:mod=",
        "a.b/m v1.0.0 h1:zip=",
        "a.b/n v1.0.0/go.mod h1:mod=",
    ]


def test_annotated_changes_what_is_named_and_passes_by_what_is_not_there() -> None:
    notes = Annotations(
        why={A: ["x", "w", "x"], B: ["gone"]},
        verified={A: "sumdb s", B: "gone"},
        listed={A: LineFacts("bad"), B: LineFacts()},
    )
    found = manifests.annotated(Manifest({A: ENTRY}), notes)
    assert found.versions[A].why == ("w", "x")
    assert found.versions[A].verified == "sumdb s"
    assert found.listed == {A: LineFacts("bad")}
    assert manifests.annotated(found, Annotations()) == found


@pytest.mark.parametrize(
    ("why", "expected"), [((), False), (("a.b/m",), False), (("a.b/m", f"{BY_HAND}: x"), True)]
)
def test_is_by_hand_any_reason_counts(why: tuple[str, ...], *, expected: bool) -> None:
    assert Entry("", "", "", why=why).is_by_hand is expected


def test_aliases_are_read_back_as_written() -> None:
    aliases = {ModuleVersion("example.com/m", "main"): "v1.0.0"}
    written = manifests.dumps(Manifest(aliases=aliases))
    assert manifests.loads(written, where="m").aliases == aliases


def test_alias_that_begins_as_a_version_does_is_passed_by() -> None:
    """Older gopacks wrote them, and what lies there is taken for a version's folder."""
    aliases = b'"aliases":{"e.x/m@v1.0.0-rc.01":"v1.0.0","e.x/m@main":"v1.0.0"},"versions"'
    written = manifests.dumps(Manifest()).replace(b'"versions"', aliases)
    read = manifests.loads(written, where="here")
    assert read.aliases == {ModuleVersion("e.x/m", "main"): "v1.0.0"}


@pytest.mark.parametrize("key", ["example.com/m", "example.com/m@..", "../m@main"])
def test_aliases_that_could_name_another_place_are_refused(key: str) -> None:
    written = manifests.dumps(Manifest()).replace(
        b'"versions"', f'"aliases":{{"{key}":"v1.0.0"}},"versions"'.encode()
    )
    with pytest.raises(StoreError):
        manifests.loads(written, where="m")
