"""The sealed world in containers: Athens over the storage, and Go, on a network with no way out.

Rules:
- The network is `internal`: it reaches nothing but the containers on it.
- The storage is mounted read-only, Athens runs with the settings of a sealed one.
- Containers, their volumes and the network are gone in the end, however it comes; they carry the
  label `gopack.prove`, and Go's container ends by itself after a day.
- An image that is not here is pulled, if that can be done.

Spec: Docker Engine API (networks/create, containers/create, exec, archive), by the Docker SDK for
Python; compose-spec's `internal`.
"""

import io
import os
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import docker.errors
from docker.models.containers import Container
from docker.models.networks import Network
from docker.types import Mount

from gopack.adapters.dockerside import PROVE_LABEL, SLEEP_S, Engine, engine_errors
from gopack.adapters.gocommand import TIMEOUT_S, common_settings, sealed_settings, timed_out
from gopack.errors import InputError, StoreError
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.proving import Ran
from gopack.plan.sealedathens import SealedAthens

ATHENS_HOST = "athens"
API_WAIT_S = TIMEOUT_S + 120
"""A go command may say nothing for as long as it may take."""

START_WAIT_S = 60.0
_STEP_S = 0.2
ROOT = PurePosixPath("/gopack")
"""Where Go's container has the places, and GOCACHE below `build-cache`: an image that has something
there gives it to each proof."""

_SUMDB = PurePosixPath("/gopack-sumdb")
_READY = ("list", "-m", "gopack.invalid/ready@v0.0.0")
_GO_IMAGE_HINT = "give --go-image with an image of Go that has the commands timeout, mkdir and rm"


@dataclass(frozen=True, slots=True)
class Images:
    """The images that containers are made of."""

    athens: str
    go: str


class DockerWorld:
    """Go commands in a container that reaches Athens and nothing else. Safe from many threads."""

    def __init__(self, container: Container, settings: Mapping[str, str]) -> None:
        self._container = container
        self._settings = settings
        self._numbers = count()

    def verify_by(self, gosumdb: str, nosumdb: str) -> None:
        """Have go commands in new places verify so, by the key of the database whose tree is there.

        An empty `gosumdb` turns it off.
        """
        named = f"{gosumdb} file://{_SUMDB}" if gosumdb else "off"
        self._settings = {**self._settings, "GOSUMDB": named, "GONOSUMDB": nosumdb}

    @contextmanager
    def place(self) -> Iterator["DockerPlace"]:
        """Make a place with an empty module cache.

        Raises:
            StoreError: the container is gone, or its disk full.
        """
        folder = ROOT / f"run-{next(self._numbers)}"
        main = folder / "main"
        _checked(self._container, ["mkdir", "-p", str(main)])
        try:
            env = {
                "HOME": str(folder),
                "GOCACHE": str(ROOT / "build-cache"),
                **common_settings(folder, folder / "modcache"),
                **self._settings,
            }
            yield DockerPlace(self._container, main, env)
        finally:
            with engine_errors("clear up", str(folder)):
                self._container.exec_run(["rm", "-rf", str(folder)], user="0:0")

    def go_version(self) -> str:
        """Ask Go for its version, such as `1.26.1`.

        Raises:
            InputError: there is no go command in the image.
        """
        with self.place() as place:
            ran = place.go(("env", "GOVERSION"))
        if ran.exit_status:
            said = (ran.stderr or ran.stdout).strip()[-200:]
            raise InputError(
                f"no go command runs in this image: {said}",
                where=_image_of(self._container),
                hint=_GO_IMAGE_HINT,
            )
        return ran.stdout.strip().removeprefix("go")


