"""A delivery of real modules, made by the real program, and clients that are sealed behind it."""

import os
import shutil
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from gopack.adapters.sumdb_store import SumdbStore
from tests.athens_layout import threaded
from tests.gobuild import compiling

TOOLCHAIN = "go1.25.4"
MODULES = {
    "github.com/BurntSushi/toml@v1.3.2": "github.com/BurntSushi/toml",
    "github.com/pkg/errors@v0.9.1": "github.com/pkg/errors",
    "github.com/spf13/cobra@v1.9.1": "github.com/spf13/cobra",
}
LATER = "github.com/google/uuid@v1.6.0"
CLOSED = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""Nobody listens there, so that only loopback is left (it is never asked through a proxy)."""
WAIT_S = 240


@contextmanager
def earlier_day(url: str) -> Iterator[str]:
    """The same proxy, which tells of nothing new: neither versions nor the database's head."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/@v/list"):
                status, body = 200, b""
            elif self.path.endswith("latest"):
                status, body = 404, b""
            else:
                status, body = asked(url + self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - a name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    with threaded(Handler) as there:
        yield there


def asked(url: str) -> tuple[int, bytes]:
    """Status and body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return 200, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Two states of one storage, the database's name, and a head that the second carries, too."""

    first: Path
    second: Path
    name: str
    carried_head: bytes

    def heads(self, root: Path) -> list[bytes]:
        return list(SumdbStore.of(root / ".gopack", self.name).heads().values())


def fetch(storage: Path, proxy: str, lines: list[str], *options: str) -> None:
    listed = storage.with_suffix(".txt")
    listed.write_text("".join(f"{line}\n" for line in lines))
    words = ("fetch", str(listed), "--storage", str(storage), *options)
    command = [sys.executable, "-m", "gopack", *words]
    env = {**os.environ, "GOPROXY": proxy, "GOENV": "off", "GOSUMDB": "", "GONOSUMDB": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(slots=True)
class Client:
    """A new machine: a home folder, and a project for each module."""

    folder: Path

    def go(
        self, url: str, project: str, *words: str, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        place = self.folder / project
        place.mkdir(parents=True, exist_ok=True)
        env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GOPROXY": url,
            **compiling(),
            **CLOSED,
            **settings,
        }
        return subprocess.run(
            ["go", *words],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def builds(self, url: str, module: str, package: str, **settings: str) -> None:
        """Download, tidy and build a program that imports the package."""
        project = package.replace("/", "-")
        place = self.folder / project
        place.mkdir(parents=True)
        (place / "main.go").write_text(
            f'package main\n\nimport _ "{package}"\n\nfunc main() {{}}\n'
        )
        for words in (
            ("mod", "init", "main.test/x"),
            ("get", module),
            ("mod", "tidy"),
            ("mod", "verify"),
            ("build", "-o", os.devnull, "."),
        ):
            done = self.go(url, project, *words, **settings)
            assert done.returncode == 0, (words, done.stderr)
        assert (place / "go.sum").read_text()

    def sees(self, name: str, head: bytes) -> None:
        file = self.folder / "go/pkg/sumdb" / name / "latest"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(head)

    def newest_seen(self, name: str) -> bytes:
        return (self.folder / "go/pkg/sumdb" / name / "latest").read_bytes()

    def forget_modules(self) -> None:
        """Without GOFLAGS=-modcacherw the cache is read-only."""
        for path, folders, _ in os.walk(self.folder / "go/pkg/mod"):
            for each in folders:
                (Path(path) / each).chmod(stat.S_IRWXU)
        shutil.rmtree(self.folder / "go/pkg/mod", ignore_errors=True)
