"""Bundles that are unsigned, forged, cut, of another time, or made to hurt."""

import bz2
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gopack.adapters.ledger import DiskLedger
from gopack.cli.bundle_inspect import _signature_names
from gopack.errors import GopackError, IntegrityError
from gopack.flows import bundle_sumdb
from gopack.plan.bundle import contents, sbom, tarball
from gopack.plan.bundle import index as indexes
from gopack.plan.bundle.index import Head
from gopack.plan.manifest import Annotations, LineFacts
from gopack.spec import base64std, note
from gopack.spec.sumdb import open_head
from tests.bundling import Side, module, own_files
from tests.fakes_sumdb import FakeSumDB

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def bundle(connected: Side, tmp_path: Path) -> Path:
    connected.done("bundle", "create", tmp_path / "a.bundle")
    return tmp_path / "a.bundle"


def refused(side: Side, bundle: Path, words: str, *, status: int = 4, with_: str = "") -> str:
    """Import it: refused with these words and this status, nothing stored."""
    options = [with_] if with_ else []
    result = side.run("bundle", "import", bundle, *options)
    assert (result.exit_code, words in result.output) == (status, True), result.output
    assert side.versions() == {}
    assert own_files(side.root) == {}
    assert "hint: " in result.output
    return result.output


def members(bundle: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(bundle) as archive:
        return [(m.name, archive.extractfile(m).read()) for m in archive]  # type: ignore[union-attr]


def written(files: list[tuple[str, bytes]]) -> bytes:
    out = b""
    for name, data in files:
        out += tarball.header(name, len(data)) + data + tarball.padding(len(data))
    return out + tarball.END


def forged(
    bundle: Path, edit: Edit, signer: note.Signer | None = None, *, lists_follow: bool = True
) -> None:
    """Rewrite the index and everything that follows from it, with `lists_follow` the lists, too."""
    files = members(bundle)
    index = json.loads(bz2.decompress(files[1][1]))
    edit(index)
    if lists_follow:
        rewrite_lists(index, files)
    data = json.dumps(index).encode()
    packed = bz2.compress(data)
    head = Head(1, None, len(packed), len(data), indexes.sha256(data))
    text = indexes.format_head(head)
    message = note.sign_note(note.Note(text), signer) if signer else (text + "\n").encode()
    files[:2] = [("BUNDLE", message), ("index.json.bz2", packed)]
    bundle.write_bytes(written(files))


def rewrite_lists(raw: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
    """Have CONTENTS.txt, the SBOM and go.sum say what the index says."""
    try:
        index = indexes.parse(json.dumps(raw).encode(), where="forged")
    except (ValueError, TypeError, LookupError, AttributeError, GopackError):
        return
    made = {
        "CONTENTS.txt": contents.render(index.versions, sequence=1, parent=None),
        "sbom.cdx.json": sbom.render(index.versions),
        "go.sum": index.go_sum,
    }
    files[:] = [(name, made.get(name, data)) for name, data in files]
    for row in raw["front"]:
        if str(row[0]) in made:
            row[1:] = [len(made[row[0]]), indexes.sha256(made[row[0]])]


def signer_of(key: Path) -> note.Signer:
    return note.parse_signer(key.read_text().strip())


def forge_records(bundle: Path, key: Path, change: Edit, follow: Edit | None = None) -> None:
    """Rewrite the carried records; the index has their size and sum, and what `follow` does."""
    files = members(bundle)
    place = next(n for n, (name, _) in enumerate(files) if name == "sumdb.json.bz2")
    raw = json.loads(bz2.decompress(files[place][1]))
    change(raw)
    text = json.dumps(raw).encode()
    packed = bz2.compress(text)
    files[place] = ("sumdb.json.bz2", packed)
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        [front] = [m for m in index["front"] if m[0] == "sumdb.json.bz2"]
        front[1:] = [len(packed), indexes.sha256(packed)]
        index["sumdb"]["bytes"] = len(text)
        if follow is not None:
            follow(index)

    forged(bundle, edit, signer_of(key))


def test_unsigned_bundle_is_refused_unless_told(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    connected.env.clear()
    connected.done("bundle", "create", tmp_path / "a.bundle")
    refused(sealed, tmp_path / "a.bundle", "is not signed")
    sealed.done("bundle", "import", tmp_path / "a.bundle", "--insecure-unsigned")
    assert sealed.versions() == connected.versions()


def test_bundle_of_a_stranger_is_refused(bundle: Path, sealed: Side, tmp_path: Path) -> None:
    sealed.done("key", "new", "stranger", tmp_path / "other")
    sealed.env["GOPACK_TRUST"] = str(tmp_path / "other.pub")
    assert "stranger+" in refused(sealed, bundle, "no signature by a known key")


def test_signed_bundle_without_a_trusted_key_is_refused(bundle: Path, sealed: Side) -> None:
    sealed.env.clear()
    refused(sealed, bundle, "no key is given")


def test_two_signers_either_suffices(connected: Side, sealed: Side, tmp_path: Path) -> None:
    connected.done("key", "new", "second", tmp_path / "second")
    first = connected.env.pop("GOPACK_SIGN")
    words = ["--sign", first, "--sign", str(tmp_path / "second")]
    connected.done("bundle", "create", tmp_path / "a.bundle", *words)
    sealed.env["GOPACK_TRUST"] = str(tmp_path / "second.pub")
    assert "signed by second" in sealed.done("bundle", "verify", tmp_path / "a.bundle")


def test_changed_signature_is_refused(bundle: Path, sealed: Side) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b"sequence 1\n", b"sequence 2\n", 1))
    refused(sealed, bundle, "invalid signature")


def test_newer_format_says_so(bundle: Path, sealed: Side) -> None:
    bundle.write_bytes(bundle.read_bytes().replace(b"\nformat 1\n", b"\nformat 2\n", 1))
    refused(sealed, bundle, "bundle format 2 is newer", status=5)


def test_something_else_is_no_bundle(sealed: Side, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PK\3\4" + bytes(2000))
    refused(sealed, tmp_path / "x", "not a gopack bundle")
    (tmp_path / "empty").write_bytes(b"")
    refused(sealed, tmp_path / "empty", "not a gopack bundle")
    refused(sealed, tmp_path / "none", "no such bundle", status=2)


def test_every_flipped_bit_is_found(bundle: Path, sealed: Side) -> None:
    """A bit in each stretch of the file, whatever it belongs to: header, padding, data, end."""
    data = bundle.read_bytes()
    for at in [*range(0, 1024, 97), *range(1024, len(data), len(data) // 40), len(data) - 1]:
        spoilt = bytearray(data)
        spoilt[at] ^= 1
        bundle.write_bytes(spoilt)
        result = sealed.run("bundle", "verify", bundle)
        assert result.exit_code in {4, 5}, (at, result.output)
        assert isinstance(result.exception, SystemExit), (at, result.exception)


@pytest.mark.parametrize("keep", [100, 5_000, 30_000, -1])
def test_bundle_cut_short_is_refused(bundle: Path, sealed: Side, keep: int) -> None:
    bundle.write_bytes(bundle.read_bytes()[:keep])
    refused(sealed, bundle, "")


def test_bundle_that_goes_on_is_refused(bundle: Path, sealed: Side) -> None:
    bundle.write_bytes(bundle.read_bytes() + bytes(512))
    refused(sealed, bundle, "does not end where it must")


def test_manifest_that_lies_about_a_size_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    def edit(index: dict[str, Any]) -> None:
        [one] = [v for v in index["versions"] if v["module"] == "example.com/Dep@v1.0.0"]
        one["zip_bytes"] -= 1

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "holds another file than its index says")


def test_manifest_that_lies_about_a_sum_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    def edit(index: dict[str, Any]) -> None:
        one, other = (v for v in index["versions"] if v["state"] == "complete")
        one["zip_h1"] = other["zip_h1"]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "not what the checksum database recorded")


def test_claim_without_its_checksum_record_is_refused(
    bundle: Path, sealed: Side, key: Path
) -> None:
    """The zip, its sums and its signature fit; only the checksum database says otherwise."""

    def edit(index: dict[str, Any]) -> None:
        index["versions"][0]["module"] = "example.com/evil@v1.0.0"

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "its checksum record is not carried")


def test_bomb_is_not_unpacked(bundle: Path, sealed: Side, key: Path) -> None:
    files = members(bundle)
    bomb = bz2.compress(bytes(20 << 20))
    place = next(n for n, (name, _) in enumerate(files) if name == "small/001.bz2")
    files[place] = ("small/001.bz2", bomb)
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        index["chunks"][0][1:3] = [len(bomb), indexes.sha256(bomb)]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "does not decompress to the size")


