"""`go get -u` with `--closure closed`: from a project's own versions on, with what these import.

The go command itself is asked, with the upstream and with what was stored.
"""

from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

BASE, DEP, NEW = (f"example.com/{name}" for name in ("base", "dep", "new"))
PACKAGE = {"p.go": b"package p\n"}


def _importing(*packages: str) -> dict[str, bytes]:
    lines = "".join(f'import _ "{package}"\n' for package in packages)
    return {"p.go": f"package p\n\n{lines}".encode()}


def _serve_user(upstream: Upstream, dep: str) -> None:
    mod = f"module {BASE}\n\ngo 1.20\n\nrequire {DEP} {dep}\n"
    upstream.add(BASE, "v1.0.0", mod=mod, files=_importing(DEP))


def _upgraded(folder: Path, url: str, mod: str = "") -> tuple[list[int], str, str]:
    """What upgrading a project comes to, one with this go.mod: exit statuses, go.mod, go.sum."""
    go = GoJudge(folder, url)
    if mod:
        go.mod.write_text(mod)
    (folder / "m.go").write_text(f'package m\n\nimport _ "{DEP if mod else BASE}"\n')
    first = [] if mod else [f"get {BASE}@v1.0.0"]
    commands = [*first, "get -u ./...", "mod tidy", "list -deps -test ."]
    done = [go.run(*command.split()).returncode for command in commands]
    return done, go.mod.read_text(), (folder / "go.sum").read_text()


def _assert_like_connected(
    tmp_path: Path, upstream: Upstream, line: str = f"{BASE}@v1.0.0", mod: str = ""
) -> str:
    """Tell the go.mod that both worlds come to."""
    for _ in range(2):
        ran = program.fetch(tmp_path, upstream.url, f"{line}\n", "--closure", "closed", "--prune")
        assert ran.status == 0, ran.text
        with athens_layout.served(ran.storage) as sealed:
            behind = _upgraded(tmp_path / "sealed", sealed.url, mod)
        connected = _upgraded(tmp_path / "connected", upstream.url, mod)
        assert behind == connected
    assert not any(connected[0]), connected
    return connected[1]


def _file(tmp_path: Path, lines: str) -> tuple[str, str]:
    """A go.mod with these lines: the line of the list that names it, and its text."""
    mod = f"module example.org/main\n\ngo 1.21\n\n{lines}"
    (tmp_path / "go.mod").write_text(mod)
    return "-r go.mod", mod


@pytest.mark.parametrize(
    ("required", "others", "upgraded"),
    [
        ("v2.0.0+incompatible", ["v1.0.0", "v2.1.0+incompatible"], "v2.1.0+incompatible"),
        ("v1.1.0-rc.1", ["v1.0.0", "v1.1.0-rc.2"], "v1.1.0-rc.2"),
    ],
)
def test_version_above_latest_is_upgraded_among_its_own(
    tmp_path: Path, upstream: Upstream, required: str, others: list[str], upgraded: str
) -> None:
    """`latest` is v1.0.0, and `get -u` takes the highest from the required version on."""
    _serve_user(upstream, required)
    for version in sorted([required, *others]):
        if version.endswith("+incompatible"):
            upstream.add_without_gomod(DEP, version, PACKAGE)
        else:
            upstream.add(DEP, version, mod=f"module {DEP}\n\ngo 1.20\n", files=PACKAGE)
    assert f"{DEP} {upgraded}" in _assert_like_connected(tmp_path, upstream)


def test_imports_of_upgraded_versions_that_no_gomod_covers(
    tmp_path: Path, upstream: Upstream
) -> None:
    """A module without go.mod imports another one from its second release on."""
    _serve_user(upstream, "v1.0.0")
    upstream.add_without_gomod(DEP, "v1.0.0", PACKAGE)
    upstream.add_without_gomod(DEP, "v1.1.0", _importing(NEW))
    for version in ("v1.0.0", "v1.1.0"):
        upstream.add(NEW, version, files=PACKAGE)
    assert f"{NEW} v1.1.0" in _assert_like_connected(tmp_path, upstream)


@pytest.mark.parametrize("is_workspace", [False, True])
def test_imports_of_what_a_file_is_upgraded_to(
    tmp_path: Path,
    upstream: Upstream,
    is_workspace: bool,  # noqa: FBT001
) -> None:
    """Its go.mod covers what is imported now, and not what a later release imports."""
    upstream.add_without_gomod(DEP, "v1.0.0", PACKAGE)
    upstream.add_without_gomod(DEP, "v1.1.0", {**_importing(NEW), "x/p.go": PACKAGE["p.go"]})
    upstream.add(NEW, "v1.0.0", files=PACKAGE)
    line, mod = _file(tmp_path, f"require {DEP} v1.0.0\n")
    if is_workspace:
        line = "-r go.work"
        (tmp_path / "go.work").write_text("go 1.21\n\nuse .\n")
    assert f"{NEW} v1.0.0" in _assert_like_connected(tmp_path, upstream, line, mod)


def test_imports_of_what_a_file_requires_for_others_alone_are_not_looked_up(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.add_without_gomod(DEP, "v1.0.0", PACKAGE)
    upstream.add_without_gomod(DEP, "v1.1.0", _importing(NEW))
    upstream.add(NEW, "v1.0.0", files=PACKAGE)
    line, _ = _file(tmp_path, f"require {DEP} v1.0.0 // indirect\n")
    ran = program.fetch(tmp_path, upstream.url, f"{line}\n", "--closure", "closed")
    assert ran.status == 0, ran.text
    stored = dict.fromkeys((f"{DEP}@v1.0.0", f"{DEP}@v1.1.0"), "complete")
    assert program.assert_whole(ran.storage) == stored


def test_versions_that_a_file_excludes_are_passed_by(tmp_path: Path, upstream: Upstream) -> None:
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        upstream.add(DEP, version, files=PACKAGE)
    lines = f"require {DEP} v1.0.0\n\nexclude {DEP} v1.2.0\n"
    line, mod = _file(tmp_path, lines)
    assert f"require {DEP} v1.1.0" in _assert_like_connected(tmp_path, upstream, line, mod)
