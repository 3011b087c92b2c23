"""A sealed world whose storage grows while it is tried."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from gopack.cli import provefix
from gopack.cli.console import make_console
from gopack.cli.provekit import Sealed, Verifying
from gopack.flows.prove import Place, Prover
from gopack.plan.closure import Level
from gopack.plan.matrix import Cell, Did, Matrix
from gopack.plan.missing import Missing
from gopack.plan.proving import Subject
from gopack.plan.scenarios import MAIN


class FakeWorld:
    def __init__(self) -> None:
        self.verified_by: list[tuple[str, str]] = []

    def place(self) -> AbstractContextManager[Place]:
        raise NotImplementedError

    def verify_by(self, gosumdb: str, nosumdb: str) -> None:
        self.verified_by.append((gosumdb, nosumdb))


def test_world_verifies_by_what_was_fetched_last() -> None:
    found = [Verifying("", "", ("it is off",)), Verifying("key", "a.test", ("a.test is exempt",))]
    world, notes = FakeWorld(), ["lasting"]
    sealed = Sealed(world, "1.26.0", notes, lambda: found.pop(0))
    sealed.renew()
    notes.append("connected it is another")
    assert notes == ["lasting", "it is off", "connected it is another"]
    sealed.renew()
    assert world.verified_by == [("", ""), ("key", "a.test")]
    assert notes == ["lasting", "connected it is another", "a.test is exempt"]


def test_fix_renews_what_it_verifies_by_before_it_tries_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log: list[str] = []
    row = Subject("a.test", "goget.txt:1", ())
    broken = Did(1, missing=(Missing("a.test/v1.0.0/source.zip", "a.test", "v1.0.0"),))
    red, good = (Matrix((Cell(row, MAIN.steps[0], did),)) for did in (broken, Did(0)))

    class FakeProver(Prover):
        def again(self, matrix: Matrix) -> Matrix:
            log.append("again")
            return good

    monkeypatch.setattr(provefix, "_fetch", lambda *_: log.append("fetch"))
    with ThreadPoolExecutor(1) as executor:
        prover = FakeProver(FakeWorld(), None, executor, "1.26", Level.GRAPH, lambda _: None)
        found = provefix.mend(
            make_console(),
            prover,
            red,
            [],
            tmp_path,
            Level.GRAPH,
            renew=lambda: log.append("renew"),
        )
    assert found == good
    assert log == ["fetch", "renew", "again"]
