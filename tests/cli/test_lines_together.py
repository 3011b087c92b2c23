"""Lines of which one requires, at a lower version, what is looked up for the other.

The go command itself is asked, with the upstream and with what was stored.
"""

from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

OLD, USER, MET, MORE, BASE = (f"example.com/{name}" for name in ("old", "user", "met", "more", "b"))
OTHER = "example.com/other"


def _mod(path: str, *required: str) -> str:
    return f"module {path}\n\ngo 1.20\n\n" + "".join(f"require {each}\n" for each in required)


def _importing(*paths: str) -> dict[str, bytes]:
    return {"p.go": ("package p\n\n" + "".join(f'import _ "{p}"\n' for p in paths)).encode()}


def _serve(upstream: Upstream) -> None:
    """`old` looks up `met` and `more`; `user` has a lower `met`, `other` the same."""
    for version in ("v1.0.0", "v1.3.0", "v1.4.0"):
        upstream.add(BASE, version, mod=_mod(BASE), files=_importing())
    upstream.add(MET, "v1.0.0", mod=_mod(MET, f"{BASE} v1.0.0"), files=_importing(BASE))
    upstream.add(MET, "v1.2.0", mod=_mod(MET, f"{BASE} v1.4.0"), files=_importing(BASE))
    upstream.add(MORE, "v1.0.0", mod=_mod(MORE, f"{BASE} v1.3.0"), files=_importing(BASE))
    upstream.add(OLD, "v1.0.0", files=_importing(MET, MORE))
    required = (f"{MET} v1.0.0", f"{BASE} v1.0.0")
    upstream.add(USER, "v1.0.0", mod=_mod(USER, *required), files=_importing(MET))
    upstream.add(OTHER, "v1.0.0", mod=_mod(OTHER, f"{MET} v1.2.0"), files=_importing(MET))


@pytest.mark.parametrize("lines", [(OLD, USER), (OLD, USER, OTHER)])
def test_lines_of_which_one_has_what_another_looks_up(
    tmp_path: Path, upstream: Upstream, lines: tuple[str, ...]
) -> None:
    _serve(upstream)
    text = "".join(f"{line}\n" for line in lines)
    ran = program.fetch(tmp_path, upstream.url, text)
    assert ran.status == 0, ran.text
    done = []
    with athens_layout.served(ran.storage) as sealed:
        for name, url in (("connected", upstream.url), ("sealed", sealed.url)):
            go = GoJudge(tmp_path / name, url)
            (go.folder / "m.go").write_bytes(_importing(OLD, USER)["p.go"])
            commands = (f"get {OLD} {USER}", "mod tidy", "mod download all", "list -m all")
            statuses = [go.run(*command.split()).returncode for command in commands]
            done.append((statuses, go.mod.read_text(), (go.folder / "go.sum").read_text()))
    assert done[0] == done[1]
    assert done[0][0] == [0, 0, 0, 0]
    assert f"{BASE} v1.3.0" in done[0][1]
    kept = program.assert_whole(ran.storage)
    again = program.fetch(tmp_path, upstream.url, text, "--prune")
    assert program.assert_whole(again.storage) == kept
    assert "following imports" not in again.text


def test_what_lines_keep_each_other_from_raising_is_stored_and_stays(
    tmp_path: Path, upstream: Upstream
) -> None:
    """`go get old@v1.0.0 b@v1.0.0` takes lower versions of what `old` imports."""
    _serve(upstream)
    upstream.add(MORE, "v0.9.0", mod=_mod(MORE), files=_importing())
    for _ in range(2):
        ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n{BASE}@v1.0.0\n", "--prune")
        assert ran.status == 0, ran.text
        kept = program.assert_whole(ran.storage)
        assert {f"{MET}@v1.0.0", f"{MET}@v1.2.0", f"{MORE}@v0.9.0"} <= kept.keys()
    assert "following imports" not in ran.text
