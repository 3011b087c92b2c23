"""Module graphs in a few characters, and small ways to walk them.

`{"a1": "b1 c2!"}` means a@v1.0.0 requires b@v1.0.0 and c@v2.0.0 (path a.b/c, all of them v1-named
`v1.N.0`); a key that ends in `!` is an old module, which does not prune.
"""

from collections.abc import Callable, Iterable, Mapping

from gopack.plan.closure import Closure
from gopack.plan.graph import GraphWalk
from gopack.plan.summary import Summary
from gopack.spec.module import ModuleVersion

Graph = Mapping[ModuleVersion, Summary]


def mv(name: str) -> ModuleVersion:
    """`a3` is a.b/a@v1.3.0."""
    return ModuleVersion(f"a.b/{name[0]}", f"v1.{name[1:]}.0")


def names(modules: Iterable[ModuleVersion]) -> str:
    """The way back, sorted."""
    return " ".join(sorted(m.path[-1] + m.version.split(".")[1] for m in modules))


def graph(requirements: Mapping[str, str]) -> dict[ModuleVersion, Summary]:
    found = {}
    for key, text in requirements.items():
        module = mv(key.rstrip("!"))
        found[module] = Summary(
            path=module.path,
            go="1.16" if key.endswith("!") else "1.20",
            prunes=not key.endswith("!"),
            require=tuple(mv(name) for name in text.split()),
            retract=(),
            deprecated="",
        )
    return found


def drive(walk: GraphWalk | Closure, known: Graph) -> list[ModuleVersion]:
    """Feed a machine until it is done; tell what it asked for, in order."""
    asked: list[ModuleVersion] = []
    feed: Callable[[ModuleVersion, Summary], None] = walk.feed
    while needed := walk.needs():
        for module in needed:
            asked.append(module)
            if module in known:
                feed(module, known[module])
            elif not (isinstance(walk, Closure) and walk.feed_missing(module)):
                raise LookupError(str(module))
    assert walk.is_done
    return asked