class DockerPlace:
    """A main module's folder in the container, and the go command run in it."""

    def __init__(self, container: Container, folder: PurePosixPath, env: Mapping[str, str]) -> None:
        self._container = container
        self._folder = folder
        self._env = dict(env)

    def write(self, name: str, text: str) -> None:
        """Write a file of the main module."""
        packed, data = io.BytesIO(), text.encode()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        with engine_errors("write a file", str(self._folder / name)):
            self._container.put_archive(str(self._folder), packed.getvalue())

    def read(self, name: str) -> str:
        """Read a file of the main module; an empty text where there is none."""
        with engine_errors("read a file", str(self._folder / name)):
            try:
                pieces, _ = self._container.get_archive(str(self._folder / name))
                packed = b"".join(pieces)
            except docker.errors.NotFound:
                return ""
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member else None
            return file.read().decode("utf-8", "replace") if file else ""

    def go(self, arguments: Sequence[str]) -> Ran:
        """Run the go command; one that takes too long has failed."""
        began = time.monotonic()
        with engine_errors("run the go command", _image_of(self._container)):
            status, output = self._container.exec_run(
                ["timeout", str(TIMEOUT_S), "go", *arguments],
                user="0:0",
                workdir=str(self._folder),
                environment=self._env,
                demux=True,
            )
        if status and time.monotonic() - began >= TIMEOUT_S:
            return timed_out(arguments)
        if status is None:  # the engine lost sight of it: not a success
            raise StoreError(
                f"go {arguments[0]} has no exit status", where=_image_of(self._container)
            )
        assert isinstance(output, tuple), "demux=True gives both streams"
        said, complaint = ((part or b"").decode(errors="replace") for part in output)
        return Ran(int(status), said, complaint)


@contextmanager
def docker_world(
    engine: Engine,
    storage: Path,
    *,
    images: Images,
    athens: SealedAthens,
    user: str,
    tree: Path,
) -> Iterator[DockerWorld]:
    """Run Athens over a storage and Go beside it until the block ends; nothing is verified yet.

    Args:
        engine: the engine, whose calls may take API_WAIT_S.
        storage: the folder to mount.
        images: what to run.
        athens: Athens' settings.
        user: whom Athens runs as; empty for the image's own.
        tree: the folder for a checksum database's static tree, which may come later.

    Raises:
        InputError: an image is neither here nor to be had.
        StoreError: the engine refuses, does not see the storage, or Athens does not start.
    """
    for name, option in ((images.athens, "--athens-image"), (images.go, "--go-image")):
        _have(engine, name, option)
    run = f"gopack-prove-{os.getpid()}-{os.urandom(3).hex()}"
    with ExitStack() as stack:
        network = stack.enter_context(_network(engine, run))
        served = stack.enter_context(_athens(engine, storage, network, run, images, athens, user))
        _check_sees(served, storage, athens.root)
        container = stack.enter_context(_go(engine, network, run, images.go, tree))
        settings = {
            **sealed_settings("off", ""),
            "GOPROXY": athens.url(ATHENS_HOST),
            "NO_PROXY": f"127.0.0.1,localhost,{ATHENS_HOST}",
        }
        world = DockerWorld(container, settings)
        _wait_for(world, served)
        yield world


def _have(engine: Engine, name: str, option: str) -> None:
    """See to it that an image is here.

    Raises:
        InputError: it is not, and cannot be pulled.
    """
    with engine_errors("look for the image", name):
        try:
            engine.client.images.get(name)
        except docker.errors.ImageNotFound:
            pass
        else:
            return
        try:
            engine.client.images.pull(name)
        except docker.errors.APIError as error:
            raise InputError(
                f"no such image here, and it cannot be pulled: {error.explanation or error}",
                where=name,
                hint=f"bring it (docker save, docker load), or name another with {option}",
            ) from error


@contextmanager
def _network(engine: Engine, run: str) -> Iterator[Network]:
    with engine_errors("make a network", run):
        network = engine.client.networks.create(
            run, driver="bridge", internal=True, labels={PROVE_LABEL: run}
        )
    try:
        yield network
    finally:
        with engine_errors("remove the network", run):
            network.remove()


@contextmanager
def _athens(  # noqa: PLR0913, PLR0917 - one call
    engine: Engine,
    storage: Path,
    network: Network,
    run: str,
    images: Images,
    athens: SealedAthens,
    user: str,
) -> Iterator[Container]:
    container = _created(
        engine,
        images.athens,
        "give --athens-image with an image that runs Athens by itself (docker run)",
        name=f"{run}-athens",
        hostname=ATHENS_HOST,
        labels={PROVE_LABEL: run},
        environment=dict(athens.environment),
        network=network.name,
        volumes={str(storage.absolute()): {"bind": athens.root, "mode": "ro,z"}},
        user=user or None,
    )
    with _running(container):
        yield container


