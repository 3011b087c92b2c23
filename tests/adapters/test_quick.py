"""The quicker reader: what it reads itself, and what it leaves to Web."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.quick import QuickReader
from gopack.adapters.web import Web
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv
from tests.tls import Authority
from tests.upstream import LOGIN_PAGE, Fault, Upstream

LIMIT = 100


class Counting(Web):
    """A Web that tells what it was asked."""

    def __init__(self, env: GoEnv) -> None:
        super().__init__(env)
        self.asked: list[str] = []

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        self.asked.append(url)
        return super().read(url, where=where, limit=limit)


@pytest.fixture
def web() -> Iterator[Counting]:
    made = Counting(GoEnv(()))
    yield made
    made.close()


@pytest.fixture
def reader(web: Counting, upstream: Upstream) -> QuickReader:
    upstream.put("a", b"an answer")
    return QuickReader(web)


def read(reader: QuickReader, upstream: Upstream, path: str = "/a") -> bytes:
    return reader.read(f"{upstream.url}{path}", where="it", limit=LIMIT)


def test_plain_answers_are_read_on_one_connection(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    assert [read(reader, upstream) for _ in range(5)] == [b"an answer"] * 5
    assert web.asked == []
    assert upstream.connections == 1
    assert upstream.log[0].headers["User-Agent"].startswith("gopack/")


def test_plain_answers_over_tls_are_trusted_as_web_does(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Upstream(tls=authority.server_context()) as upstream:
        upstream.put("a", b"an answer")
        for env, is_trusted in (
            (GoEnv((), cert_files=(str(authority.ca_file),)), True),
            (GoEnv(()), False),
        ):
            web = Counting(env)
            reader = QuickReader(web)
            if is_trusted:
                assert read(reader, upstream) == b"an answer"
                assert web.asked == []
            else:
                with pytest.raises(UpstreamError):
                    read(reader, upstream)
            web.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        LOGIN_PAGE,
        Fault(without_length=True),
        Fault(truncate_at=3),
        Fault(reset=True),
        Fault(headers={"Content-Encoding": "x"}),
        Fault(body=b"x" * (LIMIT + 1)),
    ],
)
def test_what_is_not_plain_is_webs(
    reader: QuickReader, web: Counting, upstream: Upstream, fault: Fault
) -> None:
    upstream.fail("/a", fault, times=1)
    assert read(reader, upstream) == b"an answer"
    assert web.asked == [f"{upstream.url}/a"]


def test_what_is_wrong_is_told_by_web(reader: QuickReader, upstream: Upstream) -> None:
    with pytest.raises(NotFoundError):
        read(reader, upstream, "/none")
    upstream.fail("/a", LOGIN_PAGE)
    with pytest.raises(UpstreamError, match="HTML page"):
        read(reader, upstream)
    upstream.mend()
    upstream.put("a", b"x" * (LIMIT + 1))
    with pytest.raises(UpstreamError, match="larger than"):
        read(reader, upstream)


def test_connection_that_was_closed_meanwhile_is_no_trouble(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    assert read(reader, upstream) == b"an answer"
    upstream.fail("/a", Fault(reset=True), times=1)
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 1
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 1, "it goes on being quick"


def test_new_connection_that_fails_leaves_everything_to_web(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.fail("/a", Fault(reset=True), times=1)
    assert [read(reader, upstream) for _ in range(3)] == [b"an answer"] * 3
    assert len(web.asked) == 3


@pytest.mark.parametrize("url", ["http://user:pw@{}/a", "https://{}/a"])
def test_credentials_are_webs_to_send(
    reader: QuickReader, web: Counting, upstream: Upstream, url: str
) -> None:
    host = upstream.url.partition("://")[2]
    with pytest.raises(UpstreamError):
        reader.read(url.format(host), where="it", limit=LIMIT)
    assert web.asked == [url.format(host)]
