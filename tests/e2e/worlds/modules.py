"""Random modules: what an upstream has of them, each version with its go.mod and its packages.

They are of the kinds that go tells apart, each rare enough that most worlds can be built:

- go.mod files tidy and untidy: of what packages import some is not required, and some that is
  required is imported by none (go.dev/ref/mod#go-mod-tidy);
- Go versions that prune the module graph, from 1.17 on, and that do not
  (go.dev/ref/mod#graph-pruning);
- versions without go.mod, `+incompatible` ones, pre-releases and pseudo-versions, retractions, and
  major versions in the path (go.dev/ref/mod#versions);
- modules below another's path, with and without the packages that the other has there, too
  (go.dev/ref/mod#resolve-pkg-mod).

Packages import only downwards, so that no import cycle arises; requirements and the imports of
tests go anywhere. The same `random` gives the same modules.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from tests.upstream import Upstream

HOST = "example.com"
NAMES = "abcdefghijkl"
FOLDERS = ("x", "y", "x/z")
GO_VERSIONS = ("", "1.12", "1.16", "1.17", "1.17", "1.21", "1.21")
PRUNING = ("1.17", "1.21")
RELEASES = {"v1": ("v1.0.0", "v1.0.1", "v1.1.0", "v1.2.0"), "v2": ("v2.0.0", "v2.1.0", "v2.1.1")}
PRE_RELEASE = {"v1": "v1.9.0-rc.1", "v2": "v2.9.0-rc.1"}
PSEUDO = {
    "v1": "v0.0.0-20220101000000-abcdefabcdef",
    "v2": "v2.0.1-0.20220101000000-abcdefabcdef",
}
INCOMPATIBLE = "v2.0.0+incompatible"
STAMP = "2022-01-01T00:00:00Z"


@dataclass(frozen=True)
class Package:
    """What a package imports, and what its external test does."""

    imports: tuple[str, ...] = ()
    test_imports: tuple[str, ...] = ()

    def files(self, name: str) -> dict[str, bytes]:
        found = {"a.go": _source(name, self.imports)}
        if self.test_imports:
            found["a_test.go"] = _source(f"{name}_test", self.test_imports)
        return found


@dataclass(frozen=True)
class Requirement:
    path: str
    version: str
    is_indirect: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.version}" + (" // indirect" if self.is_indirect else "")


@dataclass(frozen=True)
class Version:
    """A version of a module; `packages` are by their folder, "" is the module's own."""

    path: str
    version: str
    packages: Mapping[str, Package]
    go: str = ""
    requires: tuple[Requirement, ...] = ()
    retracts: tuple[str, ...] = ()
    has_go_mod: bool = True

    @property
    def is_listed(self) -> bool:
        return self.version not in PSEUDO.values()

    def go_mod(self) -> str:
        """Its go.mod, or what a proxy makes up where it has none."""
        lines = [f"module {self.path}"]
        lines += [f"go {self.go}"] if self.go else []
        lines += [f"require {each}" for each in self.requires]
        lines += [f"retract {each}" for each in self.retracts]
        return "".join(f"{line}\n" for line in lines)

    def files(self) -> dict[str, bytes]:
        found = {} if self.packages else {"README": b"no packages\n"}
        for folder, package in self.packages.items():
            for name, data in package.files(package_name(self.import_path(folder))).items():
                found[f"{folder}/{name}".lstrip("/")] = data
        return found

    def import_path(self, folder: str) -> str:
        return f"{self.path}/{folder}" if folder else self.path

    def import_paths(self) -> list[str]:
        return [self.import_path(folder) for folder in self.packages]

    def __str__(self) -> str:
        told = [f"go {self.go or '-'}"] if self.has_go_mod else ["no go.mod"]
        told += [f"requires {each}" for each in self.requires]
        told += [f"retracts {each}" for each in self.retracts]
        lines = [f"{self.path}@{self.version}: {', '.join(told)}"]
        for folder, package in self.packages.items():
            said = [f"imports {' '.join(package.imports)}"] if package.imports else []
            if package.test_imports:
                said.append(f"its test imports {' '.join(package.test_imports)}")
            lines.append(f"    package {folder or '.'} {', '.join(said)}".rstrip())
        return "\n".join(lines)


def publish(versions: Sequence[Version], upstream: Upstream) -> None:
    """Have an upstream serve them; it lists all but pseudo-versions, as upstreams do."""
    for each in versions:
        files = each.files()
        upstream.add(
            each.path,
            each.version,
            mod=each.go_mod(),
            files=files,
            stamp=STAMP,
            listed=each.is_listed,
        )
        if not each.has_go_mod:
            upstream.add_without_gomod(each.path, each.version, files)
        if not any(other.path == each.path and other.is_listed for other in versions):
            upstream.add_latest(each.path, each.version, STAMP)


def package_name(import_path: str) -> str:
    return re.sub(r"\W", "", import_path.rpartition("/")[2])


def _source(name: str, imports: Sequence[str]) -> bytes:
    return f"package {name}\n\n{import_lines(imports)}".encode()


