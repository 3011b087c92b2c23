"""Ask the Go program beside this file about Go's own rules.

The program is built once into the test cache, so a test module only says
`oracle.ask("semver.compare", [a, b])`. Add operations as Go files here: see main.go.
"""

import base64
import fcntl
import functools
import hashlib
import json
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cachefolder import cache_dir

SOURCE = Path(__file__).parent
BUILD_TIMEOUT_S = 300
ASK_TIMEOUT_S = 120


def built_once(target: Path, build: Callable[[Path], None]) -> Path:
    """Have `build` write a program, unless it is there; of several processes one builds."""
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            staged = target.with_suffix(".part")
            staged.unlink(missing_ok=True)
            build(staged)
            staged.replace(target)
    return target


@dataclass(frozen=True, slots=True)
class Answer:
    """What Go said: a value, or the text of its refusal."""

    value: Any
    error: str = ""

    @property
    def refused(self) -> bool:
        return bool(self.error)


def text(value: str) -> str:
    """Encode text that may not be UTF-8 (surrogateescape) for a []byte argument."""
    return base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()


def untext(value: str | None) -> str:
    """The inverse of `text`, for a []byte answer."""
    return base64.b64decode(value or "").decode("utf-8", "surrogateescape")


def raw(value: str) -> object:
    """Encode text (surrogateescape) for a raw argument: itself if it can be UTF-8, else base64."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return {"base64": text(value)}
    return value


@functools.cache
def program() -> Path:
    """Build the Go program unless this very source is built already."""
    digest = hashlib.sha256()
    for file in sorted([*SOURCE.glob("*.go"), SOURCE / "go.mod", SOURCE / "go.sum"]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    target = cache_dir() / f"oracle-{digest.hexdigest()[:16]}"

    def build(staged: Path) -> None:
        command = ["go", "build", "-o", str(staged), "."]
        subprocess.run(command, cwd=SOURCE, check=True, timeout=BUILD_TIMEOUT_S)

    return built_once(target, build)


def ask_all(requests: Iterable[tuple[str, object]]) -> list[Answer]:
    """Answer (operation, argument) pairs, in order, in one run of the program."""
    lines = [json.dumps({"op": op, "arg": arg}) for op, arg in requests]
    done = subprocess.run(
        [program()],
        input="\n".join(lines),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        encoding="utf-8",
        timeout=ASK_TIMEOUT_S,
    )
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(lines)
    return [Answer(a["ok"], a.get("error", "")) for a in answers]


def ask_each(op: str, args: Sequence[object]) -> list[Answer]:
    """Answer one operation for many arguments."""
    return ask_all((op, arg) for arg in args)


def ask(op: str, arg: object) -> Answer:
    """Answer one request."""
    return ask_all([(op, arg)])[0]
