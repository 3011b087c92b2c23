"""`gopack check --url` beside Athens itself, sealed and with each setting that leaves a way out."""

import os
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.urlprobe import UrlProbe
from gopack.flows.checkurl import check_url
from gopack.plan.urlreport import UrlReport
from gopack.spec.module import ModuleVersion
from tests.athens_layout import real_athens

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("ATHENS_BIN" not in os.environ, reason="ATHENS_BIN names no Athens binary"),
]

M = ModuleVersion("corp.invalid/m", "v1.0.0")


INFO = b'{"Version":"v1.0.0","Time":"2024-01-01T00:00:00Z"}'


def report(folder: Path, settings: dict[str, str]) -> UrlReport:
    store = DiskStore(folder / "st")
    with store.locked():
        zip_file = store.staged_path()
        zip_file.write_bytes(b"PK the zip")
        store.publish(M, info=INFO, mod=b"module corp.invalid/m\n", zip_file=zip_file)
    with real_athens(Path(os.environ["ATHENS_BIN"]), store.root, settings) as athens:
        probe = UrlProbe(athens.url)
        try:
            return check_url(probe, store, M, sumdb="sum.invalid")
        finally:
            probe.close()


def test_sealed_athens_shows_no_way_out(tmp_path: Path) -> None:
    assert not report(tmp_path, {}).findings


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"ATHENS_NETWORK_MODE": "strict"}, "ATHENS_NETWORK_MODE may be strict"),
        ({"ATHENS_NETWORK_MODE": "fallback"}, "ATHENS_NETWORK_MODE may be strict or fallback"),
        ({"ATHENS_DOWNLOAD_MODE": "sync"}, "ATHENS_DOWNLOAD_MODE may be sync"),
        ({"ATHENS_DOWNLOAD_MODE": "redirect"}, "it redirects to an upstream"),
        ({"ATHENS_DOWNLOAD_MODE": "async_redirect"}, "it redirects to an upstream"),
        ({"ATHENS_SUM_DBS": "https://sum.invalid"}, "ATHENS_SUM_DBS is not empty"),
        ({"BASIC_AUTH_USER": "u", "BASIC_AUTH_PASS": "p"}, "wants a user and a password"),
    ],
)
def test_setting_that_leaves_a_way_out_is_told(
    settings: dict[str, str], text: str, tmp_path: Path
) -> None:
    redirected = {"ATHENS_DOWNLOAD_URL": "http://127.0.0.1:9"}
    said = [finding.what for finding in report(tmp_path, redirected | settings).findings]
    assert any(text in what for what in said), said


def test_upstream_that_has_no_more_than_the_storage_is_told(tmp_path: Path) -> None:
    """`@latest` then is what the storage has: that it comes from elsewhere shows all the same."""
    versions = tmp_path / "proxy" / M.path / "@v"
    versions.mkdir(parents=True)
    for name, data in (("list", b"v1.0.0\n"), ("v1.0.0.info", INFO), ("v1.0.0.mod", b"module x\n")):
        (versions / name).write_bytes(data)
    upstream = f"GOPROXY={(tmp_path / 'proxy').as_uri()};GONOSUMDB=*;GOFLAGS=-mod=mod"
    settings = {"ATHENS_NETWORK_MODE": "fallback", "ATHENS_GO_BINARY_ENV_VARS": upstream}
    said = report(tmp_path, settings)
    assert (f"/{M.path}/@latest", 200) in said.asked
    assert [f.what for f in said.findings if f.path.endswith("/@latest")], said.findings
