"""The container's first process: become the owner of the mounted storage, then run gopack.

The files that gopack writes belong to the person who mounted the folder, so the container starts
as root, takes the user and group of that folder, and only then runs the command.

- A folder of root is refused where root in the container is root on the host; under an engine whose
  root is somebody else (rootless, user namespaces) it is the right owner and is taken.
- A container that was started as another user (`docker run --user`) stays that user.
- Host files come in at fixed places (MOUNTS); `/dev/null` there means "not set on the host". They
  are read before the user changes, so that their mode need not suit the storage's owner.

Spec: user_namespaces(7) for /proc/self/uid_map.
"""

import os
import pwd
import re
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gopack.cli.options import DEFAULT_LIST, DEFAULT_STORAGE, STORAGE_VARIABLES
from gopack.errors import GopackError, InputError, StoreError

MOUNTS = Path("/run/gopack")
PASSWD = Path("/etc/passwd")
NOBODY = 65534
MAX_ID = (1 << 32) - 2
"""The highest user or group; the number above it stands for none. Source: chown(2)."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a process is: numeric, since the container knows no names of the host."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Mounted:
    """The host files that the user let in, each only if it is there."""

    netrc: bytes | None = None
    certificates: Path | None = None
    ssh_agent: Path | None = None
    known_hosts: Path | None = None


def owner_of(path: Path) -> User:
    """Whose file this is."""
    status = path.stat()
    return User(status.st_uid, status.st_gid)


def root_is_host_root(uid_map: str) -> bool:
    r"""Tell from /proc/self/uid_map whether uid 0 here is uid 0 outside.

    >>> root_is_host_root("         0          0 4294967295")
    True
    >>> root_is_host_root("0 1000 1\n1 100000 65536")
    False
    """
    for line in uid_map.splitlines():
        inside, outside, count = (int(field) for field in line.split())
        if inside == 0 and count > 0:
            return outside == 0
    return False


def parse_user(text: str) -> User:
    """Read `UID[:GID]`, the value of GOPACK_USER; the group is the user's number if not given.

    Raises:
        InputError: it is no pair of numbers, or they are none of a user and a group.
    """
    found = re.fullmatch(r"(\d{1,10})(?::(\d{1,10})?)?", text, re.ASCII)
    user = User(int(found[1]), int(found[2] or found[1])) if found else None
    if user is None or max(user.uid, user.gid) > MAX_ID:
        raise InputError(
            "not a user",
            where=f"GOPACK_USER={text}",
            expected="UID or UID:GID, as numbers",
            got=repr(text),
            hint="Say GOPACK_USER=$(id -u):$(id -g)",
        )
    return user


def choose_user(
    current: User, owner: User | None, *, asked: User | None, host_root: bool
) -> User | None:
    """Decide who gopack works as; None where that would be root of the host.

    Args:
        current: who the container started as.
        owner: the mounted folder's owner; None if nothing is mounted.
        asked: GOPACK_USER, which overrules the owner.
        host_root: whether uid 0 in the container is uid 0 on the host.
    """
    if current.uid != 0:
        return current
    chosen = asked or owner or User(NOBODY, NOBODY)
    return None if chosen.uid == 0 and host_root else chosen


def root_refusal(folder: Path, list_owner: User | None) -> StoreError:
    """What to say of a folder of root: the owner of the list is most likely the person who asks."""
    person = list_owner if list_owner and list_owner.uid else User(1000, 1000)
    return StoreError(
        "the folder belongs to root, and gopack does not work as root",
        where=folder.name,
        hint=f"Run: sudo chown -R {person.uid}:{person.gid} {folder.name}  (Docker makes a missing"
        " folder as root; any user but root will do). Where the engine hides owners, as on a"
        f" desktop virtual machine, set GOPACK_USER={person.uid}:{person.gid} instead",
    )


def asked_refusal(asked: User, owner: User | None) -> InputError:
    """What to say where GOPACK_USER names root; `owner` is the folder's, if it is there."""
    person = owner if owner and owner.uid else None
    return InputError(
        "this is root, and gopack does not work as root",
        where=f"GOPACK_USER={asked.uid}:{asked.gid}",
        hint=f"Unset it: gopack works as the folder's owner then ({person.uid}:{person.gid})"
        if person
        else "Say GOPACK_USER=$(id -u):$(id -g) as the person whose folder it is",
    )


def check_list(path: Path) -> None:
    """Notice the folder that Docker makes where the file to mount is missing.

    Raises:
        InputError: the list is a folder.
    """
    if path.is_dir():
        raise InputError(
            "a folder, not a file: the list was missing, so Docker made a folder in its place",
            where=path.name,
            hint=f"Run: sudo rmdir {path.name}, write the list, then start again",
        )


