"""`gopack prove --docker`: Athens and Go in containers, set up from a compose file."""

import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from gopack.adapters import goenv
from gopack.adapters.dockerside import Engine
from gopack.adapters.dockerworld import API_WAIT_S, Images, docker_world
from gopack.adapters.serve_site import storage_warnings
from gopack.adapters.statictree import StaticTree
from gopack.cli.failing import sigterm_interrupts
from gopack.cli.provekit import Sealed, Verifying, read_manifest
from gopack.cli.push import (
    COMPOSE_FILES,
    OVERRIDE_FILES,
    compose_variables,
    read_compose,
    read_env_file,
)
from gopack.cli.sumcheck import kept_proofs
from gopack.errors import InputError
from gopack.flows.export_sumdb import export_sumdb
from gopack.plan.composefile import Service
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.sealedathens import SealedAthens, seal
from gopack.plan.unverified import exempt_paths, exempt_told


@contextmanager
def docker_sealed(
    storage: Path,
    *,
    compose_file: Path | None,
    service: str,
    athens_image: str,
    go_image: str,
) -> Iterator[Sealed]:
    """Open the world of Athens and Go in containers; they are gone in the end.

    Raises:
        InputError: no image of Athens is named, or an image cannot be had.
        StoreError: there is no engine, it refuses, or the storage cannot be read.
    """
    notes = storage_warnings(storage)
    found = _service(compose_file, service)
    images = Images(athens_image or (found.image if found else ""), go_image)
    if not images.athens:
        raise InputError(
            "nothing says which image Athens is",
            where="--docker",
            hint="give --athens-image IMAGE, or --compose FILE with Athens as a service",
        )
    athens = sealed_athens(found, compose_file)
    notes += (*athens.notes, *not_read(found, compose_file))
    with ExitStack() as stack:
        stack.enter_context(sigterm_interrupts())
        engine = Engine(timeout_s=API_WAIT_S)
        stack.callback(engine.close)
        made = tempfile.TemporaryDirectory(prefix="gopack-prove-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(made))
        folder.chmod(0o755)
        tree = folder / "sumdb"
        tree.mkdir()
        tree.chmod(0o755)
        world = stack.enter_context(
            docker_world(
                engine,
                storage,
                images=images,
                athens=athens,
                user=found.user if found else "",
                tree=tree,
            )
        )
        stack.enter_context(_uninterrupted_at_the_end())
        sealed = Sealed(world, world.go_version(), notes, partial(verifying, storage, tree))
        sealed.renew()
        yield sealed


def _service(compose_file: Path | None, wanted: str) -> Service | None:
    """Find Athens' service: in the file that was named, else in one that lies here."""
    if compose_file is not None:
        return read_compose(compose_file, wanted)
    there = next((Path(name) for name in COMPOSE_FILES if Path(name).is_file()), None)
    return None if there is None else read_compose(there, wanted)


def sealed_athens(found: Service | None, compose_file: Path | None) -> SealedAthens:
    """Seal the service of a compose file; of one that lies here where none was named.

    Raises:
        InputError: a file with settings that it needs cannot be read.
    """
    if found is None:
        return seal({})
    beside = (compose_file or Path()).absolute()
    folder = beside.parent if compose_file else beside
    settings: dict[str, str] = {}
    for file in found.env_files:
        if file.is_required or (folder / file.path).exists():
            settings |= _read_env_file(folder / file.path, folder)
    return seal(
        {**settings, **found.settings},
        where=f"the compose file's {found.name}",
        elsewhere=found.elsewhere,
    )


def not_read(found: Service | None, compose_file: Path | None) -> list[str]:
    """Note the files that Compose would lay over the one that lies here, where none was named."""
    if found is None or compose_file is not None:
        return []
    there = [name for name in OVERRIDE_FILES if Path(name).is_file()]
    return [f"{name} was not read, which Compose lays over the compose file" for name in there]


def _read_env_file(path: Path, beside: Path) -> Mapping[str, str]:
    try:
        return read_env_file(path, compose_variables(beside))
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", where=str(path), hint="the compose file names it"
        ) from error


def verifying(storage: Path, tree: Path) -> Verifying:
    """Lay out the checksum database that the storage carries, for Go to read as files.

    Raises:
        StoreError, IntegrityError: something is kept of it that is spoilt or not whole, or there is
            no room for it here.
    """
    exempt = exempt_paths(read_manifest(storage).versions)
    key, why = _lay_out(storage, tree)
    off = [f"checksum verification is off{why}"] if why else []
    return Verifying(key, ",".join(exempt), (*off, *exempt_told(exempt)))


def _lay_out(storage: Path, folder: Path) -> tuple[str, str]:
    """Write the tree; give the database's key, or none and why."""
    try:
        named = goenv.load_sumdb()
    except InputError as error:  # a machine without Go; Docker is all that is needed
        return "", f": {error}"
    if named is None:
        return "", " (GOSUMDB=off on this machine)"
    store, key = kept_proofs(named, storage / OWN_FOLDER)
    if not store.heads():
        return "", f": nothing of {key.name} is carried there"
    tree = StaticTree(folder)
    export_sumdb(store, key, tree.write, tree.write_last)
    return named.key, ""


@contextmanager
def _uninterrupted_at_the_end() -> Iterator[None]:
    """Let nothing stop the removal of what was started: a second Ctrl-C is not heard."""
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
