"""Credentials of proxies: in no log, no JSON, no file of the storage, no list of processes."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli import program
from tests.faults.report import Tally
from tests.forward import ForwardProxy
from tests.tls import Authority
from tests.upstream import Fault, Upstream

pytestmark = pytest.mark.e2e

USER = "robot-u53r"
PASSWORD = "s3cr@t:p/ss"
TOKEN = "t0ken-in-query"
LINES = "example.com/a\nexample.com/none\nexample.com/broken@v1.0.0\n"


def forms(text: str) -> list[str]:
    """How a secret may be written."""
    return [text, quote(text, safe=""), quote(text), json.dumps(text)[1:-1]]


LOGIN = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = [*forms(PASSWORD), *forms(TOKEN), LOGIN, LOGIN.rstrip("="), USER]


@dataclass(frozen=True)
class Leaks:
    """Where a secret may show: what a run said and wrote, and how its processes were called."""

    said: str
    files: dict[str, bytes]
    processes: str

    def found(self) -> list[str]:
        places = {"output": self.said.encode(), "processes": self.processes.encode(), **self.files}
        return [
            f"{secret} in {place}"
            for place, data in places.items()
            for secret in SECRETS
            if secret.encode() in data or secret.encode() in place.encode()
        ]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(authority: Authority) -> Iterator[Upstream]:
    with Upstream(
        tls=authority.server_context(), login=(USER, PASSWORD), host="localhost", tags=True
    ) as upstream:
        for name in ("a", "broken"):
            upstream.add(f"example.com/{name}", "v1.0.0")
        for path, (body, kind) in list(upstream.files.items()):
            upstream.put(f"{path}?{TOKEN}", body, kind)
        yield upstream


def run(folder: Path, goproxy: str, **env: str) -> Leaks:
    """Run once, looking at the processes meanwhile; tell all that it leaves."""
    folder.mkdir(exist_ok=True)
    (folder / "goget.txt").write_text(LINES)
    process = program.start(folder, goproxy, "fetch", "--json", "report.json", env=env)
    seen: list[str] = []
    watching = threading.Thread(target=_watch, args=(process, seen))
    watching.start()
    out, text = process.communicate(timeout=program.STARTED_S * 4)
    watching.join()
    assert "Traceback" not in text, text
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "home" not in path.parts
    }
    assert files
    return Leaks(out + text, files, "\n".join(seen))


def _watch(process: "subprocess.Popen[str]", seen: list[str]) -> None:
    while process.poll() is None:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        time.sleep(0.05)


def with_login(url: str, password: str = PASSWORD) -> str:
    return url.replace("://", f"://{quote(USER)}:{quote(password, safe='')}@")


FAULTS = {
    "all is well": None,
    "wrong password": Fault(status=401),
    "forbidden": Fault(status=403),
    "server fails": Fault(status=500),
    "cut short": Fault(truncate_at=1),
    "reset": Fault(reset=True),
    "lies": Fault(body=b"<<<<"),
    "not http": Fault(headers={"Content-Length": "x"}),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_credentials_of_module_proxies_show_nowhere(
    secure: Upstream,
    authority: Authority,
    tmp_path: Path,
    tally: Callable[[str], Tally],
    kind: str,
) -> None:
    fault = FAULTS[kind]
    if fault is not None:
        secure.fail("/example.com/broken/*", fault)
    trust = {"SSL_CERT_FILE": str(authority.ca_file)}
    folder = tmp_path / "run"
    folder.mkdir()
    program.environment(folder, "")
    (folder / "home" / ".netrc").write_text(
        f"machine localhost:{secure.port} login {USER} password {PASSWORD}\n"
    )
    counted = tally("secrets of proxies")

    def hides(goproxy: str, *, enters: bool, **env: str) -> None:
        secure.log.clear()
        leaks = run(folder, goproxy, **trust, **env)
        assert leaks.found() == []
        asked = [each.headers.get("Authorization") for each in secure.log]
        assert (f"Basic {LOGIN}" in asked) == enters

    counted.tried(partial(hides, with_login(secure.url) + f"?{TOKEN}", enters=True), "URL")
    counted.tried(partial(hides, secure.url, enters=True), "netrc")
    wrong = with_login(secure.url, PASSWORD + "x")
    counted.tried(partial(hides, wrong, enters=False, GOAUTH="off"), "wrong password in the URL")
    plain = with_login(secure.url.replace("https", "http"))
    counted.tried(partial(hides, plain, enters=False), "plain http")
    gone = with_login("https://no-such-host.invalid:1")
    counted.tried(partial(hides, gone, enters=False), "no such host")
    bad = with_login("https://a b")
    counted.tried(partial(hides, bad, enters=False), "malformed URL")
    counted.nothing_is_lost()


@pytest.mark.parametrize("may_enter", [True, False])
def test_credentials_of_forward_proxies_show_nowhere(
    secure: Upstream,
    authority: Authority,
    tmp_path: Path,
    tally: Callable[[str], Tally],
    *,
    may_enter: bool,
) -> None:
    secure.login = None
    counted = tally("secrets of proxies")

    def hides() -> None:
        with ForwardProxy(login=(USER, PASSWORD if may_enter else "another")) as forward:
            there = with_login(f"http://{forward.address}")
            url = secure.url.replace("localhost", "modules.example.test")
            env = {"HTTPS_PROXY": there, "SSL_CERT_FILE": str(authority.ca_file)}
            leaks = run(tmp_path / "run", url, **env)
            assert leaks.found() == []
            assert bool(forward.asked) == may_enter

    counted.tried(hides, "forward proxy")
    counted.nothing_is_lost()


def test_credentials_never_follow_a_redirect_to_another_host(
    secure: Upstream, authority: Authority, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    counted = tally("redirects")

    def follow(status: int) -> None:
        with Upstream(tls=authority.server_context()) as other:
            other.files = dict(secure.files)
            for path in secure.files:
                target = {"Location": f"{other.url}{path}"}
                secure.fail(path, Fault(status=status, headers=target, body=b""))
            trust = {"SSL_CERT_FILE": str(authority.ca_file)}
            leaks = run(tmp_path / str(status), with_login(secure.url), **trust)
            secure.mend()
            assert leaks.found() == []
            assert other.log
            assert not [each for each in other.log if "Authorization" in each.headers]
            stored = program.stored(tmp_path / str(status) / "ATHENS_STORAGE")
            assert stored["example.com/a@v1.0.0"] == "complete"

    for status in (301, 302, 303, 307, 308):
        counted.tried(partial(follow, status), str(status))
    counted.nothing_is_lost()