def test_index_that_is_a_bomb_is_not_unpacked(bundle: Path, sealed: Side, key: Path) -> None:
    files = members(bundle)
    bomb = bz2.compress(bytes(20 << 20))
    head = indexes.format_head(Head(1, None, len(bomb), 1000, "0" * 64))
    files[:2] = [
        ("BUNDLE", note.sign_note(note.Note(head), signer_of(key))),
        ("index.json.bz2", bomb),
    ]
    bundle.write_bytes(written(files))
    refused(sealed, bundle, "does not decompress to the size")


def test_small_bundle_of_nobody_takes_little_memory(sealed: Side, tmp_path: Path) -> None:
    """An index of empty objects takes thirty times as much when it is read."""
    data = b'{"x":[' + b"{}," * (8 << 20) + b"{}]}"
    packed = indexes.pack(data)
    head = indexes.format_head(Head(1, None, len(packed), len(data), indexes.sha256(data)))
    bundle = tmp_path / "a.bundle"
    bundle.write_bytes(written([("BUNDLE", f"{head}\n".encode()), ("index.json.bz2", packed)]))
    assert bundle.stat().st_size < 20_000
    for words in (("inspect",), ("diff", bundle), ("verify", "--insecure-unsigned")):
        result = sealed.run("bundle", *words, bundle)
        assert (result.exit_code, f"an index of {len(data)}" in result.output) == (4, True)


