"""What a proof says at the end, on the terminal and as a page."""

import pytest

from gopack.cli.provehtml import html_of
from gopack.cli.provereport import failures, summary
from gopack.plan.manifest import Manifest
from gopack.plan.matrix import Cell, Did, Matrix
from gopack.plan.proving import Subject
from gopack.plan.scenarios import MAIN
from gopack.spec.module import ModuleVersion

ROW = Subject("a.test", "goget.txt:1", (ModuleVersion("a.test", "v1.0.0"),))
GET, BUILD = MAIN.steps[:2]
FINE, BROKEN = Did(0), Did(1, "x.go:1: no")
LATE = Did(1, "x.go:1: no", undecided="it did not end in time")


@pytest.mark.parametrize("sealed", [FINE, BROKEN])
def test_nothing_is_proven_where_nothing_works_connected(sealed: Did) -> None:
    matrix = Matrix((Cell(ROW, GET, sealed, BROKEN), Cell(ROW, BUILD, sealed, BROKEN)))
    page = html_of(matrix, Manifest(), "1.26.0")
    assert summary(matrix).startswith("nothing is proven; 2 ")
    assert "Nothing is proven." in page
    assert "ealed = connected" not in page


def test_step_that_works_sealed_alone_is_not_told_as_failed_in_both() -> None:
    matrix = Matrix((Cell(ROW, GET, FINE, BROKEN), Cell(ROW, BUILD, BROKEN, BROKEN)))
    titles = [failure.title for failure in failures(matrix, Manifest(), "1.26.0")]
    assert titles == ["get: works sealed and failed connected", "build: failed connected, too"]
    assert "1 failed connected, too; 1 work sealed and failed connected" in summary(matrix)


def test_page_says_sealed_is_connected_where_it_is() -> None:
    page = html_of(Matrix((Cell(ROW, GET, FINE, FINE),)), Manifest(), "1.26.0")
    assert "Sealed = connected." in page


@pytest.mark.parametrize(
    ("cells", "headline"),
    [
        ([(FINE, FINE), (BROKEN, LATE)], "Not all is decided."),
        ([(BROKEN, FINE), (BROKEN, LATE)], "Not sealed = connected."),
        ([(BROKEN, None), (FINE, None)], "Not all works sealed."),
        ([(FINE, None), (FINE, None)], "All works sealed."),
    ],
)
def test_headline_says_what_is_known(cells: list[tuple[Did, Did | None]], headline: str) -> None:
    steps = [Cell(ROW, step, *cell) for step, cell in zip((GET, BUILD), cells, strict=True)]
    assert f">{headline}</b>" in html_of(Matrix(tuple(steps)), Manifest(), "1.26.0")
