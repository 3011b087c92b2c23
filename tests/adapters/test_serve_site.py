"""What a storage has to say over HTTP, without a server."""

import os
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from gopack.adapters.serve_site import Answer, Site
from gopack.plan.serving import route
from gopack.spec.module import ModuleVersion
from tests.fakes_sumdb import NAME, FakeSumDB
from tests.sumdb_laying import lay_sumdb

MOD = "example.com/a/v1.0.0/go.mod"


def lay(root: Path, key: str, data: bytes = b"module example.com/a\n") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def asked(root: Path, path: str, **headers: str) -> Answer:
    """The answer, its file closed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Site(root, pytest.fail).answer(route("GET", path.encode()), named, "client")
    if answer.file is not None:
        answer.file.close()
    return answer


@pytest.mark.parametrize("modified_s", [1_500_000_000, 5_000_000_000])
def test_last_modified_is_when_the_file_came_and_never_later_than_now(
    tmp_path: Path, modified_s: int
) -> None:
    """Its own time is its commit's: the same for a file that replaced another."""
    began = int(time.time())
    os.utime(lay(tmp_path, MOD), (modified_s, modified_s))
    answer = asked(tmp_path, "/example.com/a/@v/v1.0.0.mod")
    assert (
        began <= parsedate_to_datetime(answer.headers["last-modified"]).timestamp() <= time.time()
    )


def test_if_match_of_another_file_is_412(tmp_path: Path) -> None:
    lay(tmp_path, MOD)
    etag = asked(tmp_path, "/example.com/a/@v/v1.0.0.mod").headers["etag"]
    assert asked(tmp_path, "/example.com/a/@v/v1.0.0.mod", if_match=etag).status == 200
    assert asked(tmp_path, "/example.com/a/@v/v1.0.0.mod", if_match='"old"').status == 412


@pytest.mark.parametrize("link", ["example.com", "example.com/a", "example.com/a/v1.0.0"])
def test_attack_link_to_a_folder_outside_gives_nothing(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    lay(outside, MOD)
    lay(outside, "example.com/a/v1.0.0/v1.0.0.info", b"{}")
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside / link)
    for path in ("@v/v1.0.0.mod", "@v/list", "@latest"):
        assert asked(root, f"/example.com/a/{path}").status == 404, path


@pytest.mark.parametrize("name", ["go.mod", "v1.0.0.info"])
def test_attack_link_to_a_file_outside_gives_nothing(tmp_path: Path, name: str) -> None:
    root, secret = tmp_path / "root", lay(tmp_path, "secret")
    lay(root, MOD)
    lay(root, "example.com/a/v1.0.0/v1.0.0.info", b"{}")
    (root / MOD).with_name(name).unlink()
    (root / MOD).with_name(name).symlink_to(secret)
    kind = name.replace("go.", "v1.0.0.")
    for path in (f"@v/{kind}", "@v/list", "@latest"):
        assert asked(root, f"/example.com/a/{path}").status == 404, path


@pytest.mark.parametrize("link", [".gopack", ".gopack/sumdb", f".gopack/sumdb/{NAME}"])
def test_attack_checksum_database_past_a_link_is_404(tmp_path: Path, link: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    lay_sumdb(outside, FakeSumDB(), [ModuleVersion("example.com/a", "v1.0.0")])
    assert asked(outside, f"/sumdb/{NAME}/latest").status == 200
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(outside / link)
    assert asked(root, f"/sumdb/{NAME}/latest").status == 404


def test_root_that_is_a_link_is_served(tmp_path: Path) -> None:
    lay(tmp_path / "there", MOD)
    (tmp_path / "root").symlink_to(tmp_path / "there")
    assert asked(tmp_path / "root", "/example.com/a/@v/v1.0.0.mod").status == 200


def test_latest_reads_no_file_that_is_too_large_for_an_answer(tmp_path: Path) -> None:
    lay(tmp_path, MOD)
    os.truncate(lay(tmp_path, "example.com/a/v1.0.0/v1.0.0.info"), 1 << 40)
    assert asked(tmp_path, "/example.com/a/@latest").status == 404


def test_file_that_cannot_be_read_is_told_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    path, really = lay(tmp_path, MOD), os.open

    def refused(name: str | Path, *rest: int, **more: int) -> int:
        if name == "go.mod":
            raise PermissionError(13, "Permission denied", name)
        return really(name, *rest, **more)

    monkeypatch.setattr(os, "open", refused)
    answer = Site(tmp_path, said.append).answer(
        route("GET", b"/example.com/a/@v/v1.0.0.mod"), {}, "client"
    )
    assert answer.status == 500
    assert str(path) in said[0]