def import_lines(imports: Sequence[str]) -> str:
    return "".join(f'import _ "{path}"\n' for path in imports)


def draw_versions(random: Random) -> tuple[Version, ...]:
    """Draw six to eleven modules of one to five versions, which need each other."""
    drawn = {path: _draw_bare(random, path) for path in _draw_paths(random)}
    order = list(drawn)
    random.shuffle(order)
    for place, path in reversed(list(enumerate(order))):  # the lowest first, to be tidy above
        drawn[path] = [
            _Needs(random, each, drawn, order[place + 1 :]).draw() for each in drawn[path]
        ]
    return tuple(each for path in sorted(drawn) for each in drawn[path])


def _draw_paths(random: Random) -> list[str]:
    found: list[str] = []
    for place in range(random.randint(6, 11)):
        path = f"{HOST}/{NAMES[place]}"
        if place > 1 and random.random() < 0.18:
            above = random.choice(found).removesuffix("/v2")
            path = above + random.choice(["/x", "/n"]) + random.choice(["", "", "", NAMES[place]])
        path += "/v2" if random.random() < 0.08 else ""
        if path not in found:
            found.append(path)
    return found


def _draw_bare(random: Random, path: str) -> list[Version]:
    """Draw a module's versions, lowest first, as yet without what they need."""
    major = "v2" if path.endswith("/v2") else "v1"
    names = sorted(random.sample(RELEASES[major], random.choice([1, 2, 2, 3])))
    names += [PRE_RELEASE[major]] if random.random() < 0.08 else []
    names += [PSEUDO[major]] if random.random() < 0.06 else []
    names = [PSEUDO[major]] if random.random() < 0.03 else names
    kind = random.random() if major == "v1" else 1.0
    without = set(names) if kind < 0.1 else set(names[:1]) if kind > 0.94 else set()
    if kind < 0.16 and random.random() < 0.8:
        names = [INCOMPATIBLE] if kind < 0.04 else [*names, INCOMPATIBLE]
        without.add(INCOMPATIBLE)
    folders = ["", *(folder for folder in FOLDERS if random.random() < 0.45)]
    return [
        Version(
            path,
            name,
            {f: Package() for f in folders if f == "" or random.random() < 0.93},
            go=random.choice(GO_VERSIONS) if name not in without else "",
            has_go_mod=name not in without,
        )
        for name in names
    ]


@dataclass
class _Needs:
    """Draws what one version requires, imports and retracts."""

    random: Random
    version: Version
    drawn: Mapping[str, Sequence[Version]]
    below: Sequence[str]
    chosen: dict[str, Version] = field(default_factory=dict)
    requires: dict[str, Requirement] = field(default_factory=dict)

    def draw(self) -> Version:
        packages = {folder: self._package(folder) for folder in self.version.packages}
        version = replace(self.version, packages=packages)
        if not version.has_go_mod:
            return version
        self._require_what_nobody_imports()
        if version.go in PRUNING and self.random.random() < 0.5:
            self._require_what_these_require()
        requires = tuple(self.requires[path] for path in sorted(self.requires))
        return replace(version, requires=requires, retracts=self._retracts())

    def _package(self, folder: str) -> Package:
        imports = []
        if self.below:
            count = self.random.choice([0, 0, 1, 1, 2])
            imports = [self._imported(self.below) for _ in range(count)]
        tests = []
        others = [path for path in self.drawn if path != self.version.path]
        if others and self.random.random() < 0.2:
            is_downwards = bool(self.below) and self.random.random() < 0.6
            tests = [self._imported(self.below if is_downwards else others)]
        own = self.version.import_path(folder)
        return Package(tuple(sorted(set(imports))), tuple(sorted(set(tests) - {own})))

    def _imported(self, paths: Sequence[str]) -> str:
        """Draw a package to import; mostly its module is required."""
        path = self.random.choice(paths)
        chosen = self._choose(path)
        if self.random.random() < 0.9:
            self.requires[path] = Requirement(path, chosen.version)
        return self.random.choice(chosen.import_paths())

    def _choose(self, path: str) -> Version:
        if path not in self.chosen:
            self.chosen[path] = self.random.choice(self.drawn[path])
        return self.chosen[path]

    def _require_what_nobody_imports(self) -> None:
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
            path = self.random.choice(list(self.drawn))
            is_indirect = self.random.random() < 0.6
            if path != self.version.path and path not in self.requires:
                self.requires[path] = Requirement(path, self._choose(path).version, is_indirect)

    def _require_what_these_require(self) -> None:
        """As go writes it from Go 1.17 on, so that the graph is pruned here."""
        for each in list(self.requires):
            for further in self.chosen[each].requires:
                if further.path != self.version.path:
                    indirect = replace(further, is_indirect=True)
                    self.requires.setdefault(further.path, indirect)

    def _retracts(self) -> tuple[str, ...]:
        names = [each.version for each in self.drawn[self.version.path] if each.has_go_mod]
        if len(names) > 1 and self.random.random() < 0.08:
            return (self.random.choice(names),)
        return ()
