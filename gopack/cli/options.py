"""Options that several verbs share; each reads a GOPACK_* variable, too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gopack.errors import InputError
from gopack.plan.closure import Level
from gopack.spec.toolchain import check_platform

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_LIST = "goget.txt"
DEFAULT_STORAGE = "ATHENS_STORAGE"
DEFAULT_JOBS = 96
"""Requests under way at once: quick where each answer takes 50 ms, and no burden to a public proxy.

A server that is near is asked one at a time; see adapters.crowd."""

STORAGE_VARIABLES = ["GOPACK_STORAGE", "ATHENS_DISK_STORAGE_ROOT"]


def lists_argument(function: F) -> F:
    """LIST...: the files that name what is wanted."""
    return click.argument(
        "lists",
        nargs=-1,
        metavar="[LIST]...",
        type=click.Path(path_type=Path),
        envvar="GOPACK_LIST",
    )(function)


def storage_option(function: F) -> F:
    """--storage DIR."""
    return click.option(
        "--storage",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_STORAGE,
        show_default=True,
        envvar=STORAGE_VARIABLES,
        show_envvar=True,
        metavar="DIR",
        help="The storage, in Athens' disk layout.",
    )(function)


def closure_option(function: F) -> F:
    """--closure LEVEL."""
    return click.option(
        "--closure",
        type=click.Choice([level.value for level in Level]),
        default=Level.GRAPH.value,
        show_default=True,
        envvar="GOPACK_CLOSURE",
        show_envvar=True,
        help="How much is stored: build is smallest, graph makes sealed = connected for the "
        "listed modules, closed makes every stored version a usable root.",
    )(function)


def jobs_option(function: F) -> F:
    """--jobs N."""
    return click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        default=DEFAULT_JOBS,
        show_default=True,
        envvar="GOPACK_JOBS",
        show_envvar=True,
        metavar="N",
        help="How many requests are under way at once.",
    )(function)


def platforms_option(function: F) -> F:
    """--platform GOOS/GOARCH."""
    return click.option(
        "--platform",
        "platforms",
        multiple=True,
        callback=_checked_platforms,
        envvar="GOPACK_PLATFORM",
        show_envvar=True,
        metavar="GOOS/GOARCH",
        help="A platform that every Go version of the list is stored for, besides linux/amd64 "
        "and those of toolchain@ lines.",
    )(function)


def _checked_platforms(
    _context: click.Context, _option: click.Parameter, platforms: tuple[str, ...]
) -> tuple[str, ...]:
    for platform in platforms:
        try:
            check_platform(platform)
        except InputError as error:
            raise click.BadParameter(f"{error}. {error.hint}") from error
    return platforms


def json_option(function: F) -> F:
    """--json FILE."""
    return click.option(
        "--json",
        "json_file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        envvar="GOPACK_JSON",
        show_envvar=True,
        metavar="FILE",
        help="Write the result as JSON to FILE (- is standard output).",
    )(function)
