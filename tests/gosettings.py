"""The environment of the go command, where a test's own proxy is all that it may ask."""

import os
from pathlib import Path


def go_settings(home: Path, proxy: str, **more: str) -> dict[str, str]:
    """A new machine with nothing of this one but its PATH; all that go keeps is in `home`.

    No checksum database is asked, no repository, and no other toolchain is fetched; what go keeps
    can be deleted. `more` are settings beside these, or in place of them.
    """
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GOENV": "off",
        "GOFLAGS": "-modcacherw",
        "GOPROXY": proxy,
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        "GOVCS": "*:off",
        "GOWORK": "off",
        **more,
    }
