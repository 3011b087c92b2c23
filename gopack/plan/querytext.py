"""Version queries as text: which ones go would refuse before it asks anybody.

What a query means once the versions are known is not decided here.

Rules kept here:
- `latest`, `upgrade`, `patch`, ranges, version prefixes, versions, and names of revisions are
  taken; `none` and ranges that are ambiguous are refused with go's own message.
- A name that no proxy can be asked for (`feature/x`) is refused by whoever asks one: an origin
  takes any.

Spec: go.dev/ref/mod#version-queries; modget newQuery, modload newQueryMatcher, modfetch
proxyRepo.Stat, x/mod module.EscapeVersion.
"""

import re

from gopack.errors import InputError
from gopack.spec import module, semver

_NO_REVISION = re.compile(r"[\s~^:?*\[\]\\]|\.\.|@\{")
"""What git check-ref-format refuses, and what other tools write for ranges."""

_NAME_HINT = (
    "A proxy cannot be asked for a name with /: write the commit's hash, or a tag, or name the "
    "module in GOPRIVATE to have it from its origin."
)
_RANGE_HINT = "Write a whole version, {op}v1.2.0: go cannot tell whether v1.2.3 counts as v1.2."


def check_query(item: str, query: str) -> None:
    """Check the text after the `@` of an item; `item` is the whole of it, for messages.

    Raises:
        InputError: when go refuses the query without asking a proxy.
    """
    if not query or "@" in query:
        raise InputError(
            f'invalid module version syntax "{item}"',
            hint="Write module@version with one @, or the module alone for its latest version.",
        )
    if query.startswith(("-", "/")):
        raise InputError(f'invalid module version "{query}"', hint="Write a version after the @.")
    if query == "none":
        raise InputError(
            "@none removes a module from a project; there is nothing to fetch",
            hint="Delete the line.",
        )
    if query[0] in "<>":
        _check_range(query)
    elif _names_revision(query) and (bad := _NO_REVISION.search(query)):
        raise InputError(
            f'version "{query}" invalid: no branch, tag or commit has {bad[0]!r} in its name',
            hint="Go has no ^, ~ or * ranges: write v1 or v1.2 for the highest such version, "
            ">=v1.2.0 for the lowest from there on.",
        )


def check_askable(query: str) -> None:
    """Check that a proxy can be asked for a query that `check_query` takes.

    Raises:
        InputError: it is a revision's name that has no place in a URL of the protocol.
    """
    if not _names_revision(query):
        return
    try:
        module.escape_version(query)
    except InputError as error:
        raise InputError(
            f'version "{query}" invalid: disallowed version string',
            hint=_NAME_HINT if "/" in query else error.hint,
        ) from error


def _names_revision(query: str) -> bool:
    is_word = query in {"latest", "upgrade", "patch"}
    return not is_word and query[0] not in "<>" and not semver.is_valid(query)


def is_version_prefix(version: str) -> bool:
    """Tell whether a valid version is `v1` or `v1.2` only.

    >>> is_version_prefix("v1.2"), is_version_prefix("v1.2.0"), is_version_prefix("v1-rc")
    (True, False, False)
    """
    return "-" not in version and "+" not in version and version.count(".") < 2


def _check_range(query: str) -> None:
    operator = query[:2] if query[1:2] == "=" else query[0]
    version = query[len(operator) :]
    if not semver.is_valid(version):
        raise InputError(
            f'invalid semantic version "{version}" in range "{query}"',
            hint="A range is one of < <= > >= and a version that starts with v: >=v1.2.0.",
        )
    if operator in {"<=", ">"} and is_version_prefix(version):
        raise InputError(
            f'ambiguous semantic version "{version}" in range "{query}"',
            hint=_RANGE_HINT.format(op=operator),
        )