def test_index_that_names_a_thousand_lines_with_each_version_is_read(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    lines = [f"github.com/some/module{number}@latest" for number in range(1000)]
    for number in range(20):
        connected.put(f"example.com/many{number}@v1.0.0", size_bytes=100)
    ledger = DiskLedger(connected.root / ".gopack")
    ledger.annotate(Annotations(why=dict.fromkeys(ledger.manifest.versions, lines)))
    ledger.save()
    connected.done("bundle", "create", tmp_path / "a.bundle")
    assert "many19" in sealed.done("bundle", "inspect", tmp_path / "a.bundle")


ODD: dict[str, dict[str, Any]] = {
    "a symbolic link": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    "a hard link": {"type": tarfile.LNKTYPE, "linkname": "BUNDLE"},
    "a character device": {"type": tarfile.CHRTYPE},
    "a block device": {"type": tarfile.BLKTYPE},
    "a named pipe": {"type": tarfile.FIFOTYPE},
    "a folder": {"type": tarfile.DIRTYPE},
}


@pytest.mark.parametrize("kind", ODD)
def test_links_and_devices_are_refused(bundle: Path, sealed: Side, kind: str) -> None:
    replace_header(bundle, "modules/example.com/!dep/@v/v1.0.0.zip", **ODD[kind])
    refused(sealed, bundle, kind)


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "a/../b", "a\\b", "a//b"])
def test_names_that_escape_are_refused(bundle: Path, sealed: Side, name: str) -> None:
    replace_header(bundle, "modules/example.com/!dep/@v/v1.0.0.zip", name=name)
    refused(sealed, bundle, "leaves the folder")


def test_escape_in_the_index_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    def edit(index: dict[str, Any]) -> None:
        index["versions"][0]["module"] = "example.com/../../x@v1.0.0"

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "malformed index")


def replace_header(bundle: Path, member: str, **fields: Any) -> None:
    """Give one file another header of the same length."""
    data = bundle.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        info = archive.getmember(member)
    at = info.offset
    for field, value in fields.items():
        setattr(info, field, value)
    block = info.tobuf(tarfile.USTAR_FORMAT)
    bundle.write_bytes(data[:at] + block + data[at + len(block) :])


