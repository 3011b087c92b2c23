"""The upstream of the tests tells the truth, and lies only when told to."""

import io
import urllib.error
import urllib.request
import zipfile

import pytest

from tests.upstream import LOGIN_PAGE, Fault, Upstream


def get(upstream: Upstream, path: str) -> bytes:
    with urllib.request.urlopen(f"{upstream.url}/{path}", timeout=5) as answer:
        return bytes(answer.read())


def test_upstream_added_version_is_served_whole(upstream: Upstream) -> None:
    upstream.add("example.com/Big", "v1.0.0", files={"a.go": b"package a\n"})
    assert get(upstream, "example.com/!big/@v/list") == b"v1.0.0\n"
    assert b'"v1.0.0"' in get(upstream, "example.com/!big/@v/v1.0.0.info")
    assert get(upstream, "example.com/!big/@v/v1.0.0.mod") == b"module example.com/Big\n"
    names = zipfile.ZipFile(io.BytesIO(get(upstream, "example.com/!big/@v/v1.0.0.zip"))).namelist()
    assert names == ["example.com/Big@v1.0.0/go.mod", "example.com/Big@v1.0.0/a.go"]
    assert len(upstream.paths()) == 4


def test_upstream_unknown_path_is_404(upstream: Upstream) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(upstream, "example.com/a/@v/list")
    caught.value.close()
    assert caught.value.code == 404


def test_upstream_fault_lasts_as_often_as_told(upstream: Upstream) -> None:
    upstream.put("x", b"fine")
    upstream.fail("/x", Fault(status=503), times=1)
    upstream.fail("/x", LOGIN_PAGE, times=1)
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(upstream, "x")
    caught.value.close()
    assert b"sign in" in get(upstream, "x")
    assert get(upstream, "x") == b"fine"


def test_upstream_reset_breaks_the_connection(upstream: Upstream) -> None:
    upstream.fail("*", Fault(reset=True))
    with pytest.raises(OSError, match=r"reset|closed|refused"):
        get(upstream, "x")
