"""A running proxy, asked for one version: right, wrong, and with a way out."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.urlprobe import UrlProbe
from gopack.errors import InputError, UpstreamError
from gopack.flows.checkurl import check_url
from gopack.plan.urlreport import Kind, Said, UrlReport
from gopack.spec.module import ModuleVersion
from tests.athens_layout import serving

M = ModuleVersion("corp.example/M", "v1.0.0")
SUMDB = "sum.example"


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "st")
    with store.locked():
        zip_file = store.staged_path()
        zip_file.write_bytes(b"PK the zip" * 1000)
        info = b'{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}'
        store.publish(M, info=info, mod=b"module corp.example/M\n", zip_file=zip_file)
    return store


@contextmanager
def probing(root: Path) -> Iterator[UrlProbe]:
    """A sealed Athens over a storage, and what asks it."""
    with serving(root) as athens:
        probe = UrlProbe(athens.url)
        try:
            yield probe
        finally:
            probe.close()


def at_once(probe: UrlProbe) -> Callable[[str], Said]:
    """Answers that took no time: how busy this machine is says nothing of the server."""
    return lambda path: probe(path)._replace(seconds=0.0)


def texts(report: UrlReport) -> str:
    return "\n".join(str(finding) for finding in report.findings)


def test_sealed_athens_is_well(store: DiskStore) -> None:
    with probing(store.root) as probe:
        report = check_url(at_once(probe), store, M, sumdb=SUMDB)
    assert not report.findings
    assert report.exit_status == 0
    assert [status for _, status in report.asked] == [200, 200, 200, 200, 404, 404, 404]
    assert report.asked[0][0] == "/corp.example/!m/@v/v1.0.0.info"


def test_mod_only_version_has_no_zip(store: DiskStore) -> None:
    other = ModuleVersion(M.path, "v1.1.0")
    with store.locked():
        info = b'{"Version":"v1.1.0","Time":"2024-01-01T00:00:00Z"}'
        store.publish(other, info=info, mod=b"module corp.example/M\n", zip_file=None)
    with probing(store.root) as probe:
        assert not check_url(at_once(probe), store, other).findings


def test_other_bytes_than_the_storage_s_are_told(store: DiskStore, tmp_path: Path) -> None:
    other = DiskStore(tmp_path / "other")
    with other.locked():
        zip_file = other.staged_path()
        zip_file.write_bytes(b"PK another zip")
        info = b'{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}'
        other.publish(M, info=info, mod=b"module corp.example/M\n", zip_file=zip_file)
    with probing(other.root) as probe:
        report = check_url(at_once(probe), store, M)
    (finding,) = report.findings
    assert finding.kind is Kind.WRONG
    assert finding.path.endswith("v1.0.0.zip")
    assert re.search(r"14 bytes, sha256 \w{64}\) is not the storage's \(10000 bytes", finding.what)
    assert report.exit_status == 4


def test_version_that_neither_has_is_told_once(store: DiskStore) -> None:
    gone = ModuleVersion(M.path, "v9.0.0")
    with probing(store.root) as probe:
        said = texts(check_url(at_once(probe), store, gone))
    assert said == f"{gone}: the storage does not have it"


def latest(version: str) -> dict[str, Any]:
    return {"status": 200, "text": f'{{"Version":"{version}","Time":"2024-01-01T00:00:00Z"}}'}


@pytest.mark.parametrize(
    ("path", "answer", "text"),
    [
        (
            "/@latest",
            {"status": 200},
            "answers with no version, so ATHENS_NETWORK_MODE is not offl",
        ),
        ("M/@latest", latest("v1.5.0"), "v1.5.0, which the storage does not have"),
        ("/@latest", latest("v1.0.0"), "status 200 for a module that nobody has, instead of 404"),
        ("/@latest", {"status": 500}, "tried to ask an upstream"),
        ("/@latest", {"seconds": 0.02}, "ATHENS_NETWORK_MODE may be strict or fallback"),
        ("/list", {"status": 404}, "ATHENS_NETWORK_MODE may be strict"),
        ("nobody/has", {"status": 302}, "ATHENS_DOWNLOAD_MODE is not none"),
        ("nobody/has", {"status": 500}, "status 500 for a module that nobody has"),
        ("nobody/has", {"seconds": 2.0}, "the 404 takes 2000 ms longer"),
        ("/list", {"text": "v1.0.0\nv1.5.0\n"}, "such as v1.5.0"),
        ("/supported", {"status": 200}, "ATHENS_SUM_DBS is not empty"),
    ],
)
def test_way_out_is_told(path: str, answer: dict[str, Any], text: str, store: DiskStore) -> None:
    with probing(store.root) as probe:

        def ask(asked: str) -> Said:
            said = probe(asked)._replace(seconds=0.0)
            return said._replace(**answer) if path in asked.replace("!m", "M") else said

        report = check_url(ask, store, M, sumdb=SUMDB)
    (finding,) = report.findings
    assert finding.kind is Kind.OPEN
    assert text in finding.what
    assert "ATHENS_NETWORK_MODE=offline" in finding.hint


def test_latest_from_the_storage_is_well_and_a_slow_404_beside_it_is_not(
    store: DiskStore,
) -> None:
    slow = 0.0
    with probing(store.root) as probe:

        def ask(asked: str) -> Said:
            said = probe(asked)._replace(seconds=0.0)
            if asked.endswith("!m/@latest"):
                return said._replace(**latest("v1.0.0"), seconds=1.0)
            return said._replace(seconds=slow) if asked.endswith("/@latest") else said

        assert not check_url(ask, store, M).findings
        assert not check_url(ask, None, M).findings
        slow = 0.02
        (finding,) = check_url(ask, store, M).findings
    assert finding.kind is Kind.OPEN
    assert finding.path.endswith("nobody/has/this/@latest")
    assert "ATHENS_NETWORK_MODE may be strict or fallback" in finding.what


def test_nothing_listens_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError, match="no answer") as caught:
        UrlProbe("http://127.0.0.1:9")("/x")
    assert "Does the server run" in caught.value.hint
    with pytest.raises(InputError):
        UrlProbe("ftp://127.0.0.1")


def test_answer_is_timed_to_its_status(store: DiskStore) -> None:
    began = time.monotonic()
    with probing(store.root) as probe:
        said = probe("/nothing")
    assert 0 < said.seconds < time.monotonic() - began


def test_versions_that_the_list_lacks_are_told(store: DiskStore) -> None:
    with probing(store.root) as probe:

        def ask(asked: str) -> Said:
            said = probe(asked)._replace(seconds=0.0)
            return said._replace(text="v0.9.0\n") if asked.endswith("/list") else said

        report = check_url(ask, store, M)
    wrong, way_out = report.findings
    assert wrong.what == "1 versions of the storage are not in it, such as v1.0.0"
    assert "such as v0.9.0" in way_out.what


def test_server_that_wants_a_password_is_told_once(store: DiskStore) -> None:
    with probing(store.root) as probe:
        report = check_url(lambda path: probe(path)._replace(status=401), store, M, sumdb=SUMDB)
    (finding,) = report.findings
    assert finding.kind is Kind.WRONG
    assert "wants a user and a password" in finding.what
    assert len(report.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@127.0.0.1:9",
        "http://user:secret@127.0.0.1:9/x?secret=secret",
        "ftp://user:secret@127.0.0.1",
        "http://user:secret@[::1:9",
    ],
)
def test_login_of_the_url_is_never_shown(url: str) -> None:
    with pytest.raises((UpstreamError, InputError)) as caught:
        UrlProbe(url)("/x")
    assert "secret" not in f"{caught.value} {caught.value.hint}"
