"""What the go command does connected it does sealed, from a storage that gopack filled."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.plan.matrix import Matrix, Verdict
from gopack.plan.proving import JOINT
from tests.athens_layout import served, serving
from tests.cachefolder import cache_dir
from tests.e2e.caching_proxy import CachingProxy, caching_proxy
from tests.e2e.lay import lay
from tests.e2e.sealed import QUICK, prover, render, row, subject

pytestmark = pytest.mark.e2e

COBRA = "github.com/spf13/cobra@v1.9.1"
UUID = "github.com/google/uuid"
LINES = (
    COBRA,
    UUID,
    "github.com/olekukonko/tablewriter@v0.0.5",  # before go 1.17: its graph is not pruned
    "github.com/gofrs/uuid@v3.3.0+incompatible",
    "github.com/BurntSushi/toml@v1.5.0",  # has commands
)
PROVEN = tuple(line for line in LINES if line != UUID)
"""That one is proven by the command itself: tests/e2e/test_prove.py."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[CachingProxy]:
    with caching_proxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def storage(upstream: CachingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Filled by the real program from the list of all lines."""
    folder = tmp_path_factory.mktemp("filled")
    listed = folder / "goget.txt"
    listed.write_text("".join(f"{line}\n" for line in LINES))
    done = subprocess.run(
        [sys.executable, "-m", "gopack", "fetch", listed, "--storage", folder / "storage"],
        env={**os.environ, "GOPROXY": upstream.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "storage"


@pytest.fixture(scope="module")
def matrix(storage: Path, upstream: CachingProxy) -> Matrix:
    with served(storage) as athens, prover(athens.url, upstream.url) as trial:
        return trial.prove([subject(line) for line in PROVEN])


@pytest.mark.parametrize("line", [*PROVEN, JOINT])
def test_filled_storage_is_as_good_as_connected(line: str, matrix: Matrix) -> None:
    cells = row(matrix, line)
    assert cells
    assert {cell.verdict for cell in cells} == {Verdict.GOOD}, render(cells)


# The judge itself, on a storage laid from what go asked for.


@pytest.fixture(scope="module")
def laid(upstream: CachingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("laid")
    seen = len(upstream.asked)
    with prover(upstream.url) as trial:
        cells = trial.run([(subject(COBRA), QUICK)])
    assert {cell.verdict for cell in cells} == {Verdict.GOOD}, render(cells)
    lay(cache_dir() / "proxy", upstream.asked[seen:], root)
    return root


def test_laid_storage_is_as_good_as_connected(laid: Path, upstream: CachingProxy) -> None:
    with served(laid) as athens, prover(athens.url, upstream.url) as trial:
        cells = trial.run([(subject(COBRA), QUICK)])
    assert {cell.verdict for cell in cells} == {Verdict.GOOD}, render(cells)


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("github.com/spf13/pflag/v1.0.6/source.zip", "github.com/spf13/pflag/v1.0.6/source.zip"),
        ("gopkg.in/yaml.v3/v3.0.1/go.mod", "gopkg.in/yaml.v3/v3.0.1/go.mod"),
        ("github.com/spf13/cobra/v1.9.1/*", "github.com/spf13/cobra/v1.9.1/v1.9.1.info"),
    ],
)
def test_lost_file_turns_the_matrix_red_and_is_named(
    lost: str, named: str, laid: Path, upstream: CachingProxy, tmp_path: Path
) -> None:
    shutil.copytree(laid, tmp_path / "storage")
    for file in list((tmp_path / "storage").glob(lost)):
        file.unlink()
    with serving(tmp_path / "storage") as athens, prover(athens.url, upstream.url) as trial:
        matrix = Matrix(tuple(trial.run([(subject(COBRA), QUICK)])))
    assert matrix.exit_status == 4
    assert named in {each.file for each in matrix.missing()}, render(list(matrix.cells))


def test_sealed_go_has_no_other_way_out(tmp_path: Path) -> None:
    with serving(tmp_path) as athens, prover(athens.url) as trial:
        cells = trial.run([(subject(UUID), QUICK)])
    assert {cell.verdict for cell in cells} == {Verdict.FAILED}
    assert UUID in cells[0].sealed.output
    assert {target.split("/@")[0] for _, target, _ in athens.requests} >= {f"/{UUID}"}
