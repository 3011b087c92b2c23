"""The container image on the medium: loaded and run as the page beside the bundle says."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bundling import Side, files_below
from tests.e2e.container.compose import Project
from tests.e2e.container.conftest import OWNER
from tests.fakes_sumdb import FakeSumDB

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


def test_image_on_the_medium_imports_the_bundle(built: Project, tmp_path: Path) -> None:
    engine, image = built.engine, f"gopack-kit-{os.urandom(4).hex()}:local"
    stick = tmp_path / "stick"
    stick.mkdir()
    side = Side(tmp_path / "connected", FakeSumDB(), {"DOCKER_HOST": engine.host})
    side.put("example.com/Dep@v1.0.0")
    side.put("example.com/root@v1.0.0", requires=["example.com/Dep@v1.0.0"])
    side.done("key", "new", "ops.example", tmp_path / "key")
    shutil.copy(tmp_path / "key.pub", stick / "bundle.key.pub")
    engine.docker("tag", built.image, image)
    words = ("--sign", tmp_path / "key", "--with-gopack", "--image", image, "--wheels-for", "none")
    created = side.start("bundle", "create", stick / "m", *words)
    said = created.communicate(timeout=120)[0].decode()
    assert created.returncode == 0, said
    engine.docker("rmi", image)
    (stick / "STORAGE").mkdir()
    os.chown(stick / "STORAGE", *OWNER)
    page = (stick / "m.README.txt").read_text()
    commands = re.findall(r"^ {2,4}(\S.*)$", page, re.MULTILINE)
    script = "\n".join(commands)
    assert "docker load" in script
    assert "docker run" in script
    try:
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=stick,
            env=engine.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert image in done.stdout
        assert files_below(stick / "STORAGE") == side.versions()
        assert (stick / "STORAGE/example.com").stat().st_uid == OWNER[0]
    finally:
        engine.docker("rmi", "--force", image, check=False)
