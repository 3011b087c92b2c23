"""Making versions appear: requirements first, listed roots last, nothing over what failed."""

from collections.abc import Callable, Collection, Iterable, Mapping

from gopack.plan.publishing import PublishOrder
from gopack.spec.module import ModuleVersion

Publish = Callable[[ModuleVersion], bool]
"""Makes one version appear; false when the storage refused it."""

Requirements = Mapping[ModuleVersion, Collection[ModuleVersion]]


class Appearing:
    """What is verified and has not appeared yet.

    `requires` is told anew whenever more is known of the graph; versions that failed have no
    requirements and never become ready, so that nothing appears above them.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._ready: set[ModuleVersion] = set()
        self._done: set[ModuleVersion] = set()
        self._held: set[ModuleVersion] = set()
        self._requires: Requirements = {}
        self._order = PublishOrder({})
        self._last = frozenset[ModuleVersion]()

    def plan(self, requires: Requirements, last: Collection[ModuleVersion]) -> None:
        """Say what must appear before each version; those in `last` wait for `finish`."""
        self._requires = {m: r for m, r in requires.items() if m not in self._done}
        self._order = PublishOrder(self._requires)
        self._held = set()
        self._last = frozenset(last)
        for module in sorted(self._ready - self._done):
            self._stage(module)

    def verified(self, module: ModuleVersion) -> None:
        """Take a version that may appear once its requirements are there."""
        self._ready.add(module)
        self._stage(module)

    def finish(self, sound: Iterable[ModuleVersion]) -> None:
        """Let the last ones appear, and of those that wait for something failed the `sound` ones.

        `sound` are the versions that lines without a failure need.
        """
        wanted = set(sound)
        last, self._last = self._last, frozenset()
        for module in sorted(last & self._ready):
            self._stage(module)
        for module in [*self._order.blocked(), *sorted(self._held)]:
            if module in wanted:
                self._appear(module)

    def _stage(self, module: ModuleVersion) -> None:
        if module in self._last:
            return
        for ready in self._order.staged(module):
            if self._held.isdisjoint(self._requires[ready]):
                self._appear(ready)
            else:
                self._held.add(ready)

    def _appear(self, module: ModuleVersion) -> None:
        if module in self._done:
            return
        if self._publish(module):
            self._done.add(module)
        else:
            self._held.add(module)
