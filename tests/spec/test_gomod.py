"""go.mod files: where a fault is reported, and texts that the recorded table does not hold."""

from typing import get_args

import pytest

from gopack.errors import InputError
from gopack.spec import gomod, modsyntax

BAD = {
    "module m\nrequire (\n\ta v1.0.0\n": "2:1",
    "module m\n\n  /* no */": "3:3",
    'module "m': "1:8",
    "module m\n\x00": "2:1",
    "\ufeffmodule m": "1:1",
    "module a\u00a0b": "1:9",
    "require (\n\ta.b/c v1.0.0\n) x": "3:3",
    "module m\nrequire a.b/c master\n": "2:1",
    "require (\n\ta.b/c v1.0.0\n\t\ta.b/c/v2 v1.0.0\n)": "3:3",
    "require a.b/c/v1 v1.0.0": "1:1",
    "require a.b/c": "1:1",
    "require a.b/c 'v1.0.0'": "1:1",
    'require "a\\q" v1.0.0': "1:1",
    "go 1.21\ngo 1.22": "2:1",
    "go x": "1:1",
    "go v1.21": "1:1",
    "go 1.21 1.22": "1:1",
    "module a\nmodule b": "2:1",
}
BAD_IN_MAIN = {
    "what is this": "1:1",
    "what (\n)": "1:1",
    "go (\n)": "1:1",
    "require a (\n)": "1:1",
    "go v1.21.x": "1:1",
    "toolchain go1.21\ntoolchain go1.22": "2:1",
    "toolchain local": "1:1",
    "godebug a": "1:1",
    "godebug a='b=c'": "1:1",
    "exclude a.b/c": "1:1",
    "tool": "1:1",
    "retract": "1:1",
    "retract (\n\tv1.0.0 v1.1.0\n)": "2:2",
    "retract [v1.0.0": "1:1",
    "replace a.b/c": "1:1",
    "replace a.b/c => d": "1:1",
    "replace a.b/c => ..\\d": "1:1",
    "replace a.b/c => ./d v1.0.0": "1:1",
    "replace a.b/c v2.0.0 => d.e/f v1.0.0": "1:1",
    "replace a.b/c/v1 => ../d": "1:1",
}


@pytest.mark.parametrize(("text", "at"), BAD.items())
def test_parse_fault_reported_at_its_place(text: str, at: str) -> None:
    for strict in (False, True):
        with pytest.raises(InputError) as caught:
            gomod.parse(text, strict=strict, where="m@v1.0.0/go.mod")
        assert caught.value.where == f"m@v1.0.0/go.mod:{at}"


@pytest.mark.parametrize(("text", "at"), BAD_IN_MAIN.items())
def test_parse_fault_of_main_module_only_in_strict(text: str, at: str) -> None:
    gomod.parse(text)
    with pytest.raises(InputError) as caught:
        gomod.parse(text, strict=True)
    assert caught.value.where == f"go.mod:{at}"


def test_parse_bytes_not_utf8_kept_in_words_replaced_in_quotes() -> None:
    mod = gomod.parse(b'module a\xff\nignore "b\xff"\nignore "\\xc3\\x9f\\377"')
    assert mod.module == "a\udcff"
    assert mod.ignore == ("b\ufffd", "ß\udcff")


def test_parse_crlf_same_as_lf() -> None:
    text = "module m // Deprecated: d\ngo 1.21\nrequire (\n\ta.b/c v1.0.0 // indirect\n)\n"
    assert gomod.parse(text.replace("\n", "\r\n")) == gomod.parse(text)


def test_parse_lax_leaves_out_what_only_main_modules_say() -> None:
    text = (
        "module m\ntoolchain go1.22.0\ngodebug a=b\nexclude a.b/c v1.0.0\n"
        "replace a.b/c => ../c\ntool m/cmd\nretract v1.0.0\nignore ./x\n"
    )
    lax, strict = gomod.parse(text), gomod.parse(text, strict=True)
    assert (lax.toolchain, lax.godebug, lax.exclude, lax.replace, lax.tool) == ("", (), (), (), ())
    assert (lax.retract, lax.ignore) == (strict.retract, strict.ignore)
    assert strict.toolchain == "go1.22.0"
    assert strict.replace[0].new.path == "../c"
    assert len(strict.godebug) == len(strict.exclude) == len(strict.tool) == 1


def test_parse_escaped_newline_in_string_is_one_token() -> None:
    # The lexer takes it; only a directive that reads the string refuses it.
    assert gomod.parse('module m\nwhat "a\\\nb" c\ngo 1.21').go == "1.21"
    with pytest.raises(InputError):
        gomod.parse('module "a\\\nb"')


@pytest.mark.parametrize(
    "token", ['"\\ud800"', '"\\U00110000"', '"\\Uffffffff"', '"\\400"', '"\\x1"', '"\\\'"']
)
def test_unquote_escape_of_no_character_refused(token: str) -> None:
    assert modsyntax.unquote(token) is None


def test_unquote_each_kind_of_escape_read() -> None:
    assert (
        modsyntax.unquote('"\\a\\n\\\\\\"\\x41\\102\\u00df\\U0001f600"') == '\a\n\\"ABß\U0001f600'
    )


def test_parse_blank_lines_in_block_keep_its_comment_away() -> None:
    text = "// Of the block.\nretract (\n\n\tv1.0.0\n\n\n\tv1.1.0\n)\n"
    assert [r.rationale for r in gomod.parse(text).retract] == ["Of the block.", ""]


def test_parse_comments_belong_to_the_next_line_only() -> None:
    text = "retract (\n// one\nv1.0.0 v1\nv1.1.0 v1\n// two\nv1.2.0\nv1.3.0\n)"
    assert [r.rationale for r in gomod.parse(text).retract] == ["one", "", "two", ""]
    assert gomod.parse("// Deprecated: x\n\nmodule m").deprecated == ""
    assert gomod.parse("// Deprecated: x\nmodule m").deprecated == "x"


def test_plain_line_fast_path_same_as_tokens() -> None:
    # The two readings of a plain line must never differ: the first is only the second, sooner.
    lines = "a.b/c v1.0.0;a.b/c v1.0.0//indirect;\ta v1 // x;a//b c;a b//;a/ b;/a b;a b/c;( a;a ) "
    for line in lines.split(";"):
        slow, fast = (
            modsyntax.parse_statements(f"require (\n{space}{line}\n)", where="")
            for space in ("", " ")
        )
        block = modsyntax.parse_statements(f"x {line}\n", where="")[0]
        assert isinstance(block, modsyntax.Line)
        for statements in (slow, fast):
            assert isinstance(statements[0], modsyntax.Block)
            got = statements[0].lines[0]
            assert (got.tokens, got.suffix) == (block.tokens[1:], block.suffix)


def test_statement_is_line_or_block() -> None:
    kinds = {type(s) for s in modsyntax.parse_statements("a b\nc (\n)\n", where="")}
    assert kinds == set(get_args(modsyntax.Line | modsyntax.Block))
