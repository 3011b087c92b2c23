"""`gopack plan`: a table, a tree and JSON of what fetch would do, and nothing stored."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli import program
from tests.upstream import Upstream

V = "v1.0.0"


def plan(folder: Path, goproxy: str, *options: str) -> tuple[int, str, str]:
    """The status, standard output and standard error of a plan."""
    process = program.start(folder, goproxy, "plan", *options)
    try:
        out, text = process.communicate(timeout=program.STARTED_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, text


@pytest.fixture
def listed(tmp_path: Path, upstream: Upstream) -> Path:
    """A folder with a list: a root that needs a module by way of another, a retracted version."""
    require = "module example.com/{}\n\ngo 1.20\n\nrequire example.com/{} " + V + "\n"
    upstream.add("example.com/root", V, mod=require.format("root", "middle"))
    upstream.add("example.com/middle", V, mod=require.format("middle", "deep"))
    upstream.add("example.com/deep", V)
    upstream.add("example.com/old", V)
    upstream.add(
        "example.com/old",
        "v1.1.0",
        mod="// Deprecated: use new\nmodule example.com/old\n\nretract v1.0.0 // it loses data\n",
    )
    (tmp_path / "goget.txt").write_text(f"example.com/root\nexample.com/old@{V}\n")
    return tmp_path


def test_table_has_every_line_and_what_is_there(listed: Path, upstream: Upstream) -> None:
    status, out, text = plan(listed, upstream.url)
    assert status == 0, text
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["example.com/root"][1:5] == [V, "1.20", "3", "0"]
    assert "retracted: it loses data, deprecated: use new" in out
    assert rows["all"][2:4] == ["5", "0"], out  # with the version that carries the retraction
    assert [rows[level][0] for level in ("build", "graph", "closed")]
    assert not (listed / "ATHENS_STORAGE").exists()
    zips = [asked for asked in upstream.log if asked.path.endswith(".zip")]
    assert all("Range" in asked.headers for asked in zips), "sizes are asked for, not zips"


def test_retracted_version_names_line_reason_and_next_step(
    listed: Path, upstream: Upstream
) -> None:
    words = (
        f"warning: goget.txt:2: example.com/old@{V}: retracted by its author: it loses data; "
        "stored as listed; example.com/old@latest takes the newest that is not retracted"
    )
    assert words in plan(listed, upstream.url)[2]
    ran = program.fetch(listed, upstream.url, None)
    assert ran.status == 0
    assert words in ran.text
    assert words == f"warning: {ran.report['warnings'][0]}"
    assert (
        json.loads(plan(listed, upstream.url, "--json", "-")[1])["warnings"]
        == ran.report["warnings"]
    )


def test_warnings_of_the_list_are_in_the_json(listed: Path, upstream: Upstream) -> None:
    lines = "example.com/root\nexample.com/root\nexample.com/deep@1.0\n"
    upstream.put("example.com/deep/@v/1.0.info", f'{{"Version": "{V}"}}'.encode())
    (listed / "go.mod").write_text("module m\n\ngo 1.20\n")
    ran = program.fetch(listed, upstream.url, f"{lines}-r go.mod\n")
    assert ran.status == 0, ran.text
    assert ran.report["warnings"][:3] == [
        "goget.txt:2:1: 'example.com/root' is listed already, on line 1",
        "goget.txt:3:18: '1.0' is looked up as a branch or tag: versions start with v",
        "go.mod: it requires no module: nothing is fetched for it",
    ]
    planned = json.loads(plan(listed, upstream.url, "--json", "-")[1])
    assert planned["warnings"] == ran.report["warnings"]
    assert planned["errors"] == ran.report["errors"] == []


def test_tree_shows_the_chain_of_requirements(listed: Path, upstream: Upstream) -> None:
    status, out, text = plan(listed, upstream.url, "--why", "example.com/deep")
    assert status == 0, text
    assert out.splitlines() == [
        "goget.txt:1: example.com/root",
        f"└── example.com/root@{V}",
        f"    └── example.com/middle@{V}",
        f"        └── example.com/deep@{V}",
    ]


def test_tree_of_what_no_line_brings_in_is_status_2(listed: Path, upstream: Upstream) -> None:
    status, out, text = plan(listed, upstream.url, "--why", "example.com/none")
    assert (status, out) == (2, "")
    assert "example.com/none: no line brings it in" in text
    assert "hint: " in text


@pytest.mark.parametrize("options", [[], ["--why", "example.com/deep"]])
def test_json_alone_is_on_standard_output(
    listed: Path, upstream: Upstream, options: list[str]
) -> None:
    status, out, text = plan(listed, upstream.url, "--json", "-", *options)
    assert status == 0, text
    report = json.loads(out)
    assert [line["text"] for line in report["lines"]] == [
        "example.com/root",
        f"example.com/old@{V}",
    ]
    [deep] = [each for each in report["versions"] if each["module"] == "example.com/deep"]
    assert deep["why"] == [f"required by example.com/middle@{V}"]
    assert report["total"]["versions"] == len(report["versions"]) == 5


def test_what_is_stored_is_told_as_there(listed: Path, upstream: Upstream) -> None:
    assert program.fetch(listed, upstream.url, None).status == 0
    _status, out, _text = plan(listed, upstream.url, "--json", "-")
    assert all(version["there"] for version in json.loads(out)["versions"])


@pytest.mark.parametrize("level", ["build", "graph", "closed"])
def test_what_is_planned_is_what_fetch_stores(listed: Path, upstream: Upstream, level: str) -> None:
    old = "module example.com/deep\n\nrequire example.com/rev v1.0.0\n"
    upstream.add("example.com/rev", V)
    upstream.add("example.com/rev", "v1.1.0")
    upstream.add("example.com/deep", "v1.0.1", mod=old)
    _status, out, text = plan(listed, upstream.url, "--closure", level, "--json", "-")
    report = json.loads(out)
    assert report["levels"][level] == report["total"], text
    ran = program.fetch(listed, upstream.url, None, "--closure", level)
    assert ran.status == 0, ran.text
    mods = {path.parent for path in ran.storage.rglob("go.mod")}
    zips = [path.stat().st_size for path in ran.storage.rglob("source.zip")]
    total = report["total"]
    assert (total["versions"], total["mod_only"]) == (len(mods), len(mods) - len(zips))
    assert (total["size_bytes"], total["unknown"]) == (sum(zips), 0)


def test_versions_without_zips_are_listed_with_why(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add("example.com/self", V)
    upstream.add("example.com/self", "v1.1.0", mod="module example.com/self\n\nretract v1.1.0\n")
    upstream.add(
        "example.com/self", "v1.2.0", mod="module example.com/self\n\nretract [v1.0.0, v1.2.0]\n"
    )
    (tmp_path / "goget.txt").write_text(f"example.com/self@{V}\n")
    status, out, text = plan(tmp_path, upstream.url, "--mod-only")
    assert status == 0, text
    assert "stored without their zips: 1\n    example.com/self@v1.2.0: carries retractions" in out


def test_imports_that_only_zips_tell_are_named_and_count_once_they_were_read(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.add(
        "example.com/bare",
        V,
        mod="module example.com/bare\n",
        files={"a.go": b'package bare\n\nimport _ "example.com/found"\n'},
    )
    upstream.add("example.com/found", V, files={"f.go": b"package found\n"})
    (tmp_path / "goget.txt").write_text("example.com/bare\n")
    status, out, text = plan(tmp_path, upstream.url)
    assert status == 0, text
    assert "not counted: what imports bring that no go.mod covers, of example.com/bare; " in out
    assert "example.com/bare@v1.0.0 has no go.mod of its own" in out
    before = json.loads(plan(tmp_path, upstream.url, "--json", "-")[1])
    assert before["imports_not_counted"]["without_go_mod"] == ["example.com/bare@v1.0.0"]
    assert before["total"]["versions"] == 1
    assert program.fetch(tmp_path, upstream.url, None).status == 0
    after = json.loads(plan(tmp_path, upstream.url, "--json", "-")[1])
    assert after["total"]["versions"] == 2
    assert after["imports_not_counted"] == {
        "lines": [],
        "together": False,
        "without_go_mod": [],
    }


def test_line_that_fails_gives_fetch_s_status(listed: Path, upstream: Upstream) -> None:
    (listed / "goget.txt").write_text("example.com/root\nexample.com/none\n")
    status, out, text = plan(listed, upstream.url)
    assert status == 3
    assert "gopack: goget.txt:2: example.com/none: 404" in text
    assert "failed" in out
