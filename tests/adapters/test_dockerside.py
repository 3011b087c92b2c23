"""Athens' containers as the engine's HTTP interface tells of them; the engine is a stand-in."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gopack.adapters.dockerside import OWN_LABELS, Engine

ATHENS = {"ATHENS_STORAGE_TYPE": "disk", "ATHENS_DISK_STORAGE_ROOT": "/srv/athens"}
PUBLISHED = {"Ports": {"3000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}}
TLS = {"ATHENS_TLSCERT_FILE": "/c", "ATHENS_TLSKEY_FILE": "/k"}


def container(
    name: str, settings: dict[str, str], *, labels: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """What the engine tells of a running container."""
    env = [f"{key}={value}" for key, value in settings.items()]
    return {
        "Id": name,
        "Name": f"/{name}",
        "Image": "sha256:0",
        "State": {"Status": "running"},
        "Config": {"Env": env, "User": "", "Labels": labels or {}},
        "Mounts": [],
        "HostConfig": {},
        "NetworkSettings": {},
        **more,
    }


@contextmanager
def engine_with(*containers: dict[str, Any]) -> Iterator[Engine]:
    """An engine that answers what is asked to find these containers."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            said: Any = {"ApiVersion": "1.44", "MinAPIVersion": "1.24"}
            if path.endswith("/containers/json"):
                said = [{"Id": one["Id"]} for one in containers]
            elif "/containers/" in path:
                said = next(one for one in containers if f"/{one['Id']}/" in path)
            elif "/volumes/" in path:
                said = {"Name": path.rpartition("/")[2]}
            data = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
            with closing(Engine()) as engine:
                yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("settings", "network", "url"),
    [
        ({}, PUBLISHED, "http://127.0.0.1:8080"),
        ({"ATHENS_PATH_PREFIX": "/go/"}, PUBLISHED, "http://127.0.0.1:8080/go"),
        (TLS, PUBLISHED, "https://127.0.0.1:8080"),
        ({}, {"Networks": {"a": {"IPAddress": "10.1.2.3"}}}, "http://10.1.2.3:3000"),
        (
            {"ATHENS_PORT": ":3001"},
            {"Networks": {"host": {"IPAddress": ""}}},
            "http://127.0.0.1:3001",
        ),
    ],
)
def test_url_is_what_athens_settings_make_of_it(
    settings: dict[str, str], network: dict[str, Any], url: str
) -> None:
    with engine_with(container("athens", ATHENS | settings, NetworkSettings=network)) as engine:
        assert engine.url(engine.by_name("athens")) == url


def test_containers_of_gopack_itself_are_no_athens() -> None:
    own = (container(label, ATHENS, labels={label: "x"}) for label in sorted(OWN_LABELS))
    with engine_with(*own, container("athens", ATHENS), container("web", {})) as engine:
        assert [str(target) for target in engine.that_are_athens()] == ["container athens"]


@pytest.mark.parametrize(
    ("root", "subpath", "below"),
    [
        ("/srv/athens", "", ""),
        ("/srv/athens", "go/modules", "go/modules"),
        ("/srv/athens/disk", "", "disk"),
        ("/srv/athens/disk", "/go/", "go/disk"),
    ],
)
def test_storage_in_a_folder_of_a_volume_is_there(root: str, subpath: str, below: str) -> None:
    athens = container(
        "athens",
        ATHENS | {"ATHENS_DISK_STORAGE_ROOT": root},
        Mounts=[{"Type": "volume", "Name": "shared", "Destination": "/srv/athens"}],
        HostConfig={
            "Mounts": [
                {"Type": "volume", "Target": "/elsewhere", "VolumeOptions": {"Subpath": "x"}},
                {"Type": "volume", "Target": "/srv/athens/", "VolumeOptions": {"Subpath": subpath}},
            ]
        },
    )
    with engine_with(athens) as engine:
        for target in (engine.by_name("athens"), engine.by_volume("shared")):
            assert (target.kind, target.source, target.below) == ("volume", "shared", below)
    with engine_with() as engine:
        assert engine.by_volume("shared", below="go").below == "go"
