"""gopack's own proof as the judge of storages, between any two proxies.

    with prover(athens.url, upstream.url) as trial:
        matrix = trial.prove([subject("github.com/google/uuid")])

Both worlds are as sealed as the other: one proxy each and nothing else, no checksum database.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from gopack.adapters import goenv
from gopack.adapters.gateway import from_proxy, gateway
from gopack.adapters.gocommand import Machine, SealedWorld, go_version, sealed_settings
from gopack.adapters.web import Web
from gopack.flows.prove import Prover
from gopack.plan.closure import Level
from gopack.plan.items import ModuleItem
from gopack.plan.manifest import Manifest
from gopack.plan.matrix import Cell, Matrix, Verdict, explain
from gopack.plan.proving import Subject, subjects_of
from gopack.plan.scenarios import MAIN
from gopack.spec import gover
from tests.gobuild import build_cache
from tests.gosettings import go_settings

QUICK = replace(MAIN, steps=tuple(s for s in MAIN.steps if s.name in {"get", "tidy", "verify"}))
"""What reads every file that a line needs, without compiling any."""


def subject(text: str) -> Subject:
    """The row of a line, as if nobody had fetched it."""
    path, _, query = text.partition("@")
    item = ModuleItem(path, query or "latest", name="goget.txt", text=text)
    [found] = subjects_of(item, Manifest(), Level.GRAPH)
    return found


@contextmanager
def prover(sealed_url: str, connected_url: str | None = None) -> Iterator[Prover]:
    """What tries subjects behind one proxy, and behind the other to compare with."""
    command = shutil.which("go")
    assert command is not None
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="gopack-sealed-", ignore_cleanup_errors=True)
        machine = Machine(command, Path(stack.enter_context(made)), build_cache())
        web = Web(goenv.load())
        stack.callback(web.close)

        def world(url: str) -> SealedWorld:
            proxy = stack.enter_context(gateway(from_proxy(web, url)))
            return SealedWorld(machine, proxy, sealed_settings("off", ""))

        sealed = world(sealed_url)
        connected = world(connected_url) if connected_url else None
        executor = stack.enter_context(ThreadPoolExecutor(2))
        version = gover.lang(go_version(command))
        yield Prover(sealed, connected, executor, version, Level.GRAPH, lambda _: None)


def render(cells: list[Cell]) -> str:
    """What is not good, with what the go command said."""
    return "\n".join(
        f"{c.subject.name}: {c.step.name}: {c.verdict.value}: {explain(c, Manifest(), '')}\n"
        f"{c.sealed.output}"
        for c in cells
        if c.verdict is not Verdict.GOOD
    )


def row(matrix: Matrix, name: str) -> list[Cell]:
    """The cells of one line."""
    return [cell for cell in matrix.cells if cell.subject.name == name]


def run_go(
    folder: Path, proxy: str, words: Sequence[str], own: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run go in a project's folder, behind one proxy and with nothing else to ask.

    `own` are settings in place of the usual ones.
    """
    settings = {
        "HOME": str(Path.home()),  # what was compiled before is found there
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOMODCACHE": str(folder / "cache"),
        **(own or {}),
    }
    return subprocess.run(
        ["go", *words],
        cwd=folder,
        env=go_settings(folder, proxy, **settings),
        capture_output=True,
        text=True,
        check=False,
    )
