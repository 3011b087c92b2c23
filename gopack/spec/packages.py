"""The packages of a module, from the names and heads of its files.

Rules kept here:
- A package is a directory with a Go file whose name starts with neither `_` nor `.`, whatever its
  build constraints say; it can be imported wherever it lies.
- A pattern `...` leaves out what lies below `testdata`, `_x`, `.x` or `vendor`.
- A directory with a go.mod of its own, and all below it, is another module.
- Imports that no module provides are left out: `C`, and the old `appengine` ones.

Spec: go.dev/ref/mod#glos-package, `go help packages`; the go command's modload dirInModule,
matchPackages and scanDir, modindex IsGoDir.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gopack.spec.imports import SourceFile

_NO_MODULE = frozenset({"C", "appengine", "appengine_internal"})


@dataclass(frozen=True, slots=True)
class Package:
    """One package of a module.

    Args:
        path: the import path.
        imports: what its files import, sorted, each once, test files left out.
        test_imports: the same of its `_test.go` files, those of package x_test among them.
        matched: whether a pattern `...` of its module matches it.
        built: whether some build uses any of its files.
        name: what its files' package clauses say, `main` for a command; empty where only tests
            are built.

    """

    path: str
    imports: tuple[str, ...] = ()
    test_imports: tuple[str, ...] = ()
    matched: bool = True
    built: bool = True
    name: str = ""


def is_source_name(name: str) -> bool:
    """Tell whether a file of this name, given with or without its directory, is a Go file.

    >>> is_source_name("a/b.go"), is_source_name("a/_b.go"), is_source_name("a/b.s")
    (True, False, False)
    """
    return name.endswith(".go") and name.rpartition("/")[2][0] not in "_."


def is_matched_directory(directory: str) -> bool:
    """Tell whether `...` matches this directory, given from the module's root.

    >>> is_matched_directory("a/testdata/b"), is_matched_directory("a/vendor")
    (False, True)
    """
    elements = directory.split("/")
    return "vendor" not in elements[:-1] and not any(
        element.startswith((".", "_")) or element == "testdata" for element in elements
    )


def needs_module(import_path: str) -> bool:
    """Tell whether an import is looked for in modules: not the standard library's, not `C`.

    >>> needs_module("example.com/a"), needs_module("net/http"), needs_module("./a")
    (True, False, False)

    Source: search.IsStandardImportPath, modload scanDir.
    """
    first = import_path.partition("/")[0]
    return "." in first and first not in {".", ".."}


def source_names(names: Iterable[str]) -> list[str]:
    """Choose the Go files of a module, in their order; names count from the module's root."""
    every = list(names)
    nested = {name.removesuffix("go.mod") for name in every if name.endswith("/go.mod")}
    return [n for n in every if is_source_name(n) and not (nested and _is_below(n, nested))]


def _is_below(name: str, directories: set[str]) -> bool:
    at = name.find("/")
    while at >= 0:
        if name[: at + 1] in directories:
            return True
        at = name.find("/", at + 1)
    return False


def import_path_of(module_path: str, name: str) -> str:
    """Give the import path of the package a file is in.

    >>> import_path_of("example.com/m", "a/b.go"), import_path_of("example.com/m", "c.go")
    ('example.com/m/a', 'example.com/m')
    """
    directory = name.rpartition("/")[0]
    return f"{module_path}/{directory}" if directory else module_path


def provided_packages(module_path: str, names: Iterable[str]) -> frozenset[str]:
    """Give the import paths a module provides, from its file names alone."""
    return frozenset(import_path_of(module_path, name) for name in source_names(names))


def is_importable(package: Package) -> bool:
    """Tell whether a main module can import a package of another module.

    >>> is_importable(Package("a.b/c/internal/d")), is_importable(Package("a.b/c", name="main"))
    (False, False)

    Source: load.disallowInternal, load.loadImport ("is a program").
    """
    return package.name != "main" and "internal" not in package.path.split("/")


def is_of_a_module(import_path: str) -> bool:
    """Tell whether the go command looks for this import at all, the standard library's included."""
    return import_path.partition("/")[0] not in _NO_MODULE


def list_packages(
    module_path: str,
    sources: Mapping[str, SourceFile],
    *,
    keep: Callable[[str], bool] = is_of_a_module,
) -> dict[str, Package]:
    """Put the read files of a module together: import path to package, sorted.

    `sources` has what `source_names` chose, each read by gopack.spec.imports.read_source; `keep`
    tells the imports that are of interest.
    """
    directories: dict[str, list[str]] = {}
    for name in sources:
        directories.setdefault(name.rpartition("/")[0], []).append(name)
    packages = {}
    for directory, names in sorted(directories.items()):
        path = f"{module_path}/{directory}" if directory else module_path
        used = [name for name in names if sources[name].built]
        packages[path] = Package(
            path,
            _imports((sources[n] for n in used if not n.endswith("_test.go")), keep),
            _imports((sources[n] for n in used if n.endswith("_test.go")), keep),
            is_matched_directory(directory),
            bool(used),
            next((sources[n].package for n in used if not n.endswith("_test.go")), ""),
        )
    return packages


def _imports(files: Iterable[SourceFile], keep: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(sorted(filter(keep, {path for file in files for path in file.imports})))
