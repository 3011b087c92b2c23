"""The settings of sealed go commands."""

import json
import shutil
import subprocess

import pytest

from gopack.adapters.gocommand import sealed_settings

OF_AN_IMAGE = {
    "GOPRIVATE": "corp.test",
    "GONOPROXY": "corp.test",
    "GOINSECURE": "corp.test",
    "GOBIN": "/corp",
    "GOCACHEPROG": "/corp/cache",
    "GOOS": "plan9",
    "GOARCH": "386",
    "GOEXPERIMENT": "nosuch",
    "GODEBUG": "gotypesalias=0",
}
"""What a company may have set in its image of Go."""


@pytest.mark.parametrize("name", OF_AN_IMAGE)
def test_sealed_settings_leave_nothing_of_an_image(name: str) -> None:
    assert sealed_settings("off", "")[name] in {"", "none"}


@pytest.mark.oracle
def test_go_has_its_defaults_under_sealed_settings() -> None:
    program = shutil.which("go")
    assert program is not None

    def settings(**environ: str) -> dict[str, str]:
        env = {"HOME": "/", "PATH": "/usr/bin:/bin", **environ, **sealed_settings("off", "")}
        ran = subprocess.run(
            [program, "env", "-json", *OF_AN_IMAGE, "GONOSUMDB"],
            env=env,
            capture_output=True,
            check=True,
        )
        found: dict[str, str] = json.loads(ran.stdout)
        return found

    assert settings(**OF_AN_IMAGE) == settings()
    assert settings()["GONOSUMDB"] == ""
