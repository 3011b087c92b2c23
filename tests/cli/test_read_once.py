"""Zips whose packages an earlier run read are not read again when a line is added."""

import json
from pathlib import Path

import pytest

from tests.cli import program
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e  # whole runs of the program: too long for make check

LISTED, USED, MORE = (f"example.com/{name}" for name in ("listed", "used", "more"))
KEPT = ".gopack/cache/packages.sqlite"


@pytest.fixture
def proxy(upstream: Upstream) -> Upstream:
    """No go.mod says that `listed` uses `used`: its zip does."""
    for path, imported in ((LISTED, USED), (USED, "fmt"), (MORE, "fmt")):
        source = f'package p\n\nimport _ "{imported}"\n'.encode()
        upstream.add(path, "v1.0.0", files={"p.go": source})
    return upstream


def spoil(storage: Path) -> None:
    """Put another zip in place of the one that was read: whoever reads it finds no import."""
    whole = (storage / MORE / "v1.0.0/source.zip").read_bytes()
    (storage / LISTED / "v1.0.0/source.zip").write_bytes(whole)


def providers(ran: program.Ran) -> list[str]:
    """The modules that packages of both lines together are loaded from, as a survey found them."""
    assert ran.status == 0, ran.text
    surveys = json.loads((ran.storage / ".gopack/manifest.json").read_text())["surveys"]
    [together] = [facts for key, facts in surveys.items() if LISTED in key and MORE in key]
    found: list[str] = together["promoted"]
    return found


@pytest.mark.parametrize("is_kept", [True, False])
def test_line_that_is_added_reads_no_zip_again(
    tmp_path: Path, proxy: Upstream, *, is_kept: bool
) -> None:
    assert program.fetch(tmp_path, proxy.url, f"{MORE}\n").status == 0
    ran = program.fetch(tmp_path, proxy.url, f"{LISTED}\n")
    assert ran.status == 0, ran.text
    spoil(ran.storage)
    if not is_kept:
        (ran.storage / KEPT).unlink()
    ran = program.fetch(tmp_path, proxy.url, f"{LISTED}\n{MORE}\n")
    assert (USED in providers(ran)) is is_kept, ran.text


def test_what_was_read_of_a_spoilt_zip_is_read_anew_after_a_repair(
    tmp_path: Path, proxy: Upstream
) -> None:
    lines = f"{LISTED}\n{MORE}\n"
    assert program.fetch(tmp_path, proxy.url, f"{MORE}\n").status == 0
    ran = program.fetch(tmp_path, proxy.url, f"{LISTED}\n")
    spoil(ran.storage)
    (ran.storage / KEPT).unlink()
    assert USED not in providers(program.fetch(tmp_path, proxy.url, lines))
    beside = ran.storage / f"{KEPT}-journal"
    beside.touch()
    check = program.start(tmp_path, proxy.url, "check", "--repair")
    _, text = check.communicate(timeout=program.STARTED_S)
    assert check.returncode == 4, text
    assert not beside.exists()
    assert USED in providers(program.fetch(tmp_path, proxy.url, lines))
