"""Which licence a licence file is, by the words that only it has.

A help for the person who approves, not legal advice: a text that is not recognised is `?`, and one
of several licences is named with all of them.

Spec: the identifiers of spdx.org/licenses; the phrases are from the licences' own texts.
"""

import re

NAME = re.compile(rb"(?i:(?:un)?licen[cs]e|copying)(?:[.-][A-Za-z0-9._-]{1,30})?")
"""File names, in a module's root, that hold a licence."""

_PHRASES = (
    ("Apache-2.0", "apache license version 2.0"),
    ("MPL-2.0", "mozilla public license version 2.0"),
    ("MPL-2.0", "mozilla public license, version 2.0"),
    ("AGPL-3.0", "gnu affero general public license version 3"),
    ("LGPL-3.0", "gnu lesser general public license version 3"),
    ("LGPL-2.1", "gnu lesser general public license version 2.1"),
    ("GPL-3.0", "gnu general public license version 3"),
    ("GPL-2.0", "gnu general public license version 2"),
    ("EPL-2.0", "eclipse public license - v 2.0"),
    ("CC0-1.0", "cc0 1.0 universal"),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
    ("ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"),
    ("ISC", "permission to use, copy, modify, and distribute this software for any purpose"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"),
)
_BSD = "redistribution and use in source and binary forms"
_BSD_3 = "endorse or promote products"
_NOT_WORDS = re.compile(r"[^a-z0-9.,/-]+")


def identify(text: bytes) -> str:
    """Name the licences that a text holds, joined by `AND`; empty if none is recognised.

    >>> identify(b"Permission is hereby granted, free of charge, to any person obtaining a copy")
    'MIT'
    """
    words = _NOT_WORDS.sub(" ", text.decode("utf-8", "replace").lower()).replace(
        ", version", " version"
    )
    found = dict.fromkeys(
        name for name, phrase in _PHRASES if phrase.replace(", version", " version") in words
    )
    if _BSD in words:
        found["BSD-3-Clause" if _BSD_3 in words else "BSD-2-Clause"] = None
    return " AND ".join(found)
