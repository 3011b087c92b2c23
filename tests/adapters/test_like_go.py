"""gopack and the real go command, side by side, against the same upstreams and settings."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gopack.adapters import goenv
from gopack.adapters.retry import RetryPolicy
from gopack.adapters.sources import ProxySources
from gopack.asking import first_answer
from gopack.errors import GopackError, InputError
from gopack.spec.goproxy import VersionList
from tests.tls import Authority
from tests.upstream import Fault, Upstream

pytestmark = pytest.mark.oracle

PATH = "example.com/a"
LIST = f"/{PATH}/@v/list"
ONCE = RetryPolicy(tries=1)
GOPROXIES = (
    "off {a}, {host} nonsense ftp://{host} http://me:pw@{host} {a}/ file:///none file://{host}/x , "
    "{a}/%zz {a}?x=y http://{host}:1:2 {a}#f {a}// direct,{a} off,{a} ,|{a} |nonsense"
)


@dataclass
class World:
    """Settings for one comparison; what each of the two saw is recorded by the upstreams."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "GOROOT", "TMPDIR") if key in os.environ}
        own = {
            "HOME": str(self.folder),
            "GOENV": "off",
            "GOSUMDB": "off",
            "GOFLAGS": "-modcacherw",
            "GOMODCACHE": str(self.folder / "mod"),
            "GOTOOLCHAIN": "local",
        }
        return kept | own | self.settings

    def go(self) -> str:
        """The versions that go lists, or `refused`."""
        done = subprocess.run(
            ["go", "list", "-m", "-versions", "-retracted", PATH],
            cwd=self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout.strip().removeprefix(PATH) if done.returncode == 0 else "refused"

    def ours(self) -> str:
        try:
            sources = ProxySources(goenv.load(self.environ()), policy=ONCE)
        except InputError:
            return "refused"
        try:
            data = first_answer(sources.attempts(PATH), lambda s: s.read(VersionList(PATH)))
        except GopackError:
            return "refused"
        finally:
            sources.close()
        return "".join(f" {line}" for line in data.decode().split())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("second", ["", ",{b}", "|{b}", ",off", "|off", ",off,{b}", "|nonsense"])
@pytest.mark.parametrize("status", [200, 404, 410, 403, 500, 204])
def test_chain_answers_as_go_does(
    world: World, upstream: Upstream, second: str, status: int
) -> None:
    upstream.add(PATH, "v1.0.0")
    with Upstream() as other:
        other.add(PATH, "v2.0.0+incompatible")
        upstream.fail("*", Fault(status=status))
        world.settings["GOPROXY"] = upstream.url + second.format(b=other.url)
        assert world.ours() == world.go()


@pytest.mark.parametrize("goproxy", GOPROXIES.split(" "))
def test_goproxy_is_read_as_go_reads_it(world: World, upstream: Upstream, goproxy: str) -> None:
    upstream.add(PATH, "v1.0.0")
    upstream.put(f"{PATH}/@v/list?x=y", b"v1.0.0\n")
    host = upstream.url.removeprefix("http://")
    world.settings["GOPROXY"] = goproxy.format(a=upstream.url, host=host)
    assert world.ours() == world.go()


@pytest.mark.parametrize(
    ("login", "netrc", "goauth"),
    [
        ("", "", ""),
        ("me:p%40w@", "", ""),
        ("me@", "", ""),
        ("", "machine {host} login net password rc", ""),
        ("", "machine {name} login net password rc", ""),
        ("", "machine {host} login net password rc", "off"),
        ("me:pw@", "machine {host} login net password rc", ""),
        ("", "machine {host}/example.com login net password rc", "netrc"),
        ("", "machine {host}/example.co login net password rc", ""),
        ("", "machine {host} login a password b\nmachine {host} login c password d", ""),
        ("", "default login a password b\nmachine {host} login c password d", ""),
        (
            "",
            "macdef x\nmachine {host} login c password d\n\nmachine {host} login e password f",
            "",
        ),
    ],
)
def test_credentials_are_sent_as_go_sends_them(
    world: World, login: str, netrc: str, goauth: str
) -> None:
    authority = Authority(world.folder)
    with Upstream(tls=authority.server_context()) as secure:
        secure.add(PATH, "v1.0.0")
        host = secure.url.removeprefix("https://")
        (world.folder / ".netrc").write_text(netrc.format(host=host, name=host.split(":")[0]))
        world.settings = {
            "GOPROXY": f"https://{login}{host}",
            "GOAUTH": goauth,
            "SSL_CERT_FILE": str(authority.ca_file),
            "SSL_CERT_DIR": str(world.folder / "none"),
        }
        answers, sent = [], []
        for ask in (world.ours, world.go):
            secure.log.clear()
            answers.append(ask())
            sent.append({a.headers.get("Authorization") for a in secure.log if a.path == LIST})
    assert answers == [" v1.0.0", " v1.0.0"]
    assert sent[0] == sent[1]


@pytest.mark.parametrize("trusted", ["file", "folder", "nobody"])
def test_trust_is_gos(world: World, trusted: str) -> None:
    authority = Authority(world.folder)
    certificates = world.folder / "certificates"
    certificates.mkdir()
    if trusted == "folder":
        (certificates / "any-name").write_bytes(authority.ca_file.read_bytes())
    with Upstream(tls=authority.server_context()) as secure:
        secure.add(PATH, "v1.0.0")
        world.settings = {
            "GOPROXY": secure.url,
            "GOINSECURE": "*",  # counts for `direct` alone
            "SSL_CERT_FILE": str(authority.ca_file) if trusted == "file" else "/none",
            "SSL_CERT_DIR": str(certificates),
        }
        ours, theirs = world.ours(), world.go()
    assert ours == theirs == ("refused" if trusted == "nobody" else " v1.0.0")
