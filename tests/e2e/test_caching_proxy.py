"""The caching proxy asks once and keeps what lasts."""

import os
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e import caching_proxy as module
from tests.e2e.caching_proxy import caching_proxy
from tests.upstream import Fault, Upstream


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as said:
            return said.status, said.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 1)


def test_second_request_does_not_reach_upstream(upstream: Upstream, tmp_path: Path) -> None:
    upstream.add("example.com/A", "v1.0.0", files={"a.go": b"package a\n"})
    for _ in range(2):
        with caching_proxy(folder=tmp_path, upstream=upstream.url) as proxy:
            answers = {
                path: get(f"{proxy.url}/example.com/{path}")
                for path in ("!a/@v/list", "!a/@v/v1.0.0.zip", "!a/@latest", "none/@v/v1.0.0.mod")
            }
            fetched = list(proxy.fetched)
        assert [status for status, _ in answers.values()] == [200, 200, 404, 404]
        assert answers["!a/@v/v1.0.0.zip"][1].startswith(b"PK")
    assert fetched == []


def test_lists_grow_old_and_versions_do_not(upstream: Upstream, tmp_path: Path) -> None:
    upstream.add("example.com/a", "v1.0.0", files={})
    paths = [
        "/example.com/a/@v/list",
        "/example.com/a/@v/v1.0.0.info",
        "/example.com/a/@v/main.info",
    ]
    with caching_proxy(folder=tmp_path, upstream=upstream.url) as proxy:
        for path in paths:
            get(proxy.url + path)
        long_ago = time.time() - 2 * module.KEEP_S
        for file in tmp_path.rglob("*"):
            os.utime(file, (long_ago, long_ago))
        proxy.fetched.clear()
        for path in paths:
            get(proxy.url + path)
        assert proxy.fetched == [paths[0], paths[2]]


def test_old_list_serves_while_upstream_is_down(upstream: Upstream, tmp_path: Path) -> None:
    upstream.add("example.com/a", "v1.0.0", files={})
    with caching_proxy(folder=tmp_path, upstream=upstream.url) as proxy:
        get(f"{proxy.url}/example.com/a/@v/list")
        os.utime(tmp_path / "example.com/a/@v/list", (0, 0))
        upstream.fail("*", Fault(status=503))
        assert get(f"{proxy.url}/example.com/a/@v/list") == (200, b"v1.0.0\n")


def test_failure_is_passed_on_and_not_kept(upstream: Upstream, tmp_path: Path) -> None:
    upstream.add("example.com/a", "v1.0.0", files={})
    upstream.fail("*", Fault(status=503))
    with caching_proxy(folder=tmp_path, upstream=upstream.url) as proxy:
        assert get(f"{proxy.url}/example.com/a/@v/v1.0.0.zip")[0] == 502
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
