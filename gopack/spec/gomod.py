"""go.mod files: which module, which requirements, which versions it withdraws.

Two readings, as in golang.org/x/mod/modfile with no version fixer:

- lax (ParseLax; every go.mod but the main module's): only `module`, `go`, `require`, `retract` and
  `ignore` count, anything else is passed over whatever it says, a retraction that cannot be read
  too, and a go version may have a `v` before it and anything behind it;
- strict (Parse; the main module): every directive counts, an unknown one is an error.

In both, versions of `require`, `exclude` and `replace` are made canonical (`v1.2` becomes `v1.2.0`,
build metadata but `+incompatible` goes) and must be semantic versions that suit the path: a branch
name, which the go command would look up in a main module, is refused. Bounds of a retraction stay
as written. Paths are not checked beyond their major version suffix: module.check_path does that.

Spec: go.dev/ref/mod#go-mod-file, golang.org/x/mod/modfile (rule.go).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import modsyntax, module
from gopack.spec.modsyntax import Block, Line
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Require:
    """A requirement; `indirect` if an `// indirect` comment marks it."""

    path: str
    version: str
    indirect: bool


class Replace(NamedTuple):
    """A replacement; versions are empty where all are replaced, or where the new is a folder."""

    old: ModuleVersion
    new: ModuleVersion


@dataclass(frozen=True, slots=True)
class Retract:
    """Versions the author withdraws: from low to high, both included; rationale from comments."""

    low: str
    high: str
    rationale: str


class Godebug(NamedTuple):
    """A `godebug key=value` setting."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class GoMod:
    """What a go.mod file says; text fields are empty where it does not say.

    `deprecated` is the module's deprecation message, `go` a Go version like `1.21.0`, `toolchain`
    a name like `go1.21.0` or `default`, `tool` package paths, `ignore` folders.
    """

    module: str
    deprecated: str
    go: str
    toolchain: str
    godebug: tuple[Godebug, ...]
    require: tuple[Require, ...]
    exclude: tuple[ModuleVersion, ...]
    replace: tuple[Replace, ...]
    retract: tuple[Retract, ...]
    tool: tuple[str, ...]
    ignore: tuple[str, ...]


def parse(text: str | bytes, *, strict: bool = False, where: str = "go.mod") -> GoMod:
    r"""Read a go.mod file.

    Text that is not UTF-8 is kept as surrogateescape keeps it.

    >>> parse("module example.com/m\nrequire rsc.io/quote v1.5.2 // indirect\n").require
    (Require(path='rsc.io/quote', version='v1.5.2', indirect=True),)

    Raises:
        InputError: the first fault, at `where:line:column`.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    statements = modsyntax.parse_statements(text, where=where)
    draft = _Draft(is_strict=strict)
    try:
        for statement in statements:
            draft.at = statement.at
            if isinstance(statement, Line):
                draft.add(statement.tokens[0], statement.tokens[1:], statement, None)
            else:
                draft.add_block(statement)
    except _FaultError as fault:
        at = modsyntax.position(text, draft.at)
        raise InputError(str(fault), where=f"{where}:{at}") from None
    return draft.finished()


def module_path(data: bytes) -> str:
    r"""Find the module path as the go command does before it parses a go.mod; empty if none.

    The first line that begins with `module` decides; a block, or a fault elsewhere, is not seen.

    >>> module_path(b"module \"example.com/m\" // see README\nrequire x.example/y main\n")
    'example.com/m'

    Source: x/mod modfile.ModulePath.
    """
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        found = line.partition("//")[0].strip(_SPACE)
        behind = found.removeprefix("module")
        path = behind.strip(_SPACE)
        if found != behind and path not in {"", behind}:
            return _unquoted(path)
    return ""


def _unquoted(text: str) -> str:
    """A text as strconv.Unquote reads it if it begins with a quote; empty if it cannot."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "") if _RAW_QUOTED.fullmatch(text) else ""
    if text[0] == '"':
        return (_QUOTED.fullmatch(text) and modsyntax.unquote(text)) or ""
    return text


class _FaultError(Exception):
    """What is wrong with the line at hand; parse() adds where."""