def test_key_file_is_protected_and_its_secret_is_never_printed(
    connected: Side, key: Path, tmp_path: Path
) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text().strip().split("+", 4)[4]
    said = connected.done("key", "new", "x", tmp_path / "x")
    assert "PRIVATE" not in said
    key.chmod(0o644)
    result = connected.run("bundle", "create", tmp_path / "a.bundle")
    assert result.exit_code == 2
    assert "others may read this key" in result.output
    assert secret not in result.output
    key.chmod(0o600)
    key.write_text(key.read_text()[:-9] + "AAAAAAAA\n")
    result = connected.run("bundle", "create", tmp_path / "a.bundle")
    assert result.exit_code == 2
    assert secret[:20] not in result.output


def test_secret_key_is_not_taken_for_a_public_one(bundle: Path, sealed: Side, key: Path) -> None:
    sealed.env["GOPACK_TRUST"] = str(key)
    refused(sealed, bundle, "this is a signing key", status=2)


def test_public_half_of_a_new_key_goes_through_no_link(connected: Side, tmp_path: Path) -> None:
    (tmp_path / "new.pub").symlink_to(tmp_path / "elsewhere")
    assert connected.run("key", "new", "me", tmp_path / "new").exit_code == 2
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\x01b", "a\x7fb"])
def test_name_that_no_signature_can_have_is_refused(
    connected: Side, tmp_path: Path, name: str
) -> None:
    assert connected.run("key", "new", name, tmp_path / "new").exit_code == 2
    assert not list(tmp_path.glob("new*"))


def test_key_file_that_is_not_there_is_told_as_such(
    connected: Side, sealed: Side, tmp_path: Path, bundle: Path
) -> None:
    for side, words in (
        (connected, ("create", tmp_path / "b.bundle", "--sign", tmp_path / "none")),
        (sealed, ("verify", bundle, "--trust", tmp_path / "none")),
        (sealed, ("import", bundle, "--trust", tmp_path / "none")),
    ):
        result = side.run("bundle", *words)
        assert result.exit_code == 2, result.output
        assert f"{tmp_path / 'none'}: no such key file" in result.output
        assert "--storage" not in result.output


def test_new_key_overwrites_nothing(connected: Side, key: Path) -> None:
    before = key.read_text()
    assert connected.run("key", "new", "x", key).exit_code == 2
    assert key.read_text() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_bundle_where_it_cannot_be_written_is_a_store_error(
    connected: Side, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(0o555)
    assert connected.run("bundle", "create", locked / "a.bundle").exit_code == 5


def test_sum_that_no_record_speaks_for_is_checked_all_the_same(
    bundle: Path, sealed: Side, key: Path
) -> None:
    """A private version has no record: its zip's sum must still be the zip's."""
    bundle.write_bytes(written([f for f in members(bundle) if not f[0].startswith("sumdb")]))

    def edit(index: dict[str, Any]) -> None:
        index["sumdb"] = None
        index["front"] = [m for m in index["front"] if not m[0].startswith("sumdb")]
        for one in index["versions"]:
            one["verified"] = "unverified: GONOSUMDB"
        one, other = (v for v in index["versions"] if v["state"] == "complete")
        one["zip_h1"] = other["zip_h1"]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "the zip's sum is not the one that the index says")


def test_bit_of_a_zip_that_no_sum_covers_is_found(bundle: Path, sealed: Side) -> None:
    """The time of a file in a zip is in neither its h1: sum nor its CRC."""
    with tarfile.open(bundle) as archive:
        at = archive.getmember("modules/example.com/!dep/@v/v1.0.0.zip").offset_data
    data = bytearray(bundle.read_bytes())
    data[at + 10] ^= 1
    bundle.write_bytes(data)
    refused(sealed, bundle, "v1.0.0.zip is not what the index says")


def test_record_that_is_not_in_the_log_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    """Index, signature and record agree; only the signed tree speaks against them."""

    def change(raw: dict[str, Any]) -> None:
        raw["records"][0][3] += "example.com/more v1.0.0 h1:x=\n"

    forge_records(bundle, key, change)
    refused(sealed, bundle, "is not in the log at its signed head")


