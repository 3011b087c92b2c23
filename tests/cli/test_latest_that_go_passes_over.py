"""Imports whose latest module go cannot load: `go get` takes a lower one, `go mod tidy` fails.

The go command itself is asked, with the upstream and with what was stored.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

OLD, DEP = "example.com/old", "example.com/dep"
MOVED = "module example.com/moved\n"
BROKEN = f"module {DEP}\n\nrequire a.b/gone v1.0.0\n"
PACKAGE = {"p.go": b"package p\n"}
ELSEWHERE = {"q/q.go": b"package q\n"}
MAIN = f'package m\n\nimport _ "{OLD}"\n'
USED = {"old.go": f'package old\n\nimport _ "{DEP}"\n'.encode()}
TESTED = {"old.go": b"package old\n", "old_test.go": USED["old.go"]}

Version = tuple[str, str | None, Mapping[str, bytes]]
SOUND: Version = ("v1.0.0", None, PACKAGE)
WORLDS: dict[str, tuple[Mapping[str, bytes], list[Version], list[str]]] = {
    "moved": (USED, [SOUND, ("v1.1.0", MOVED, PACKAGE)], ["v1.0.0", "v1.1.0"]),
    "moved, tested": (TESTED, [SOUND, ("v1.1.0", MOVED, PACKAGE)], ["v1.0.0", "v1.1.0"]),
    "unparsable": (USED, [SOUND, ("v1.1.0", "what is\n", PACKAGE)], ["v1.0.0", "v1.1.0"]),
    "two in a row": (
        USED,
        [SOUND, ("v1.0.1", MOVED, PACKAGE), ("v1.1.0", BROKEN, PACKAGE)],
        ["v1.0.0", "v1.1.0"],
    ),
    "package only there": (
        USED,
        [("v1.0.0", None, ELSEWHERE), ("v1.1.0", MOVED, PACKAGE)],
        ["v1.1.0"],
    ),
    "moved at once": (USED, [("v1.0.0", MOVED, PACKAGE)], ["v1.0.0"]),
    "broken at once": (USED, [("v1.0.0", BROKEN, PACKAGE)], ["v1.0.0"]),
}


def _serve(upstream: Upstream, world: str) -> list[str]:
    files, versions, stored = WORLDS[world]
    upstream.add(OLD, "v1.0.0", files=files)
    for version, mod, contents in versions:
        upstream.add(DEP, version, mod=mod, files=contents)
    return stored


def _tried(folder: Path, url: str) -> dict[str, tuple[bool, str, str]]:
    """What each command comes to in a project of its own: whether it worked, go.mod, go.sum."""
    found = {}
    for name, commands in {
        "get": [f"get {OLD}@v1.0.0"],
        "get -t": ["get -t ./..."],
        "tidy": ["mod tidy"],
        "get, tidy, vendor": [f"get {OLD}", "mod tidy", "mod vendor"],
        "get, get -u, list": [f"get {OLD}", "get -u ./...", "list -deps -test ./..."],
    }.items():
        go = GoJudge(folder / name, url)
        (go.folder / "m.go").write_text(MAIN)
        done = [go.run(*command.split()).returncode == 0 for command in commands]
        sums = go.folder / "go.sum"
        found[name] = (all(done), go.mod.read_text(), sums.read_text() if sums.exists() else "")
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_go_does_sealed_what_it_does_connected(
    tmp_path: Path, upstream: Upstream, world: str
) -> None:
    versions = _serve(upstream, world)
    for _ in range(2):
        ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n", "--prune", "--closure", "closed")
        assert ran.status == 0, ran.text
        stored = [f"{OLD}@v1.0.0", *(f"{DEP}@{version}" for version in versions)]
        assert program.assert_whole(ran.storage) == dict.fromkeys(stored, "complete")
        assert f"warning: package {DEP}" in ran.text
    checked = program.start(tmp_path, upstream.url, "check")
    _, text = checked.communicate(timeout=program.STARTED_S)
    assert checked.returncode == 0, text
    with athens_layout.served(ran.storage) as sealed:
        behind = _tried(tmp_path / "sealed", sealed.url)
    connected = _tried(tmp_path / "connected", upstream.url)
    assert behind == connected
    assert connected["get"][0] is ("v1.0.0" in versions and len(versions) > 1)
    assert not connected["tidy"][0]


def test_upgrade_that_go_cannot_load_leaves_the_others(tmp_path: Path, upstream: Upstream) -> None:
    """`go get -u` takes the next lower version of the one, and the latest of the other."""
    mod = f"module {OLD}\n\ngo 1.20\n\nrequire {DEP} v1.0.0\nrequire example.com/more v1.0.0\n"
    source = f'package old\n\nimport (\n_ "{DEP}"\n_ "example.com/more"\n)\n'.encode()
    upstream.add(OLD, "v1.0.0", mod=mod, files={"old.go": source})
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        moved = MOVED if version == "v1.2.0" else None
        upstream.add(DEP, version, mod=moved, files=PACKAGE)
        upstream.add("example.com/more", version, files=PACKAGE)
    ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n", "--closure", "closed")
    assert ran.status == 0, ran.text
    kept = program.assert_whole(ran.storage)
    assert kept[f"{DEP}@v1.1.0"] == kept["example.com/more@v1.2.0"] == "complete"
    with athens_layout.served(ran.storage) as sealed:
        behind = _tried(tmp_path / "sealed", sealed.url)
    connected = _tried(tmp_path / "connected", upstream.url)
    assert behind == connected
    assert f"{DEP} v1.1.0" in connected["get, get -u, list"][1]
