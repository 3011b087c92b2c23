"""`gopack prove --docker` under the real engine: Athens and Go in containers, nothing beside them.

With ATHENS_BIN Athens' image runs Athens itself, else the tests' stand-in; Go's image has the
machine's own GOROOT. The compose file is the repository's.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopack.adapters.dockerworld import ROOT
from tests.cli.program import environment
from tests.e2e.caching_proxy import caching_proxy
from tests.e2e.container.athens import build_athens
from tests.e2e.container.compose import REPOSITORY
from tests.e2e.container.engine import Engine
from tests.e2e.container.images import BaseImages
from tests.e2e.test_prove import BASE_MOD, LIB_ZIP, LINES, Proved, fill_upstream, gopack
from tests.gobuild import build_cache, compiled_files
from tests.launching import finished
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

ATHENS, GO = "gopack-test-prove-athens:local", "gopack-test-prove-go:local"
ENDS = "gopack-test-prove-ends:local"
LABEL = "gopack.prove"
WAIT_S = 600
GOROOT = "/usr/local/go"
NOT_NEEDED = {"test", "doc", "api", "misc", "testdata", "src/cmd"}
"""Folders of GOROOT that compiling a program can do without."""

GO_IMAGE = f"""
FROM {{base}}
ADD go.tar /
ENV PATH={GOROOT}/bin:/usr/bin:/bin
"""


@dataclass(frozen=True)
class Docker:
    """The engine with both images, and the storage that was filled."""

    engine: Engine
    filled: Path

    def left_over(self) -> list[str]:
        """Containers, networks and volumes of any proof."""
        found: list[str] = []
        for kind, name in (
            (("ps", "--all"), "Names"),
            (("network", "ls"), "Name"),
            (("volume", "ls"), "Name"),
        ):
            labelled = ("--filter", f"label={LABEL}", "--format", f"{{{{.{name}}}}}")
            found += self.engine.docker(*kind, *labelled).split()
        return found


@pytest.fixture(scope="module")
def built(
    docker_engine: Engine, bases: BaseImages, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Docker]:
    folder = tmp_path_factory.mktemp("prove-athens")
    build_athens(docker_engine, bases, folder, name=ATHENS, settings={})
    _build_go(docker_engine, bases, tmp_path_factory.mktemp("prove-go"))
    home = tmp_path_factory.mktemp("prove-docker")
    (home / "goget.txt").write_text(LINES)
    with Upstream() as upstream:
        fill_upstream(upstream)
        done = gopack(home, upstream.url, "fetch")
    assert done.returncode == 0, done.stderr
    yield Docker(docker_engine, home)
    assert Docker(docker_engine, home).left_over() == []


def _build_go(engine: Engine, bases: BaseImages, context: Path) -> None:
    """Lay this machine's GOROOT into an image, and what compiles.

    The volume of a proof begins with what is there in the image: Go's own packages, compiled.
    """
    said = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    goroot, now = Path(said.stdout.strip()), int(time.time())

    def touched(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = now  # else go trims its cache of what was used days ago
        return member

    def needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = member.name.removeprefix(f"{GOROOT[1:]}/")
        is_test = name.endswith("_test.go")
        return None if is_test or {name, Path(name).name} & NOT_NEEDED else touched(member)

    with tarfile.open(context / "go.tar", "w") as tar:
        tar.add(goroot, GOROOT, filter=needed)
        for file in compiled_files():
            tar.add(file, ROOT / "build-cache" / file.parent.name / file.name, filter=touched)
    (context / "Dockerfile").write_text(GO_IMAGE.format(base=bases.python))
    engine.docker("build", "--tag", GO, str(context), timeout_s=300)
    (context / "go.tar").unlink()


@pytest.fixture
def home(built: Docker, tmp_path: Path) -> Path:
    """A folder with the list, a storage to spoil and the repository's compose file."""
    shutil.copytree(built.filled, tmp_path / "home")
    shutil.copy2(REPOSITORY / "docker-compose.yml", tmp_path / "home")
    return tmp_path / "home"


def settings(docker: Docker, home: Path, **more: str) -> dict[str, str]:
    images = {"ATHENS_IMAGE": ATHENS, "GOPACK_PROVE_GO_IMAGE": GO}
    engine = {"DOCKER_HOST": docker.engine.env.get("DOCKER_HOST", "")}
    return {**environment(home, "off"), **images, **engine, **more}


