"""Version queries: which version of a module `latest`, `v1.2`, `>=v1.2.3` or `main` means.

A query is a step machine: a generator that yields the requests it needs and is sent their answers
(or has their errors thrown in), so the same rules serve threads, processes and tests. One machine
asks one proxy; falling through a list of proxies starts a new machine for each.

Rules kept:
- the list is filtered by the query, then by retractions, then by the `+incompatible` rule;
  releases win over pre-releases; `>=` and `>` take the lowest match, all others the highest;
- retractions are those of the go.mod of the highest version, retracted or not; failing to read
  them retracts nothing;
- a version asked for by its own name may be retracted; one reached by any query may not;
- with nothing tagged, `@latest` decides, and where a proxy has none, the newest pseudo-version
  in its list.

Spec: go.dev/ref/mod#version-queries, the go command's modload.Query.
"""

from collections.abc import Callable, Generator, Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from gopack.errors import (
    InputError,
    IntegrityError,
    NoMatchingVersionError,
    NotFoundError,
    UpstreamError,
)
from gopack.plan.summary import Retraction, Summary, is_synthesized, retraction_of, summarize
from gopack.spec import gover, pseudo, semver
from gopack.spec.goproxy import GoMod, Info, Latest, Request, VersionList
from gopack.spec.info import Info as RevInfo
from gopack.spec.info import parse_info
from gopack.spec.module import (
    ModuleVersion,
    canonical_version,
    check,
    check_path_major,
    split_path_version,
)

T = TypeVar("T")
_LYING = "tell who runs the upstream, or ask another one: set GOPROXY"
Steps = Generator[Request, bytes, T]
"""A step machine: yields requests, is sent their answers, returns its result."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a query resolved to.

    `retraction` is set when the version is retracted (it was asked for by its own name);
    `deprecated` is the module's deprecation message or empty; `carrier` is the version whose
    go.mod says so (the module's highest), None where it was not looked up or not found. `is_bare`
    is set where none of this was looked up yet: see `remarked`.
    """

    module: ModuleVersion
    info: RevInfo
    info_bytes: bytes
    retraction: Retraction | None = None
    deprecated: str = ""
    carrier: ModuleVersion | None = None
    is_bare: bool = False


def resolve(
    path: str, query: str, *, current: str = "", excluded: Set[str] = frozenset()
) -> Steps[Resolution]:
    """Resolve a query on a module, as `go get path@query` does in an empty main module.

    Args:
        path: the module path, checked.
        query: any of go's version queries, but `none`.
        current: the version `patch` and `upgrade` start from; empty where there is none. Where it
            is an `+incompatible` one, `latest` may be such a version, too.
        excluded: versions that the main module excludes: none of them is chosen from the list.

    Raises:
        InputError: a query that go refuses (`>v1.2` is ambiguous, `patch` without a base).
        NoMatchingVersionError: no matching version, with go's own words; or what the source threw.
        IntegrityError: an answer that cannot be true.
    """
    matcher = _Matcher.of(path, query, current)
    repo = _Repo(path)
    if matcher is None or matcher.can_stat:
        return (yield from _resolve_revision(repo, query))
    version = yield from _choose(repo, replace(matcher, excluded=excluded))
    if version is None:
        raise NoMatchingVersionError(
            _no_match(query, current),
            where=f"{path}@{query}",
            hint=f"look at what there is: go list -m -retracted -versions {path}",
        )
    info_bytes = yield from repo.stat(version)
    return (yield from repo.describe(info_bytes, asked=version))