_LAX_VERBS = frozenset({"go", "module", "retract", "require", "ignore"})
_GO_VERSION = re.compile(r"[1-9][0-9]*\.(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?([a-z]+[0-9]+)?")
_LAX_GO_VERSION = re.compile(r"v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9].*")
_TOOLCHAIN = re.compile(r"default\Z|go1(\Z|\.)")
_DEPRECATED = re.compile(r"(?:\A|\n\n)Deprecated: *(.*?)(?:\Z|\n\n)", re.DOTALL)
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_SPACE += "\u2028\u2029\u202f\u205f\u3000"  # unicode.IsSpace; str.strip() alone takes more
_QUOTED, _RAW_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"'), re.compile("`[^`]*`")
_FOLDER = re.compile(r"\.\.?(\Z|[/\\])|[/\\]|[A-Za-z]:")


@dataclass(slots=True)
class _Draft:
    """A GoMod in the making."""

    is_strict: bool
    at: int = 0
    module: str | None = None
    deprecated: str = ""
    go: str = ""
    toolchain: str = ""
    godebug: list[Godebug] = field(default_factory=list)
    require: list[Require] = field(default_factory=list)
    exclude: list[ModuleVersion] = field(default_factory=list)
    replace: list[Replace] = field(default_factory=list)
    retract: list[Retract] = field(default_factory=list)
    tool: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)

    def finished(self) -> GoMod:
        return GoMod(
            module=self.module or "",
            deprecated=self.deprecated,
            go=self.go,
            toolchain=self.toolchain,
            godebug=tuple(self.godebug),
            require=tuple(self.require),
            exclude=tuple(self.exclude),
            replace=tuple(self.replace),
            retract=tuple(self.retract),
            tool=tuple(self.tool),
            ignore=tuple(self.ignore),
        )

    def add_block(self, block: Block) -> None:
        verb = block.tokens[0]
        if len(block.tokens) > 1 or verb not in _BLOCK_VERBS:
            if self.is_strict:
                raise _FaultError(f"unknown kind of block: {' '.join(block.tokens)}")
            return
        if not self.is_strict and verb not in _LAX_VERBS:
            return
        for line in block.lines:
            self.at = line.at
            self.add(verb, line.tokens, line, block)

    def add(self, verb: str, args: tuple[str, ...], line: Line, block: Block | None) -> None:
        if verb == "require":
            self.require.append(_require(args, line.suffix))
        elif self.is_strict or verb in _LAX_VERBS:
            add = _DIRECTIVES.get(verb)
            if add is None:
                raise _FaultError(f"unknown directive: {verb}")
            add(self, args, line, block)


_Directive = Callable[[_Draft, tuple[str, ...], Line, Block | None], None]


@lru_cache(maxsize=1 << 15)
def _require(args: tuple[str, ...], suffix: str) -> Require:
    path, version = _path_and_version("require", args)
    return Require(path, version, _is_indirect(suffix))


def forget_requirements() -> None:
    """Let go of the lines that were read, where no more go.mod files come: some megabytes."""
    _require.cache_clear()


def _is_indirect(comment: str) -> bool:
    words = comment[2:].strip(_SPACE)
    first, *more = re.split(f"[{_SPACE}]+", words, maxsplit=1)
    return first == ("indirect;" if more else "indirect")


def _add_exclude(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    draft.exclude.append(_path_and_version("exclude", args))


def _path_and_version(verb: str, args: tuple[str, ...]) -> ModuleVersion:
    if len(args) != 2:
        raise _FaultError(f"expected a module path and a version: {verb} example.com/m v1.2.3")
    path = _text(args[0])
    version = _version(args[1])
    _check_major(path, version)
    return ModuleVersion(path, version)


def _check_major(path: str, version: str | None) -> None:
    _, path_major, is_valid = module.split_path_version(path)
    if not is_valid:
        raise _FaultError(f"module path {path} ends in no valid major version suffix")
    if version is not None:
        try:
            module.check_path_major(version, path_major)
        except InputError as error:
            raise _FaultError(f"{path}@{version}: {error.what}") from None


def _text(token: str) -> str:
    """A token as the text it stands for (x/mod parseString)."""
    if token.startswith('"'):
        text = modsyntax.unquote(token)
        if text is None:
            raise _FaultError(f"invalid quoted string {token}")
        return text
    if "'" in token or '"' in token or "`" in token:
        raise _FaultError(f"only double quotes may quote, and only a whole word: {token}")
    return token


def _version(token: str) -> str:
    version = module.canonical_version(_text(token))
    if not version:
        raise _FaultError(f"version {token} is not of the form v1.2.3")
    return version


def _only_arg(verb: str, args: tuple[str, ...]) -> str:
    if len(args) != 1:
        raise _FaultError(f"expected one word after {verb}, got {len(args)}")
    return args[0]


