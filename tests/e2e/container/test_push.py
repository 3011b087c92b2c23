"""`gopack push` into Athens under the real engine: found by name, label, volume and compose file.

With ATHENS_BIN the container runs Athens itself, else the tests' stand-in for it.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bundling import Side, files_below
from tests.e2e.container.athens import build_athens
from tests.e2e.container.engine import Engine
from tests.e2e.container.images import BaseImages
from tests.fakes_sumdb import FakeSumDB

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

IMAGE = "gopack-test-push-athens:local"
ROOT = "/var/lib/athens"
SETTINGS = {
    "ATHENS_STORAGE_TYPE": "disk",
    "ATHENS_DISK_STORAGE_ROOT": ROOT,
    "ATHENS_NETWORK_MODE": "offline",
    "ATHENS_DOWNLOAD_MODE": "none",
    "ATHENS_SUM_DBS": "",
    "GOPROXY": "off",
}


@pytest.fixture(scope="module")
def athens(
    docker_engine: Engine, bases: BaseImages, tmp_path_factory: pytest.TempPathFactory
) -> Engine:
    """The engine, with an image that runs Athens."""
    folder = tmp_path_factory.mktemp("push-athens")
    build_athens(docker_engine, bases, folder, name=IMAGE, settings=SETTINGS)
    return docker_engine


@dataclass
class Running:
    """A container called `name` whose storage is a volume of that name, mounted read-only."""

    engine: Engine
    name: str
    folder: Path

    def files(self) -> dict[str, bytes]:
        """Every file of the volume but gopack's own, taken out by the engine."""
        return files_below(self.taken_out())

    def taken_out(self) -> Path:
        out = self.folder / f"out-{time.monotonic_ns()}"
        out.mkdir()
        self.engine.docker("cp", f"{self.name}:{ROOT}/.", str(out), timeout_s=60)
        return out

    def listing(self) -> list[str]:
        """Kind, owner, mode and path of everything in the volume."""
        script = (
            f"cd {ROOT} && find . -path ./.gopack/staging -prune -o -printf '%y %U:%G %m %P\\n'"
        )
        words = ("--rm", "--user", "0:0", "--volume", f"{self.name}:{ROOT}", "--network", "none")
        said = self.engine.docker("run", *words, "--entrypoint", "sh", IMAGE, "-c", script)
        return said.splitlines()


@pytest.fixture
def running(athens: Engine, tmp_path: Path) -> Iterator[Running]:
    name = f"gopack-push-{os.urandom(4).hex()}"
    athens.docker("volume", "create", name)
    athens.docker(
        *("run", "--detach", "--name", name, "--user", "1234:1235", "--label", f"site={name}"),
        *("--volume", f"{name}:{ROOT}:ro", "--publish", "127.0.0.1::3000", IMAGE),
    )
    yield Running(athens, name, tmp_path)
    athens.docker("rm", "--force", name, check=False)
    athens.docker("volume", "rm", name, check=False)


@pytest.fixture
def side(athens: Engine, tmp_path: Path) -> Side:
    """A storage with mixed case, a requirement and a version as go.mod only."""
    side = Side(
        tmp_path / "storage", FakeSumDB(), {"DOCKER_HOST": athens.env.get("DOCKER_HOST", "")}
    )
    side.put("example.com/Dep@v1.0.0", noise=1)
    side.put("example.com/root@v1.0.0", requires=["example.com/Dep@v1.0.0"])
    side.put("example.com/thin@v1.2.0", is_whole=False)
    return side


def push(side: Side, *words: str | Path, status: int = 0) -> str:
    """Run the real program to its end."""
    started = side.start("push", *words)
    output = started.communicate(timeout=120)[0].decode()
    assert started.returncode == status, output
    return output


def test_versions_arrive_for_a_running_athens_which_is_asked(running: Running, side: Side) -> None:
    report = side.root.parent / "report.json"
    said = push(side, "--container", running.name, "--json", report)
    assert "3 added" in said
    assert "0 answers are wrong" in said
    assert running.files() == side.versions()
    asked = json.loads(report.read_text())["asked"]
    assert {"path": "/example.com/!dep/@v/v1.0.0.zip", "status": 200} in asked
    assert {"path": "/example.com/thin/@v/v1.2.0.zip", "status": 404} in asked
    assert {"path": "/example.com/root/@v/list", "status": 200} in asked
    allowed = {"d 1234:1235 755", "f 1234:1235 644"}
    assert {line.rsplit(" ", 1)[0] for line in running.listing()} == allowed


def test_what_is_new_follows_with_its_proofs_and_the_target_checks_out(
    running: Running, side: Side
) -> None:
    side.name_alias("example.com/Dep@main", "v1.0.0")
    assert "example.com/Dep@main: stands for v1.0.0" in push(
        side, "--label", f"site={running.name}"
    )
    side.put("example.com/thin@v1.2.0")
    side.name_alias("example.com/thin@main", "v1.2.0")
    side.put("example.com/new@v1.0.0", requires=["example.com/root@v1.0.0"])
    assert "would be: 1 added, 1 completed, 2 there" in push(
        side, "--volume", running.name, "--dry-run"
    )
    said = push(side, "--volume", running.name)
    assert "1 added, 1 completed, 2 there" in said
    assert "example.com/thin@main: stands for v1.2.0 there" in said
    assert "Dep@main" not in said
    taken_out = Side(running.taken_out(), side.log)
    assert taken_out.versions() == side.versions()
    audit = taken_out.start("check")
    said = audit.communicate(timeout=60)[0].decode()
    assert audit.returncode == 0, said
    assert "0 added, 4 there" in push(side, "--container", running.name)


