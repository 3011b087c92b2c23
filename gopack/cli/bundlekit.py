"""The `--with-gopack` and `--iso` parts of `gopack bundle create`."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from gopack.adapters.bundlefiles import write_new
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.iso import make_iso
from gopack.adapters.kit import add_docs, add_wheels, image_path
from gopack.cli.progress import WatchedProgress
from gopack.errors import InputError
from gopack.plan.bundle import readme
from gopack.plan.bundle.index import EXTRA_FOLDER, Sealed
from gopack.plan.bundle.volumes import sidecar_name

NONE = "none"


def make_kit(
    folder: Path, *, image: str, targets: Sequence[str], progress: WatchedProgress
) -> Path:
    """Put gopack itself into a folder: documentation, wheels, the container image.

    Raises:
        InputError: neither is wanted, or what they are made of is not here.
        UpstreamError: pip has no wheels.
        StoreError: Docker or the disk refuses.
    """
    if image == NONE and NONE in targets:
        raise InputError("--with-gopack with neither an image nor wheels", hint="leave it out")
    shutil.rmtree(folder, ignore_errors=True)
    with disk_errors("write the kit", folder):
        folder.mkdir(parents=True)
    try:
        add_docs(folder)
        if NONE not in targets:
            progress.phase("downloading wheels")
            add_wheels(folder, targets)
        if image != NONE:
            from gopack.adapters.dockerside import Engine  # noqa: PLC0415 - slow to load, seldom used

            progress.phase("saving the container image")
            engine = Engine()
            try:
                engine.save_image(image, image_path(folder))
            finally:
                engine.close()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def has_image(sealed: Sealed) -> bool:
    """Tell whether a bundle carries a container image."""
    name = f"{EXTRA_FOLDER}{readme.IMAGE_NAME}"
    return any(member.name == name for member in sealed.index.extras)


def write_readme(sealed: Sealed, out: Path, files: Sequence[Path], *, image: str) -> Path:
    """Write the page for the sealed side beside a bundle that carries gopack.

    Args:
        sealed: the bundle: what it carries is what the page speaks of.
        out: its name.
        files: its files.
        image: what its container image is called, if it has one.
    """
    names = {member.name for member in sealed.index.extras}
    volumes = [path.name for path in files if path.name != out.name and path.suffix != ".sha256"]
    text = readme.render(
        out.name,
        sealed.head.id,
        volumes,
        image=image if has_image(sealed) and image != NONE else "",
        has_wheels=any(name.startswith(f"{EXTRA_FOLDER}{readme.WHEELS}/") for name in names),
    )
    path = out.with_name(readme.readme_name(out.name))
    write_new(path, text.encode())
    return path


def into_isos(xorriso: str, sealed: Sealed, files: Sequence[Path]) -> list[Path]:
    """Make an image of each volume, with its checksum file and the page; the volumes go then.

    Raises:
        StoreError: xorriso or the disk fails; the volumes stay.
    """
    pages = [path for path in files if path.name.endswith(readme.readme_name(""))]
    sidecars = {path.name: path for path in files if path.suffix == ".sha256"}
    bodies = [path for path in files if path not in pages and path.name not in sidecars]
    images = []
    for path in bodies:
        beside = [sidecars[name] for name in [sidecar_name(path.name)] if name in sidecars]
        number = path.suffix[1:] if beside else ""
        label = f"GOPACK_{sealed.head.sequence}{'_' if number else ''}{number}"
        target = path.with_name(f"{path.name}.iso")
        images.append(make_iso(xorriso, [path, *beside, *pages], target, label=label))
    with disk_errors("delete the volumes", bodies[0]):
        for path in files:
            path.unlink()
    return images