def find_mounted(mounts: Path) -> Mounted:
    """Look at what the user let in; an empty or special file counts as not there.

    Raises:
        InputError: a file the user named does not exist on the host (Docker made a folder of it).
    """
    variables = {
        "netrc": "NETRC",
        "ca.pem": "SSL_CERT_FILE",
        "known_hosts": "GOPACK_KNOWN_HOSTS",
    }
    for name, variable in variables.items():
        if (mounts / name).is_dir():
            raise InputError(
                "names a file that is missing on the host, or a folder",
                where=variable,
                hint=f"Name an existing file or unset {variable}",
            )
    netrc, agent = mounts / "netrc", mounts / "ssh-agent"
    try:
        logins = netrc.read_bytes() if netrc.is_file() else None
    except OSError as error:
        raise InputError(
            f"cannot be read by this user: {error.strerror}",
            where="NETRC",
            hint="Start the container as root (it gives that up), or let this user read the file",
        ) from error
    return Mounted(
        netrc=logins,
        certificates=_regular(mounts / "ca.pem"),
        ssh_agent=agent if agent.exists() and stat.S_ISSOCK(agent.stat().st_mode) else None,
        known_hosts=_regular(mounts / "known_hosts"),
    )


def _regular(path: Path) -> Path | None:
    return path if path.is_file() and path.stat().st_size else None


def environment(base: Mapping[str, str], mounted: Mounted, home: Path) -> dict[str, str]:
    """The environment that gopack and its children (go, git, ssh) see."""
    env = {**base, "HOME": str(home)}
    if mounted.certificates:
        env["SSL_CERT_FILE"] = env["GIT_SSL_CAINFO"] = str(mounted.certificates)
    if mounted.netrc is not None:
        env["NETRC"] = str(home / ".netrc")
    if mounted.ssh_agent:
        env["SSH_AUTH_SOCK"] = str(mounted.ssh_agent)
    if mounted.known_hosts:
        env["GIT_SSH_COMMAND"] = f"ssh -o UserKnownHostsFile={mounted.known_hosts}"
    return env


def make_home(mounted: Mounted) -> Path:
    """A private home folder for the current user, with the netrc where curl and git look for it."""
    home = Path(tempfile.mkdtemp(prefix="gopack-home-"))
    if mounted.netrc is not None:
        netrc = home / ".netrc"
        netrc.touch(mode=0o600)
        netrc.write_bytes(mounted.netrc)
    return home


def become(user: User) -> None:
    """Give up root for good; ssh wants its user to have a name, so one is written first."""
    try:
        pwd.getpwuid(user.uid)
    except KeyError:
        with PASSWD.open("a") as passwd:
            passwd.write(f"gopack:x:{user.uid}:{user.gid}::/tmp:/usr/sbin/nologin\n")
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)


def prepare(base: Mapping[str, str]) -> dict[str, str]:
    """Become the user to work as and return the environment to work in.

    Raises:
        InputError: the list or a mounted file is a folder; GOPACK_USER is malformed, or root.
        StoreError: the storage belongs to root.
    """
    storage = Path(
        next((base[name] for name in STORAGE_VARIABLES if base.get(name)), DEFAULT_STORAGE)
    )
    check_list(Path(DEFAULT_LIST))
    current = User(os.getuid(), os.getgid())
    owner = owner_of(storage) if storage.is_dir() else None
    asked = parse_user(base["GOPACK_USER"]) if base.get("GOPACK_USER") else None
    host_root = root_is_host_root(Path("/proc/self/uid_map").read_text())
    if (MOUNTS / "ssh-agent").is_dir():
        # Left behind by a session that ended; only private modules need it, so it stops nobody.
        _say("gopack: SSH_AUTH_SOCK names no socket on the host: going on without an SSH agent")
    user = choose_user(current, owner, asked=asked, host_root=host_root)
    if user is None and asked is not None:
        raise asked_refusal(asked, owner)
    if user is None:
        raise root_refusal(
            storage, owner_of(Path(DEFAULT_LIST)) if Path(DEFAULT_LIST).is_file() else None
        )
    mounted = find_mounted(MOUNTS)
    if user != current:
        become(user)
    return environment(base, mounted, make_home(mounted))


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the first process has no console yet


def main() -> None:
    """Prepare, then replace this process with `python -m gopack ARGUMENTS`."""
    try:
        env = prepare(os.environ)
    except GopackError as error:
        _say(f"gopack: {error}\n  {error.hint}")
        sys.exit(error.exit_status)
    os.execve(sys.executable, [sys.executable, "-m", "gopack", *sys.argv[1:]], env)  # noqa: S606
