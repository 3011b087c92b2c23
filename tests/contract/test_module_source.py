"""What every ModuleSource must do, asked of each of them."""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gopack.adapters.fileproxy import FileSource
from gopack.adapters.goproxy import HttpSource
from gopack.adapters.web import Web
from gopack.errors import InputError, NotFoundError, UpstreamError
from gopack.ports import ModuleSource
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import MAX_ANSWER_BYTES, GoMod, Info, Latest, VersionList
from gopack.spec.module import ModuleVersion
from tests.fake_source import FakeSource
from tests.upstream import Upstream

BIG = ModuleVersion("example.com/Big", "v1.0.0")
Files = dict[str, bytes]
Make = Callable[[Files], ModuleSource]


def files_of(upstream: Upstream) -> Files:
    return {path.lstrip("/"): body for path, (body, _) in upstream.files.items()}


@pytest.fixture(params=["http", "file", "fake"])
def make(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Iterator[Make]:
    web = Web(GoEnv(proxies=()))

    def build(files: Files) -> ModuleSource:
        for path, body in files.items():
            upstream.put(path, body)
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(body)
        if request.param == "http":
            return HttpSource(upstream.url, web)
        if request.param == "file":
            return FileSource(tmp_path.as_uri())
        return FakeSource(files)

    yield build
    web.close()


@pytest.fixture
def source(make: Make, upstream: Upstream) -> ModuleSource:
    upstream.add(BIG.path, BIG.version, files={"a.go": b"package big\n"})
    upstream.add_latest(BIG.path, BIG.version)
    return make(files_of(upstream))


def test_source_answers_each_kind_of_request(source: ModuleSource) -> None:
    assert source.read(VersionList(BIG.path)) == b"v1.0.0\n"
    assert json.loads(source.read(Info(BIG.path, "v1.0.0")))["Version"] == "v1.0.0"
    assert json.loads(source.read(Latest(BIG.path)))["Version"] == "v1.0.0"
    assert source.read(GoMod(BIG)) == b"module example.com/Big\n"


def test_source_zip_is_copied_whole_and_its_size_told(source: ModuleSource) -> None:
    target = io.BytesIO()
    size = source.copy_zip(BIG, target)
    assert size == len(target.getvalue()) == source.zip_size(BIG)
    assert target.getvalue().startswith(b"PK")


def test_source_unknown_module_is_not_found_and_named(source: ModuleSource) -> None:
    unknown = ModuleVersion("example.com/none", "v1.0.0")
    for ask in (
        lambda: source.read(VersionList(unknown.path)),
        lambda: source.read(GoMod(unknown)),
        lambda: source.zip_size(unknown),
        lambda: source.copy_zip(unknown, io.BytesIO()),
    ):
        with pytest.raises(NotFoundError, match=r"^example\.com/none"):
            ask()


def test_source_query_that_is_no_path_element_is_refused(source: ModuleSource) -> None:
    with pytest.raises(InputError):
        source.read(Info(BIG.path, "a/b"))
    with pytest.raises(InputError):
        source.read(VersionList("../etc"))


def test_source_empty_list_is_empty(make: Make) -> None:
    assert make({"example.com/a/@v/list": b""}).read(VersionList("example.com/a")) == b""


def test_source_answer_over_the_limit_is_refused(
    request: pytest.FixtureRequest, make: Make
) -> None:
    source = make({"example.com/a/@v/list": bytes(MAX_ANSWER_BYTES + 1)})
    if isinstance(source, FakeSource):
        return
    with pytest.raises(UpstreamError, match="larger than"):
        source.read(VersionList("example.com/a"))


def test_source_many_threads_get_their_own_answers(make: Make) -> None:
    names = [f"example.com/m{n}" for n in range(8)]
    source = make({f"{name}/@v/list": f"v1.0.{i}\n".encode() for i, name in enumerate(names)})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: source.read(VersionList(name)), names * 4))
    assert answers == [f"v1.0.{i}\n".encode() for i in range(8)] * 4