def resolve_all(
    path: str, bounds: Iterable[str] = ()
) -> Steps[tuple[Resolution, tuple[ModuleVersion, ...]]]:
    """Resolve every listed version that satisfies all bounds: the highest, and the others.

    Retracted versions are left out, `+incompatible` ones where a compatible version has a go.mod;
    pre-releases count like any other version, so `<v2` takes in `v2.0.0-rc.1`.

    Args:
        path: the module path, checked.
        bounds: an operator (`<`, `<=`, `>`, `>=`) and a version each; a prefix means its `.0`s.

    Raises:
        NoMatchingVersionError: nothing matches; or what the source threw.
    """
    bounds = tuple(bounds)
    accepts = [_RANGES[operator](bound) for operator, bound in map(_split_bound, bounds)]
    matcher = _Matcher(accepts=lambda version: all(accept(version) for accept in accepts))
    repo = _Repo(path)
    allowed = yield from _allowed(repo, matcher, (yield from repo.versions()))
    kept = {v for group in (yield from _filter(repo, matcher, allowed)) for v in group}
    versions = [version for version in allowed if version in kept and is_exact(path, version)]
    if not versions:
        raise NoMatchingVersionError(
            "no listed version matches",
            where=f"{path}@all" + (f"[{','.join(bounds)}]" if bounds else ""),
            hint=f"look at what there is: go list -m -retracted -versions {path}",
        )
    highest = yield from repo.describe((yield from repo.stat(versions[-1])), asked=versions[-1])
    return highest, tuple(ModuleVersion(path, version) for version in reversed(versions[:-1]))


def names_revision(path: str, query: str) -> bool:
    """Tell whether a query is looked up by its name: a branch, a tag or a commit.

    >>> names_revision("example.com/m", "main"), names_revision("example.com/m", "v1.2")
    (True, False)
    """
    return query != "patch" and _Matcher.of(path, query, "") is None


def resolve_bare(path: str, query: str, *, current: str = "") -> Steps[Resolution]:
    """Resolve as `resolve` does, but ask nothing more of an exact version than what it needs.

    What its module says of it changes neither the version nor whether it may be taken.
    """
    if not is_exact(path, query):
        return (yield from resolve(path, query, current=current))
    data = yield Info(path, query)
    info = checked_info(path, query, data)
    return Resolution(ModuleVersion(path, info.version), info, data, is_bare=True)


def highest(path: str) -> Steps[tuple[ModuleVersion, Summary] | None]:
    """Find a module's highest version, retracted or not, whose go.mod tells the retractions.

    None where there is none.

    Raises:
        GopackError: it cannot be read; go retracts nothing then, if no other proxy has it.
    """
    return (yield from _Repo(path).highest())


def remarked(bare: Resolution, highest: tuple[ModuleVersion, Summary] | None) -> Resolution:
    """Say of a version what its module's highest version says of it."""
    if highest is None:
        return replace(bare, is_bare=False)
    carrier, summary = highest
    return replace(
        bare,
        retraction=retraction_of(summary.retract, bare.module.version),
        deprecated=summary.deprecated,
        carrier=carrier,
        is_bare=False,
    )


def previous(path: str, version: str) -> Steps[str]:
    """Tell the highest listed version below one that is not retracted; '' where there is none.

    Source: modload previousVersion, which `go get` goes back with.
    """
    repo = _Repo(path)
    below = [v for v in (yield from repo.versions()) if semver.compare(v, version) < 0]
    retractions = (yield from repo.retractions()) if below else ()
    return next((v for v in reversed(below) if retraction_of(retractions, v) is None), "")


def is_exact(path: str, query: str) -> bool:
    """Tell whether a query is a canonical version that fits the path, so needs no resolving.

    >>> is_exact("example.com/m", "v1.2.3"), is_exact("example.com/m", "v1.2")
    (True, False)
    """
    if canonical_version(query) != query:
        return False
    try:
        check(path, query)
    except InputError:
        return False
    return True


