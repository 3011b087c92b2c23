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


def _upgraded(folder: Path, url: str) -> tuple[list[int], str, str]:
    """What upgrading a project comes to: exit statuses, go.mod, go.sum."""
    go = GoJudge(folder, url)
    (folder / "m.go").write_text(f'package m\n\nimport _ "{BASE}"\n')
    commands = (f"get {BASE}@v1.0.0", "get -u .", "mod tidy", "list -deps -test .")
    done = [go.run(*command.split()).returncode for command in commands]
    return done, go.mod.read_text(), (folder / "go.sum").read_text()


def _assert_like_connected(tmp_path: Path, upstream: Upstream) -> str:
    """Tell the go.mod that both worlds come to."""
    for _ in range(2):
        ran = program.fetch(
            tmp_path, upstream.url, f"{BASE}@v1.0.0\n", "--closure", "closed", "--prune"
        )
        assert ran.status == 0, ran.text
        with athens_layout.served(ran.storage) as sealed:
            behind = _upgraded(tmp_path / "sealed", sealed.url)
        connected = _upgraded(tmp_path / "connected", upstream.url)
        assert behind == connected
    assert not any(connected[0]), connected
    return connected[1]


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
