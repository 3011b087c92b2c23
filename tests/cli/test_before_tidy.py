"""Between `go get` and `go mod tidy` a project selects lower versions: tests bring higher ones."""

from pathlib import Path

from tests.cli import program
from tests.upstream import Upstream

OLD, USED, TESTED, BASE = (f"example.com/{name}" for name in ("old", "used", "tested", "base"))


def test_versions_that_are_selected_before_tests_are_looked_at_are_whole(
    tmp_path: Path, upstream: Upstream
) -> None:
    """No go.mod covers what `old` imports; its tests import what requires a higher `base`."""
    sources = {"old.go": ("old", USED), "old_test.go": ("old", TESTED)}
    files = {
        name: f'package {package}\n\nimport _ "{path}"\n'.encode()
        for name, (package, path) in sources.items()
    }
    upstream.add(OLD, "v1.0.0", files=files)
    package = {"p.go": b"package p\n"}
    for path, base in ((USED, "v1.0.0"), (TESTED, "v1.1.0")):
        mod = f"module {path}\n\ngo 1.20\n\nrequire {BASE} {base}\n"
        upstream.add(path, "v1.0.0", mod=mod, files=package)
        upstream.add(BASE, base, mod=f"module {BASE}\n\ngo 1.20\n", files=package)
    ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n")
    assert ran.status == 0, ran.text
    kept = program.assert_whole(ran.storage)
    assert kept[f"{BASE}@v1.0.0"] == kept[f"{BASE}@v1.1.0"] == "complete"
