"""The build target `direct`: a private module that only git has, fetched by the image's own go."""

import dataclasses

import pytest

from tests.e2e.container.compose import Project

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

MODULE = "git.example.com/team/lib.git"
# A repository in the container stands for the company's server: git is told so, go is not.
SCRIPT = f"""
set -eu
cd "$HOME"
git config --global user.email a@example.com
git config --global user.name A
git config --global url."file://$HOME/server/".insteadOf https://git.example.com/
git init -q server/team/lib.git
cd server/team/lib.git
printf 'module {MODULE}\\n' > go.mod
printf 'package lib\\n' > lib.go
git add .
git commit -q -m first
git tag v1.2.3
echo '{MODULE}@v1.2.3' > "$HOME/list"
cd /srv/gopack
exec /opt/gopack/bin/python -m gopack fetch "$HOME/list"
"""


@pytest.fixture(scope="module")
def direct(built: Project) -> Project:
    image = f"{built.image}-direct"
    project = dataclasses.replace(built, image=image, settings={"GOPACK_TARGET": "direct"})
    ran = project.compose("build", timeout_s=600)
    assert ran.status == 0, ran.output
    return project


@pytest.fixture
def private(direct: Project, project: Project) -> Project:
    return dataclasses.replace(project, image=direct.image, settings=direct.settings)


def test_direct_has_go_git_and_ssh_for_the_worker(private: Project) -> None:
    ran = private.as_worker("sh", "-c", "go version && git --version && ssh -V && ssh -G host")
    assert ran.status == 0, ran.output
    assert "go version go1." in ran.output
    assert "OpenSSH" in ran.output


def test_direct_private_module_is_stored(private: Project) -> None:
    ran = private.as_worker("sh", "-c", SCRIPT, GOPRIVATE="git.example.com/*")
    assert ran.status == 0, ran.output
    names = {file.name for file in (private.storage / MODULE / "v1.2.3").iterdir()}
    assert names == {"go.mod", "source.zip", "v1.2.3.info"}


def test_worker_says_what_a_private_module_needs(project: Project) -> None:
    project.write_list(f"{MODULE}@v1.2.3")
    ran = project.up(GOPRIVATE="git.example.com/*")
    assert ran.status == 3, ran.output
    assert "direct" in ran.output
