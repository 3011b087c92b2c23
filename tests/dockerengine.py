"""A stand-in for Docker's engine over HTTP: it answers what is asked to find containers."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gopack.adapters.dockerside import Engine

ATHENS = {"ATHENS_STORAGE_TYPE": "disk", "ATHENS_DISK_STORAGE_ROOT": "/srv/athens"}


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
def engine_with(*containers: dict[str, Any], removed: list[str] | None = None) -> Iterator[Engine]:
    """An engine that answers what is asked to find these containers, and starts others.

    Args:
        containers: what `container` made, and `exited` ones.
        removed: where the paths of what is removed are kept; without it that is refused.
    """

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            said: Any = {"ApiVersion": "1.44", "MinAPIVersion": "1.24"}
            if path.endswith("/containers/json"):
                wanted = [one for one in containers if "exited" not in query or one in exited]
                said = [{"Id": one["Id"]} for one in wanted]
            elif "/containers/" in path:
                known = (one for one in containers if f"/{one['Id']}/" in path)
                said = next(known, container("new", {}))
            elif "/volumes/" in path:
                said = {"Name": path.rpartition("/")[2]}
            self._answer(200, said)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer(201, {"Id": "new"})

        def do_DELETE(self) -> None:
            if removed is None:
                self._answer(500, {"message": "cannot be removed"})
                return
            removed.append(self.path.partition("/containers/")[2])
            self._answer(200, {})

        def _answer(self, status: int, said: Any) -> None:
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    exited = [one for one in containers if one["State"]["Status"] == "exited"]
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
