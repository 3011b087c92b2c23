"""`go get module/...` moves what is required of modules below to their latest versions, too.

The go command itself is asked, with the upstream and with what was stored.
"""

from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

BASE, PART, DEEP, DEP = (f"example.com/{name}" for name in ("m", "m/part", "m/part/deep", "dep"))
PACKAGE = {"p.go": b"package p\n"}


def _mod(path: str, *required: str) -> str:
    return f"module {path}\n\ngo 1.20\n\n" + "".join(f"require {each}\n" for each in required)


def _source(path: str) -> dict[str, bytes]:
    return {"p.go": f'package p\n\nimport _ "{path}"\n'.encode()}


def _serve(upstream: Upstream) -> None:
    upstream.add(BASE, "v1.0.0", mod=_mod(BASE, f"{PART} v1.0.0"), files=_source(PART))
    upstream.add(PART, "v1.0.0", mod=_mod(PART), files=PACKAGE)
    newer = _mod(PART, f"{DEEP} v1.0.0", f"{DEP} v1.0.0")
    upstream.add(PART, "v1.1.0", mod=newer, files=_source(DEEP))
    for path in (DEEP, DEP):
        for version in ("v1.0.0", "v1.1.0"):
            upstream.add(path, version, mod=_mod(path), files=PACKAGE)


@pytest.mark.parametrize("line", [f"{BASE}/...", f"{BASE}/...@upgrade"])
def test_pattern_without_a_version_takes_in_modules_below(
    tmp_path: Path, upstream: Upstream, line: str
) -> None:
    _serve(upstream)
    ran = program.fetch(tmp_path, upstream.url, f"{line}\n")
    assert ran.status == 0, ran.text
    done = []
    with athens_layout.served(ran.storage) as sealed:
        for name, url in (("connected", upstream.url), ("sealed", sealed.url)):
            go = GoJudge(tmp_path / name, url)
            commands = (f"get {line}", "list -m all", "mod download all")
            statuses = [go.run(*command.split()).returncode for command in commands]
            done.append((statuses, go.mod.read_text(), (go.folder / "go.sum").read_text()))
    assert done[0] == done[1]
    assert done[0][0] == [0, 0, 0]
    assert f"{PART} v1.1.0" in done[0][1]
    assert f"{DEEP} v1.1.0" in done[0][1]


def test_pattern_with_a_version_takes_in_no_more(tmp_path: Path, upstream: Upstream) -> None:
    _serve(upstream)
    ran = program.fetch(tmp_path, upstream.url, f"{BASE}/...@v1.0.0\n")
    assert set(program.assert_whole(ran.storage)) == {f"{BASE}@v1.0.0", f"{PART}@v1.0.0"}