def prove(docker: Docker, home: Path, *options: str, env: Mapping[str, str] = {}) -> Proved:
    file = home / "report.json"
    file.unlink(missing_ok=True)
    words = ("prove", "--docker", "--json", str(file), *options)
    done = finished(words, folder=home, env=settings(docker, home, **env), timeout_s=WAIT_S)
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads(file.read_text()) if file.exists() else {}
    return Proved(done.returncode, done.stderr, report)


def test_filled_storage_works_behind_athens_and_is_only_read(built: Docker, home: Path) -> None:
    (home / "goget.txt").write_text("example.com/app\nexample.com/tool/cmd/do@v1.0.0\n")
    before = {path: path.stat().st_mtime_ns for path in (home / "ATHENS_STORAGE").rglob("*")}
    proved = prove(built, home)
    assert proved.status == 0, proved.text
    for line in ("example.com/app", "all together"):
        assert set(proved.verdicts(line).values()) == {"good"}, proved.text
        assert {"get", "build", "vet", "test", "tidy", "vendor"} <= proved.verdicts(line).keys()
    assert proved.verdicts("example.com/tool/cmd/do@v1.0.0")["install"] == "good"
    after = {path: path.stat().st_mtime_ns for path in (home / "ATHENS_STORAGE").rglob("*")}
    assert after == before
    assert built.left_over() == []


def test_lost_file_is_named_with_the_line_that_adds_it(built: Docker, home: Path) -> None:
    (home / "ATHENS_STORAGE" / BASE_MOD).unlink()
    (home / "goget.txt").write_text("example.com/app\n")
    proved = prove(built, home)
    assert proved.status == 4, proved.text
    assert proved.missing() == {BASE_MOD}
    path, version, _ = BASE_MOD.rsplit("/", 2)
    assert f"add the line {path}@{version}" in proved.text
    assert built.left_over() == []


def test_what_was_lost_is_fixed_and_all_is_as_connected(built: Docker, home: Path) -> None:
    """Fetched into the mounted folder while Athens serves it; this machine's Go beside it."""
    (home / "ATHENS_STORAGE" / LIB_ZIP).unlink()
    (home / "goget.txt").write_text("example.com/lib@v1.1.0\n")
    with Upstream() as upstream:
        fill_upstream(upstream)
        env = {"GOPROXY": upstream.url, "GOCACHE": str(build_cache())}
        proved = prove(built, home, "--fix", "--compare", env=env)
    assert proved.status == 0, proved.text
    assert "are as they are connected" in proved.text
    assert set(proved.verdicts("example.com/lib@v1.1.0").values()) == {"good"}, proved.text


def test_checksums_are_verified_from_what_the_storage_carries(
    built: Docker, tmp_path: Path
) -> None:
    """A real module; GOSUMDB at its default, and nothing but the storage to prove it by."""
    asked = subprocess.run(["go", "env", "GOSUMDB"], capture_output=True, text=True, check=True)
    default = {"GOSUMDB": asked.stdout.strip()}
    line = "github.com/google/uuid@v1.6.0"
    (tmp_path / "goget.txt").write_text(f"{line}\n")
    shutil.copy2(REPOSITORY / "docker-compose.yml", tmp_path)
    with caching_proxy() as proxy:
        env = {**environment(tmp_path, proxy.url), **default}
        command = [sys.executable, "-m", "gopack", "fetch"]
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    proved = prove(built, tmp_path, env=default)
    assert proved.status == 0, proved.text
    assert not [note for note in proved.report["notes"] if "verification is off" in note]
    assert set(proved.verdicts(line).values()) == {"good"}, proved.text
    spoilt = tmp_path / "ATHENS_STORAGE" / "github.com/google/uuid/v1.6.0/go.mod"
    spoilt.write_text(spoilt.read_text() + "// changed on its way\n")
    refused = prove(built, tmp_path, env=default)  # nothing to compile
    assert refused.status == 4, refused.text
    assert refused.verdicts(line)["get"] == "failed"
    assert "verifying go.mod: checksum mismatch" in refused.text
    assert refused.missing() == set()


