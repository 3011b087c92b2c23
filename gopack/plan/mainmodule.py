"""What a main module's own go.mod changes in its graph: replace and exclude lines.

Rules kept here:
- A module that is replaced keeps its name and version in the graph; what is read and stored is the
  replacement's. A replacement of one version goes before one of all versions.
- A requirement on an excluded version is dropped, wherever it stands.
- What a folder replaces is neither read nor stored: nobody here has the folder.

Spec: go.dev/ref/mod#go-mod-file-replace, #go-mod-file-exclude; the go command's modload
Replacement and goModSummary.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gopack.plan.summary import Summary
from gopack.spec.gomod import Replace
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class MainModule:
    """A main module, as far as it changes what is read of others.

    Args:
        replaced: what stands for a version, or for every version of a path where the version is
            empty; a replacement without version is a folder.
        excluded: versions that requirements name in vain.
    """

    replaced: Mapping[ModuleVersion, ModuleVersion] = field(default_factory=dict)
    excluded: frozenset[ModuleVersion] = frozenset()

    @classmethod
    def of(
        cls,
        replaces: Iterable[Replace],
        excluded: Iterable[ModuleVersion],
        mains: Iterable[str] = (),
    ) -> "MainModule":
        """Take the lines as they are read; of two for one version the last one holds.

        `mains` are the paths of the main modules: a requirement on one of them is met by its
        folder.
        """
        folders = {ModuleVersion(path, ""): ModuleVersion(".", "") for path in mains}
        return cls({item.old: item.new for item in replaces} | folders, frozenset(excluded))

    def fetched(self, module: ModuleVersion) -> ModuleVersion | None:
        """Tell what is fetched for a version: itself, its replacement, None for a folder."""
        new = self.replaced.get(module) or self.replaced.get(ModuleVersion(module.path, ""))
        if new is None:
            return module
        return new if new.version else None

    def admitted(self, summary: Summary) -> Summary:
        """Give a summary without the requirements that are excluded."""
        if self.excluded.isdisjoint(summary.require):
            return summary
        kept = tuple(m for m in summary.require if m not in self.excluded)
        return replace(summary, require=kept)


PLAIN = MainModule()
"""A main module without such lines, as the list's lines have one."""