def test_prove_finds_a_fork_behind_an_older_head() -> None:
    log = FakeSumDB()
    log.grow(300)
    fork = log.fork()
    log.append(b"honest\n")
    fork.append(b"evil\n")
    older = open_head(log.head(), log.verifier)
    fork.grow(300)
    head = open_head(fork.head(), log.verifier)
    with pytest.raises(IntegrityError, match="forked"):
        list(bundle_sumdb.prove(head, {}, [older], fork.tile_data))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("CONTENTS.txt", (b"com/Dep v1", b"com/Den v1"), "CONTENTS.txt does not list"),
        ("CONTENTS.txt", (b" MIT ", b" BSD "), "CONTENTS.txt does not list"),
        ("sbom.cdx.json", (b"com/Dep@", b"com/Den@"), "the SBOM does not list"),
        ("go.sum", (b"com/Dep ", b"com/Den "), "its go.sum is not"),
    ],
)
def test_list_that_says_something_else_than_what_is_carried_is_refused(
    bundle: Path, sealed: Side, key: Path, name: str, change: tuple[bytes, bytes], words: str
) -> None:
    """Somebody with the key hides a module from the person who approves."""
    files = members(bundle)
    place = next(n for n, (each, _) in enumerate(files) if each == name)
    files[place] = (name, files[place][1].replace(*change))
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        [row] = [m for m in index["front"] if m[0] == name]
        row[1:] = [len(files[place][1]), indexes.sha256(files[place][1])]

    forged(bundle, edit, signer_of(key), lists_follow=False)
    refused(sealed, bundle, words)
    assert words in sealed.run("bundle", "verify", bundle).output


def test_bundle_without_the_list_that_is_approved_is_refused(
    bundle: Path, sealed: Side, key: Path
) -> None:
    files = [file for file in members(bundle) if file[0] != "CONTENTS.txt"]
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        index["front"] = [m for m in index["front"] if m[0] != "CONTENTS.txt"]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "has no CONTENTS.txt")


def test_info_of_another_version_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    """No checksum database speaks for an .info; it must be one of its version all the same."""
    files = members(bundle)
    place = next(n for n, (name, _) in enumerate(files) if name == "small/001.bz2")
    texts = bz2.decompress(files[place][1])
    new = texts.replace(b'"Version": "v1.2.0"', b'"Version": "v1.9.0"')
    assert new != texts
    files[place] = ("small/001.bz2", bz2.compress(new))
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        index["chunks"][0][1:3] = [len(files[place][1]), indexes.sha256(files[place][1])]
        at = 0
        for one in index["versions"]:
            info = new[at : at + one["info_bytes"]]
            one["info_sha256"] = indexes.sha256(info)
            at += one["info_bytes"] + one["mod_bytes"]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "its info names another version")


@pytest.mark.parametrize("version", ["v1", "v1.0", "main", "v1.0.0+meta", ".gopack"])
def test_version_that_athens_would_not_list_is_refused(
    bundle: Path, sealed: Side, key: Path, version: str
) -> None:
    def edit(index: dict[str, Any]) -> None:
        index["versions"][0]["module"] = f"example.com/m@{version}"

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "malformed index")


def test_public_module_that_claims_to_be_private_is_held_against_its_record(
    bundle: Path, sealed: Side, key: Path
) -> None:
    """`unverified` is no way around a record that is carried."""

    def edit(index: dict[str, Any]) -> None:
        one, other = (v for v in index["versions"] if v["state"] == "complete")
        one["verified"] = "unverified: GONOSUMDB"
        one["zip_h1"] = other["zip_h1"]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "not what the checksum database recorded")