def _resolve_revision(repo: "_Repo", query: str) -> Steps[Resolution]:
    try:
        info_bytes = yield from repo.stat(query)
    except UpstreamError:
        plain = canonical_version(query)
        if plain in {"", query}:
            raise
        info_bytes = yield from repo.stat(plain)
    found = yield from repo.describe(info_bytes, asked=query)
    if found.retraction is not None and found.module.version != query:
        raise NoMatchingVersionError(
            f"retracted by module author: {found.retraction.rationale or 'no reason given'}",
            where=f"{repo.path}@{query}",
            hint=f"to take it all the same, list {found.module}",
        )
    return found


def _no_match(query: str, current: str) -> str:
    based = query in {"upgrade", "patch"} and current
    return f'no matching versions for query "{query}"' + (
        f" (current version is {current})" if based else ""
    )


def _choose(repo: "_Repo", matcher: "_Matcher") -> Steps[str | None]:
    """Pick from the list, then from `@latest`, then stay on the current version."""
    versions = yield from repo.versions()
    allowed = yield from _allowed(repo, matcher, versions)
    releases, prereleases = yield from _filter(repo, matcher, allowed)
    for group in (releases, prereleases):
        if group:
            best = group[0] if matcher.prefer_lower else group[-1]
            return (yield from _not_older(repo, matcher, best))
    if matcher.may_use_latest:
        latest = yield from repo.latest()
        if latest and matcher.matches(latest):
            retracted = yield from repo.retraction(latest)
            if retracted is None:
                return (yield from _not_older(repo, matcher, latest))
    return matcher.current or None


def _not_older(repo: "_Repo", matcher: "_Matcher", version: str) -> Steps[str]:
    """Keep a pseudo-version that is newer in time than what `upgrade` or `patch` found."""
    if not matcher.current or not pseudo.is_pseudo(matcher.current):
        return version
    info_bytes = yield from repo.stat(version)
    time = parse_info(info_bytes, where=f"{repo.path}@{version}").time
    if time is not None and time < pseudo.pseudo_time(matcher.current):
        return matcher.current
    return version


def _allowed(repo: "_Repo", matcher: "_Matcher", versions: list[str]) -> Steps[list[str]]:
    matching = [v for v in versions if matcher.matches(v)]
    if not matching:
        return []
    retractions = yield from repo.retractions()
    return [v for v in matching if v == matcher.current or retraction_of(retractions, v) is None]


def _filter(
    repo: "_Repo", matcher: "_Matcher", versions: list[str]
) -> Steps[tuple[list[str], list[str]]]:
    """Split sorted versions into releases and pre-releases, keeping the +incompatible rule.

    Source: modload queryMatcher.filterVersions.
    """
    take_incompatible = matcher.prefer_incompatible
    last_compatible = ""
    releases: list[str] = []
    prereleases: list[str] = []
    for version in versions:
        if not take_incompatible:
            if not version.endswith("+incompatible"):
                last_compatible = version
            elif last_compatible:
                if (yield from repo.has_gomod(last_compatible)):
                    break
                take_incompatible = True
        (prereleases if semver.prerelease(version) else releases).append(version)
    return releases, prereleases


