"""What becomes of each line of the list: its roots, its closure, or its error."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gopack.errors import GopackError, NotFoundError, UpstreamError
from gopack.plan.closure import Closure, Level
from gopack.plan.items import Item, ModuleItem, PatternItem
from gopack.plan.manifest import LineFacts
from gopack.plan.query import Resolution
from gopack.plan.summary import Summary
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line: what it resolved to and what it needs, or why it failed.

    `seconds` is the time resolving took; `closure` is None where there is an `error`.
    """

    item: Item
    level: Level
    roots: tuple[Resolution, ...] = ()
    closure: Closure | None = None
    error: GopackError | None = None
    seconds: float = 0.0

    @property
    def modules(self) -> tuple[ModuleVersion, ...]:
        """The versions the line resolved to."""
        return tuple(root.module for root in self.roots)

    @property
    def packages(self) -> tuple[str, ...]:
        """The import paths or patterns the line starts from; none means its modules' all."""
        match self.item:
            case ModuleItem(path=path) if self.roots and self.roots[0].module.path != path:
                return (path,)
            case PatternItem(path=path):
                return (path,)
            case _:
                return ()

    def wants(self) -> Mapping[ModuleVersion, bool]:
        """Tell the versions the line needs, and of each whether its zip is needed."""
        return wants_of(self.closure)

    def notes(self) -> tuple[str, ...]:
        """Say what a person should know of the versions the line resolved to."""
        return tuple(note for root in self.roots for note in note_of(root))


def note_of(root: Resolution) -> list[str]:
    """Say what a person should know of a resolved version: retracted, deprecated."""
    notes = []
    if root.retraction is not None:
        notes.append("retracted" + _because(root.retraction.rationale))
    if root.deprecated:
        notes.append("deprecated" + _because(root.deprecated))
    return notes


def _facts(root: Resolution) -> LineFacts:
    return LineFacts(
        retracted=None if root.retraction is None else root.retraction.rationale,
        deprecated=root.deprecated,
        carrier=str(root.carrier or ""),
    )


def _because(text: str) -> str:
    first = text.strip().split("\n")[0]
    return f": {first}" if first else ""


def wants_of(closure: Closure | None) -> dict[ModuleVersion, bool]:
    """Tell a closure's versions, and of each whether its zip is needed."""
    if closure is None:
        return {}
    return dict.fromkeys(closure.mod_only(), False) | dict.fromkeys(closure.complete(), True)


@dataclass(frozen=True, slots=True)
class Plan:
    """All lines, and what they need together.

    `joint` is the closure of a main module that requires every line that resolved; it is None
    when fewer than two did, or when they cannot live together (`joint_error` says why).
    """

    lines: tuple[LinePlan, ...]
    joint: Closure | None = None
    joint_error: GopackError | None = None
    gomods: Mapping[ModuleVersion, bytes] = field(default_factory=dict)

    def errors(self) -> list[GopackError]:
        """Tell the errors of the lines that failed."""
        return [line.error for line in self.lines if line.error is not None]

    @property
    def joint_failure(self) -> GopackError | None:
        """The joint error where asking again may end better: the graph is not known for now.

        Any other says that the lines cannot live together, and go says so connected, too.
        """
        error = self.joint_error
        is_upstreams = isinstance(error, UpstreamError) and not isinstance(error, NotFoundError)
        return error if is_upstreams else None

    def closures(self) -> list[Closure]:
        """Tell every closure there is, the joint one last."""
        found = [line.closure for line in self.lines if line.closure is not None]
        return found if self.joint is None else [*found, self.joint]

    def wants(self) -> dict[ModuleVersion, bool]:
        """Tell every version that is needed, and of each whether its zip is needed."""
        return _union(wants_of(closure) for closure in self.closures())

    def roots(self) -> dict[ModuleVersion, set[ModuleVersion]]:
        """Tell every listed version, and all that the lines that list it need."""
        found: dict[ModuleVersion, set[ModuleVersion]] = {}
        for line in self.lines:
            for root in line.modules:
                found.setdefault(root, set()).update(line.wants())
        return found

    def summary(self, module: ModuleVersion) -> Summary | None:
        """Tell what was read of a version's go.mod, None if no graph needed it."""
        for closure in self.closures():
            if (summary := closure.summaries.get(module)) is not None:
                return summary
        return None

    def reasons(self) -> dict[ModuleVersion, list[str]]:
        """Say of every version why it is there: the lines that list it, else what requires it."""
        why: dict[ModuleVersion, list[str]] = {}
        for line in self.lines:
            for root in line.modules:
                why.setdefault(root, []).append(line.item.text)
        for closure in self.closures():
            for module in wants_of(closure):
                if module not in why:
                    required_by = closure.requirement_path(module)[-2:][0]
                    why[module] = [f"required by {required_by}"]
        return why

    def facts(self) -> dict[ModuleVersion, LineFacts]:
        """Tell what the listed versions' modules say of them."""
        return {r.module: _facts(r) for line in self.lines for r in line.roots}

    def is_essential(self, module: ModuleVersion) -> bool:
        """Whether a line cannot do without a version, wherever it is imported from."""
        return any(closure.is_essential(module) for closure in self.closures())


def _union(wants: Iterable[Mapping[ModuleVersion, bool]]) -> dict[ModuleVersion, bool]:
    result: dict[ModuleVersion, bool] = {}
    for want in wants:
        for module, whole in want.items():
            result[module] = result.get(module, False) or whole
    return result
