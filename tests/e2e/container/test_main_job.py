"""`docker-compose up --abort-on-container-exit` on real lists: files, owners and exit statuses."""

import time
from pathlib import Path

import pytest

from tests.e2e.container.compose import Project
from tests.e2e.container.conftest import OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

# TEST-NET-1 of RFC 5737: nobody answers there, and nobody refuses.
BLACK_HOLE = "http://192.0.2.1"


def files_of(storage: Path, module: str) -> set[str]:
    """The files of one `module@version`, with their folder's letter case as it is."""
    path, _, version = module.partition("@")
    folder = storage / path / version
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def test_real_list_becomes_a_storage_of_its_owner(project: Project) -> None:
    project.write_list("github.com/BurntSushi/toml@v1.6.0", "github.com/google/uuid // any")
    ran = project.up()
    assert ran.status == 0, ran.output
    complete = {"go.mod", "source.zip", "v1.6.0.info"}
    assert files_of(project.storage, "github.com/BurntSushi/toml@v1.6.0") == complete
    assert list(project.storage.glob("github.com/google/uuid/v*/source.zip"))
    everything = list(project.storage.rglob("*"))
    assert {(p.stat().st_uid, p.stat().st_gid) for p in everything} == {OWNER}
    versions = [p for p in everything if "github.com" in p.parts]
    assert {oct(p.stat().st_mode & 0o777) for p in versions if p.is_dir()} == {"0o755"}
    assert {oct(p.stat().st_mode & 0o777) for p in versions if p.is_file()} == {"0o644"}
    assert "athens" not in ran.output, "the profile is not asked for"


def test_unknown_module_gives_its_status_and_the_rest_is_done(project: Project) -> None:
    project.write_list("github.com/google/uuid@v1.6.0", "github.com/google/uuid/no/such@v1.0.0")
    ran = project.up()
    assert ran.status == 3, ran.output
    assert "github.com/google/uuid/no/such" in ran.output
    assert "source.zip" in files_of(project.storage, "github.com/google/uuid@v1.6.0")


def test_malformed_list_gives_its_status_and_fetches_nothing(project: Project) -> None:
    project.write_list("github.com/google/uuid@v1.6.0", "github.com/google/uuid@@")
    ran = project.up()
    assert ran.status == 2, ran.output
    assert "goget.txt:2" in ran.output
    assert not files_of(project.storage, "github.com/google/uuid@v1.6.0")


def test_stop_ends_at_once_though_the_upstream_is_silent(project: Project) -> None:
    project.write_list("github.com/google/uuid@v1.6.0")
    started = project.compose("up", "-d", settings={"GOPROXY": BLACK_HOLE, "GOSUMDB": "off"})
    assert started.status == 0, started.output
    for _ in range(100):
        if "resolving" in project.compose("logs", "gopack").output:
            break
        time.sleep(0.2)
    begin = time.monotonic()
    assert project.compose("stop", "--timeout", "60", "gopack").status == 0
    assert time.monotonic() - begin < 20, "killed, or waited for the upstream"
