"""The container's first process: who it becomes and what it passes on."""

import socket
from pathlib import Path

import pytest

from gopack.cli import container
from gopack.cli.container import Mounted, User, choose_user
from gopack.errors import InputError

ROOT = User(0, 0)
ALICE = User(1000, 1001)
NOBODY = User(65534, 65534)


@pytest.mark.parametrize(
    ("uid_map", "host_root"),
    [
        ("         0          0 4294967295\n", True),
        ("0 1000 1\n1 100000 65536\n", False),
        ("0 100000 65536\n", False),
        ("1 100000 65536\n0 1000 1\n", False),
        ("", False),
    ],
)
def test_root_is_host_root_by_map(uid_map: str, *, host_root: bool) -> None:
    assert container.root_is_host_root(uid_map) is host_root


@pytest.mark.parametrize(
    ("current", "owner", "asked", "host_root", "chosen"),
    [
        pytest.param(ROOT, ALICE, None, True, ALICE, id="the folder's owner"),
        pytest.param(ROOT, ALICE, User(7, 8), True, User(7, 8), id="asked overrules the owner"),
        pytest.param(ROOT, ROOT, User(7, 8), True, User(7, 8), id="asked rescues a root folder"),
        pytest.param(ROOT, ROOT, None, True, None, id="root of the host is refused"),
        pytest.param(ROOT, ALICE, ROOT, True, None, id="root cannot be asked for either"),
        pytest.param(ROOT, ROOT, None, False, ROOT, id="rootless root is the person"),
        pytest.param(ROOT, None, None, True, NOBODY, id="nothing mounted"),
        pytest.param(ALICE, ROOT, None, True, ALICE, id="started as another user"),
    ],
)
def test_choose_user_cases(
    *,
    current: User,
    owner: User | None,
    asked: User | None,
    host_root: bool,
    chosen: User | None,
) -> None:
    assert choose_user(current, owner, asked=asked, host_root=host_root) == chosen


@pytest.mark.parametrize(
    ("list_owner", "command"),
    [
        (ALICE, "chown -R 1000:1001 STORE"),
        (User(500, 50), "chown -R 500:50 STORE"),
        (ROOT, "chown -R 1000:1000 STORE"),
        (None, "chown -R 1000:1000 STORE"),
    ],
)
def test_root_refusal_names_the_owner_of_the_list(list_owner: User | None, command: str) -> None:
    error = container.root_refusal(Path("/mnt/STORE"), list_owner)
    assert error.exit_status == 5
    assert command in error.hint


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (ALICE, "Unset it: gopack works as the folder's owner then (1000:1001)"),
        (ROOT, "Say GOPACK_USER=$(id -u):$(id -g)"),
        (None, "Say GOPACK_USER=$(id -u):$(id -g)"),
    ],
)
def test_root_that_is_asked_for_is_refused_by_its_variable(owner: User | None, words: str) -> None:
    error = container.asked_refusal(ROOT, owner)
    assert error.exit_status == 2
    assert error.where == "GOPACK_USER=0:0"
    assert words in error.hint


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("1000", User(1000, 1000)),
        ("1000:50", User(1000, 50)),
        ("4294967294:0", User(4294967294, 0)),
    ],
)
def test_parse_user_reads_numbers(text: str, user: User) -> None:
    assert container.parse_user(text) == user


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "1000:staff",
        ":5",
        "-1",
        "1:2:3",
        " ",
        "\u0661",
        "4294967295",
        "1:4294967295",
        "99999999999:1",
        "9" * 5000,
    ],
)
def test_parse_user_anything_else_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="GOPACK_USER"):
        container.parse_user(text)


def test_check_list_folder_says_what_docker_did(tmp_path: Path) -> None:
    (tmp_path / "goget.txt").mkdir()
    with pytest.raises(InputError, match="Docker made a folder") as caught:
        container.check_list(tmp_path / "goget.txt")
    assert "rmdir goget.txt" in caught.value.hint


def test_check_list_file_or_nothing_passes(tmp_path: Path) -> None:
    container.check_list(tmp_path / "goget.txt")
    (tmp_path / "goget.txt").touch()
    container.check_list(tmp_path / "goget.txt")


def test_find_mounted_devices_and_empty_files_are_nothing(tmp_path: Path) -> None:
    for name in ("netrc", "ssh-agent", "known_hosts"):
        (tmp_path / name).symlink_to("/dev/null")
    (tmp_path / "ca.pem").touch()
    assert container.find_mounted(tmp_path) == Mounted()


def test_find_mounted_takes_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_bytes(b"machine example.com login a password b\n")
    (tmp_path / "ca.pem").write_text("a certificate")
    (tmp_path / "known_hosts").write_text("example.com ssh-ed25519 AAAA")
    with socket.socket(socket.AF_UNIX) as agent:
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        agent.bind("ssh-agent")
        assert container.find_mounted(tmp_path) == Mounted(
            netrc=b"machine example.com login a password b\n",
            certificates=tmp_path / "ca.pem",
            ssh_agent=tmp_path / "ssh-agent",
            known_hosts=tmp_path / "known_hosts",
        )


@pytest.mark.parametrize(
    ("name", "variable"),
    [("netrc", "NETRC"), ("ca.pem", "SSL_CERT_FILE"), ("known_hosts", "GOPACK_KNOWN_HOSTS")],
)
def test_find_mounted_folder_names_the_variable(tmp_path: Path, name: str, variable: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=variable):
        container.find_mounted(tmp_path)


def test_environment_unset_stays_unset(tmp_path: Path) -> None:
    env = container.environment({"PATH": "/bin"}, Mounted(), tmp_path)
    assert env == {"PATH": "/bin", "HOME": str(tmp_path)}


def test_environment_points_at_what_is_mounted(tmp_path: Path) -> None:
    mounted = Mounted(
        netrc=b"machine x\n",
        certificates=Path("/m/ca.pem"),
        ssh_agent=Path("/m/ssh-agent"),
        known_hosts=Path("/m/known_hosts"),
    )
    env = container.environment({}, mounted, tmp_path)
    assert env == {
        "HOME": str(tmp_path),
        "SSL_CERT_FILE": "/m/ca.pem",
        "GIT_SSL_CAINFO": "/m/ca.pem",
        "NETRC": str(tmp_path / ".netrc"),
        "SSH_AUTH_SOCK": "/m/ssh-agent",
        "GIT_SSH_COMMAND": "ssh -o UserKnownHostsFile=/m/known_hosts",
    }


def test_make_home_netrc_is_private() -> None:
    home = container.make_home(Mounted(netrc=b"machine x\n"))
    netrc = home / ".netrc"
    assert netrc.read_bytes() == b"machine x\n"
    assert netrc.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    netrc.unlink()
    home.rmdir()
