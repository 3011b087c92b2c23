"""The list: one item a line, read whole, with every bad line reported at once.

Rules kept here:
- An item is `module[@query]`, a package path, `path/...`, `go@1.26.x`, `toolchain@go1.26.x
  [goos/goarch ...]`, `module@all`, `module@all[>=v1.40,<v2]` or `-r FILE`; each may be followed
  by `closure=build`, `closure=graph` or `closure=closed`.
- `#` and `//` comments, blank lines, shell lines with `go get`, `go install` or `go mod
  download`, a byte order mark and CRLF are taken as they come.
- A package path cannot be told from a module path here: both are a ModuleItem.
- No query means `latest`, and so does `upgrade`; `patch` is kept, and needs a base from another
  line.
- The same item twice, in one list or in several, is a warning; the same module with two queries is
  two items.
- Files named by `-r` are opened by the caller.

Spec: go.dev/ref/mod#version-queries, go.dev/ref/mod#go-get, x/mod module.CheckImportPath.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from gopack.errors import InputError
from gopack.plan import pasted, querytext
from gopack.plan.findings import Finding, FindingsError, Line, Severity, read_lines
from gopack.plan.items import (
    GoItem,
    IncludeItem,
    Item,
    ModList,
    ModuleItem,
    PatternItem,
    ToolchainItem,
    VersionsItem,
)
from gopack.plan.pasted import Word
from gopack.spec import module, semver, toolchain

__all__ = [
    "GoItem",
    "IncludeItem",
    "Item",
    "ListErrors",
    "ModList",
    "ModuleItem",
    "PatternItem",
    "ToolchainItem",
    "VersionsItem",
    "parse_list",
    "without_repeated",
]

_T = TypeVar("_T")

LEVELS = ("build", "graph", "closed")

_ALL = re.compile(r"all(?:\[(.*)\])?", re.DOTALL)
_SHELL_WORDS = frozenset(
    ("cd", "cp", "echo", "exit", "export", "git", "mkdir", "rm", "set", "source", "sudo")
)
_META = {
    "all": "every package of a project",
    "cmd": "the commands of Go itself",
    "std": "the standard library",
    "tool": "the tools of a project",
    "work": "the packages of a workspace",
}
_STD_TEXT = """
    archive bufio bytes cmp compress container context crypto database debug embed encoding errors
    expvar flag fmt hash html image index internal io iter log maps math mime net os path plugin
    reflect regexp runtime slices sort strconv strings structs sync syscall testing text time
    unicode unique unsafe weak
    """
_STD = frozenset(_STD_TEXT.split())
"""First elements of `go list std`; only the wording of a message depends on them."""


_FORMS_HINT = "An item is module[@query], a package or a pattern; docs/list.md has every form."


class ListErrors(FindingsError):  # noqa: N818 - it is all of them
    """A list that cannot be used; `findings` has every error and every warning in it.

    `items` has those of its good lines, so that what is wrong in a file they name is told as well.
    """

    def __init__(
        self, findings: Iterable[Finding], *, name: str, hint: str = "", items: Iterable[Item] = ()
    ) -> None:
        super().__init__(findings, name=name, hint=hint)
        self.items = tuple(items)


class _WordError(Exception):
    """A bad word, on its way to the line that knows its number."""

    def __init__(self, column: int, error: InputError) -> None:
        super().__init__(column, error)
        self.column = column
        self.error = error


def _never(_path: str) -> bool:
    """A proxy is asked for everything."""
    return False


def parse_list(
    text: str | bytes,
    *,
    name: str = "goget.txt",
    closure: str | None = None,
    takes_any_name: Callable[[str], bool] = _never,
) -> ModList:
    """Read a list.

    `closure` is what a line without `closure=` gets (a list included by a line that has one);
    `takes_any_name` tells of a path whether nobody but its origin is asked for a name of it that
    no proxy can be asked for.

    >>> parse_list("example.com/a@v1.2.3  # why").items[0].path
    'example.com/a'

    Raises:
        ListErrors: when any line is bad, or nothing is listed; it has all of them.
    """
    lines, findings = read_lines(text, name)
    items: list[Item] = []
    for line in lines:
        for found in _read_line(line, name, takes_any_name):
            if isinstance(found, Finding):
                findings.append(found)
            else:
                items.append(found if found.closure else replace(found, closure=closure))
    items, warnings = _without_duplicates(items)
    if not items and not findings:
        hint = "Write one module a line, for example: example.com/module@v1.2.3"
        findings.append(Finding(name, 1, 1, "", "nothing is listed", hint))
    if any(finding.severity is Severity.ERROR for finding in findings):
        every = sorted([*findings, *warnings], key=lambda f: (f.line, f.column))
        raise ListErrors(every, name=name, hint="Mend the lines and run again.", items=items)
    return ModList(tuple(items), tuple(sorted([*findings, *warnings], key=lambda f: f.line)))


def _read_line(
    line: Line, name: str, takes_any_name: Callable[[str], bool]
) -> Iterator[Item | Finding]:
    """Read one line; what is wrong with one item leaves the others of the line whole."""
    for command in pasted.split_commands(pasted.strip_comment(line.text)):
        for words in _split_items(command, line):
            try:
                item = _read_words(words)
                _check_askable(item, words[0], takes_any_name)
                yield _place(item, words, name=name, line=line)
            except _WordError as bad:
                what, hint = str(bad.error), bad.error.hint or _FORMS_HINT
                yield Finding(name, line.number, bad.column, line.text, what, hint)
            else:
                yield from _doubts(words[0], name, line)


def _check_askable(item: Item, word: Word, takes_any_name: Callable[[str], bool]) -> None:
    if not isinstance(item, ModuleItem | PatternItem):
        return
    try:
        querytext.check_askable(item.query)
    except InputError as error:
        if not takes_any_name(item.path):
            column = word.column + len(word.value) - len(item.query)
            raise _WordError(column, error) from error


def _place(item: Item, words: Sequence[Word], *, name: str, line: Line) -> Item:
    text = words[1].value if isinstance(item, IncludeItem) else words[0].value
    return replace(item, name=name, line=line.number, column=words[0].column, text=text)


def _split_items(command: list[Word], line: Line) -> Iterator[list[Word]]:
    """Part a command into items: a pasted go command has many, any other has one."""
    try:
        arguments = pasted.go_arguments(command)
    except InputError:
        arguments = None
    continued = line.text.rstrip().endswith("\\")
    if arguments is None or not (arguments or continued):
        yield command
    else:
        for word in arguments:
            yield [word]


def _read_words(words: Sequence[Word]) -> Item:
    """Read the words of one item, its options among them."""
    first = words[0]
    if first.value.startswith("-"):
        return _read_include(words)
    if len(words) > 1 and (first.value == "go" or first.value in _SHELL_WORDS):
        raise _WordError(first.column, _shell_error(words))
    closure, rest = _read_options(words[1:])
    item = _read_item(first, rest)
    return replace(item, closure=closure) if closure else item


def _shell_error(words: Sequence[Word]) -> InputError:
    if words[0].value != "go":
        hint = "A list has modules and pasted go get lines; leave other commands out."
        return InputError(f"{words[0].value!r} is a shell command", hint=hint)
    try:
        pasted.go_arguments(words)
    except InputError as error:
        return error
    return InputError("the command names no module", hint="Write the module path after it.")


def _read_include(words: Sequence[Word]) -> Item:
    first = words[0]
    if first.value != "-r":
        hint = "Options of gopack go on its command line; a list knows -r FILE only."
        raise _WordError(first.column, InputError(f"unknown option {first.value!r}", hint=hint))
    if len(words) == 1:
        hint = "Write -r FILE; put a name with blanks in quotes."
        raise _WordError(first.column, InputError("-r without a file name", hint=hint))
    closure, rest = _read_options(words[2:])
    _refuse_more(rest)
    return IncludeItem(words[1].value, closure=closure)


def _read_options(words: Sequence[Word]) -> tuple[str | None, list[Word]]:
    """Take `closure=` out of the words; give its value and the rest."""
    closure, rest = None, []
    for word in words:
        key, equals, value = word.value.partition("=")
        if not equals or key.lower() != "closure":
            rest.append(word)
        elif value in LEVELS:
            closure = value
        else:
            hint = "Write closure=build, closure=graph or closure=closed."
            raise _WordError(word.column, InputError(f"unknown closure {value!r}", hint=hint))
    return closure, rest


def _refuse_more(words: Iterable[Word], first: Word | None = None) -> None:
    for word in words:
        hint = "One item a line: put it on a line of its own."
        if first is not None and re.match(r"v\d", word.value):
            hint = f"Write {first.value}@{word.value}."
        raise _WordError(word.column, InputError(f"unexpected {word.value!r}", hint=hint))


def _read_item(word: Word, rest: Sequence[Word]) -> Item:
    _check_shape(word)
    path, at, query = word.value.partition("@")
    path = path.rstrip("/") or path
    if path == "toolchain":
        return _read_toolchain(word, query if at else "latest", rest)
    _refuse_more(rest, word)
    query_at = word.column + len(word.value) - len(query)
    if path == "go":
        return GoItem(_checked(query_at, toolchain.check_go_query, query if at else "latest"))
    _checked(word.column, _check_path, path)
    if bounds := _ALL.fullmatch(query):
        return VersionsItem(path, _read_bounds(query_at, bounds[1]))
    if at:
        _checked(query_at, querytext.check_query, word.value, query)
    query = "latest" if query in {"", "upgrade"} else query
    return PatternItem(path, query) if "..." in path else ModuleItem(path, query)


def _check_shape(word: Word) -> None:
    """Refuse what is plainly something else, with what to write in its place."""
    if guess := pasted.path_of_address(word.value):
        what = f"{word.value!r} is an address, no module path"
        raise _WordError(word.column, InputError(what, hint=f"Write {guess}"))
    if word.value.endswith(","):
        what, hint = "a comma after the item", "One item a line, without commas."
        raise _WordError(word.column + len(word.value) - 1, InputError(what, hint=hint))


def _read_toolchain(word: Word, query: str, platforms: Sequence[Word]) -> Item:
    at = word.column + len(word.value) - len(query)
    if query != "latest" and not query.startswith("go"):
        hint = f"Write toolchain@go{query}." if query[:1].isdigit() else "Write toolchain@go1.26.x."
        raise _WordError(at, InputError(f"invalid toolchain version {query!r}", hint=hint))
    version = _checked(at, toolchain.check_go_query, query.removeprefix("go"))
    for platform in platforms:
        _checked(platform.column, toolchain.check_platform, platform.value)
    return ToolchainItem(version, tuple(dict.fromkeys(p.value for p in platforms)))


def _read_bounds(column: int, text: str | None) -> tuple[str, ...]:
    """Read `>=v1.40,<v2`; unlike a query each bound may be a prefix, which means its .0.0."""
    if text is None:
        return ()
    bounds = tuple(re.sub(r"\s", "", bound) for bound in text.split(","))
    for bound in bounds:
        match = re.fullmatch(r"(?:[<>]=?)(.*)", bound)
        if match is None or not semver.is_valid(match[1]):
            hint = "Write bounds such as module@all[>=v1.40,<v2]: < <= > >= and a version with v."
            raise _WordError(column, InputError(f"invalid bound {bound!r}", hint=hint))
    return bounds


def _check_path(path: str) -> None:
    """Check what stands before the `@`, as a module path or package path or pattern.

    Raises:
        InputError: for paths go refuses, and for what is no path of a module.
    """
    if path in _META:
        what = f"{path!r} means {_META[path]}, and a list has none"
        raise InputError(what, hint="Write the module's path.")
    if not path or path.startswith((".", "/", "~", "\\")) or re.match(r"[A-Za-z]:", path):
        what = f"{path!r} is a path of this machine" if path else "no path before the @"
        hint = "Write the module path as import lines have it; -r FILE reads another file."
        raise InputError(what, hint=hint)
    first = path.partition("/")[0]
    if "." not in first:
        raise _undotted(path, first)
    if "..." in first:
        hint = "Write at least the host before the dots: example.com/group/..."
        raise InputError(f"the pattern {path!r} has no host", hint=hint)
    module.check_import_path(path.replace("...", "x"))
    module.check_path(first)


def _undotted(path: str, first: str) -> InputError:
    if first in _STD:
        hint = "Delete the line; go@1.26.x and toolchain@go1.26.x fetch Go itself."
        return InputError(f"{path!r} is in Go's standard library: nothing to fetch", hint=hint)
    return InputError(
        f'malformed module path "{path}": missing dot in first path element',
        hint="Write the whole path with its host, as import lines have it.",
    )


def _checked(column: int, check: Callable[..., _T], *args: str) -> _T:
    """Run a check, and put the column on what it raises."""
    try:
        return check(*args)
    except InputError as error:
        raise _WordError(column, error) from error


def _doubts(word: Word, name: str, line: Line) -> Iterator[Finding]:
    """Warn of a query that go takes for the name of a branch, and a person surely does not."""
    path, _, query = word.value.partition("@")
    if path in {"go", "toolchain"} or not re.match(r"V?\d+\.\d+", query):
        return
    meant = "v" + query.lstrip("V")
    if semver.is_valid(meant):
        column = word.column + len(path) + 1
        what = f"{query!r} is looked up as a branch or tag: versions start with v"
        hint = f"Write {path}@{meant}, if that is meant."
        yield Finding(name, line.number, column, line.text, what, hint, Severity.WARNING)


def _without_duplicates(items: Iterable[Item]) -> tuple[list[Item], list[Finding]]:
    """Keep the first of items that ask for the same, and warn of the others."""
    kept, repeated = _part_repeated(items)
    return kept, [_listed_already(i, f"on line {first.line}") for i, first in repeated]


def without_repeated(items: Iterable[Item]) -> tuple[list[Item], list[Finding]]:
    """Keep the first of items of several lists that ask for the same.

    One warning for each list tells of its others: lists that include a common one repeat it whole.
    """
    kept, repeated = _part_repeated(items)
    by_list: dict[str, list[tuple[Item, Item]]] = {}
    for item, first in repeated:
        by_list.setdefault(item.name, []).append((item, first))
    return kept, [_repeating(pairs) for pairs in by_list.values()]


def _repeating(pairs: Sequence[tuple[Item, Item]]) -> Finding:
    item, first = pairs[0]
    if item.where == first.where:
        what = "given more than once, and taken once"
        return Finding(item.name, 0, 0, "", what, "", Severity.WARNING)
    more = f", and so {_are(len(pairs) - 1)} of this file" if len(pairs) > 1 else ""
    return _listed_already(item, f"in {first.where}{more}")


def _are(others: int) -> str:
    return "is 1 other line" if others == 1 else f"are {others} other lines"


def _part_repeated(items: Iterable[Item]) -> tuple[list[Item], list[tuple[Item, Item]]]:
    """Part items from those that ask for the same as one before, with that one."""
    seen: dict[Item, Item] = {}
    repeated = [(i, first) for i in items if (first := seen.setdefault(i, i)) is not i]
    return list(seen.values()), repeated


def _listed_already(item: Item, where: str) -> Finding:
    what = f"{item.text!r} is listed already, {where}"
    text = " " * (item.column - 1) + item.text
    return Finding(item.name, item.line, item.column, text, what, "", Severity.WARNING)
