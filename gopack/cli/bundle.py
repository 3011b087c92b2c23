"""`gopack bundle`: a storage across the gap, in one file or several; verbs load when called."""

import click

from gopack.cli.lazy import LazyGroup

VERBS = {
    "create": "Write a bundle of the storage, or of what is new in it.",
    "verify": "Check a bundle whole, without unpacking it.",
    "inspect": "Show what is in a bundle.",
    "diff": "Compare bundles, manifests and states.",
    "import": "Bring a bundle into the storage of the sealed side.",
    "state": "Write what a storage has, for the way back.",
}
"""Every verb and its one line; the code is in gopack/cli/bundle_<verb>.py, as `command`."""


@click.group("bundle", cls=LazyGroup, verbs=VERBS, modules="gopack.cli.bundle_")
def command() -> None:
    """Carry a storage across the gap: incremental, split, signed and proven."""
