"""`go get module@latest` of a listed module, where another line brings in a higher version of it.

The go command itself is asked, with the upstream and with what was stored.
"""

from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

OLD, LIB, DEP, MORE = (f"example.com/{name}" for name in ("old", "lib", "dep", "more"))


@pytest.mark.parametrize("query", ["latest", "upgrade"])
def test_version_that_another_line_imports_is_as_good_as_listed(
    tmp_path: Path, upstream: Upstream, query: str
) -> None:
    """No go.mod covers `lib/part`, which needs no `dep`; the rest of `lib` does.

    With `old`, a higher version of `dep` is selected than `lib` requires.
    """
    source = f'package old\n\nimport (\n_ "{LIB}/part"\n_ "{MORE}"\n)\n'
    upstream.add(OLD, "v1.0.0", files={"old.go": source.encode()})
    higher = f"module {MORE}\n\ngo 1.20\n\nrequire {DEP} v1.1.0\n"
    upstream.add(MORE, "v1.0.0", mod=higher, files={"more.go": b"package more\n"})
    used = {
        "lib.go": f'package lib\n\nimport _ "{DEP}"\n'.encode(),
        "part/part.go": b"package part\n",
    }
    mod = f"module {LIB}\n\ngo 1.20\n"
    upstream.add(LIB, "v1.0.0", mod=mod, files={"lib.go": b"package lib\n"})
    upstream.add(LIB, "v1.2.0", mod=f"{mod}\nrequire {DEP} v1.0.0\n", files=used)
    for version in ("v1.0.0", "v1.1.0"):
        upstream.add(DEP, version, files={"dep.go": b"package dep\n"})
    ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n{LIB}@v1.0.0\n")
    assert ran.status == 0, ran.text
    done = []
    with athens_layout.served(ran.storage) as sealed:
        for name, url in (("connected", upstream.url), ("sealed", sealed.url)):
            go = GoJudge(tmp_path / name, url)
            statuses = [go.run("get", f"{LIB}@{q}").returncode for q in ("v1.0.0", query)]
            statuses.append(go.run("mod", "download", "all").returncode)
            done.append((statuses, go.mod.read_text(), (go.folder / "go.sum").read_text()))
    assert done[0] == done[1]
    assert done[0][0] == [0, 0, 0]
    assert f"{LIB} v1.2.0" in done[0][1]
