"""Answers that may change: asked for conditionally, taken from the disk while they did not."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.goproxy import HttpSource
from gopack.adapters.remembered import RememberedAnswers
from gopack.adapters.web import Web
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import GoMod, Info, Latest, Request, VersionList
from gopack.spec.module import ModuleVersion
from tests.upstream import Fault, Upstream

A = ModuleVersion("example.com/a", "v1.0.0")
LIST = VersionList(A.path)


@pytest.fixture
def tagged() -> Iterator[Upstream]:
    with Upstream(tags=True) as upstream:
        upstream.add(*A)
        upstream.add_latest(*A)
        upstream.add_query(A.path, "main", A.version)
        yield upstream


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web(GoEnv(proxies=()))
    yield web
    web.close()


def ask(upstream: Upstream, web: Web, folder: Path, request: Request = LIST) -> bytes:
    return HttpSource(upstream.url, web, remembered=RememberedAnswers(web, folder)).read(request)


def conditions(upstream: Upstream) -> list[bool]:
    return ["If-None-Match" in asked.headers for asked in upstream.log]


@pytest.mark.parametrize("request_", [LIST, Latest(A.path), Info(A.path, "main")], ids=str)
def test_unchanged_answer_costs_one_conditional_request(
    tagged: Upstream, web: Web, tmp_path: Path, request_: Request
) -> None:
    first = ask(tagged, web, tmp_path, request_)
    assert ask(tagged, web, tmp_path, request_) == first
    assert conditions(tagged) == [False, True]


def test_changed_answer_is_taken_and_kept(tagged: Upstream, web: Web, tmp_path: Path) -> None:
    assert ask(tagged, web, tmp_path) == b"v1.0.0\n"
    tagged.add_to_list(A.path, "v1.1.0")
    for _ in range(2):
        assert ask(tagged, web, tmp_path) == b"v1.0.0\nv1.1.0\n"


@pytest.mark.parametrize("request_", [GoMod(A), Info(*A)], ids=str)
def test_answer_that_cannot_change_is_not_kept(
    tagged: Upstream, web: Web, tmp_path: Path, request_: Request
) -> None:
    ask(tagged, web, tmp_path, request_)
    assert list(tmp_path.iterdir()) == []


def test_answer_without_a_tag_is_asked_for_in_full(
    upstream: Upstream, web: Web, tmp_path: Path
) -> None:
    upstream.add(*A)
    for _ in range(2):
        assert ask(upstream, web, tmp_path) == b"v1.0.0\n"
    assert conditions(upstream) == [False, False]


@pytest.mark.parametrize("spoilt", [b"", b'"tag"', b'"tag"\nabc\nv9.9.9\n', b"\xff\n\xff\n\xff"])
def test_kept_answer_that_is_torn_is_asked_for_in_full(
    tagged: Upstream, web: Web, tmp_path: Path, spoilt: bytes
) -> None:
    ask(tagged, web, tmp_path)
    [kept] = tmp_path.iterdir()
    kept.write_bytes(spoilt)
    assert ask(tagged, web, tmp_path) == b"v1.0.0\n"
    assert conditions(tagged) == [False, False]


def test_compressed_answer_that_was_cut_short_is_not_kept(
    tagged: Upstream, web: Web, tmp_path: Path
) -> None:
    headers = {"Content-Encoding": "gzip", "ETag": '"cut"'}
    body = gzip.compress(b"v1.0.0\nv1.1.0\n")[:-9]
    tagged.fail("*/list", Fault(status=200, headers=headers, body=body))
    with pytest.raises(UpstreamError, match="cut short"):
        ask(tagged, web, tmp_path)
    tagged.mend()
    assert list(tmp_path.iterdir()) == []
    assert ask(tagged, web, tmp_path) == b"v1.0.0\n"


def test_folder_that_cannot_be_written_is_no_hindrance(
    tagged: Upstream, web: Web, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for _ in range(2):
        assert ask(tagged, web, tmp_path / "file" / "answers") == b"v1.0.0\n"


def test_kept_answer_of_what_is_gone_is_not_used(
    tagged: Upstream, web: Web, tmp_path: Path
) -> None:
    ask(tagged, web, tmp_path)
    tagged.fail("*/list", Fault(status=404))
    with pytest.raises(NotFoundError):
        ask(tagged, web, tmp_path)
