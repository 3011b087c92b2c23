"""`python -m bench.resolve LIST LEVEL JOBS`: a list's closures, and nothing else; prints counts.

What `gopack fetch` and `gopack plan` begin with, by the same code: lines are resolved, and the
graphs of each line alone and of all together are walked. No zip is asked for, nothing is stored.
"""

import json
import sys
import tempfile
from pathlib import Path

from gopack.cli.console import make_console
from gopack.cli.lists import read_lists
from gopack.cli.wiring import make_progress, reading_session
from gopack.plan.closure import Level


def main(listed: str, level: str, jobs: str) -> None:
    """Print how many go.mod files were read and how many versions they come to."""
    items, _ = read_lists([Path(listed)])
    console = make_console()
    with (
        tempfile.TemporaryDirectory(prefix="gopack-bench-") as nowhere,
        make_progress(console) as progress,
        reading_session(Path(nowhere) / "none", jobs=int(jobs), progress=progress) as session,
    ):
        plan = session.planner.plan(items, Level(level))
    if errors := plan.errors():
        sys.exit("\n".join(map(str, errors)))
    wanted = plan.wants()
    modules = len({module.path for module in wanted})
    told = {"go_mods": len(plan.gomods), "versions": len(wanted), "modules": modules}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
