"""What the go command does connected it does sealed, from a storage that gopack filled."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.athens_layout import served, serving
from tests.e2e import sealed
from tests.e2e.caching_proxy import CachingProxy, cache_folder, caching_proxy
from tests.e2e.lay import lay
from tests.e2e.sealed import Project, Step, compare, render, run_steps

pytestmark = pytest.mark.e2e

GIN = Project("gin", ("github.com/gin-gonic/gin@v1.10.1",), ("github.com/gin-gonic/gin",))
COBRA = Project(
    "cobra",
    ("github.com/spf13/cobra@v1.9.1",),
    ("github.com/spf13/cobra", "github.com/spf13/cobra/doc"),
)
TESTIFY = Project(
    "testify", ("github.com/stretchr/testify@v1.10.0",), ("github.com/stretchr/testify/require",)
)
UUID = Project("uuid", ("github.com/google/uuid",), ("github.com/google/uuid",))
UNPRUNED = Project(
    "tablewriter, before go 1.17",
    ("github.com/olekukonko/tablewriter@v0.0.5",),
    ("github.com/olekukonko/tablewriter",),
)
INCOMPATIBLE = Project(
    "uuid, +incompatible",
    ("github.com/gofrs/uuid@v3.3.0+incompatible",),
    ("github.com/gofrs/uuid",),
)
TOML = Project(
    "toml",
    ("github.com/BurntSushi/toml@v1.5.0",),
    ("github.com/BurntSushi/toml",),
    ("github.com/BurntSushi/toml/cmd/tomlv@v1.5.0",),
)
ALONE = (GIN, COBRA, TESTIFY, UUID, UNPRUNED, INCOMPATIBLE, TOML)
JOINT = Project(
    "all together",
    tuple(item for project in ALONE for item in project.items),
    tuple(path for project in ALONE for path in project.imports),
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[CachingProxy]:
    with caching_proxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def storage(upstream: CachingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Filled by the real program from the list of all projects' items."""
    folder = tmp_path_factory.mktemp("filled")
    listed = folder / "goget.txt"
    listed.write_text("".join(f"{item}\n" for item in JOINT.items))
    done = subprocess.run(
        [sys.executable, "-m", "gopack", "fetch", listed, "--storage", folder / "storage"],
        env={**os.environ, "GOPROXY": upstream.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "storage"


@pytest.mark.parametrize("project", [*ALONE, JOINT], ids=lambda p: p.name)
def test_filled_storage_is_as_good_as_connected(
    project: Project, storage: Path, upstream: CachingProxy
) -> None:
    steps = [s for s in sealed.STEPS if s.name != "latest" or project is not JOINT]
    with served(storage) as athens:
        cells = compare(project, athens.url, upstream.url, steps=steps)
    impossible = [c.connected.step for c in cells if c.connected.exit_status]
    assert not any(cell.differences for cell in cells), render(cells) + f"\n{athens.missing()}"
    assert not impossible, render(cells)


# The judge itself, on a storage laid from what go asked for.

QUICK = tuple(s for s in sealed.STEPS if s.name in {"get", "tidy", "download all", "list all"})


@pytest.fixture(scope="module")
def laid(upstream: CachingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("laid")
    seen = len(upstream.asked)
    results = run_steps(COBRA, upstream.url, steps=QUICK)
    assert [r.step for r in results if r.exit_status] == [], results
    lay(cache_folder() / "proxy", upstream.asked[seen:], root)
    return root


def test_laid_storage_is_as_good_as_connected(laid: Path, upstream: CachingProxy) -> None:
    with served(laid) as athens:
        cells = compare(COBRA, athens.url, upstream.url, steps=QUICK)
    assert not any(cell.differences for cell in cells), render(cells)
    assert render(cells).startswith(f"{len(cells)} of {len(cells)} steps equal, 0 fail")


@pytest.mark.parametrize(
    ("lost", "asked"),
    [
        ("github.com/spf13/pflag/*/source.zip", "/github.com/spf13/pflag/@v/"),
        ("gopkg.in/yaml.v3/v3.0.1/go.mod", "/gopkg.in/yaml.v3/@v/v3.0.1.mod"),
        ("github.com/spf13/cobra/v1.9.1/*", "/github.com/spf13/cobra/@v/v1.9.1.info"),
    ],
)
def test_lost_file_turns_the_matrix_red_and_is_named(
    lost: str, asked: str, laid: Path, upstream: CachingProxy, tmp_path: Path
) -> None:
    shutil.copytree(laid, tmp_path / "storage")
    for file in list((tmp_path / "storage").glob(lost)):
        file.unlink()
    with serving(tmp_path / "storage") as athens:
        cells = compare(COBRA, athens.url, upstream.url, steps=QUICK)
    assert any(cell.differences for cell in cells)
    assert any(target.startswith(asked) for target in athens.missing()), athens.missing()


def test_sealed_go_has_no_other_way_out(tmp_path: Path) -> None:
    with serving(tmp_path) as athens:
        (result,) = run_steps(UUID, athens.url, steps=QUICK[:1])
    assert result.exit_status != 0
    assert "github.com/google/uuid" in result.output
    assert {target.split("/@")[0] for _, target, _ in athens.requests} >= {
        "/github.com/google/uuid"
    }


def test_comparison_forgets_folders_and_times_only() -> None:
    text = '{"Path": "a", "Version": "v1.0.0", "Dir": "/tmp/x", "Time": "2020"}\n{"Path": "b"}\n'
    other = text.replace("/tmp/x", "/tmp/y").replace("2020", "2021")
    assert sealed.without_machine(text) == sealed.without_machine(other)
    assert sealed.without_machine(text) != sealed.without_machine(text.replace("v1.0", "v1.1"))


def test_difference_in_go_sum_alone_is_found() -> None:
    one = sealed.Result("tidy", 0, "", {"go.mod": "a", "go.sum": "b"})
    other = sealed.Result("tidy", 0, "", {"go.mod": "a", "go.sum": "c"})
    assert sealed.Cell("x", one, other).differences == ["go.sum"]
    assert sealed.Cell("x", one, one).differences == []


def test_steps_without_commands_are_left_out(tmp_path: Path) -> None:
    names = [step.name for step in sealed.STEPS if step.command(UUID)]
    assert "install" not in names
    assert "install" in [step.name for step in sealed.STEPS if step.command(TOML)]
    assert isinstance(sealed.STEPS[0], Step)