def test_volume_without_a_container_is_found_from_the_compose_file(
    athens: Engine, side: Side, tmp_path: Path
) -> None:
    project = f"gopackpush{os.urandom(4).hex()}"
    volume = f"{project}_modules"
    compose = tmp_path / "compose.yml"
    compose.write_text(
        f"name: {project}\nservices:\n  web:\n    image: nginx\n  proxy:\n"
        f"    image: ${{ATHENS_IMAGE:-gomods/athens:v0.18.0}}\n"
        f"    environment:\n      - ATHENS_DISK_STORAGE_ROOT={ROOT}\n"
        f'    volumes: ["modules:{ROOT}:ro"]\nvolumes: {{modules: }}\n'
    )
    athens.docker("volume", "create", volume)
    try:
        assert "give --image" in push(side, "--compose", compose, status=2)
        said = push(side, "--compose", compose, "--image", IMAGE)
        assert f"volume {volume}: 3 added" in said
        assert "Athens is not running" in said
        words = ("run", "--rm", "--volume", f"{volume}:{ROOT}", "--entrypoint", "sh", IMAGE)
        said = athens.docker(*words, "-c", f"cat {ROOT}/example.com/Dep/v1.0.0/v1.0.0.info")
        assert said == side.versions()["example.com/Dep/v1.0.0/v1.0.0.info"].decode()
    finally:
        athens.docker("volume", "rm", volume, check=False)


def test_version_that_athens_has_with_other_bytes_is_left_alone(
    running: Running, side: Side, tmp_path: Path
) -> None:
    other = Side(tmp_path / "other", FakeSumDB("other.example.test"), side.env)
    other.put("example.com/Dep@v1.0.0", noise=7)
    push(other, "--container", running.name)
    said = push(side, "--container", running.name, status=5)
    assert "conflict: example.com/Dep@v1.0.0" in said
    assert "only `gopack bundle import` can prove" in said
    files = running.files()
    assert {name: files[name] for name in other.versions()} == other.versions()
    assert files.keys() == side.versions().keys()


def test_edited_storage_is_refused_and_nothing_of_the_push_appears(
    running: Running, side: Side
) -> None:
    zip_ = side.root / "example.com/root/v1.0.0/source.zip"
    data = bytearray(zip_.read_bytes())
    data[100] ^= 1
    zip_.write_bytes(data)
    said = push(side, "--container", running.name, status=5)
    assert "example.com/root@v1.0.0: the stored zip is not the one that was recorded" in said
    assert running.files() == {}
    assert not any("push-" in line for line in running.listing())


def test_killed_push_leaves_whole_versions_and_the_next_one_finishes(
    running: Running, side: Side
) -> None:
    for number in range(6):
        side.put(f"example.com/many{number}@v1.0.0", size_bytes=3_000_000)
    started = side.start("push", "--container", running.name)
    helpers = ("ps", "--quiet", "--filter", "label=gopack.push")
    deadline = time.monotonic() + 30
    while not running.engine.docker(*helpers).strip() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    started.send_signal(signal.SIGKILL)
    started.communicate(timeout=30)
    whole = side.versions()
    for name, data in running.files().items():
        assert whole[name] == data
    push(side, "--container", running.name)
    assert running.files() == whole
    for left in running.engine.docker(*helpers).split():
        running.engine.docker("rm", "--force", left)


def test_storage_inside_a_container_is_reached_while_it_runs(athens: Engine, side: Side) -> None:
    name = f"gopack-push-{os.urandom(4).hex()}"
    script = f"mkdir -p {ROOT} && sleep 600"
    athens.docker("run", "--detach", "--name", name, "--entrypoint", "sh", IMAGE, "-c", script)
    try:
        time.sleep(0.5)
        assert "3 added" in push(side, "--container", name, "--no-ask")
        listed = athens.docker("exec", name, "ls", f"{ROOT}/example.com/root/v1.0.0")
        assert sorted(listed.split()) == ["go.mod", "source.zip", "v1.0.0.info"]
        athens.docker("stop", "--time", "0", name)
        assert "it is not running" in push(side, "--container", name, status=5)
    finally:
        athens.docker("rm", "--force", name)


def test_what_is_not_there_is_named_with_what_is(running: Running, side: Side) -> None:
    assert running.name in push(side, "--container", "nobody", status=2)
    assert running.name in push(side, "--volume", "nothing", status=2)
    assert "0 containers with the label" in push(side, "--label", "no=such", status=2)
    assert "say which" in push(side, "--label", "a", "--volume", "b", status=2)


def test_wrong_answers_are_found(running: Running, side: Side) -> None:
    """Asked is another Athens, which has another zip of the same name."""
    other = Side(side.root.parent / "other", FakeSumDB("other.example.test"), side.env)
    other.put("example.com/Dep@v1.0.0", noise=7)
    push(other, "--container", running.name)
    address = running.engine.docker("port", running.name, "3000").split()[0]
    volume = f"{running.name}-2"
    running.engine.docker("volume", "create", volume)
    try:
        words = ("--volume", volume, "--image", IMAGE, "--url", f"http://{address}")
        said = push(side, *words, status=4)
        assert "wrong: /example.com/!dep/@v/v1.0.0.zip" in said
        assert "wrong: /example.com/root/@v/list" in said
    finally:
        running.engine.docker("volume", "rm", volume, check=False)


def test_without_an_engine_it_says_so(side: Side, tmp_path: Path) -> None:
    side.env["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    assert "no Docker engine answers" in push(side, "--container", "athens", status=5)
