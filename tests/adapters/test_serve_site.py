"""What a storage has to say over HTTP, without a server."""

import os
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from gopack.adapters.serve_site import Answer, Site
from gopack.plan.serving import route

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