def test_bundle_without_a_database_is_held_against_the_records_that_are_kept(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    """The sealed side knows the record of a version; other bytes come, and no record with them."""
    connected.put("example.com/later@v1.0.0", is_whole=False)
    connected.done("bundle", "create", tmp_path / "a.bundle")
    sealed.done("bundle", "import", tmp_path / "a.bundle")
    shutil.rmtree(sealed.root / "example.com/later")
    manifest = sealed.root / ".gopack/manifest.json"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(ln for ln in lines if not ln.startswith('"example.com/later')))
    other = Side(tmp_path / "other", FakeSumDB("elsewhere.test"), connected.env)
    other.put("example.com/later@v1.0.0", noise=9)
    shutil.rmtree(other.root / ".gopack/sumdb")
    other.done("bundle", "create", tmp_path / "b.bundle")
    before = sealed.versions()
    result = sealed.run("bundle", "import", tmp_path / "b.bundle")
    assert result.exit_code == 4, result.output
    assert "not what the checksum database recorded" in result.output
    assert sealed.versions() == before


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_index_nested_without_end_is_refused(bundle: Path, sealed: Side, key: Path) -> None:
    files = members(bundle)
    data = b'{"sequence":1,"parent":null,"builds_on":' + nested(100_000) + b"}"
    packed = bz2.compress(data)
    head = indexes.format_head(Head(1, None, len(packed), len(data), indexes.sha256(data)))
    files[:2] = [("BUNDLE", note.sign_note(note.Note(head), signer_of(key))), (files[1][0], packed)]
    bundle.write_bytes(written(files))
    refused(sealed, bundle, "malformed index")
    assert "malformed index" in sealed.run("bundle", "inspect", bundle).output


def test_lists_are_shown_so_that_they_can_do_nothing(bundle: Path, sealed: Side, key: Path) -> None:
    files = members(bundle)
    evil = b"all is well\x1b]0;mine\x07\xff\n"
    files = [(name, evil if name == "CONTENTS.txt" else data) for name, data in files]
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        index["front"][0][1:] = [len(evil), indexes.sha256(evil)]

    forged(bundle, edit, signer_of(key), lists_follow=False)
    shown = sealed.done("bundle", "inspect", bundle)
    assert "\x1b" not in shown
    assert "all is well" in shown


def test_signature_of_another_bundle_does_not_count(
    bundle: Path, connected: Side, sealed: Side, tmp_path: Path
) -> None:
    """The note of a bundle that was signed, before the contents of one that was not."""
    key = connected.env.pop("GOPACK_SIGN")
    connected.put("example.com/evil@v1.0.0")
    connected.done("bundle", "create", tmp_path / "b.bundle")
    connected.env["GOPACK_SIGN"] = key
    signed, files = members(bundle), members(tmp_path / "b.bundle")
    bundle.write_bytes(written([signed[0], *files[1:]]))
    refused(sealed, bundle, "")
    signatures = signed[0][1].split(b"\n\n", 1)[1]
    text = files[0][1].split(b"\n\n", 1)[0]
    bundle.write_bytes(written([("BUNDLE", text + b"\n\n" + signatures), *files[1:]]))
    refused(sealed, bundle, "invalid signature")


def without(bundle: Path, name: str, key: Path) -> None:
    """Leave a file out, of the index and of the archive."""
    bundle.write_bytes(written([file for file in members(bundle) if file[0] != name]))

    def edit(index: dict[str, Any]) -> None:
        index["front"] = [m for m in index["front"] if m[0] != name]

    forged(bundle, edit, signer_of(key))


@pytest.mark.parametrize("name", ["sumdb.json.bz2", "sumdb.tiles"])
def test_database_without_its_files_is_refused(
    bundle: Path, sealed: Side, key: Path, name: str
) -> None:
    without(bundle, name, key)
    refused(sealed, bundle, f"has no {name}")
    assert f"has no {name}" in sealed.run("bundle", "verify", bundle).output


INFINITE: dict[str, Edit] = {
    "sequence": lambda index: index.update(sequence=float("inf")),
    "parent": lambda index: index.update(parent=[float("inf"), "0" * 64]),
    "heads": lambda index: index["builds_on"]["sumdb"].update(
        x={"heads": [float("inf")], "records": [], "latest": ""}
    ),
    "negative": lambda index: index["builds_on"]["sumdb"].update(
        x={"heads": [], "records": [-1], "latest": ""}
    ),
}


