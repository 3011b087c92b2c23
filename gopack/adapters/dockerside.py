"""Docker's engine: finding Athens' container and storage, and a room beside them to work in.

Rules:
- The room is a container of a local image that sleeps, has no network, mounts Athens' storage
  writable and is removed in the end; so Athens itself may mount it read-only, or be stopped. One
  that a killed push left ends by itself; the next push removes it.
- Where Athens' storage is no mount, the room is Athens' own container, which must run.
- Nothing is pulled: a sealed engine could not.

Spec: Docker Engine API (containers/create, exec, archive), by the Docker SDK for Python.
"""

import io
import os
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import Mount

from gopack.adapters.diskerrors import disk_errors
from gopack.errors import GopackError, InputError, StoreError
from gopack.plan.composefile import DEFAULT_ROOT, STORAGE_ROOT, STORAGE_TYPE
from gopack.plan.pushing import CHANGED, FAILED_LOCK
from gopack.plan.sealedathens import port_of, prefix_of, scheme_of

API_TIMEOUT_S = 600
SLEEP_S = 24 * 3600
"""A room that nobody removes ends by itself."""
ROOM_ROOT = "/gopack-storage"
PUSH_LABEL, PROVE_LABEL = "gopack.push", "gopack.prove"
OWN_LABELS = frozenset({PUSH_LABEL, PROVE_LABEL})
"""The labels of gopack's own containers."""
_SHELL_HINT = (
    "give --image with a local image that has a POSIX shell, find, df, xargs and sha256sum; "
    "Athens' own image has them"
)


@dataclass(frozen=True, slots=True)
class Target:
    """Athens' storage as the engine has it.

    `container` is Athens', None for a volume alone; `kind` and `source` are what is mounted, empty
    where the storage is in the container itself; `below` is the root's path in the mount.
    """

    container: Container | None
    image: str
    user: str
    root: str
    kind: str = ""
    source: str = ""
    below: str = ""

    @property
    def is_running(self) -> bool:
        """Whether Athens runs."""
        return self.container is not None and self.container.status == "running"

    def __str__(self) -> str:
        name = f"container {self.container.name}" if self.container else ""
        mount = f"{self.kind} {self.source}" if self.kind else ""
        return ", ".join(word for word in (name, mount) if word)


@contextmanager
def engine_errors(what: str, where: str = "") -> Iterator[None]:
    """Turn the SDK's errors into ours.

    Raises:
        StoreError: for each of them.
    """
    try:
        yield
    except GopackError:
        raise
    except APIError as error:
        raise StoreError(f"cannot {what}: {error.explanation or error}", where=where) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise StoreError(
            f"cannot {what}: no Docker engine answers ({error})",
            where=where or os.environ.get("DOCKER_HOST", ""),
            hint="start Docker, or set DOCKER_HOST; may this user use it (group docker)?",
        ) from error


