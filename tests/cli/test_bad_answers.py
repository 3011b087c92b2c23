"""Bad answers, all in one run: each line tells its own story, and the others are done."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import program
from tests.upstream import LOGIN_PAGE, Fault, Upstream, make_info, make_zip, raw_zip, serve

pytestmark = pytest.mark.e2e  # whole runs of the program: too long for make check

V = "v1.0.0"


@dataclass(frozen=True)
class Bad:
    """A module that goes wrong: how, what its line says, the status and words that come of it."""

    name: str
    prepare: Callable[[Upstream, str], None]
    status: int
    words: str
    query: str = f"@{V}"

    @property
    def path(self) -> str:
        return f"example.com/{self.name}"

    @property
    def text(self) -> str:
        return self.path + self.query


def nothing(_upstream: Upstream, _path: str) -> None:
    """There is no such module."""


def sound(upstream: Upstream, path: str) -> None:
    upstream.add(path, V)


def failing(what: str, fault: Fault) -> Callable[[Upstream, str], None]:
    def prepare(upstream: Upstream, path: str) -> None:
        upstream.add(path, V)
        upstream.fail(f"/{path}/{what}", fault)

    return prepare


def serving(extension: str, make: Callable[[str], bytes]) -> Callable[[Upstream, str], None]:
    def prepare(upstream: Upstream, path: str) -> None:
        upstream.add(path, V)
        upstream.put(f"{path}/@v/{V}.{extension}", make(path))

    return prepare


def zipped(*entries: tuple[str, bytes], twice: bool = False) -> Callable[[Upstream, str], None]:
    def make(path: str) -> bytes:
        data = raw_zip([(name.replace("PREFIX", f"{path}@{V}"), text) for name, text in entries])
        return data.replace(b"/b.go", b"/a.go") if twice else data

    return serving("zip", make)


def bomb(path: str) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{path}@{V}/big.go", "w", force_zip64=True) as file,
    ):
        for _ in range(501):
            file.write(bytes(1 << 20))
    return out.getvalue()


def lying_bomb(path: str) -> bytes:
    """A zip whose directory says 10 bytes where a megabyte comes out."""
    data = make_zip(path, V, {"big.go": bytes(1 << 20)})
    return data.replace((1 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def retracted(upstream: Upstream, path: str) -> None:
    upstream.add(path, V)
    upstream.add(path, "v1.1.0", mod=f"module {path}\n\nretract [v1.0.0, v1.1.0] // broken\n")


def bad_requirement(upstream: Upstream, path: str) -> None:
    below = f"{path}/below"
    upstream.add(path, V, mod=f"module {path}\n\ngo 1.20\n\nrequire {below} {V}\n")
    upstream.add(below, V)
    upstream.put(f"{below}/@v/{V}.zip", b"no zip")


def branch_of_other_major(upstream: Upstream, path: str) -> None:
    upstream.add(path, V)
    upstream.add_query(path, "main", "v3.0.0")


PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
TWO = b"package a\n"
HUGE = Fault(status=206, headers={"Content-Range": f"bytes 0-0/{10**17}"}, body=b"P")
BAD = [
    Bad("unknown", nothing, 3, "404", ""),
    Bad("unknown-version", sound, 3, "404", "@v9.9.9"),
    Bad("no-branch", sound, 3, "404", "@no-such-branch"),
    Bad("no-match", sound, 3, 'no matching versions for query ">v1.0.0"', "@>v1.0.0"),
    Bad("all-retracted", retracted, 3, "no matching versions", ""),
    Bad("empty-list", lambda u, p: u.add_to_list(p), 3, "no matching versions", ""),
    Bad("no-base", sound, 2, "no existing version", "@patch"),
    Bad("other-major", branch_of_other_major, 4, "not v3", "@main"),
    Bad(
        "forbidden", failing("*", Fault(status=403, body=b"ask Bob\n", headers=PLAIN)), 3, "ask Bob"
    ),
    Bad("gone", failing("*", Fault(status=410)), 3, "410"),
    Bad("zip-gone", failing("@v/*.zip", Fault(status=404)), 3, "404"),
    Bad("mod-gone", failing("@v/*.mod", Fault(status=404)), 3, "404"),
    Bad("sign-in", failing("@v/*.info", LOGIN_PAGE), 3, "HTML page"),
    Bad("sign-in-zip", failing("@v/*.zip", LOGIN_PAGE), 3, "HTML page"),
    Bad("wrong-type", failing("@v/*.mod", LOGIN_PAGE), 3, "HTML page"),
    Bad("no-json", serving("info", lambda _p: b"Version: v1.0.0"), 4, "info"),
    Bad("other-info", serving("info", lambda _p: make_info("v1.0.1")), 4, "v1.0.1"),
    Bad("moved", serving("mod", lambda _p: b"module example.com/new\n"), 4, "example.com/new"),
    Bad("no-mod", serving("mod", lambda _p: b"<<<<\n"), 4, "parsing go.mod"),
    Bad("no-zip", serving("zip", lambda _p: b"PK no zip at all"), 4, "zip"),
    Bad("empty-zip", serving("zip", lambda _p: b""), 4, "zip"),
    Bad("prefix", zipped(("other@v1.0.0/a.go", TWO)), 4, "other@v1.0.0/a.go"),
    Bad("dots", zipped(("PREFIX/../../a.go", TWO)), 4, "a.go"),
    Bad("absolute", zipped(("/etc/passwd", TWO)), 4, "/etc/passwd"),
    Bad("twice", zipped(("PREFIX/a.go", TWO), ("PREFIX/b.go", TWO), twice=True), 4, "once"),
    Bad("case", zipped(("PREFIX/a.go", TWO), ("PREFIX/A.go", TWO)), 4, "A.go"),
    Bad("bomb", serving("zip", bomb), 4, ""),
    Bad("huge", failing("@v/*.zip", HUGE), 4, "larger than"),
    Bad("lying-bomb", serving("zip", lying_bomb), 4, "big.go"),
    Bad("below", bad_requirement, 4, f"example.com/below@{V} requires example.com/below/below@{V}"),
]
RETRIED = [
    Bad(
        "broken", failing("@v/*.info", Fault(status=503, body=b"later\n", headers=PLAIN)), 3, "503"
    ),
    Bad("cut", failing("@v/*.mod", Fault(truncate_at=3)), 3, "cut short"),
    Bad("cut-zip", failing("@v/*.zip", Fault(truncate_at=30)), 3, "cut short"),
    Bad("reset", failing("@v/*.info", Fault(reset=True)), 3, "connection broke"),
    Bad(
        "too-many", failing("@v/*.info", Fault(status=429, headers={"Retry-After": "0"})), 3, "429"
    ),
]


def run(cases: list[Bad], folder: Path) -> Iterator[program.Ran]:
    for upstream in serve():
        for case in cases:
            case.prepare(upstream, case.path)
        upstream.add("example.com/good", V)
        upstream.add("example.com/kept", V)
        upstream.add(
            "example.com/kept", "v1.1.0", mod="module example.com/kept\n\nretract v1.0.0\n"
        )
        texts = ["example.com/good", *(case.text for case in cases), f"example.com/kept@{V}"]
        yield program.fetch(folder, upstream.url, "\n".join(texts) + "\n")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[program.Ran]:
    yield from run(BAD, tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def retried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[program.Ran]:
    yield from run(RETRIED, tmp_path_factory.mktemp("retried"))


def check(ran: program.Ran, case: Bad, number: int) -> None:
    error = ran.line(case.text)["error"]
    assert error is not None, ran.text
    message = ran.message(f"goget.txt:{number}: {case.text}")
    assert case.words in message
    assert error["exit_status"] == case.status, message
    assert error["hint"], message
    assert "hint: " in message


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_bad_answer_names_line_module_version_and_next_step(ran: program.Ran, case: Bad) -> None:
    check(ran, case, BAD.index(case) + 2)


@pytest.mark.e2e  # it waits between tries
@pytest.mark.parametrize("case", RETRIED, ids=lambda case: case.name)
def test_answer_that_stays_bad_names_line_module_version_and_next_step(
    retried: program.Ran, case: Bad
) -> None:
    check(retried, case, RETRIED.index(case) + 2)


def test_bad_answers_leave_the_other_lines_done_and_the_storage_whole(ran: program.Ran) -> None:
    assert ran.status == 4
    assert program.assert_whole(ran.storage) == {
        "example.com/good@v1.0.0": "complete",
        "example.com/kept@v1.0.0": "complete",
        "example.com/kept@v1.1.0": "complete",  # it says that v1.0.0 is retracted
    }
    waiting = list((ran.storage / ".gopack/incoming").iterdir())
    assert len(waiting) == 1  # of `below`, for a later run; of lines whose graph is broken none
    assert all(map(zipfile.is_zipfile, waiting))
    assert ran.line("example.com/kept@v1.0.0")["notes"] == ["retracted"]


@pytest.mark.e2e  # it waits between tries
def test_answers_that_stay_bad_leave_the_other_lines_done(retried: program.Ran) -> None:
    assert retried.status == 3
    found = program.assert_whole(retried.storage)
    kept = {f"example.com/kept@{version}" for version in ("v1.0.0", "v1.1.0")}
    assert set(found) == {"example.com/good@v1.0.0", *kept}
