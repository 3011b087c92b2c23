"""The Dockerfile: its builder trusts the company's certificates, whatever their names."""

import os
import re
import subprocess
from pathlib import Path

import pytest

DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


def trusted(folder: Path) -> str:
    """Run the builder's lines about certificates, in `folder` for /tmp; gives what pip is told."""
    script = DOCKERFILE.read_text().replace("\\\n", "")
    [lines] = re.findall(r"find /tmp/ca .*?\bfi;", script)
    own = lines.replace("/tmp/", f"{folder}/").replace("/etc/ssl/certs", str(folder))
    command = ["sh", "-euc", f'{own} echo "${{PIP_CERT:-}}"']
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ca-certificates.crt").write_text("those of the image\n")
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "README.md").write_text("no certificate\n")
    return tmp_path


def test_certificates_are_trusted_whatever_their_names(folder: Path) -> None:
    (folder / "ca" / "Our Root (2026).pem").write_text("one\n")
    (folder / "ca" / "b.crt").write_text("two\n")
    bundle = Path(trusted(folder))
    assert bundle.read_text().startswith("those of the image\n")
    assert sorted(bundle.read_text().splitlines()[1:]) == ["one", "two"]


def test_without_certificates_pip_keeps_its_own(folder: Path) -> None:
    assert not trusted(folder)
