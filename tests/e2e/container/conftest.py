"""The engine, the base images and one built project for each generation of Compose."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cachefolder import cache_dir
from tests.e2e.container.compose import (
    NoComposeError,
    Project,
    compose_v1,
    compose_v2,
    copy_packaging,
)
from tests.e2e.container.engine import Engine, NoEngineError, engine
from tests.e2e.container.images import BaseImages, NoImageError, base_images

OWNER = (12345, 12346)


@pytest.fixture(scope="session")
def cache() -> Path:
    path = cache_dir() / "container"
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def docker_engine(cache: Path) -> Iterator[Engine]:
    try:
        with engine(cache) as answering:
            yield answering
    except NoEngineError as reason:
        pytest.skip(f"no Docker engine: {reason}")


@pytest.fixture(scope="session")
def bases(docker_engine: Engine, cache: Path) -> BaseImages:
    try:
        return base_images(docker_engine, cache)
    except NoImageError as reason:
        pytest.skip(f"no base image: {reason}")


@pytest.fixture(scope="session", params=["compose-1", "compose-2"])
def command(request: pytest.FixtureRequest, cache: Path) -> list[str]:
    """The command of each generation of Compose in turn."""
    try:
        return compose_v1() if request.param == "compose-1" else compose_v2(cache)
    except NoComposeError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def built(
    command: list[str],
    docker_engine: Engine,
    bases: BaseImages,
    tmp_path_factory: pytest.TempPathFactory,
) -> Project:
    """The worker image, built by this generation of Compose with its own kind of builder."""
    folder = tmp_path_factory.mktemp("gopack-build")
    copy_packaging(folder)
    image = f"gopack-test-worker:{len(command[0])}"
    project = Project(folder, command, docker_engine, bases, image)
    project.write_list("# nothing")
    ran = project.compose("build", timeout_s=600)
    assert ran.status == 0, ran.output
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Iterator[Project]:
    """A fresh project on the built image: an empty list, a storage that a person owns."""
    folder = tmp_path / f"gopack-{os.urandom(4).hex()}"
    copy_packaging(folder)
    fresh = Project(folder, built.command, built.engine, built.images, built.image)
    fresh.write_list("# nothing")
    os.chown(fresh.storage, *OWNER)
    yield fresh
    fresh.remove()
