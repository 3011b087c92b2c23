"""Version queries as text: which ones go would refuse before it asks anybody.

What a query means once the versions are known is not decided here.

Rules kept here:
- `latest`, `upgrade`, `patch`, ranges, version prefixes, versions, and names of revisions are
  taken; `none`, ranges that are ambiguous and names that no proxy can be asked for are refused
  with go's own message.

Spec: go.dev/ref/mod#version-queries; modget newQuery, modload newQueryMatcher, x/mod
module.EscapeVersion.
"""

import re

from gopack.errors import InputError
from gopack.spec import module, semver

_NO_REVISION = re.compile(r"[\s~^:?*\[\]\\]|\.\.|@\{")
"""What git check-ref-format refuses, and what other tools write for ranges."""

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
    elif query not in {"latest", "upgrade", "patch"} and not semver.is_valid(query):
        _check_revision(query)


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


def _check_revision(query: str) -> None:
    if bad := _NO_REVISION.search(query):
        raise InputError(
            f'version "{query}" invalid: no branch, tag or commit has {bad[0]!r} in its name',
            hint="Go has no ^, ~ or * ranges: write v1 or v1.2 for the highest such version, "
            ">=v1.2.0 for the lowest from there on.",
        )
    try:
        module.escape_version(query)
    except InputError as error:
        hint = error.hint
        if "/" in query:
            hint = "A proxy cannot be asked for a name with /: write the commit's hash, or a tag."
        raise InputError(
            f'version "{query}" invalid: disallowed version string', hint=hint
        ) from error
