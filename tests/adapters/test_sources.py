"""Which sources a module path is asked from, and the whole chain against real upstreams."""

from pathlib import Path

import pytest

from gopack.adapters.retry import RetryPolicy
from gopack.adapters.sources import ProxySources
from gopack.asking import first_answer
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv, parse_proxies
from gopack.spec.goproxy import VersionList
from tests.upstream import Fault, Upstream

QUICK = RetryPolicy(tries=2, first_delay_s=0.01)
GO = "/nonexistent/go"


def make(goproxy: str, *, noproxy: str = "", go_command: str | None = GO) -> ProxySources:
    proxies = parse_proxies(goproxy, noproxy=noproxy)
    env = GoEnv(proxies=proxies, noproxy=noproxy, go_command=go_command)
    return ProxySources(env, policy=QUICK)


def names(sources: ProxySources, path: str = "example.com/a") -> list[str]:
    return [attempt.source.name for attempt in sources.attempts(path)]


def test_attempts_follow_goproxy_without_showing_credentials() -> None:
    sources = make("https://me:s3cr3t@a.example/m/|file:///srv/mods,direct")
    assert names(sources) == ["https://a.example/m", "file:///srv/mods", "direct"]
    flags = [attempt.falls_back_on_error for attempt in sources.attempts("x.example")]
    assert flags == [True, False, False]
    assert "s3cr3t" not in repr(list(sources.attempts("x.example")))


def test_attempts_gonoproxy_modules_are_asked_directly_even_when_off() -> None:
    sources = make("off", noproxy="*.corp.example,rsc.io/private")
    assert names(sources, "git.corp.example/x") == ["direct"]
    assert names(sources, "rsc.io/private/y") == ["direct"]
    with pytest.raises(NotFoundError, match=r"^rsc\.io/public: .*GOPROXY=off"):
        sources.attempts("rsc.io/public")


def test_attempts_without_go_leave_a_direct_behind_a_proxy_out() -> None:
    assert names(make("https://a.example,direct", go_command=None)) == ["https://a.example"]
    alone = make("direct", go_command=None)
    with pytest.raises(UpstreamError, match="no go command") as caught:
        first_answer(alone.attempts("a.example"), lambda s: s.read(VersionList("a.example")))
    assert not isinstance(caught.value, NotFoundError)
    assert "install Go and git" in caught.value.hint


def ask(sources: ProxySources, path: str = "example.com/a") -> bytes:
    try:
        return first_answer(sources.attempts(path), lambda s: s.read(VersionList(path)))
    finally:
        sources.close()


def test_chain_comma_moves_on_after_404_and_410_alone(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "example.com/a/@v").mkdir(parents=True)
    (tmp_path / "example.com/a/@v/list").write_bytes(b"v1.0.0\n")
    comma = f"{upstream.url},{tmp_path.as_uri()}"
    for status in (404, 410):
        upstream.fail("*", Fault(status=status), times=1)
        assert ask(make(comma)) == b"v1.0.0\n"
    for status in (403, 500):
        upstream.fail("*", Fault(status=status), times=QUICK.tries)
        with pytest.raises(UpstreamError, match=str(status)):
            ask(make(comma))
        upstream.mend()


def test_chain_pipe_moves_on_after_any_error(upstream: Upstream) -> None:
    upstream.add("example.com/a", "v1.0.0")
    with Upstream() as broken:
        broken.fail("*", Fault(status=403))
        assert ask(make(f"{broken.url}|{upstream.url}")) == b"v1.0.0\n"
    assert ask(make(f"http://127.0.0.1:1|{upstream.url}")) == b"v1.0.0\n"


def test_chain_off_at_the_end_tells_of_goproxy(upstream: Upstream) -> None:
    with pytest.raises(NotFoundError, match="GOPROXY=off"):
        ask(make(f"{upstream.url},off"))


def test_chain_busy_proxy_is_asked_again(upstream: Upstream) -> None:
    upstream.add("example.com/a", "v1.0.0")
    upstream.fail("*", Fault(status=503, headers={"Retry-After": "0"}), times=1)
    assert ask(make(upstream.url)) == b"v1.0.0\n"
    assert len(upstream.log) == 2
