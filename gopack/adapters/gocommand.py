"""The go command in private places: a main module, a module cache and a GOPATH of its own each.

Rules:
- Sealed: one proxy and no other way out. GOPROXY has no `direct`, no version control runs, nothing
  of the machine's Go settings is seen, and what ignores GOPROXY finds a dead forward proxy.
- Connected: the machine's own settings, and one module cache for all places, so that an upstream is
  asked once.
- The build cache is shared, and `-trimpath` makes it useful from any module cache.

Spec: `go help environment`, `go help goproxy`, go.dev/ref/mod#environment-variables.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from gopack.adapters.commandgroup import CommandGroup
from gopack.adapters.gateway import Gateway
from gopack.errors import InputError, StoreError
from gopack.plan.missing import Asked
from gopack.plan.proving import Ran

TIMEOUT_S = 1200
_NOWHERE = "http://127.0.0.1:9"
"""The discard port (RFC 863), where nobody listens."""

_NOT_INHERITED = frozenset({"GOPROXY", "GOFLAGS", "GOWORK", "GOPATH", "GOMODCACHE", "GOBIN"})


_NOTHING_OF_ITS_OWN = {
    "GONOPROXY": "none",
    **dict.fromkeys(
        (
            *("GOPRIVATE", "GOINSECURE", "GOBIN", "GOCACHEPROG"),
            *("GOOS", "GOARCH", "GOEXPERIMENT", "GODEBUG"),
        ),
        "",
    ),
}
"""Settings that a container's image may have, as they are where nobody set any.

Spec: `go help module-private`; an empty one is none (cmd/go cfg.EnvOrAndChanged).
"""


def common_settings(folder: PurePath, modcache: PurePath) -> dict[str, str]:
    """Give the settings that both worlds share."""
    return {
        "GOPATH": str(folder / "gopath"),
        "GOMODCACHE": str(modcache),
        "GOFLAGS": "-mod=mod -modcacherw -trimpath",
        "GO111MODULE": "on",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def sealed_settings(gosumdb: str, nosumdb: str) -> dict[str, str]:
    """Give the settings of a sealed machine; an empty `gosumdb` leaves go's default."""
    settings = {
        **_NOTHING_OF_ITS_OWN,
        "GOENV": "off",
        "GOVCS": "*:off",
        "HTTP_PROXY": _NOWHERE,
        "HTTPS_PROXY": _NOWHERE,
        "NO_PROXY": "127.0.0.1,localhost",
        "GONOSUMDB": nosumdb,
    }
    return settings | ({"GOSUMDB": gosumdb} if gosumdb else {})


def go_version(program: str) -> str:
    """Ask a go command for its version, such as `1.26.1`.

    Raises:
        InputError: it does not run.
    """
    command = [program, "env", "GOVERSION"]
    environ = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True, env=environ
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            f"the go command does not run: {type(error).__name__}",
            where=program,
            hint="install Go on this machine, or try --docker",
        ) from error
    return done.stdout.strip().removeprefix("go")


def timed_out(arguments: Sequence[str], asked: Sequence[Asked] = ()) -> Ran:
    """Tell of a go command that was ended after TIMEOUT_S; 124 is what `timeout` says."""
    said = f"go {arguments[0]} did not end in {TIMEOUT_S} s"
    return Ran(124, "", said, tuple(asked), is_timed_out=True)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the go commands of a proof have in common.

    Args:
        program: the go command.
        scratch: the folder that places are made in.
        build_cache: GOCACHE.
        commands: those under way; whoever makes a machine ends them.

    """

    program: str
    scratch: Path
    build_cache: Path
    commands: CommandGroup = field(default_factory=CommandGroup)


class SealedWorld:
    """Go commands that reach a gateway and nothing else."""

    def __init__(self, machine: Machine, gateway: Gateway, settings: Mapping[str, str]) -> None:
        self._machine = machine
        self._gateway = gateway
        self._settings = settings

    def verify_by(self, gosumdb: str, nosumdb: str) -> None:
        """Have go commands in new places verify so; an empty `gosumdb` turns it off."""
        self._settings = {**self._settings, "GOSUMDB": gosumdb or "off", "GONOSUMDB": nosumdb}

    @contextmanager
    def place(self) -> Iterator["GoPlace"]:
        """Make a place with an empty module cache."""
        run = self._gateway.new_run()
        with new_folder(self._machine.scratch) as folder:
            _silence_telemetry(folder)
            env = {
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(folder),
                **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ},
                "GOCACHE": str(self._machine.build_cache),
                "GOPROXY": self._gateway.url_of(run),
                **common_settings(folder, folder / "modcache"),
                **self._settings,
            }
            asked = lambda: self._gateway.asked(run)  # noqa: E731 - one use
            yield GoPlace(self._machine, folder / "main", env, asked)


class ConnectedWorld:
    """Go commands as this machine's user runs them."""

    def __init__(self, machine: Machine, goproxy: str = "") -> None:
        self._machine = machine
        self._goproxy = goproxy or os.environ.get("GOPROXY", "")

    @contextmanager
    def place(self) -> Iterator["GoPlace"]:
        """Make a place; its module cache is that of all connected ones."""
        with new_folder(self._machine.scratch) as folder:
            kept = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
            env = {
                **kept,
                "GOCACHE": str(self._machine.build_cache),
                **common_settings(folder, self._machine.scratch / "connected"),
                **({"GOPROXY": self._goproxy} if self._goproxy else {}),
            }
            yield GoPlace(self._machine, folder / "main", env, list)


@contextmanager
def new_folder(scratch: Path) -> Iterator[Path]:
    """Make a folder for one run with `main` in it, and remove it afterwards.

    Raises:
        StoreError: there is no room for it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=scratch))
        (folder / "main").mkdir()
    except OSError as error:
        raise StoreError(
            f"no place to run the go command: {error.strerror}",
            where=str(scratch),
            hint="set TMPDIR to a folder with some gigabytes free",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _silence_telemetry(home: Path) -> None:
    """Keep the go command from writing to its home after it has ended (`go help telemetry`)."""
    folder = home / ".config" / "go" / "telemetry"
    folder.mkdir(parents=True)
    (folder / "mode").write_text("off\n")


class GoPlace:
    """A main module's folder, and the go command run in it."""

    def __init__(
        self,
        machine: Machine,
        folder: Path,
        env: Mapping[str, str],
        asked: Callable[[], Sequence[Asked]],
    ) -> None:
        self._machine = machine
        self._folder = folder
        self._env = dict(env)
        self._asked = asked

    def write(self, name: str, text: str) -> None:
        """Write a file of the main module."""
        file = self._folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")

    def read(self, name: str) -> str:
        """Read a file of the main module; an empty text where there is none."""
        try:
            return (self._folder / name).read_text("utf-8")
        except FileNotFoundError:
            return ""

    def go(self, arguments: Sequence[str]) -> Ran:
        """Run the go command; one that takes too long has failed."""
        before = len(self._asked())
        try:
            status, stdout, stderr = self._machine.commands.run(
                [self._machine.program, *arguments],
                folder=self._folder,
                env=self._env,
                timeout_s=TIMEOUT_S,
            )
        except TimeoutError:
            return timed_out(arguments, self._asked()[before:])
        return Ran(status, stdout, stderr, tuple(self._asked()[before:]))
