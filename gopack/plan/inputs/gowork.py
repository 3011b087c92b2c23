"""go.work as a list: the requirements of all members of a workspace together.

Rules kept here:
- Members are folders; the caller reads their go.mod files and joins them here.
- The workspace's replacements go before its members'; two members that replace one module in two
  ways clash, as they do for go.
- A requirement on a member is met by the member.

Spec: go.dev/ref/mod#workspaces; modload loadModFile in workspace mode.
"""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import replace as changed

from gopack.plan.findings import Finding
from gopack.plan.inputs.gomodfile import local_findings
from gopack.plan.inputs.roots import Format, InputRoots, is_local, unique
from gopack.spec import gomod, gover, modsyntax
from gopack.spec.gomod import Replace
from gopack.spec.modsyntax import Block, Line
from gopack.spec.module import ModuleVersion


def read_go_work(data: bytes, *, name: str = "go.work") -> InputRoots:
    """Read a go.work file; its members are not read yet (see `join_members`).

    Raises:
        InputError: the first fault that keeps go from reading it, at `name:line:column`.
    """
    text = _text_of(data)
    statements = modsyntax.parse_statements(text, where=name)
    members = [folder for _, folders in _uses(statements) for folder in folders]
    parsed = gomod.parse(_without_uses(text, statements), strict=True, where=name)
    lines = text.splitlines()
    findings = local_findings(parsed.replace, name, lines)
    if not members:
        hint = "Add its go.mod files to the list instead."
        findings.append(Finding(name, 0, 0, "", "the workspace has no use lines", hint))
    return InputRoots(
        name,
        Format.GO_WORK,
        go=parsed.go,
        toolchain=parsed.toolchain,
        replace=parsed.replace,
        members=tuple(dict.fromkeys(members)),
        findings=tuple(findings),
    )


def find_use(data: bytes, folder: str) -> tuple[int, int, str]:
    r"""Tell where a go.work file that can be read uses a folder: line, column, the line itself.

    >>> find_use(b"go 1.24\nuse (\n\t./a\n\t./b\n)\n", "./b")
    (4, 2, '\t./b')
    """
    text = _text_of(data)
    uses = _uses(modsyntax.parse_statements(text, where=""))
    at = next(at for at, folders in uses if folder in folders)
    line, _, column = modsyntax.position(text, at).partition(":")
    return int(line), int(column), text.split("\n")[int(line) - 1].rstrip("\r")


def _text_of(data: bytes) -> str:
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def join_members(work: InputRoots, members: Sequence[InputRoots]) -> InputRoots:
    """Put the members' go.mod files and the workspace's own lines together."""
    mains = {member.main for member in members}
    replaced, clashes = _join_replace(work, members)
    roots = unique(
        root
        for member in members
        for root in (*member.roots, *member.local)
        if root.path not in mains and not is_local(root, replaced)
    )
    return changed(
        work,
        roots=roots,
        go=max([work.go, *(m.go for m in members)], key=gover.precedence),
        tools=tuple(dict.fromkeys(tool for member in members for tool in member.tools)),
        replace=replaced,
        exclude=unique(item for member in members for item in member.exclude),
        direct=frozenset().union(*(member.direct for member in members)) - mains,
        findings=(*work.findings, *(f for m in members for f in m.findings), *clashes),
    )


def _join_replace(
    work: InputRoots, members: Iterable[InputRoots]
) -> tuple[tuple[Replace, ...], list[Finding]]:
    own = {item.old.path for item in work.replace}
    joined: dict[ModuleVersion, tuple[Replace, str]] = {}
    clashes = []
    for member in members:
        for item in member.replace:
            if item.old.path in own:
                continue
            first, where = joined.setdefault(item.old, (item, member.name))
            if _target(first, where) != _target(item, member.name):
                what = f"{item.old.path} is replaced otherwise than in {where}"
                hint = f"Add the replace line that shall hold to {work.name}."
                clashes.append(Finding(member.name, 0, 0, "", what, hint))
    return (*work.replace, *(item for item, _ in joined.values())), clashes


def _target(item: Replace, name: str) -> ModuleVersion:
    """Tell what a member's replace line leads to: folders are the same by any way to them."""
    if item.new.version:
        return item.new
    folder = posixpath.join(posixpath.dirname(name.replace("\\", "/")), item.new.path)
    return ModuleVersion(posixpath.normpath(folder), "")


def _uses(statements: Iterable[Line | Block]) -> Iterable[tuple[int, tuple[str, ...]]]:
    """Give the folders of each use line, and the offset where it begins."""
    for statement in statements:
        if statement.tokens[:1] != ("use",):
            continue
        lines = statement.lines if isinstance(statement, Block) else ()
        found = [(statement.at, statement.tokens[1:]), *((line.at, line.tokens) for line in lines)]
        for at, tokens in found:
            yield at, tuple(_text(token) for token in tokens)


def _text(token: str) -> str:
    if token.startswith('"'):
        return modsyntax.unquote(token) or token
    return token[1:-1] if token.startswith("`") else token


def _without_uses(text: str, statements: Sequence[Line | Block]) -> str:
    """Blank the use lines out, so that what is left reads as a go.mod with the same places."""
    ends = [statement.at for statement in statements[1:]]
    for statement, end in zip(statements, [*ends, len(text)], strict=False):
        if statement.tokens[:1] == ("use",):
            kept = "".join(c if c == "\n" else " " for c in text[statement.at : end])
            text = text[: statement.at] + kept + text[end:]
    return text
