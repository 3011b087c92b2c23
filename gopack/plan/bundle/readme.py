"""The page beside a bundle that carries gopack: how to begin with nothing but the medium."""

import shlex
from collections.abc import Sequence

KIT = "gopack"
"""The folder that tar makes of what a bundle carries of gopack itself."""
IMAGE_NAME = "image.tar"
WHEELS = "wheels"
PIP = "pip.whl"
"""pip's wheel, under a name that the page can call it by."""


def readme_name(bundle: str) -> str:
    """Name the page of a bundle."""
    return f"{bundle}.README.txt"


def render(
    bundle: str, bundle_id: str, volumes: Sequence[str], *, image: str, has_wheels: bool
) -> str:
    """Write the page; its indented lines are commands for a shell where the files lie.

    Args:
        bundle: the bundle's file name, the common one of its volumes.
        bundle_id: its id.
        volumes: the volumes' names; empty for one file.
        image: the carried container image; empty if there is none.
        has_wheels: whether wheels are carried.
    """
    name = shlex.quote(bundle)
    parts = [_HEAD.format(id=bundle_id)]
    if volumes:
        first = f"sha256sum -c {name}.*.sha256\n    cat {name}.[0-9][0-9][0-9] | tar -xf - {KIT}"
    else:
        first = f"tar -xf {name} {KIT}"
    parts.append(f"Take gopack out:\n\n    {first}\n")
    if has_wheels:
        parts.append(_WHEELS_PART)
        run = f"{KIT}/venv/bin/gopack"
        parts.append(_IMPORT.format(run=run, name=name))
    if image:
        parts.append(_IMAGE_PART.format(image=shlex.quote(image), name=name))
    parts.append(_END)
    return "\n".join(parts)


_HEAD = """\
gopack bundle {id}

gopack itself is in this bundle; python3 (3.11 or newer) or Docker, tar and sha256sum are
all that the sealed side needs. Copy the files of all media into one folder and work there.
Whoever could change the medium could change gopack, too: the first time, compare the sums
in CONTENTS.txt (tar -xOf) with a copy that came by another way.
"""
_WHEELS_PART = """\
Install it, without a network:

    python3 -m venv --without-pip gopack/venv
    python3 gopack/pip.whl/pip --python gopack/venv/bin/python install --quiet --no-index \
--find-links gopack/wheels gopack
"""
_IMPORT = """\
Check and import, with the public key that came by another way as bundle.key.pub, into the
folder that is Athens' storage, here called STORAGE:

    {run} bundle verify {name} --trust bundle.key.pub
    {run} bundle import {name} --trust bundle.key.pub --storage STORAGE
    {run} check --storage STORAGE
"""
_IMAGE_PART = """\
Or with Docker, where STORAGE belongs to the user who shall own the files:

  docker load -i gopack/image.tar
  docker run --rm -v "$PWD":/media:ro -v "$PWD/STORAGE":/srv/gopack/ATHENS_STORAGE {image} \\
    bundle import /media/{name} --trust /media/bundle.key.pub
"""
_END = """\
How to set up Athens and the clients is in gopack/docs/sealed-side.md, all of bundles in
gopack/docs/bundles.md.
"""
