"""Modules from their origin: `direct` in GOPROXY, and what GOPRIVATE or GONOPROXY names.

The go command does the work (git and its like, go-import pages, GOINSECURE, GOVCS) in a module
cache of its own; gopack verifies what comes out as it verifies everything.

Spec: go.dev/ref/mod#vcs, go help mod download, go help list.
"""

import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gopack.adapters.goproxy import MAX_ZIP_BYTES, zip_too_large
from gopack.errors import NotFoundError, UpstreamError
from gopack.ports import ZipTarget
from gopack.spec import goproxy
from gopack.spec.goproxy import MAX_ANSWER_BYTES, GoMod, Info, Latest, Request, VersionList
from gopack.spec.module import ModuleVersion

AT_ONCE = 16
"""Go commands that run at once; each may clone a repository."""

_TIMEOUT_S = 900
_CHUNK_BYTES = 1 << 20
_LOGIN = re.compile(r"://[^/@\s]+@")
# What the go command says where fs.ErrNotExist stands behind it.
_NOT_FOUND = re.compile(
    r"unknown revision|no matching versions|unrecognized import path|invalid version|"
    r"repository .*not found|404 Not Found|410 Gone|no commits|malformed module path|"
    r"no secure protocol found for repository"
)
_NEWER_GO = re.compile(r"requires go >= ([\w.]+)")
_NO_TOOL = re.compile(r"missing \w+ command|executable file not found")
_INSTALL = (
    "install Go and git on this machine (the image's target `direct` has both), or name a module "
    "proxy that has this module in GOPROXY"
)


class DirectSource:
    """The go command, asked with GOPROXY=direct; calls are slow and safe from many threads.

    Args:
        go_command: the go binary, if there is one.
        cache: a folder for clones and zips, kept and shared between processes; a temporary one
            of this source alone unless given.
        environ: what the go command gets to see; the process's environment unless given.

    """

    def __init__(
        self,
        go_command: str | None,
        *,
        cache: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._go = go_command
        self._cache = cache
        self._environ = dict(os.environ if environ is None else environ)
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        return "DirectSource()"

    @property
    def name(self) -> str:
        """Always `direct`."""
        return "direct"

    def read(self, request: Request) -> bytes:
        """Answer a small request; see ModuleSource."""
        where = goproxy.name_of(request)
        match request:
            case VersionList(path):
                told = self._list(where, "-versions", "-retracted", path)
                return "".join(f"{version}\n" for version in told.get("Versions", ())).encode()
            case Latest(path):
                return self._latest(path)
            case Info(path, query):
                return _info(self._list(where, "-retracted", f"{path}@{query}"))
            case GoMod(module):
                told = self._list(where, "-retracted", str(module))
                return _read_small(Path(told["GoMod"]), where)

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Never known before the zip is made; see ModuleSource."""
        del module
        return None

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Have the zip made and stream it; see ModuleSource."""
        where = str(module)
        told = self._run(where, "mod", "download", "-json", where)
        file = Path(told["Zip"])
        if file.stat().st_size > MAX_ZIP_BYTES:
            raise zip_too_large(module)
        size = 0
        with file.open("rb") as zip_file:
            while chunk := zip_file.read(_CHUNK_BYTES):
                size += target.write(chunk)
        return size

    def close(self) -> None:
        """Remove the temporary module cache."""
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _latest(self, path: str) -> bytes:
        """Tell the newest commit, whatever is tagged: it counts where no listed version does.

        Source: modload queryProxy (mayUseLatest); codehost gitRepo.Latest. Only git calls it HEAD.
        """
        try:
            return self.read(Info(path, "HEAD"))
        except NotFoundError:
            return self.read(Info(path, "latest"))

    def _list(self, where: str, *arguments: str) -> dict[str, Any]:
        return self._run(where, "list", "-m", "-json", *arguments)

    def _run(self, where: str, *arguments: str) -> dict[str, Any]:
        if self._go is None:
            raise UpstreamError(
                "it must be fetched from its origin, and there is no go command",
                where=where,
                hint=_INSTALL,
            )
        try:
            folder = self._private_folder()
            with self._turns:
                done = subprocess.run(
                    [self._go, *arguments],
                    cwd="/",  # in no module: a storage may lie in somebody's project
                    env=self._environ | _settings(folder),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_TIMEOUT_S,
                    check=False,
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise UpstreamError(
                f"the go command did not run: {type(error).__name__}", where=where, hint=_INSTALL
            ) from error
        told = _parse(done.stdout)
        if done.returncode != 0 or "Error" in told or not told:
            raise _failure(where, str(told.get("Error") or done.stderr))
        return told

    def _private_folder(self) -> Path:
        if self._cache is not None:
            self._cache.mkdir(parents=True, exist_ok=True)
            return self._cache.absolute()
        with self._lock:
            if self._folder is None:
                # A go command that is still at work while the run ends may add files meanwhile.
                self._folder = tempfile.TemporaryDirectory(
                    prefix="gopack-direct-", ignore_cleanup_errors=True
                )
            return Path(self._folder.name)


def _settings(folder: Path) -> dict[str, str]:
    """What the go command must not take from its surroundings."""
    return {
        "GOPROXY": "direct",
        "GOSUMDB": "off",  # gopack asks the checksum database itself
        "GOMODCACHE": str(folder / "mod"),
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOWORK": "off",
        "GO111MODULE": "on",
        "GOTOOLCHAIN": "local",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _parse(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _info(told: Mapping[str, Any]) -> bytes:
    kept = {key: told[key] for key in ("Version", "Time") if key in told}
    return json.dumps(kept).encode()


def _read_small(path: Path, where: str) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_ANSWER_BYTES + 1)
    if len(data) > MAX_ANSWER_BYTES:
        raise UpstreamError(f"go.mod is larger than {MAX_ANSWER_BYTES} bytes", where=where)
    return data


def _failure(where: str, said: str) -> UpstreamError:
    text = _LOGIN.sub("://", said)
    lines = [line.strip().removeprefix("go: ") for line in text.splitlines() if line.strip()]
    lines = list(dict.fromkeys(lines))[:8]
    what = "direct: " + ("; ".join(lines) or "the go command failed without a word")
    if _NO_TOOL.search(text):
        return UpstreamError(what, where=where, hint=_INSTALL)
    newer = _NEWER_GO.search(text)
    if newer:
        return UpstreamError(what, where=where, hint=f"install Go {newer[1]} or newer here")
    # A repository that may not be read looks to the go command like one that does not exist.
    kind = NotFoundError if _NOT_FOUND.search(text) else UpstreamError
    hint = "check that this machine may read the repository (git credentials, SSH agent, netrc)"
    return kind(what, where=where, hint=hint)
