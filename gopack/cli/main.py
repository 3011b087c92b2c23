"""The `gopack` command."""

import click

from gopack import __version__


@click.group(
    context_settings={"auto_envvar_prefix": "GOPACK", "help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="gopack")
def main() -> None:
    """Fill an air-gapped Go module proxy: sealed = connected."""
