"""The module proxy that this machine's Go settings name, asked for a few small things."""

import io
import threading
import zipfile
from collections.abc import Iterator

import pytest

from gopack.adapters import goenv
from gopack.adapters.retry import RetryPolicy
from gopack.adapters.sources import ProxySources
from gopack.asking import first_answer
from gopack.errors import UpstreamError
from gopack.ports import ModuleSource
from gopack.spec.goproxy import GoMod, VersionList
from gopack.spec.module import ModuleVersion

pytestmark = pytest.mark.e2e

MODULE = ModuleVersion("github.com/pkg/errors", "v0.9.1")


@pytest.fixture
def source() -> Iterator[ModuleSource]:
    """The first proxy of GOPROXY; skipped where no network leads to it."""
    sources = ProxySources(goenv.load(), stop=threading.Event(), policy=RetryPolicy(tries=2))
    found = sources.attempts(MODULE.path)[0].source
    try:
        first_answer(sources.attempts(MODULE.path)[:1], lambda s: s.read(GoMod(MODULE)))
    except UpstreamError as error:
        sources.close()
        if error.status is None:
            pytest.skip(f"no way to the public module proxy: {error.what}")
        raise
    yield found
    sources.close()


def test_public_proxy_answers_over_tls_with_the_system_s_trust(source: ModuleSource) -> None:
    assert b"v0.9.1\n" in source.read(VersionList(MODULE.path))
    target = io.BytesIO()
    size = source.copy_zip(MODULE, target)
    assert source.zip_size(MODULE) in {size, None}
    assert f"{MODULE}/errors.go" in zipfile.ZipFile(target).namelist()