def test_settings_of_the_compose_file_are_taken_and_sealed(built: Docker, home: Path) -> None:
    text = (home / "docker-compose.yml").read_text()
    text = text.replace("ATHENS_DOWNLOAD_MODE=none", "ATHENS_DOWNLOAD_MODE=sync")
    text = text.replace("/var/lib/athens", "/srv/elsewhere")
    (home / "other.yml").write_text(text)
    (home / "only.txt").write_text("example.com/lib@v1.1.0\n")
    proved = prove(built, home, "only.txt", "--compose", "other.yml")
    assert proved.status == 0, proved.text
    [note] = [note for note in proved.report["notes"] if "ATHENS_DOWNLOAD_MODE" in note]
    assert "sets ATHENS_DOWNLOAD_MODE=sync" in note


def test_network_has_no_way_out(built: Docker, home: Path) -> None:
    """While a proof runs, its containers have one network, and that is internal."""
    with started(built, home) as running:
        names = wait_for_containers(built)
        network = built.engine.docker(
            *("network", "ls", "--filter", f"label={LABEL}", "--format", "{{.Name}}")
        ).strip()
        inspected = json.loads(built.engine.docker("network", "inspect", network))
        assert inspected[0]["Internal"] is True
        for name in names:
            shown = json.loads(built.engine.docker("inspect", name))[0]
            assert list(shown["NetworkSettings"]["Networks"]) == [network]
            assert not shown["NetworkSettings"]["Ports"] or not any(
                shown["NetworkSettings"]["Ports"].values()
            )
        [athens] = [name for name in names if name.endswith("-athens")]
        [mount] = json.loads(built.engine.docker("inspect", athens))[0]["Mounts"]
        assert mount["RW"] is False
        kept = built.engine.docker("volume", "ls", "--quiet", "--filter", f"label={LABEL}").split()
        assert len(kept) == 1, "the volume can be found by its label, too"
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_proof_leaves_nothing(built: Docker, home: Path, sign: signal.Signals) -> None:
    with started(built, home) as running:
        wait_for_containers(built)
        time.sleep(1)
        running.send_signal(sign)
        said = running.communicate(timeout=60)[0]
    assert running.returncode == 130, said
    assert "interrupted" in said
    assert built.left_over() == []


def test_bad_use_ends_with_a_message(built: Docker, home: Path) -> None:
    nothing = "127.0.0.1:1/gopack-test-nothing:here"  # a registry that refuses at once
    absent = prove(built, home, env={"GOPACK_PROVE_GO_IMAGE": nothing})
    assert absent.status == 2, absent.text
    assert f"{nothing}: no such image here, and it cannot be pulled" in absent.text
    assert "--go-image" in absent.text
    (home / "docker-compose.yml").unlink()
    unnamed = prove(built, home)
    assert (unnamed.status, "--athens-image" in unnamed.text) == (2, True)
    both = prove(built, home, "--proxy", "http://127.0.0.1:1")
    assert (both.status, "at once" in both.text) == (2, True)
    gone = prove(built, home, "--athens-image", ATHENS, "--storage", "nothing")
    assert gone.status == 5, gone.text
    idle = prove(built, home, "--athens-image", GO)
    assert (idle.status, "No command specified" in idle.text) == (5, True)
    (home / "Dockerfile").write_text(f'FROM {GO}\nCMD ["go", "version"]\n')
    built.engine.docker("build", "--tag", ENDS, str(home))
    mute = prove(built, home, "--athens-image", ENDS)
    assert mute.status == 5, mute.text
    assert "Athens does not answer: go version go1" in mute.text
    goless = prove(built, home, "--athens-image", ATHENS, "--go-image", ATHENS)
    if "ATHENS_BIN" not in os.environ:
        assert (goless.status, "no go command" in goless.text) == (2, True), goless.text
    socket = {"DOCKER_HOST": f"unix://{home}/no.sock"}
    nowhere = prove(built, home, "--athens-image", ATHENS, env=socket)
    assert nowhere.status == 5, nowhere.text
    assert built.left_over() == []


def started(docker: Docker, home: Path) -> "subprocess.Popen[str]":
    def hear_sigint() -> None:  # which a shell has its background jobs ignore
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", "gopack", "prove", "--docker"],
        cwd=home,
        env=settings(docker, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_sigint,  # noqa: PLW1509 - nothing else runs in this process
    )


def wait_for_containers(docker: Docker) -> list[str]:
    """Wait until both containers run."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        names = docker.engine.docker(
            *("ps", "--filter", f"label={LABEL}", "--format", "{{.Names}}")
        ).split()
        if len(names) == 2:
            return names
        time.sleep(0.2)
    raise AssertionError("no containers appeared")
