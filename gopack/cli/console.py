r"""Where a person reads: text of lists, upstreams and files, shown so that it cannot do anything.

Rules:
- Text is text: nothing in it is markup or an emoji name unless a call asks for markup.
- What cannot be seen is written as an escape, so that no module's author, upstream or list can
  move the cursor, change colours, rename the window or turn the reading direction.
"""

import json
import re
from typing import Any

from rich.console import Console
from rich.text import Text

LOG_WIDTH = 160
"""Characters a line of a log takes; nobody knows how wide its reader's window is."""

_LAYOUT = frozenset("\n\t")


def visible(text: str) -> str:
    r"""Give text with escapes for all that cannot be seen, but line ends and tabs.

    >>> visible("a\x1b[31m\n"), visible("\u202e\udcff")
    ('a\\x1b[31m\n', '\\u202e\\udcff')
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _LAYOUT else repr(c)[1:-1] for c in text)


def dumps(value: object) -> str:
    r"""Give a value as JSON in which all that cannot be seen is an escape.

    >>> print(dumps({"é": "\x9b31m \U000e0001"}))
    {
      "é": "\u009b31m \udb40\udc01"
    }
    """
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"[^\x20-\x7e\n]", _escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


class _PlainConsole(Console):
    """A console to which all strings, table cells and labels included, are plain visible text."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into what is printed; every string passes here."""
        return super().render_str(visible(text), **options)


def make_console() -> Console:
    """Make the console for everything a person reads: standard error, so that --json can pipe."""
    return _made(stderr=True)


def make_output() -> Console:
    """Make the console for results, on standard output."""
    return _made(stderr=False)


def _made(*, stderr: bool) -> Console:
    console = _PlainConsole(
        stderr=stderr, soft_wrap=True, markup=False, emoji=False, highlight=False
    )
    if not console.is_terminal:
        console.width = LOG_WIDTH
    return console