def _add_go(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    if draft.go:
        raise _FaultError("a second go directive")
    version = _only_arg("go", args)
    if not _GO_VERSION.fullmatch(version):
        lax = None if draft.is_strict else _LAX_GO_VERSION.fullmatch(version)
        if lax is None:
            raise _FaultError(f"invalid go version {version}: expected one like 1.23.0")
        version = lax[1]
    draft.go = version


def _add_toolchain(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    if draft.toolchain:
        raise _FaultError("a second toolchain directive")
    name = _only_arg("toolchain", args)
    if not _TOOLCHAIN.match(name):
        raise _FaultError(f"invalid toolchain {name}: expected one like go1.23.0, or default")
    draft.toolchain = name


def _add_module(draft: _Draft, args: tuple[str, ...], line: Line, block: Block | None) -> None:
    if draft.module is not None:
        raise _FaultError("a second module directive")
    draft.module = _text(_only_arg("module", args))
    found = _DEPRECATED.search(_comment_text(line, block))
    draft.deprecated = found[1] if found else ""


def _comment_text(line: Line, block: Block | None) -> str:
    """The comments of a line, or of its block where the line has none (parseDirectiveComment)."""
    comments = [*line.before, line.suffix]
    if block is not None and comments == [""]:
        comments = [*block.before]
    return "\n".join(c[2:].strip(_SPACE) for c in comments if c)


def _add_godebug(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    setting = _only_arg("godebug", args)
    key, equals, value = setting.partition("=")
    if not equals or re.search("[\"`',]", setting):
        raise _FaultError(f"expected godebug key=value, got {setting}")
    draft.godebug.append(Godebug(key, value))


def _add_tool(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    draft.tool.append(_text(_only_arg("tool", args)))


def _add_ignore(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    draft.ignore.append(_text(_only_arg("ignore", args)))


def _add_retract(draft: _Draft, args: tuple[str, ...], line: Line, block: Block | None) -> None:
    try:
        low, high, rest = _interval(args)
    except _FaultError:
        if draft.is_strict:
            raise
        return
    if rest and draft.is_strict:
        raise _FaultError(f"unexpected {rest[0]} after the version")
    draft.retract.append(Retract(low, high, _comment_text(line, block)))


def _interval(args: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """`v1` or `[v1, v2]` at the start of args: (low, high, the other args)."""
    if not args or args[0] == "(":
        raise _FaultError("expected a version or [low, high] after retract")
    if args[0] != "[":
        version = _text(args[0])
        return version, version, args[1:]
    if len(args) < 5 or args[2] != "," or args[4] != "]":
        raise _FaultError("expected a version or [low, high] after retract")
    return _text(args[1]), _text(args[3]), args[5:]


def _add_replace(draft: _Draft, args: tuple[str, ...], _line: Line, _block: Block | None) -> None:
    arrow = 1 if args[1:2] == ("=>",) else 2
    if len(args) not in (arrow + 2, arrow + 3) or args[arrow] != "=>":
        raise _FaultError(
            "expected replace old/module [v1.2.3] => other/module v1.4.0 or ../folder"
        )
    old_path = _text(args[0])
    old_version = _version(args[1]) if arrow == 2 else ""
    _check_major(old_path, old_version if arrow == 2 else None)
    new_path = _text(args[arrow + 1])
    is_folder = _FOLDER.match(new_path) is not None
    if len(args) == arrow + 3:
        new_version = _version(args[arrow + 2])
        if is_folder:
            raise _FaultError(f"the folder {new_path} cannot have a version")
    else:
        new_version = ""
        _check_folder(new_path, is_folder=is_folder)
    old = ModuleVersion(old_path, old_version)
    draft.replace.append(Replace(old, ModuleVersion(new_path, new_version)))


def _check_folder(path: str, *, is_folder: bool) -> None:
    if not is_folder:
        raise _FaultError(f"the replacement {path} needs a version, or ./ before it if a folder")
    if "\\" in path:
        # x/mod on every system but Windows.
        raise _FaultError(f"the replacement {path} is a Windows path")


_DIRECTIVES: dict[str, _Directive] = {
    "exclude": _add_exclude,
    "go": _add_go,
    "godebug": _add_godebug,
    "ignore": _add_ignore,
    "module": _add_module,
    "replace": _add_replace,
    "retract": _add_retract,
    "tool": _add_tool,
    "toolchain": _add_toolchain,
}
_BLOCK_VERBS = frozenset({"require", *_DIRECTIVES} - {"go", "toolchain"})