class Engine:
    """The engine that DOCKER_HOST names, or the local one."""

    def __init__(self, *, timeout_s: int = API_TIMEOUT_S) -> None:
        with engine_errors("reach Docker"):
            self.client = docker.from_env(timeout=timeout_s)  # asks for the API's version

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    # Finding

    def by_name(self, name: str) -> Target:
        """Find a container by its name or id.

        Raises:
            InputError: there is none.
        """
        with engine_errors("look for the container", name):
            try:
                return self._target(self.client.containers.get(name))
            except NotFound as error:
                raise InputError(
                    "no such container", where=name, hint=f"there are: {self._names()}"
                ) from error

    def by_labels(self, *labels: str) -> list[Target]:
        """Find the containers that have all these labels (`KEY` or `KEY=VALUE`)."""
        with engine_errors("look for containers", " ".join(labels)):
            found = self.client.containers.list(all=True, filters={"label": list(labels)})
            return [self._target(one) for one in found]

    def that_are_athens(self) -> list[Target]:
        """Find the running containers whose settings are those of Athens' disk storage.

        gopack's own are none: a proof runs Athens, and a room is made of Athens' image.
        """
        with engine_errors("look for containers"):
            return [
                self._target(one)
                for one in self.client.containers.list()
                if _settings(one).get(STORAGE_TYPE) == "disk"
                and not OWN_LABELS & (one.attrs["Config"].get("Labels") or {}).keys()
            ]

    def by_volume(self, name: str, *, root: str = "", below: str = "") -> Target:
        """Find a volume, and a container that uses it as Athens' storage, if there is one.

        Without one, `root` and `below` say where the storage lies, in Athens and in the volume.

        Raises:
            InputError: there is no such volume.
        """
        with engine_errors("look for the volume", name):
            try:
                self.client.volumes.get(name)
            except NotFound as error:
                volumes = sorted(str(one.name) for one in self.client.volumes.list())
                raise InputError(
                    "no such volume", where=name, hint=f"there are: {', '.join(volumes) or 'none'}"
                ) from error
            users = self.client.containers.list(all=True, filters={"volume": name})
            targets = [self._target(one) for one in users]
            for target in sorted(targets, key=lambda one: not one.is_running):
                if (target.kind, target.source) == ("volume", name):
                    return target
            image = next((target.image for target in targets), "")
            return Target(None, image, "", root or DEFAULT_ROOT, "volume", name, below)

    def _target(self, container: Container) -> Target:
        settings = _settings(container)
        root = settings.get(STORAGE_ROOT) or DEFAULT_ROOT
        kind, source, below = _mounted(container.attrs, root)
        return Target(
            container,
            str(container.attrs["Image"]),
            str(container.attrs["Config"].get("User") or ""),
            root,
            kind,
            source,
            below,
        )

    def _names(self) -> str:
        names = sorted(str(one.name) for one in self.client.containers.list(all=True))
        return ", ".join(names) or "none"

    # Working

    @contextmanager
    def room(self, target: Target, *, image: str, name: str) -> Iterator["DockerRoom"]:
        """Open a room where the target's storage can be read and written; it ends with the block.

        Raises:
            InputError: no image is known, or it is not here.
            StoreError: the engine refuses.
        """
        if not target.kind:
            yield _inside(target)
            return
        chosen = image or target.image
        if not chosen:
            raise InputError("no container uses this volume", where=str(target), hint=_SHELL_HINT)
        self._remove_ended()
        container = self._start(target, chosen, name)
        try:
            root = str(PurePosixPath(ROOM_ROOT) / target.below)
            yield DockerRoom(container, root, target.user)
        except BaseException:
            with suppress(GopackError):  # what came first is told
                _remove(container)
            raise
        _remove(container)

    def _remove_ended(self) -> None:
        """Remove the rooms of killed pushes; another push may just do the same."""
        with suppress(GopackError), engine_errors("remove what a killed push left"):
            ended = self.client.containers.list(
                all=True, filters={"label": PUSH_LABEL, "status": "exited"}, ignore_removed=True
            )
            for container in ended:
                container.remove(v=True)

    def _start(self, target: Target, image: str, name: str) -> Container:
        kind: Literal["bind", "volume"] = "volume" if target.kind == "volume" else "bind"
        with engine_errors("start a container beside the storage", image):
            try:
                container = self.client.containers.create(
                    image,
                    entrypoint=["sleep"],
                    command=[str(SLEEP_S)],
                    name=f"gopack-{name}",
                    user="0:0",
                    network_mode="none",
                    cap_drop=["ALL"],
                    cap_add=["CHOWN", "DAC_OVERRIDE", "FOWNER"],
                    labels={PUSH_LABEL: name},
                    mounts=[Mount(ROOM_ROOT, target.source, type=kind)],
                )
            except ImageNotFound as error:
                raise InputError("no such image here", where=image, hint=_SHELL_HINT) from error
            try:
                container.start()
            except APIError as error:
                _remove(container)
                raise StoreError(
                    f"the image cannot be worked in: {error.explanation}",
                    where=image,
                    hint=_SHELL_HINT,
                ) from error
            return container

    def save_image(self, name: str, target: Path) -> None:
        """Write an image's archive, as `docker save` does.

        Raises:
            InputError: the image is not here.
            StoreError: the engine or the disk refuses.
        """
        with engine_errors("save the image", name), target.open("wb") as file:
            try:
                image = self.client.images.get(name)
            except ImageNotFound as error:
                raise InputError(
                    "no such image here",
                    where=name,
                    hint="build it (docker-compose build), name another with --image, or leave it "
                    "out with --image none",
                ) from error
            for piece in image.save(named=name if name in image.tags else True):
                with disk_errors("save the image", target):
                    file.write(piece)

    # Asking

    def url(self, target: Target) -> str:
        """Tell Athens' URL from here: by its published port, else its own address.

        Raises:
            InputError: that cannot be told.
        """
        assert target.container is not None
        with engine_errors("look at the container", str(target.container.name)):
            target.container.reload()
        settings = _settings(target.container)
        host = _host(target.container, port_of(settings))
        if host:
            return f"{scheme_of(settings)}://{host}{prefix_of(settings)}"
        raise InputError(
            "this container has no address to ask it at",
            where=str(target.container.name),
            hint="give --url, or --no-ask to leave that out",
        )


