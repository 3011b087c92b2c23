"""Whether a list was brought by an earlier run: only then are no workers started for it."""

import shutil
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.cli.wiring import _are_here
from gopack.plan.items import ModuleItem
from tests.cli import program
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e  # whole runs of the program

A, B = "example.com/a", "example.com/b"


def test_list_is_here_when_all_its_exact_versions_are(tmp_path: Path, upstream: Upstream) -> None:
    for path in (A, B):
        upstream.add(path, "v1.0.0", files={"p.go": b"package p\n"})
    ran = program.fetch(tmp_path, upstream.url, f"{A}@v1.0.0\n{B}\n")
    assert ran.status == 0, ran.text
    store = DiskStore(ran.storage)

    def are_here(*lines: str) -> bool:
        items = []
        for number, line in enumerate(lines, 1):
            path, _, query = line.partition("@")
            item = ModuleItem(
                name="goget.txt", line=number, text=line, path=path, query=query or "latest"
            )
            items.append(item)
        return _are_here(store, DiskLedger(store.own_folder).manifest, items)

    assert are_here(f"{A}@v1.0.0")
    assert are_here(f"{A}@v1.0.0", f"{B}@v1.0.0")
    assert not are_here()
    assert not are_here(f"{A}@v1.0.0", B), "what floats may bring something new"
    assert not are_here(f"{A}@v1.0.0", f"{B}@v1.1.0")
    shutil.rmtree(ran.storage / A / "v1.0.0")
    assert not are_here(f"{A}@v1.0.0")
