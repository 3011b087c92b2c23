"""Module paths and versions.

Spec: go.dev/ref/mod#module-path, golang.org/x/mod/module.
"""

from typing import NamedTuple


class ModuleVersion(NamedTuple):
    """A module path at a version, `path@version` as text.

    Source: x/mod module.Version. The path is unescaped; the version is canonical unless a
    function says otherwise.
    """

    path: str
    version: str

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"