class DockerRoom:
    """flows.push.Room in a container."""

    def __init__(self, container: Container, root: str, user: str) -> None:
        self._container = container
        self.root = root
        self.user = user

    def run(self, script: str) -> str:
        """Run a shell script as root and give what it prints.

        Raises:
            StoreError: it fails, with what it said.
        """
        with engine_errors("run a script", str(self._container.name)):
            status, output = self._container.exec_run(["sh", "-c", script], user="0:0", demux=True)
        assert isinstance(output, tuple), "demux=True gives both streams"
        said, complaint = ((part or b"").decode(errors="replace") for part in output)
        if status == FAILED_LOCK:
            raise StoreError(
                "another gopack works on the target's storage",
                where=self.root,
                hint="wait until it ends, and push again; nothing of this push appeared",
            )
        if status == CHANGED:
            raise StoreError(
                "the target's storage has changed since it was looked at",
                where=self.root,
                hint="push again; nothing of this push appeared",
            )
        if status != 0:  # None: the engine lost sight of it
            raise StoreError(
                f"a script ended with {status}: {(complaint or said).strip()[-400:]}",
                where=str(self._container.name),
                hint=_SHELL_HINT
                if status in {126, 127}
                else "mend that and push again; "
                "versions that appeared are whole, the others have not appeared",
            )
        return said

    def put(self, pieces: Iterable[bytes]) -> None:
        """Unpack a tar at `/`.

        Raises:
            StoreError: the engine refuses, or its disk is full.
        """
        with engine_errors("send files", str(self._container.name)):
            self._container.put_archive("/", pieces)

    def read(self, path: str) -> bytes | None:
        """Read a file; None if there is none."""
        with engine_errors("read", path):
            try:
                pieces, _ = self._container.get_archive(path)
            except NotFound:
                return None
            with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
                member = archive.next()
                file = archive.extractfile(member) if member and member.isreg() else None
                return file.read() if file else None


def _remove(container: Container) -> None:
    with engine_errors("remove the container", str(container.name)):
        container.remove(force=True, v=True)


def _inside(target: Target) -> DockerRoom:
    if target.container is None or not target.is_running:
        raise StoreError(
            "the storage lies in the container itself, and it is not running",
            where=str(target),
            hint="start it; better, mount a volume at ATHENS_DISK_STORAGE_ROOT, or the storage "
            "is gone with the container",
        )
    return DockerRoom(target.container, target.root, target.user)


def push_name() -> str:
    """Name a push so that no other has the name."""
    return f"push-{int(time.time())}-{os.urandom(3).hex()}"


def _settings(container: Container) -> dict[str, str]:
    pairs = (item.partition("=") for item in container.attrs["Config"].get("Env") or ())
    return {key: value for key, _, value in pairs}


def _mounted(attributes: Mapping[str, Any], root: str) -> tuple[str, str, str]:
    """Tell what is mounted at a path or above it: kind, name or host folder, and the rest."""
    path = PurePosixPath(root)
    found = [one for one in attributes["Mounts"] if path.is_relative_to(one["Destination"])]
    if not found:
        return "", "", ""
    nearest = max(found, key=lambda one: len(PurePosixPath(one["Destination"]).parts))
    target = PurePosixPath(nearest["Destination"])
    below = (PurePosixPath(_subpath(attributes, target)) / path.relative_to(target)).as_posix()
    source = nearest["Name"] if nearest["Type"] == "volume" else nearest["Source"]
    return nearest["Type"], source, "" if below == "." else below


def _subpath(attributes: Mapping[str, Any], target: PurePosixPath) -> str:
    """Tell the volume's folder that is mounted there; it is told only as it was asked for."""
    for asked in (attributes.get("HostConfig") or {}).get("Mounts") or ():
        if PurePosixPath(asked["Target"]) == target:
            return str((asked.get("VolumeOptions") or {}).get("Subpath") or "").strip("/")
    return ""


def _host(container: Container, port: int) -> str:
    """Tell the host and port at which a container's port answers from here; empty if nowhere."""
    network = container.attrs["NetworkSettings"]
    for published in (network.get("Ports") or {}).get(f"{port}/tcp") or ():
        return f"{_reachable(published['HostIp'])}:{published['HostPort']}"
    networks = network.get("Networks") or {}
    if "host" in networks:  # the engine's own network: there is no address but the machine's
        return f"{_reachable('')}:{port}"
    addresses = (one.get("IPAddress") for one in networks.values())
    return next((f"{address}:{port}" for address in addresses if address), "")


def _reachable(address: str) -> str:
    """Tell where a published port answers from here; the engine may be another machine."""
    host = urlsplit(os.environ.get("DOCKER_HOST", ""))
    if host.scheme in {"tcp", "ssh", "https"} and host.hostname:
        return host.hostname
    if not address or ip_address(address).is_unspecified:
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address
