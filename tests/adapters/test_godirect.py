"""`direct` through the real go command and git, from a repository on this disk."""

import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.godirect import DirectSource
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goproxy import GoMod, Info, Latest, VersionList
from gopack.spec.module import ModuleVersion

PATH = "direct.example/repo.git"
V1 = ModuleVersion(PATH, "v1.0.0")
go_and_git = pytest.mark.oracle


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def commit(folder: Path, text: str, tag: str = "") -> None:
    (folder / "a.go").write_text(f"package a\n\n// {text}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)
    if tag:
        git(folder, "tag", tag)


def environ(repository: Path) -> dict[str, str]:
    """The environment, with git taking the module's host for a folder."""
    return os.environ | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://{PATH.removesuffix('.git')}",
    }


@pytest.fixture
def source(tmp_path: Path) -> Iterator[DirectSource]:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    (repository / "go.mod").write_text(f"module {PATH}\n\nretract v1.0.0 // no good\n")
    commit(repository, "one", "v1.0.0")
    commit(repository, "two", "v1.1.0")
    git(repository, "checkout", "-q", "-b", "dev")
    commit(repository, "three")
    made = DirectSource(shutil.which("go"), environ=environ(repository))
    yield made
    made.close()


@go_and_git
def test_direct_answers_each_kind_of_request(source: DirectSource) -> None:
    assert source.name == "direct"
    assert source.read(VersionList(PATH)) == b"v1.0.0\nv1.1.0\n"  # the retracted one too
    branch = json.loads(source.read(Info(PATH, "dev")))
    assert json.loads(source.read(Latest(PATH))) == branch  # the newest commit, beyond the tags
    assert branch["Version"].startswith("v1.1.1-0.")
    assert set(branch) == {"Version", "Time"}
    assert source.read(GoMod(V1)).startswith(f"module {PATH}\n".encode())


@go_and_git
def test_direct_zip_is_copied_whole(source: DirectSource) -> None:
    target = io.BytesIO()
    assert source.copy_zip(V1, target) == len(target.getvalue())
    assert f"{PATH}@v1.0.0/a.go" in zipfile.ZipFile(target).namelist()
    assert source.zip_size(V1) is None


@go_and_git
def test_direct_unknown_revision_is_not_found(source: DirectSource) -> None:
    for ask in (
        lambda: source.read(Info(PATH, "nowhere")),
        lambda: source.read(GoMod(ModuleVersion(PATH, "v9.9.9"))),
        lambda: source.copy_zip(ModuleVersion(PATH, "v9.9.9"), io.BytesIO()),
    ):
        with pytest.raises(NotFoundError, match="unknown revision"):
            ask()


@go_and_git
def test_direct_unknown_repository_is_not_found(source: DirectSource) -> None:
    with pytest.raises(NotFoundError, match="no secure protocol") as caught:
        source.read(VersionList("direct.example/repository2.git"))
    assert "git credentials" in caught.value.hint


@go_and_git
def test_direct_module_for_a_newer_go_says_which(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "go.mod").write_text(f"module {PATH}\n\ngo 1.9999\n")
    commit(tmp_path, "one", "v1.0.0")
    source = DirectSource(shutil.which("go"), environ=environ(tmp_path))
    assert source.read(VersionList(PATH)) == b"v1.0.0\n"
    with pytest.raises(UpstreamError, match="requires go") as caught:
        source.copy_zip(V1, io.BytesIO())
    source.close()
    assert caught.value.hint == "install Go 1.9999 or newer here"


@go_and_git
def test_direct_shared_cache_is_kept(tmp_path: Path) -> None:
    repository, cache = tmp_path / "r", tmp_path / "project" / "ATHENS_STORAGE" / "cache"
    cache.mkdir(parents=True)
    (tmp_path / "project" / "go.mod").write_text("whatever a project has is no matter\n")
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    (repository / "go.mod").write_text(f"module {PATH}\n")
    commit(repository, "one", "v1.0.0")
    first = DirectSource(shutil.which("go"), cache=cache, environ=environ(repository))
    first.read(GoMod(V1))
    first.close()
    shutil.rmtree(repository)
    second = DirectSource(shutil.which("go"), cache=cache, environ=environ(repository))
    assert second.read(GoMod(V1)) == f"module {PATH}\n".encode()


@go_and_git
def test_direct_without_git_says_what_to_install(tmp_path: Path) -> None:
    source = DirectSource(shutil.which("go"), environ=environ(tmp_path) | {"PATH": str(tmp_path)})
    with pytest.raises(UpstreamError, match="git") as caught:
        source.read(VersionList(PATH))
    source.close()
    assert "install Go and git" in caught.value.hint


def test_direct_go_command_that_does_not_run_is_an_upstream_error(tmp_path: Path) -> None:
    source = DirectSource(str(tmp_path / "go"))
    with pytest.raises(UpstreamError, match="did not run"):
        source.read(VersionList(PATH))
    source.close()


def test_direct_credentials_in_go_s_words_are_not_shown(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'go: reading https://me:s3cr3t@x.example: 403' >&2\nexit 1\n")
    go.chmod(0o755)
    source = DirectSource(str(go))
    with pytest.raises(UpstreamError, match=r"reading https://x\.example: 403") as caught:
        source.read(VersionList(PATH))
    source.close()
    assert "credentials" in caught.value.hint
