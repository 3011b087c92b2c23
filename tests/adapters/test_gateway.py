"""The gateway: each run is told apart, and is answered as sparingly as by a sealed Athens."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gopack.adapters import goenv
from gopack.adapters.gateway import Answerer, from_proxy, from_storage, gateway
from gopack.adapters.serve_site import Site
from gopack.adapters.web import Web
from gopack.plan.missing import Asked
from tests.upstream import Fault, Upstream, make_info

MODULE = "example.com/!big/@v"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    version = tmp_path / "example.com" / "Big" / "v1.0.0"
    version.mkdir(parents=True)
    (version / "v1.0.0.info").write_bytes(make_info("v1.0.0"))
    (version / "go.mod").write_text("module example.com/Big\n")
    (version / "source.zip").write_bytes(b"zip" * 100_000)
    return tmp_path


def ask(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


def answerer(storage: Path) -> Answerer:
    return from_storage(Site(storage, lambda _: None))


def test_storage_is_served_and_runs_are_told_apart(storage: Path) -> None:
    with gateway(answerer(storage)) as proxy:
        one, other = proxy.new_run(), proxy.new_run()
        assert ask(f"{proxy.url_of(one)}/{MODULE}/v1.0.0.zip") == (200, b"zip" * 100_000)
        assert ask(f"{proxy.url_of(one)}/{MODULE}/list") == (200, b"v1.0.0\n")
        assert ask(f"{proxy.url_of(other)}/example.com/%21big/@v/v1.1.0.mod")[0] == 404
        assert [each.status for each in proxy.asked(one)] == [200, 200]
        assert proxy.asked(other) == [Asked(f"{MODULE}/v1.1.0.mod", 404)]
        assert proxy.asked(other)[0].is_missing


def test_latest_is_refused_since_athens_has_none(storage: Path) -> None:
    with gateway(answerer(storage)) as proxy:
        assert ask(f"{proxy.url_of(proxy.new_run())}/example.com/!big/@latest")[0] == 404


def test_file_that_appears_meanwhile_is_there(storage: Path) -> None:
    lost = storage / "example.com" / "Big" / "v1.0.0" / "go.mod"
    text = lost.read_bytes()
    lost.unlink()
    with gateway(answerer(storage)) as proxy:
        url = f"{proxy.url_of(proxy.new_run())}/{MODULE}/v1.0.0.mod"
        assert ask(url)[0] == 404
        lost.write_bytes(text)
        assert ask(url) == (200, text)


def test_proxy_behind_is_asked_and_its_failures_are_passed_on(tmp_path: Path) -> None:
    env = {"GOPROXY": "off", "GOSUMDB": "off", "GOENV": "off", "HOME": str(tmp_path)}
    with Upstream() as upstream:
        upstream.add("example.com/Big", "v1.0.0")
        upstream.fail("*/list", Fault(status=503))
        web = Web(goenv.load(env))
        with gateway(from_proxy(web, upstream.url + "/")) as proxy:
            run = proxy.new_run()
            assert ask(f"{proxy.url_of(run)}/{MODULE}/v1.0.0.mod")[1] == b"module example.com/Big\n"
            assert ask(f"{proxy.url_of(run)}/{MODULE}/v1.0.1.mod")[0] == 404
            assert ask(f"{proxy.url_of(run)}/{MODULE}/list")[0] == 503
            assert [each.status for each in proxy.asked(run)] == [200, 404, 503]
        web.close()