@contextmanager
def _go(engine: Engine, network: Network, run: str, image: str, tree: Path) -> Iterator[Container]:
    container = _created(
        engine,
        image,
        _GO_IMAGE_HINT,
        entrypoint=["sleep"],
        command=[str(SLEEP_S)],
        name=f"{run}-go",
        labels={PROVE_LABEL: run},
        network=network.name,
        volumes={str(tree): {"bind": str(_SUMDB), "mode": "ro,z"}},
        # One without a name: module caches are big, and do not belong into a layer.
        mounts=[Mount(str(ROOT), None, type="volume", labels={PROVE_LABEL: run})],
        user="0:0",
    )
    with _running(container):
        yield container


def _created(engine: Engine, image: str, hint: str, **options: Any) -> Container:
    """Make a container, not started yet.

    Raises:
        StoreError: the engine refuses.
    """
    with engine_errors("make a container", image):
        try:
            return engine.client.containers.create(
                image, security_opt=["no-new-privileges:true"], **options
            )
        except docker.errors.APIError as error:
            raise _refused("no container can be made", image, hint, error) from error


@contextmanager
def _running(container: Container) -> Iterator[None]:
    """Start a container; remove it with its volumes at the end.

    Raises:
        StoreError: it does not start.
    """
    image = _image_of(container)
    try:
        with engine_errors("start a container", image):
            try:
                container.start()
            except docker.errors.APIError as error:
                hint = "it must be an image for this machine, with what its command names"
                raise _refused("the container does not start", image, hint, error) from error
        yield
    finally:
        with engine_errors("remove the container", str(container.name)):
            container.remove(force=True, v=True)


def _refused(what: str, image: str, hint: str, error: docker.errors.APIError) -> StoreError:
    return StoreError(f"{what}: {error.explanation or error}", where=image, hint=hint)


def _check_sees(container: Container, storage: Path, root: str) -> None:
    """See that the engine mounted this very folder: it may be another machine's.

    Raises:
        StoreError: what lies here is not there.
    """
    own = f"{OWN_FOLDER}/manifest.json"
    here = (
        [own] if (storage / own).exists() else sorted(path.name for path in storage.iterdir())[:1]
    )
    for name in here:
        with engine_errors("look into Athens' container", root):
            try:
                container.get_archive(f"{root.rstrip('/')}/{name}")
            except docker.errors.NotFound as error:
                raise StoreError(
                    "the Docker engine does not see this folder",
                    where=str(storage.absolute()),
                    hint="it must run on this machine, and gopack outside of a container",
                ) from error


def _wait_for(world: DockerWorld, athens: Container) -> None:
    """Wait until Athens answers.

    It is looked at before it is asked: where it has ended its name is looked for in vain, which
    may take minutes.

    Raises:
        StoreError: it ended, or says nothing in START_WAIT_S.
    """
    end = time.monotonic() + START_WAIT_S
    with world.place() as place:
        said = "dial tcp: it has ended"
        while "dial tcp" in said:
            time.sleep(_STEP_S)
            with engine_errors("look at Athens", str(athens.name)):
                athens.reload()
            if athens.status != "running" or time.monotonic() > end:
                with engine_errors("read what Athens said", str(athens.name)):
                    log = athens.logs(tail=5)  # without `stream` the whole
                    last = log.decode(errors="replace").strip()
                raise StoreError(
                    f"Athens does not answer: {last or said.strip()}",
                    where=_image_of(athens),
                    hint="does this image run Athens by itself (docker run)?",
                )
            said = place.go(_READY).stderr


def _checked(container: Container, command: Sequence[str]) -> None:
    with engine_errors("run a command", _image_of(container)):
        status, output = container.exec_run(list(command), user="0:0")
    if status != 0:  # None: the engine lost sight of it
        said = output.decode(errors="replace").strip()[-300:] if isinstance(output, bytes) else ""
        raise StoreError(
            f"{command[0]} ended with {status}: {said}",
            where=_image_of(container),
            hint=_GO_IMAGE_HINT,
        )


def _image_of(container: Container) -> str:
    return str(container.attrs["Config"]["Image"])
