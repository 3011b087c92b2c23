"""Which licence a licence file is, by the words that only it has.

A help for the person who approves, not legal advice: a text that is not recognised is `?`, and one
of several licences is named with all of them. A licence that a text only mentions does not count.

Spec: the identifiers of spdx.org/licenses; the phrases are from the licences' own texts.
"""

import re

NAME = re.compile(rb"(?i:(?:un)?licen[cs]e|copying)(?:[.-][A-Za-z0-9._-]{1,30})?")
"""File names, in a module's root, that hold a licence."""

_PHRASES = (
    ("Apache-2.0", "apache license version 2.0, january 2004"),
    ("Apache-2.0", "licensed under the apache license version 2.0 the license"),
    ("MPL-2.0", "mozilla public license version 2.0 1. definitions"),
    ("MPL-2.0", "is subject to the terms of the mozilla public license, v. 2.0"),
    ("AGPL-3.0", "gnu affero general public license version 3, 19 november 2007"),
    ("LGPL-3.0", "gnu lesser general public license version 3, 29 june 2007"),
    ("LGPL-2.1", "gnu lesser general public license version 2.1, february 1999"),
    ("LGPL-2.0", "gnu library general public license version 2, june 1991"),
    ("GPL-3.0", "gnu general public license version 3, 29 june 2007"),
    ("GPL-2.0", "gnu general public license version 2, june 1991"),
    ("EPL-2.0", "eclipse public license - v 2.0"),
    (
        "CC0-1.0",
        "the laws of most jurisdictions throughout the world automatically confer exclusive",
    ),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
    ("ISC", "for any purpose with or without fee is hereby granted, provided that the above"),
    ("0BSD", "for any purpose with or without fee is hereby granted. the software is provided"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"),
)
"""What stands in a licence's own text or grant, and in no text that only mentions it.

Licences name each other: the MPL three of the GNU licences (section 1.12), the LGPL the GPL. So a
name is not enough; of those a title counts with what follows it there.
"""
_BSD = "redistribution and use in source and binary forms"
_BSD_3 = "endorse or promote products"
_NOT_WORDS = re.compile(r"[^a-z0-9.,/-]+")


def identify(text: bytes) -> str:
    """Name the licences that a text holds, joined by `AND`; empty if none is recognised.

    >>> identify(b"Permission is hereby granted, free of charge, to any person obtaining a copy")
    'MIT'
    """
    words = _NOT_WORDS.sub(" ", text.decode("utf-8", "replace").lower())
    words = words.replace(" ,", ",").replace(", version", " version")
    found = dict.fromkeys(name for name, phrase in _PHRASES if phrase in words)
    if _BSD in words:
        found["BSD-3-Clause" if _BSD_3 in words else "BSD-2-Clause"] = None
    return " AND ".join(found)
