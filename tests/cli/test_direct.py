"""Modules from their repositories: gopack takes the version that the go command takes."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gopack.spec import pseudo
from tests.cli import program
from tests.gitrepo import GitRepo
from tests.oracle.gojudge import GoJudge
from tests.upstream import Upstream

pytestmark = [pytest.mark.e2e, pytest.mark.oracle]

PATH = "git.example/team/lib.git"
MOD = f"module {PATH}\n\ngo 1.20\n"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    """A repository with a release, and a branch with a slash in its name."""
    made = GitRepo(tmp_path / "lib")
    made.commit({"go.mod": MOD, "lib.go": "package lib\n"}, "v1.0.0")
    made.git("checkout", "-q", "-b", "feature/x")
    made.commit({"lib.go": "package lib\n\nconst X = 1\n"})
    made.git("checkout", "-q", "main")
    return made


def _git_settings(repo: GitRepo) -> dict[str, str]:
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repo.folder.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://{PATH.removesuffix('.git')}",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def _taken_by_go(tmp_path: Path, goproxy: str, query: str, env: Mapping[str, str]) -> str:
    """The version that `go get` writes into go.mod, or what it says."""
    go = GoJudge(tmp_path / "project", goproxy)
    go.settings |= {**env, "GOVCS": "*:all"}
    done = go.run("get", f"{PATH}@{query}")
    if done.returncode:
        return done.stderr
    return go.mod.read_text().partition(f"{PATH} ")[2].split()[0]


def test_commits_after_tags_that_are_all_retracted(tmp_path: Path, repo: GitRepo) -> None:
    repo.commit({"go.mod": f"{MOD}\nretract [v1.0.0, v1.0.1]\n"}, "v1.0.1")
    repo.commit({"lib.go": "package lib\n\nconst Y = 1\n"})
    env = _git_settings(repo)
    ran = program.fetch(tmp_path, "direct", f"{PATH}\n", env=env)
    assert ran.status == 0, ran.text
    taken = _taken_by_go(tmp_path, "direct", "latest", env)
    assert pseudo.is_pseudo(taken), taken
    assert program.stored(ran.storage)[f"{PATH}@{taken}"] == "complete"


@pytest.mark.parametrize(
    ("goproxy", "private", "is_taken"),
    [
        ("direct", "", True),
        ("{proxy}", "git.example/team", True),
        ("off", "git.example/team", True),
        ("{proxy}|direct", "", True),
        ("{proxy},direct", "", False),
        ("{proxy}", "git.example/other", False),
    ],
)
def test_name_with_a_slash_is_taken_where_the_origin_is_asked_for_it(
    tmp_path: Path, repo: GitRepo, upstream: Upstream, goproxy: str, private: str, *, is_taken: bool
) -> None:
    goproxy = goproxy.format(proxy=upstream.url)
    env = {**_git_settings(repo), "GOPRIVATE": private}
    lines = f"example.com/a\n{PATH}@feature/x\nno module\n"
    taken = _taken_by_go(tmp_path, goproxy, "feature/x", env)
    assert pseudo.is_pseudo(taken) is is_taken
    refused = 'version "feature/x" invalid: disallowed version string'
    bad = program.fetch(tmp_path, goproxy, lines, env=env)
    assert bad.status == 2, bad.text
    assert "goget.txt:3:4: " in bad.text
    assert (f"goget.txt:2:26: {refused}" in bad.text) is (refused in taken) is not is_taken
    assert not bad.storage.exists()
    if is_taken:
        ran = program.fetch(tmp_path, goproxy, f"{PATH}@feature/x\n", "--aliases", env=env)
        assert ran.status == 0, ran.text
        assert program.assert_whole(ran.storage) == {f"{PATH}@{taken}": "complete"}
        assert f"{PATH}@feature/x has no alias: behind the gap ask for {taken}" in ran.text


def test_import_that_no_go_mod_covers_is_looked_for_at_the_origin_alone(
    tmp_path: Path, repo: GitRepo
) -> None:
    """Of its module's paths GOPRIVATE names the longer ones only; the host belongs to nobody."""
    repo.put({"x/x.go": f'package x\n\nimport _ "{PATH}/gone"\nimport _ "{PATH}/sub/p"\n'})
    repo.commit({"sub/go.mod": f"module {PATH}/sub\n", "sub/p/p.go": "package p\n"}, "v1.1.0")
    repo.git("tag", "sub/v1.0.0")
    env = {**_git_settings(repo), "GOPRIVATE": "git.example/team"}
    ran = program.fetch(tmp_path, "off", f"{PATH}\n", env=env)
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage) == {
        f"{PATH}@v1.1.0": "complete",
        f"{PATH}/sub@v1.0.0": "complete",
    }
    assert f"warning: package {PATH}/gone (imported by {PATH}/x)" in ran.text


def test_import_that_nobody_may_be_asked_for_is_no_warning(tmp_path: Path, repo: GitRepo) -> None:
    repo.commit({"x/x.go": 'package x\n\nimport _ "example.com/public"\n'}, "v1.1.0")
    env = {**_git_settings(repo), "GOPRIVATE": "git.example/team"}
    ran = program.fetch(tmp_path, "off", f"{PATH}\n", env=env)
    assert ran.status == 3, ran.text
    assert "example.com/public: module lookup disabled by GOPROXY=off" in ran.text
    assert program.assert_whole(ran.storage) == {f"{PATH}@v1.1.0": "complete"}
