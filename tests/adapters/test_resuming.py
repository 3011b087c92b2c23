"""Zips that broke off: gone on with where the server's file is the same, fetched anew elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.partfile import MIN_NOTED_BYTES, NOTE, PART
from gopack.adapters.retry import RetryPolicy
from gopack.adapters.sources import ProxySources
from gopack.adapters.zipwork import ZipWork, incoming_name
from gopack.errors import UpstreamError
from gopack.spec.goenv import GoEnv, ProxyEntry
from gopack.spec.module import ModuleVersion
from tests.upstream import Fault, Upstream

A = ModuleVersion("example.com/a", "v1.0.0")
ZIP = "/example.com/a/@v/v1.0.0.zip"
ONCE = RetryPolicy(tries=1)
TWICE = RetryPolicy(tries=2, first_delay_s=0)
SIZE = 3 * MIN_NOTED_BYTES
CUT = SIZE // 2


@pytest.fixture
def tagged() -> Iterator[Upstream]:
    with Upstream(tags=True) as upstream:
        upstream.add(*A, files={"data.bin": os.urandom(SIZE)})
        yield upstream


@contextmanager
def fetching(upstream: Upstream, policy: RetryPolicy = ONCE) -> Iterator[ProxySources]:
    env = GoEnv(proxies=(ProxyEntry(upstream.url, falls_back_on_error=False),))
    sources = ProxySources(env, policy=policy)
    yield sources
    sources.close()


def fetch(upstream: Upstream, storage: Path, policy: RetryPolicy = ONCE) -> bytes:
    """Fetch the zip as one run does, from the lock on; give what arrived."""
    store = DiskStore(storage)
    with store.locked(), fetching(upstream, policy) as sources:
        work = ZipWork(partial(ProxySources, GoEnv(proxies=())), store.incoming, store.root)
        found = work.fetch(A, sources)
        assert found.path is not None
        assert [file.name for file in store.incoming.iterdir()] == [incoming_name(A)]
        return found.path.read_bytes()


def ranges(upstream: Upstream) -> list[str | None]:
    return [asked.headers.get("Range") for asked in upstream.log if asked.path == ZIP]


def break_off(upstream: Upstream, storage: Path) -> None:
    upstream.fail("*.zip", Fault(truncate_at=CUT), times=1)
    with pytest.raises(UpstreamError, match="cut short"):
        fetch(upstream, storage)
    kept = sorted(file.suffix for file in (storage / ".gopack/incoming").iterdir())
    assert kept == [NOTE, PART]
    upstream.log.clear()


def test_zip_that_broke_off_in_an_earlier_run_is_gone_on_with(
    tagged: Upstream, tmp_path: Path
) -> None:
    break_off(tagged, tmp_path)
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0]
    assert ranges(tagged) == [f"bytes={CUT}-"]


def test_zip_that_breaks_off_twice_in_one_run_is_gone_on_with(
    tagged: Upstream, tmp_path: Path
) -> None:
    tagged.fail("*.zip", Fault(truncate_at=CUT), times=1)
    assert fetch(tagged, tmp_path, TWICE) == tagged.files[ZIP][0]
    assert ranges(tagged) == [None, f"bytes={CUT}-"]


def test_part_of_another_file_by_now_is_fetched_anew(tagged: Upstream, tmp_path: Path) -> None:
    break_off(tagged, tmp_path)
    tagged.add(*A, files={"data.bin": os.urandom(SIZE)})
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0]
    assert ranges(tagged) == [f"bytes={CUT}-"], "If-Range spares a second request"


@pytest.mark.parametrize("length", [SIZE, CUT - 10])
def test_attack_part_that_is_continued_with_another_file_is_fetched_anew(
    tagged: Upstream, tmp_path: Path, length: int
) -> None:
    break_off(tagged, tmp_path)
    note = next((tmp_path / ".gopack/incoming").glob(f"*{NOTE}"))
    old = tagged.files[ZIP][0]
    tagged.add(*A, files={"data.bin": os.urandom(length)})
    tagged.forced_tag = note.read_text().split('"validator": "\\"')[1].split("\\")[0]
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0] != old
    assert ranges(tagged) == [f"bytes={CUT}-", None]


def test_part_from_a_server_without_tags_is_not_kept(upstream: Upstream, tmp_path: Path) -> None:
    upstream.add(*A, files={"data.bin": os.urandom(SIZE)})
    upstream.fail("*.zip", Fault(truncate_at=CUT), times=1)
    assert fetch(upstream, tmp_path, TWICE) == upstream.files[ZIP][0]
    assert ranges(upstream) == [None, None]


def test_small_zip_is_not_gone_on_with(tagged: Upstream, tmp_path: Path) -> None:
    tagged.add(*A)
    tagged.fail("*.zip", Fault(truncate_at=50), times=1)
    assert fetch(tagged, tmp_path, TWICE) == tagged.files[ZIP][0]
    assert ranges(tagged) == [None, None]


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"null", b'{"url_sha256": 1}'])
def test_part_with_a_torn_note_is_fetched_anew(
    tagged: Upstream, tmp_path: Path, note: bytes
) -> None:
    break_off(tagged, tmp_path)
    next((tmp_path / ".gopack/incoming").glob(f"*{NOTE}")).write_bytes(note)
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0]
    assert ranges(tagged) == [None]


def test_part_from_another_proxy_is_fetched_anew(tagged: Upstream, tmp_path: Path) -> None:
    break_off(tagged, tmp_path)
    with Upstream(tags=True) as other:
        other.put(ZIP, tagged.files[ZIP][0])
        assert fetch(other, tmp_path) == tagged.files[ZIP][0]
        assert ranges(other) == [None]


def test_part_whose_bytes_were_spoilt_is_fetched_anew(tagged: Upstream, tmp_path: Path) -> None:
    break_off(tagged, tmp_path)
    part = next((tmp_path / ".gopack/incoming").glob(f"*{PART}"))
    part.write_bytes(bytes(CUT))
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0]
    assert ranges(tagged) == [f"bytes={CUT}-", None]


def test_part_that_a_kill_left_whole_is_fetched_anew(tagged: Upstream, tmp_path: Path) -> None:
    break_off(tagged, tmp_path)
    part = next((tmp_path / ".gopack/incoming").glob(f"*{PART}"))
    part.write_bytes(tagged.files[ZIP][0])
    assert fetch(tagged, tmp_path) == tagged.files[ZIP][0]