@dataclass(frozen=True, slots=True)
class _Matcher:
    """A parsed query. Source: modload newQueryMatcher."""

    current: str = ""
    prefix: str = ""
    accepts: Callable[[str], bool] = lambda _version: True
    can_stat: bool = False
    prefer_lower: bool = False
    may_use_latest: bool = False
    prefer_incompatible: bool = False
    excluded: Set[str] = frozenset()

    def matches(self, version: str) -> bool:
        is_fit = version.startswith(self.prefix) and self.accepts(version)
        return is_fit and version not in self.excluded

    @classmethod
    def of(cls, path: str, query: str, current: str) -> "_Matcher | None":
        """Parse a query; None when it names a revision (a branch, a tag, a commit)."""
        incompatible = current.endswith("+incompatible")
        if query == "latest" or (query == "upgrade" and not current):
            return cls(may_use_latest=True, prefer_incompatible=incompatible)
        if query in {"upgrade", "patch"}:
            return cls._from_current(path, query, current)
        if query[:1] in {"<", ">"}:
            return cls._range(path, query)
        if not semver.is_valid(query):
            return None
        foreign = not _fits_major(path, query)
        if gover.mod_is_prefix(path, query):
            return cls(
                prefix=query + ".",
                accepts=lambda v: semver.compare(v, query) >= 0,
                prefer_incompatible=foreign,
            )
        return cls(can_stat=True, prefer_incompatible=foreign)

    @classmethod
    def _from_current(cls, path: str, query: str, current: str) -> "_Matcher":
        if not current:
            raise InputError(
                f'can\'t query version "patch" of module {path}: no existing version is required',
                where=f"{path}@patch",
                hint=f"list {path} at the version the patch is of on another line",
            )
        return cls(
            current=current,
            prefix=semver.major_minor(current) + "." if query == "patch" else "",
            accepts=lambda v: semver.compare(v, current) >= 0,
            may_use_latest=pseudo.is_pseudo(current),
            prefer_incompatible=current.endswith("+incompatible"),
        )

    @classmethod
    def _range(cls, path: str, query: str) -> "_Matcher":
        operator, bound = _split_bound(query)
        if not semver.is_valid(bound):
            raise InputError(
                f'invalid semantic version "{bound}" in range "{query}"', where=f"{path}@{query}"
            )
        if operator in {"<=", ">"} and gover.mod_is_prefix(path, bound):
            raise InputError(
                f'ambiguous semantic version "{bound}" in range "{query}"',
                where=f"{path}@{query}",
                hint=f"write all three numbers: {operator}{semver.canonical(bound)}",
            )
        return cls(
            accepts=_RANGES[operator](bound),
            prefer_lower=operator[0] == ">",
            prefer_incompatible=not _fits_major(path, bound),
        )


_RANGES: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "<=": lambda bound: lambda v: semver.compare(v, bound) <= 0,
    "<": lambda bound: lambda v: semver.compare(v, bound) < 0,
    ">=": lambda bound: lambda v: semver.compare(v, bound) >= 0,
    ">": lambda bound: lambda v: semver.compare(v, bound) > 0,
}


def _split_bound(text: str) -> tuple[str, str]:
    """Part `>=v1.2` into its operator and its version."""
    version = text.lstrip("<>=")
    return text[: len(text) - len(version)], version


def _fits_major(path: str, version: str) -> bool:
    _prefix, path_major, ok = split_path_version(path)
    if not ok:
        return False
    try:
        check_path_major(version, path_major)
    except InputError:
        return False
    return True


