"""Both generations of docker-compose, and a project for them to run.

docker-compose 1.29 is Debian 12's package. Compose v2 is COMPOSE_V2_BIN, the docker command's
plugin, the host's docker-compose, or the package of the next Debian, whose binary needs nothing
else: fetched (and verified) by apt into the test cache, not installed.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.e2e.container.engine import Engine
from tests.e2e.container.images import BaseImages

REPOSITORY = Path(__file__).parent.parent.parent.parent
PARTS = ("Dockerfile", "docker-compose.yml", ".dockerignore", "docker", "gopack", "requirements")
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NEXT_DEBIAN = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PYTHON = "/opt/gopack/bin/python"
AS_WORKER = (
    "import os, sys; from gopack.cli.container import prepare;"
    " env = prepare(os.environ); os.execvpe(sys.argv[1], sys.argv[1:], env)"
)
"""Runs its arguments as whom, and in the environment that, gopack gets."""
PLUGIN = Path("usr/libexec/docker/cli-plugins/docker-compose")


class NoComposeError(Exception):
    """This generation of Compose cannot be had here; the text says why."""


def compose_v1() -> list[str]:
    """The command of docker-compose 1.29 or newer."""
    if _version(["docker-compose"]).startswith("1."):
        return ["docker-compose"]
    raise NoComposeError("the host has no docker-compose 1.x")


def compose_v2(fetched: Path) -> list[str]:
    """The command of Compose v2 (or a later one), which may be fetched into a folder."""
    for command in (
        [os.environ.get("COMPOSE_V2_BIN") or "docker-compose"],
        ["docker", "compose"],
        ["docker-compose"],
        [str(fetched / "compose-v2" / PLUGIN)],
    ):
        if re.match(r"[2-9]", _version(command)):
            return command
    return [str(_fetch_from_debian(fetched / "compose-v2"))]


def _version(command: list[str]) -> str:
    try:
        said = subprocess.run(
            [*command, "version", "--short"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip().removeprefix("v")


def _fetch_from_debian(target: Path) -> Path:
    if not (shutil.which("apt-get") and KEYRING.exists() and os.geteuid() == 0):
        raise NoComposeError("no Compose v2 here, and no Debian to fetch it with")
    mirror = _debian_mirror()
    with tempfile.TemporaryDirectory(prefix="gopack-apt-") as name:
        work = Path(name)
        for folder in ("lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        (work / "sources").write_text(f"deb [signed-by={KEYRING}] {mirror} {NEXT_DEBIAN} main\n")
        _apt(work, "update")
        _apt(work, "download", "docker-compose")
        package = next(work.glob("docker-compose_*.deb"))
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["dpkg", "-x", package, target], check=True)
    return target / PLUGIN


def _debian_mirror() -> str:
    """The host's own mirror: an archive of whole releases, not of their security updates."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    mirrors = [line for line in said.stdout.splitlines() if line.rstrip("/").endswith("/debian")]
    if not mirrors:
        raise NoComposeError("no Compose v2 here, and the host's apt knows no Debian mirror")
    return mirrors[0]


def _apt(work: Path, *arguments: str) -> None:
    settings = {
        "Dir::Etc::SourceList": work / "sources",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    command = ["apt-get", "-q", *options, *arguments]
    said = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise NoComposeError(f"apt cannot fetch Compose v2: {said.stderr[-300:]}")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and all it said."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the repository's packaging, as after `git clone`, and a compose command for it."""

    folder: Path
    command: list[str]
    engine: Engine
    images: BaseImages
    image: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Compose's name of the project, the first part of its networks' names."""
        return self.folder.name.lower()

    @property
    def storage(self) -> Path:
        return self.folder / "ATHENS_STORAGE"

    def write_list(self, *lines: str) -> None:
        (self.folder / "goget.txt").write_text("".join(f"{line}\n" for line in lines))

    def compose(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        timeout_s: float = 300,
    ) -> Ran:
        """Run the compose command in the project, with `settings` in its environment."""
        result = subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.environment(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ran(result.returncode, result.stdout)

    def up(self, **settings: str) -> Ran:
        """The main job, as the README says it."""
        return self.compose("up", "--abort-on-container-exit", settings=settings)

    def sh(self, script: str, **settings: str) -> Ran:
        """Run a shell script in the container, as root and with nothing prepared."""
        options = ("run", "--rm", "-T", "--entrypoint", "sh", "gopack", "-c", script)
        return self.compose(*options, settings=settings)

    def as_worker(self, *command: str, **settings: str) -> Ran:
        """Run a command in the container as whom, and in the environment that, gopack gets."""
        python = ("--entrypoint", PYTHON, "gopack", "-c", AS_WORKER)
        return self.compose("run", "--rm", "-T", *python, *command, settings=settings)

    def remove(self) -> None:
        """Remove its containers, networks and volumes, a few times quicker than `compose down`."""
        docker, label = self.engine.docker, f"label=com.docker.compose.project={self.name}"
        for kind, listing, removal in (
            ("container", ("ls", "--all"), ("rm", "--force", "--volumes")),
            ("network", ("ls",), ("rm",)),
            ("volume", ("ls",), ("rm", "--force")),
        ):
            if found := docker(kind, *listing, "--quiet", "--filter", label).split():
                docker(kind, *removal, *found)

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {
            **self.engine.env,
            **pip_settings(),
            "COMPOSE_PROJECT_NAME": self.name,
            "PYTHON_IMAGE": self.images.python,
            "GO_IMAGE": self.images.go,
            "GOPACK_IMAGE": self.image,
            **certificates(),
            **self.settings,
            **settings,
        }


def certificates() -> dict[str, str]:
    """What this machine trusts, for the container to trust."""
    bundle = os.environ.get("SSL_CERT_FILE") or str(SYSTEM_CERTIFICATES)
    return {"SSL_CERT_FILE": bundle} if Path(bundle).is_file() else {}


@cache
def pip_settings() -> dict[str, str]:
    """The machine's pip settings, from its configuration files too, as the build's arguments."""
    names = {"index-url", "extra-index-url", "trusted-host", "default-timeout"}
    command = ["python3", "-m", "pip", "config", "list"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", said, re.MULTILINE)
    return {f"PIP_{key.replace('-', '_').upper()}": value for key, value in found if key in names}


def copy_packaging(target: Path) -> None:
    """Copy what the image is made of, with this machine's certificates for the build."""
    target.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source = REPOSITORY / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target / name)
    for bundle in certificates().values():
        shutil.copy2(bundle, target / "docker" / "ca" / "host.crt")
    (target / "ATHENS_STORAGE").mkdir(exist_ok=True)
