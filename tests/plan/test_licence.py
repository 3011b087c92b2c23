"""The licence that a text is, and not those that it mentions."""

from pathlib import Path

import pytest

from gopack.plan.bundle.licence import identify

SECONDARY = """
1.12. "Secondary License"
    means either the GNU General Public License, Version 2.0, the GNU
    Lesser General Public License, Version 2.1, the GNU Affero General
    Public License, Version 3.0, or any later versions of those
    licenses.
"""
MPL = f"""Mozilla Public License Version 2.0
==================================

1. Definitions
--------------
{SECONDARY}
  This Source Code Form is subject to the terms of the Mozilla Public
  License, v. 2.0. If a copy of the MPL was not distributed with this
  file, You can obtain one at http://mozilla.org/MPL/2.0/.
"""
EPL = """Eclipse Public License - v 2.0

    THE ACCOMPANYING PROGRAM IS PROVIDED UNDER THE TERMS OF THIS ECLIPSE
    PUBLIC LICENSE ("AGREEMENT").

"Secondary License" means either the GNU General Public License,
Version 2.0, or any later versions of that license.
"""
LGPL_21 = """              GNU LESSER GENERAL PUBLIC LICENSE
                       Version 2.1, February 1999

[This is the first released version of the Lesser GPL.  It also counts
 as the successor of the GNU Library Public License, version 2, hence
 the version number 2.1.]

  3. You may opt to apply the terms of the ordinary GNU General Public
License instead of this License: refer to the ordinary GNU General Public License, version 2.
"""
GPL_3 = """                    GNU GENERAL PUBLIC LICENSE
                       Version 3, 29 June 2007

  13. Use with the GNU Affero General Public License: under version 3 of the
GNU Affero General Public License into a single combined work.
"""
APACHE = """
                                 Apache License
                           Version 2.0, January 2004
                        http://www.apache.org/licenses/
"""
APACHE_HEADER = """
Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
"""
MIT = """
Permission is hereby granted, free of charge, to any person obtaining a copy of this
software and associated documentation files (the "Software")
"""
ISC = """
Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.
"""
ZERO_BSD = """
Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS"
"""
COMMON = Path("/usr/share/common-licenses")
OF_DEBIAN = {
    "Apache-2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "CC0-1.0": "CC0-1.0",
    "GPL-2": "GPL-2.0",
    "GPL-3": "GPL-3.0",
    "LGPL-2": "LGPL-2.0",
    "LGPL-2.1": "LGPL-2.1",
    "LGPL-3": "LGPL-3.0",
    "MPL-2.0": "MPL-2.0",
}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MPL, "MPL-2.0"),
        (MPL.replace("Version 2.0\n====", "version 2.0\n\n===="), "MPL-2.0"),
        (EPL, "EPL-2.0"),
        (LGPL_21, "LGPL-2.1"),
        (GPL_3, "GPL-3.0"),
        (APACHE, "Apache-2.0"),
        (APACHE_HEADER, "Apache-2.0"),
        (ISC, "ISC"),
        (ZERO_BSD, "0BSD"),
        (MIT, "MIT"),
    ],
)
def test_text_is_its_own_licence_alone(text: str, name: str) -> None:
    assert identify(text.encode()) == name


@pytest.mark.parametrize(
    "mention",
    [
        "Parts of it come from a project under the Apache License, Version 2.0.\n",
        "It links a library under the GNU Lesser General Public License, version 2.1.\n",
        "The logo is under CC0 1.0 Universal; the pages are not.\n",
        "Before 2019 it was under the Mozilla Public License, Version 2.0.\n",
    ],
)
def test_licence_that_is_only_mentioned_does_not_count(mention: str) -> None:
    assert identify((MIT + mention).encode()) == "MIT"
    assert identify(mention.encode()) == ""


def test_text_of_several_licences_is_all_of_them() -> None:
    assert identify((APACHE + MIT).encode()) == "Apache-2.0 AND MIT"
    assert identify((MPL + LGPL_21 + GPL_3).encode()) == "MPL-2.0 AND LGPL-2.1 AND GPL-3.0"


@pytest.mark.skipif(not COMMON.is_dir(), reason="Debian keeps the licences there")
@pytest.mark.parametrize("file", OF_DEBIAN)
def test_whole_texts_are_one_licence_each(file: str) -> None:
    path = COMMON / file
    if not path.is_file():
        pytest.skip("this Debian does not have it")
    assert identify(path.read_bytes()) == OF_DEBIAN[file]