class _Repo:
    """One module as one proxy shows it; what was asked once is remembered.

    Source: modfetch proxyRepo, modload CheckRetractions and versionHasGoMod.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._list: bytes | None = None
        self._infos: dict[str, bytes] = {}
        self._gomods: dict[str, bytes] = {}
        self._highest: tuple[ModuleVersion, Summary] | None = None
        self._looked_up = False

    def _list_text(self) -> Steps[bytes]:
        if self._list is None:
            self._list = yield VersionList(self.path)
        return self._list

    def versions(self) -> Steps[list[str]]:
        return parse_versions((yield from self._list_text()))

    def stat(self, query: str) -> Steps[bytes]:
        if query not in self._infos:
            self._infos[query] = yield Info(self.path, query)
        return self._infos[query]

    def gomod(self, version: str) -> Steps[bytes]:
        if version not in self._gomods:
            self._gomods[version] = yield GoMod(ModuleVersion(self.path, version))
        return self._gomods[version]

    def has_gomod(self, version: str) -> Steps[bool]:
        return not is_synthesized(self.path, (yield from self.gomod(version)))

    def latest(self) -> Steps[str]:
        """Tell the version of `@latest`, else of the newest pseudo-version listed; '' if none."""
        try:
            data = yield Latest(self.path)
        except NotFoundError:
            return newest_listed((yield from self._list_text()))
        info = checked_info(self.path, "latest", data)
        self._infos[info.version] = data
        return info.version

    def _latest_ignoring_retractions(self) -> Steps[str]:
        versions = yield from self.versions()
        releases, prereleases = yield from _filter(self, _Matcher(), versions)
        for group in (releases, prereleases):
            if group:
                return group[-1]
        return (yield from self.latest())

    def highest(self) -> Steps[tuple[ModuleVersion, Summary] | None]:
        version = yield from self._latest_ignoring_retractions()
        if not version:
            return None
        carrier = ModuleVersion(self.path, version)
        return carrier, summarize(carrier, (yield from self.gomod(version)))

    def _highest_or_none(self) -> Steps[tuple[ModuleVersion, Summary] | None]:
        """Find the highest version once; go ignores what it cannot read here."""
        if not self._looked_up:
            self._looked_up = True
            try:
                self._highest = yield from self.highest()
            except (UpstreamError, IntegrityError, InputError):
                self._highest = None
        return self._highest

    def retractions(self) -> Steps[tuple[Retraction, ...]]:
        highest = yield from self._highest_or_none()
        return highest[1].retract if highest else ()

    def retraction(self, version: str) -> Steps[Retraction | None]:
        return retraction_of((yield from self.retractions()), version)

    def describe(self, info_bytes: bytes, *, asked: str) -> Steps[Resolution]:
        info = checked_info(self.path, asked, info_bytes)
        bare = Resolution(ModuleVersion(self.path, info.version), info, info_bytes)
        return remarked(bare, (yield from self._highest_or_none()))


def parse_versions(list_text: bytes) -> list[str]:
    r"""Read `@v/list`: valid versions but pseudo-versions, sorted; anything else is passed over.

    Source: modfetch proxyRepo.Versions.

    >>> parse_versions(b"v1.10.0\nv1.9.0\nnot one\n")
    ['v1.9.0', 'v1.10.0']
    """
    first_words = (line.split()[0] for line in _lines(list_text) if line.split())
    found = [v for v in first_words if semver.is_valid(v) and not pseudo.is_pseudo(v)]
    return sorted(found, key=semver.sort_key)


def newest_listed(list_text: bytes) -> str:
    """Tell the newest pseudo-version in `@v/list`, by time; '' where there is none.

    A proxy may write a time behind a version; else the pseudo-version's own time counts.
    Source: modfetch proxyRepo.latestFromList.
    """
    best, best_time = "", None
    for line in _lines(list_text):
        fields = line.split()
        if not fields or not semver.is_valid(fields[0]):
            continue
        time = _listed_time(fields)
        if time is not None and (best_time is None or best_time < time):
            best, best_time = fields[0], time
    return best


def _listed_time(fields: list[str]) -> datetime | None:
    if len(fields) > 1:
        try:
            time = datetime.fromisoformat(fields[1])
        except ValueError:
            return None
        return time if time.tzinfo else None
    return pseudo.pseudo_time(fields[0]) if pseudo.is_pseudo(fields[0]) else None


def _lines(list_text: bytes) -> list[str]:
    return list_text.decode("utf-8", "replace").split("\n")


def checked_info(path: str, asked: str, data: bytes) -> RevInfo:
    """Read an info and check that it can be the answer to what was asked.

    Raises:
        IntegrityError: it is no info, names another version than the exact one asked for, or one
            that cannot be a version of this module.
    """
    where = f"{path}@{asked}"
    info = parse_info(data, where=where)
    if info.version != asked and is_exact(path, asked):
        raise IntegrityError(
            "its info names another version",
            where=where,
            expected=asked,
            got=info.version,
            hint=_LYING,
        )
    try:
        check(path, info.version)
    except InputError as error:
        raise IntegrityError(
            f"its info names a version that cannot be: {error.what}",
            where=where,
            hint=_LYING,
        ) from error
    return info