@pytest.mark.parametrize("field", INFINITE)
def test_number_that_is_none_is_refused(
    bundle: Path, connected: Side, sealed: Side, key: Path, tmp_path: Path, field: str
) -> None:
    forged(bundle, INFINITE[field], signer_of(key), lists_follow=False)
    refused(sealed, bundle, "malformed index")
    for words in (("inspect", bundle), ("diff", bundle, bundle)):
        result = sealed.run("bundle", *words)
        assert (result.exit_code, "malformed index" in result.output) == (4, True), result.output
    result = connected.run("bundle", "create", tmp_path / "b.bundle", "--since", bundle)
    assert (result.exit_code, "malformed index" in result.output) == (4, True), result.output


@pytest.mark.parametrize("path", ["example.com/victim", "example.com/a\n\nfoo", "a b"])
def test_record_under_a_name_that_is_not_its_own_is_refused(
    bundle: Path, sealed: Side, key: Path, path: str
) -> None:
    """It is in the log, and would be kept: as the record of a version that it says nothing of."""

    def change(raw: dict[str, Any]) -> None:
        raw["records"].append([path, "v9.9.9", *raw["records"][0][2:]])

    forge_records(bundle, key, change)
    refused(sealed, bundle, "malformed checksum records")


def test_claim_of_another_database_is_not_believed(bundle: Path, sealed: Side, key: Path) -> None:
    def edit(index: dict[str, Any]) -> None:
        for one in index["versions"]:
            one["verified"] = "sumdb elsewhere.test"

    forged(bundle, edit, signer_of(key))
    sealed.done("bundle", "import", bundle)
    recorded = own_files(sealed.root)["manifest.json"]
    assert b"elsewhere.test" not in recorded
    assert recorded.count(f'"sumdb {sealed.log.name}"'.encode()) == 3


