"""Words of authors, upstreams and files on a person's screen: they say what they say, no more."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gopack.cli.console import dumps, make_console, visible
from tests.cli import program
from tests.upstream import Fault, Upstream

TITLE = "\x1b]0;mine\x07\x1b[31m\x9b2J\u202e"
MARKUP = "[/bold] [red]no[/] :bomb:"


@pytest.fixture
def spoilt(upstream: Upstream) -> Upstream:
    """Modules whose authors wrote all that a terminal might obey into their go.mod files."""
    upstream.add(
        "example.com/old",
        "v1.0.0",
        mod=f"// Deprecated: use {MARKUP} {TITLE} new\nmodule example.com/old\n",
    )
    upstream.add("example.com/bad", "v1.0.0")
    upstream.add(
        "example.com/bad",
        "v1.1.0",
        mod=f"module example.com/bad\n// broken {MARKUP} {TITLE}\nretract v1.0.0\n",
    )
    upstream.add("example.com/name", "v1.0.0", mod='module "example.com/\\x1b[31mX"\n')
    upstream.fail(
        "/example.com/talk/*",
        Fault(status=403, body=MARKUP.encode(), headers={"Content-Type": "text/plain"}),
    )
    return upstream


LINES = """
example.com/old@v1.0.0
example.com/bad@v1.0.0
example.com/name@v1.0.0
example.com/talk@v1.0.0
"""


def assert_harmless(text: str) -> None:
    assert [c for c in text if not c.isprintable() and c not in "\n\t"] == []


def test_fetch_words_of_authors_and_servers_are_shown_as_they_are(
    spoilt: Upstream, tmp_path: Path
) -> None:
    ran = program.fetch(tmp_path, spoilt.url, LINES)

    assert ran.status in {3, 4}
    assert_harmless(ran.text)
    for words in ("use [/bold] [red]no[/] :bomb:", "broken [/bold] [red]no[/] :bomb:"):
        assert words in ran.text.replace("\n", " ")
    assert "the server says: [/bold] [red]no[/] :bomb:" in ran.text
    assert ran.line("example.com/old@v1.0.0")["status"] == "done"
    assert TITLE in ran.line("example.com/old@v1.0.0")["notes"][0]


def test_json_has_only_what_can_be_seen(spoilt: Upstream, tmp_path: Path) -> None:
    program.fetch(tmp_path, spoilt.url, LINES, "--json", str(tmp_path / "out.json"))

    assert_harmless((tmp_path / "out.json").read_text())


@pytest.mark.parametrize("options", [[], ["--why", "example.com/old"]])
def test_plan_words_of_authors_are_shown_as_they_are(
    spoilt: Upstream, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "goget.txt").write_text(LINES)
    process = program.start(tmp_path, spoilt.url, "plan", *options)
    out, text = process.communicate(timeout=program.STARTED_S)

    assert "Traceback" not in text
    assert_harmless(out + text)
    assert process.returncode in {3, 4}


def test_list_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    name = os.fsdecode(b"odd\xff.txt")
    process = program.start(tmp_path, "off", "fetch", name)
    _, text = process.communicate(timeout=program.STARTED_S)

    assert process.returncode == 2
    assert "odd\\udcff.txt: there is no such list" in text


def test_console_on_a_terminal_prints_its_own_escapes_alone() -> None:
    parent, child = pty.openpty()
    code = (
        "from gopack.cli.console import make_console;"
        f"make_console().print({TITLE + 'x[red]y'!r}, style='red')"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        stderr=child,
        check=True,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    os.close(child)
    said = os.read(parent, 4096).decode()
    os.close(parent)

    assert "x[red]y" in said
    assert "\x1b]0" not in said
    assert "\x9b" not in said
    assert "\x1b[31m\\x1b]0;mine" in said  # its own red, then the words


def test_visible_leaves_what_can_be_seen() -> None:
    assert visible("modulé ✓ 漢字\n\tx") == "modulé ✓ 漢字\n\tx"
    assert make_console().stderr


def test_dumps_reads_back_the_same() -> None:
    value = {"text": TITLE + MARKUP + "\U000e0001", "list": [1, None]}

    assert json.loads(dumps(value)) == value
    assert_harmless(dumps(value))
