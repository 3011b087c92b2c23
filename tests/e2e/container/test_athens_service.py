"""The compose profile `athens`: the storage served, and nothing asked for elsewhere.

With ATHENS_BIN the service is Athens itself, in an image made of that binary.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.container.compose import Project
from tests.e2e.container.conftest import OWNER

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

INFO = b'{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}'
ATHENS_DOCKERFILE = """
ARG PYTHON_IMAGE
ARG GO_IMAGE
FROM ${GO_IMAGE} AS go
FROM ${PYTHON_IMAGE}
COPY --from=go /usr/local/go /usr/local/go
COPY athens /usr/local/bin/athens
ENV PATH=/usr/local/go/bin:/usr/bin:/bin
ENTRYPOINT ["/usr/local/bin/athens"]
"""


@pytest.fixture(scope="module")
def athens_image(built: Project, tmp_path_factory: pytest.TempPathFactory) -> str:
    binary = os.environ.get("ATHENS_BIN")
    if not binary:
        pytest.skip("ATHENS_BIN names no Athens binary")
    context = tmp_path_factory.mktemp("athens-image")
    (context / "Dockerfile").write_text(ATHENS_DOCKERFILE)
    shutil.copy2(binary, context / "athens")
    images = (f"PYTHON_IMAGE={built.images.python}", f"GO_IMAGE={built.images.go}")
    arguments = [word for image in images for word in ("--build-arg", image)]
    name = "gopack-test-athens:local"
    built.engine.docker("build", *arguments, "--tag", name, str(context), timeout_s=300)
    return name


@pytest.fixture
def address(project: Project, athens_image: str) -> Iterator[str]:
    version = project.storage / "example.com" / "Mixed" / "v1.0.0"
    version.mkdir(parents=True)
    (version / "v1.0.0.info").write_bytes(INFO)
    (version / "go.mod").write_text("module example.com/Mixed\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"ATHENS_IMAGE": athens_image, "ATHENS_PORT": str(port)}
    ran = project.compose("--profile", "athens", "up", "-d", "athens", settings=settings)
    assert ran.status == 0, ran.output
    url = f"http://localhost:{port}"
    _wait_for(f"{url}/healthz")
    yield url
    project.compose("--profile", "athens", "logs", "athens", settings=settings)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"nothing answers at {url}")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_athens_serves_the_storage_and_only_that(address: str, project: Project) -> None:
    with urllib.request.urlopen(f"{address}/example.com/!mixed/@v/v1.0.0.info", timeout=20) as got:
        assert b"v1.0.0" in got.read()
    # Both exist upstream; a proxy that asked elsewhere would have them.
    assert _status(f"{address}/github.com/google/uuid/@v/v1.6.0.info") == 404
    assert _status(f"{address}/github.com/google/uuid/@v/list") in {200, 404}
    assert _status(f"{address}/sumdb/any/supported") == 404
    assert sorted(p.name for p in project.storage.iterdir()) == ["example.com"]
    assert project.storage.stat().st_uid == OWNER[0], "a stranger's folder is served as it is"
    container = project.compose("--profile", "athens", "ps", "-q", "athens").output.split()[-1]
    said = project.engine.docker("exec", container, "touch", "/var/lib/athens/it", check=False)
    assert "Read-only file system" in said


def test_sealed_network_has_no_way_out(address: str, project: Project) -> None:
    """The same connection succeeds from an ordinary network, so a failure is the network's."""
    host = _an_outside_host()
    script = (
        f"import socket; socket.create_connection(({host!r}, 443), timeout=5); print('got out')"
    )
    said = {
        network: project.engine.docker(
            *("run", "--rm", "--network", f"{project.name}_{network}"),
            *("--entrypoint", "/opt/gopack/bin/python", project.image, "-c", script),
            check=False,
        )
        for network in ("sealed", "default")
        if network == "sealed" or _make_default(project)
    }
    if "got out" not in said["default"]:
        pytest.skip("containers reach nothing outside here")
    assert "got out" not in said["sealed"]


def _an_outside_host() -> str:
    """The address of the public module proxy, as this machine resolves it."""
    command = ["go", "env", "GOPROXY"]
    proxies = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    host = proxies.split(",", maxsplit=1)[0].removeprefix("https://").strip().split("/")[0]
    return str(socket.getaddrinfo(host, 443, socket.AF_INET)[0][4][0])


def _make_default(project: Project) -> bool:
    return project.as_worker("true").status == 0