def test_versions_that_another_database_vouched_for_are_carried_as_unverified(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    """The connected side changed its GOSUMDB: the proofs of the first one do not go along."""
    second = Side(connected.root, FakeSumDB("second.test", seed=b"\x09" * 32), connected.env)
    second.put("example.com/later@v1.0.0")
    text = " ".join(second.done("bundle", "create", tmp_path / "a.bundle").split())
    assert f"GOSUMDB names second.test: the bundle carries no proofs of {sealed.log.name}," in text
    side = Side(sealed.root, second.log, sealed.env)
    side.done("bundle", "import", tmp_path / "a.bundle")
    assert side.versions() == connected.versions()
    recorded = own_files(side.root)["manifest.json"]
    assert recorded.count(b'"unverified: carried without its checksum record"') == 3
    assert recorded.count(b'"sumdb second.test"') == 1


def test_proofs_that_are_kept_and_left_out_are_told(connected: Side, tmp_path: Path) -> None:
    connected.env["GOSUMDB"] = "off"
    text = " ".join(connected.done("bundle", "create", tmp_path / "a.bundle").split())
    assert (
        f"GOSUMDB is off, or not set: the bundle carries no proofs of {connected.log.name}" in text
    )
    assert "no checksum database is kept here" not in text
    shutil.rmtree(connected.root / ".gopack/sumdb")
    text = " ".join(connected.done("bundle", "create", tmp_path / "b.bundle").split())
    assert "no checksum database is kept here: the bundle carries no proofs" in text
    assert "GOSUMDB" not in text


def test_known_database_with_another_key_is_refused_whoever_signed(
    bundle: Path, connected: Side, sealed: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on a sealed host names a database; gopack knows the public one's key."""
    true = FakeSumDB(sealed.log.name, seed=b"\x55" * 32).verifier
    known = base64std.encode(bytes([note.ALG_ED25519]) + true.public_key)
    monkeypatch.setattr("gopack.cli.bundling.KNOWN_KEYS", {f"{true.key_hash:08x}": known})
    sealed.env["GOSUMDB"] = "off"
    refused(sealed, bundle, "has another key for")


@pytest.mark.parametrize("name", ["a\x00b", "sum.example.test/heads/5", "a\x1b[31mb"])
def test_database_whose_name_is_none_is_refused(
    bundle: Path, sealed: Side, key: Path, name: str
) -> None:
    def edit(index: dict[str, Any]) -> None:
        index["sumdb"].update(name=name, key=str(FakeSumDB(name).verifier))

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "malformed index")


def test_order_in_which_a_version_comes_before_what_it_requires_is_refused(
    connected: Side, sealed: Side, tmp_path: Path, key: Path
) -> None:
    bundle = tmp_path / "a.bundle"
    connected.done("bundle", "create", bundle)
    files = members(bundle)
    index = json.loads(bz2.decompress(files[1][1]))
    texts, at, parts = bz2.decompress(dict(files)["small/001.bz2"]), 0, []
    for one in index["versions"]:
        size = one["info_bytes"] + one["mod_bytes"]
        parts.append(texts[at : at + size])
        at += size
    packed = bz2.compress(b"".join(reversed(parts)))
    zips = [file for file in files if file[0].startswith("modules/")]
    others = [file for file in files if not file[0].startswith("modules/")]
    files = [(n, packed if n == "small/001.bz2" else data) for n, data in others] + zips[::-1]
    bundle.write_bytes(written(files))

    def edit(index: dict[str, Any]) -> None:
        index["versions"].reverse()
        index["chunks"][0][1:3] = [len(packed), indexes.sha256(packed)]

    forged(bundle, edit, signer_of(key))
    refused(sealed, bundle, "comes before example.com/Dep@v1.0.0, which it requires")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("modules", {"example.com/Dep": {"carrier": 5, "retract": []}}),
        ("modules", {"example.com/Dep": {"carrier": "v1.0.0", "retract": [[1, 2, 3]]}}),
        ("listed", {"example.com/Dep@v1.0.0": {"retracted": 5}}),
        ("surveys", {"x": {"extras": [], "unresolved": [None], "promoted": [], "passed_over": {}}}),
    ],
)
def test_facts_that_are_none_are_refused(
    bundle: Path, sealed: Side, key: Path, part: str, value: object
) -> None:
    """They would be kept, and read by the next fetch into a copy of this storage."""
    forged(bundle, lambda index: index["facts"].update({part: value}), signer_of(key))
    refused(sealed, bundle, "malformed index")


def test_facts_that_are_no_utf_8_are_carried_on(
    bundle: Path, connected: Side, sealed: Side, tmp_path: Path
) -> None:
    """A go.mod's comment may hold any byte; a bundle is made of what a bundle brought, too."""
    ledger = DiskLedger(connected.root / ".gopack")
    ledger.annotate(Annotations(listed={module("example.com/Dep@v1.0.0"): LineFacts("caf\udce9")}))
    ledger.save()
    connected.done("bundle", "create", tmp_path / "b.bundle")
    sealed.done("bundle", "import", tmp_path / "b.bundle")
    assert b"caf\\udce9" in own_files(sealed.root)["manifest.json"]


@pytest.mark.parametrize("name", ["CONTENTS.txt", "sbom.cdx.json", "go.sum"])
def test_list_that_is_longer_than_what_it_lists_is_not_read(
    bundle: Path, sealed: Side, key: Path, name: str
) -> None:
    long = bytes(1 << 20)
    bundle.write_bytes(written([(n, long if n == name else data) for n, data in members(bundle)]))

    def edit(index: dict[str, Any]) -> None:
        [row] = [m for m in index["front"] if m[0] == name]
        row[1:] = [len(long), indexes.sha256(long)]

    forged(bundle, edit, signer_of(key), lists_follow=False)
    refused(sealed, bundle, f"malformed index: {name} has 1048576 bytes")
    assert sealed.run("bundle", "inspect", bundle, "--file", name).exit_code == 4


@pytest.mark.parametrize("message", [b"", b"text", b"text\n\n\xff\n", "text\n\n— \n".encode()])
def test_note_that_is_none_has_no_signature_names(message: bytes) -> None:
    assert _signature_names(message) == []
    assert _signature_names("text\n\n— ops.example AAAA\n".encode()) == ["ops.example"]
