"""The sources that GOPROXY, GOPRIVATE and GONOPROXY name, for each module path.

Spec: cmd/go/internal/modfetch proxy.go (proxyList, TryProxies), repo.go (lookup).
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from gopack.adapters.fileproxy import FileSource
from gopack.adapters.godirect import DirectSource
from gopack.adapters.goproxy import HttpSource
from gopack.adapters.quick import QuickReader
from gopack.adapters.remembered import RememberedAnswers
from gopack.adapters.retry import Patience, RetryingSource, RetryPolicy
from gopack.adapters.slots import Slots
from gopack.adapters.web import Web
from gopack.errors import NotFoundError
from gopack.ports import Attempt, ModuleSource, ZipTarget
from gopack.spec import gourl
from gopack.spec.goenv import GoEnv, ProxyEntry
from gopack.spec.goproxy import Request, name_of
from gopack.spec.module import ModuleVersion, match_prefix_patterns


class OffSource:
    """`off` in GOPROXY: it has nothing, and says why."""

    @property
    def name(self) -> str:
        """Always `off`."""
        return "off"

    def read(self, request: Request) -> bytes:
        """Refuse; see ModuleSource."""
        _refuse(name_of(request))

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Refuse; see ModuleSource."""
        _refuse(str(module))

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Refuse; see ModuleSource."""
        del target
        _refuse(str(module))


class ProxySources:
    """Where each module is asked for; build it anew from the GoEnv in each process."""

    def __init__(  # noqa: PLR0913 - all but one by keyword
        self,
        env: GoEnv,
        *,
        web: Web | None = None,
        quick: QuickReader | None = None,
        stop: threading.Event | None = None,
        policy: RetryPolicy | None = None,
        direct_cache: Path | None = None,
        answers: Path | None = None,
        slots: Slots | None = None,
    ) -> None:
        """Take the settings; `stop` ends waits for another try; `policy` says how many there are.

        A `web` that is given stays the caller's to close, a `quick` is one for it; without a `web`
        `slots` bounds what is under way at once. `direct_cache` is a folder that the `direct`
        sources of several processes share; each has a temporary one unless given.
        `answers` is a folder to keep answers in that may change, so that asking again is cheap.
        """
        self._noproxy = env.noproxy
        self._owns_web = web is None
        self._web = Web(env, slots=slots) if web is None else web
        self._quick = QuickReader(self._web) if quick is None else quick
        self._remembered = (
            RememberedAnswers(self._web, answers, quick=self._quick) if answers else None
        )
        self._stop = stop or threading.Event()
        self._policy = policy or RetryPolicy()
        self._direct = DirectSource(env.go_command, cache=direct_cache)
        self._attempts = [
            Attempt(self._source(entry), entry.falls_back_on_error) for entry in _entries(env)
        ]

    def attempts(self, path: str) -> Sequence[Attempt]:
        """Tell which sources to ask for a module path; see Sources.

        What GONOPROXY matches is asked for at its origin alone, even under GOPROXY=off.

        Raises:
            NotFoundError: GOPROXY=off leaves nothing to ask.

        """
        if match_prefix_patterns(self._noproxy, path):
            return [Attempt(self._direct, falls_back_on_error=False)]
        if isinstance(self._attempts[0].source, OffSource):
            _refuse(path)
        return self._attempts

    def close(self) -> None:
        """Close connections and remove what `direct` kept."""
        if self._owns_web:
            self._web.close()
        self._direct.close()

    def _source(self, entry: ProxyEntry) -> ModuleSource:
        if entry.url == "off":
            return OffSource()
        if entry.url == "direct":
            return self._direct
        if gourl.parse(entry.url).scheme == "file":
            return FileSource(entry.url)
        source = HttpSource(entry.url, self._web, quick=self._quick, remembered=self._remembered)
        return RetryingSource(source, Patience(self._policy, self._stop))


def _entries(env: GoEnv) -> list[ProxyEntry]:
    """The entries for modules that GONOPROXY does not name.

    Without a go command a `direct` behind a proxy is left out: it could only say that there is no
    go command, and so hide what the proxy said about the module.
    """
    entries = [entry for entry in env.proxies if entry.url != "noproxy"]
    if env.go_command is None and len(entries) > 1 and entries[-1].url == "direct":
        entries.pop()
    return entries


def _refuse(where: str) -> Never:
    raise NotFoundError(
        "module lookup disabled by GOPROXY=off", where=where, hint="set GOPROXY to a module proxy"
    )
