"""The image and its first process under the real engine, with both generations of Compose."""

import os
import socket
import tempfile

import pytest

from tests.e2e.container.compose import AS_WORKER, PYTHON, Project
from tests.e2e.container.conftest import OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

UID, GID = OWNER

once = pytest.mark.parametrize("command", ["compose-2"], indirect=True)
"""What the image does by itself is the same whatever made it run."""


def test_worker_is_the_owner_of_the_storage(project: Project) -> None:
    ran = project.as_worker("sh", "-c", "id -u; id -g; id -G; touch ATHENS_STORAGE/it")
    assert ran.status == 0, ran.output
    assert ran.output.split()[-3:] == [str(UID), str(GID), str(GID)]
    status = (project.storage / "it").stat()
    assert (status.st_uid, status.st_gid) == OWNER


@once
def test_worker_cannot_become_root_again(project: Project) -> None:
    ran = project.as_worker("python3", "-c", "import os; os.setuid(0)")
    assert ran.status != 0
    assert "PermissionError" in ran.output


@once
def test_storage_of_root_is_refused_with_the_chown_to_run(project: Project) -> None:
    os.chown(project.storage, 0, 0)
    os.chown(project.folder / "goget.txt", *OWNER)
    ran = project.up()
    assert ran.status == 5, ran.output
    assert f"sudo chown -R {UID}:{GID} ATHENS_STORAGE" in ran.output


@once
def test_root_of_a_rootless_engine_is_the_right_owner(project: Project) -> None:
    """A user namespace of an ordinary user is what a rootless engine gives its containers."""
    said = project.engine.docker(
        *("run", "--rm", "--user", f"{UID}:{GID}", "--security-opt", "seccomp=unconfined"),
        *("--volume", f"{project.storage}:/srv/gopack/ATHENS_STORAGE", "--entrypoint", "unshare"),
        *(project.image, "--map-root-user", PYTHON, "-c", AS_WORKER),
        *("sh", "-c", "id -u; stat -c %u ATHENS_STORAGE; touch ATHENS_STORAGE/it"),
        check=False,
    )
    if "unshare failed" in said:
        pytest.skip(f"no user namespaces for ordinary users here: {said}")
    assert said.split() == ["0", "0"]
    assert (project.storage / "it").stat().st_uid == UID


@once
def test_gopack_user_overrules_the_owner(project: Project) -> None:
    os.chown(project.storage, 0, 0)
    ran = project.as_worker("id", "-u", GOPACK_USER="4321")
    assert ran.status == 0, ran.output
    assert ran.output.split()[-1] == "4321"


def test_missing_list_says_that_docker_made_a_folder(project: Project) -> None:
    (project.folder / "goget.txt").unlink()
    ran = project.up()
    assert ran.status == 2, ran.output
    assert "Docker made a folder" in ran.output
    assert "rmdir goget.txt" in ran.output


def test_unset_settings_stay_unset(project: Project) -> None:
    names = {"GOPROXY", "GOSUMDB", "GONOSUMDB", "NO_PROXY", "NETRC", "SSL_CERT_FILE"}
    if set_here := names & set(os.environ) - {"SSL_CERT_FILE"}:
        pytest.skip(f"set on this machine: {set_here}")
    ran = project.as_worker("env", SSL_CERT_FILE="")
    assert ran.status == 0, ran.output
    seen = {line.split("=")[0] for line in ran.output.splitlines()}
    assert "HOME" in seen
    assert not seen & names


def test_set_settings_arrive(project: Project) -> None:
    settings = {"GOPROXY": "https://proxy.example,direct", "GONOSUMDB": "example.com/*"}
    ran = project.as_worker("env", **settings)
    assert {f"{key}={value}" for key, value in settings.items()} <= set(ran.output.splitlines())


def test_netrc_of_another_user_is_private_and_readable(project: Project) -> None:
    netrc = project.folder / "my-netrc"
    netrc.write_text("machine example.com login alice password secret\n")
    netrc.chmod(0o600)
    os.chown(netrc, 777, 777)
    ran = project.as_worker("sh", "-c", 'cat "$NETRC" && stat -c %a:%u "$NETRC"', NETRC=str(netrc))
    assert ran.status == 0, ran.output
    assert "login alice password secret" in ran.output
    assert f"600:{UID}" in ran.output


def test_company_certificates_are_trusted_where_named(project: Project) -> None:
    bundle = project.folder / "company.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    ran = project.as_worker("sh", "-c", 'cat "$SSL_CERT_FILE"', SSL_CERT_FILE=str(bundle))
    assert "BEGIN CERTIFICATE" in ran.output


@once
def test_certificates_that_do_not_exist_are_named(project: Project) -> None:
    missing = project.folder / "no-such.pem"
    ran = project.up(SSL_CERT_FILE=str(missing))
    assert ran.status == 2, ran.output
    assert "SSL_CERT_FILE" in ran.output


def test_ssh_agent_socket_is_mounted_when_set(project: Project) -> None:
    script = 'test -S "$SSH_AUTH_SOCK" && echo there'
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as agent:
        path = f"{folder}/agent"
        agent.bind(path)
        ran = project.as_worker("sh", "-c", script, SSH_AUTH_SOCK=path)
    assert "there" in ran.output, ran.output


@once
def test_stale_ssh_agent_is_noted_and_does_not_stop_the_run(project: Project) -> None:
    ran = project.as_worker("id", "-u", SSH_AUTH_SOCK=str(project.folder / "gone"))
    assert ran.status == 0, ran.output
    assert "SSH_AUTH_SOCK names no socket" in ran.output


def test_image_keeps_nothing_of_the_build(project: Project) -> None:
    ran = project.sh("ls /tmp /opt/gopack; env; ls /opt/gopack/bin | grep pip; cat $GOPACK_GOENV")
    assert "host.crt" not in ran.output
    assert "PIP_" not in ran.output
    assert "\npip" not in ran.output
    assert "GOSUMDB=" in ran.output, "go.env came along"
    history = project.engine.docker("history", "--no-trunc", project.image)
    assert "PIP_" not in history
    assert "HTTP_PROXY" not in history


@once
def test_version_needs_no_mount(project: Project) -> None:
    said = project.engine.docker("run", "--rm", project.image, "--version")
    assert "gopack, version" in said
