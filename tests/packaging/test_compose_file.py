"""docker-compose.yml: what docker-compose 1.29 and Compose v2 both read, and what it passes on.

The engine's own tests are in tests/e2e/container/; these need no engine.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
SETTINGS = [
    *("GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH"),
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
]
SEALED = {
    "ATHENS_STORAGE_TYPE=disk",
    "ATHENS_NETWORK_MODE=offline",
    "ATHENS_DOWNLOAD_MODE=none",
    "ATHENS_SUM_DBS=",
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services: dict[str, Any] = content["services"]
    return services


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_passed_only_when_set(services: dict[str, Any], name: str) -> None:
    assert name in services["gopack"]["environment"]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "NETRC", "SSH_AUTH_SOCK"])
def test_host_file_is_mounted_or_dev_null(services: dict[str, Any], variable: str) -> None:
    volumes = services["gopack"]["volumes"]
    assert any(v.startswith(f"${{{variable}:-/dev/null}}:/run/gopack/") for v in volumes)
    assert variable not in services["gopack"]["environment"], "a path of the host means nothing"


def test_only_our_own_files_are_relabelled(services: dict[str, Any]) -> None:
    relabelled = [v for v in services["gopack"]["volumes"] if v.endswith(("z", "Z"))]
    assert [v.split(":")[0] for v in relabelled] == ["./goget.txt", "./ATHENS_STORAGE"]


def test_athens_is_sealed(services: dict[str, Any]) -> None:
    athens = services["athens"]
    assert athens["profiles"] == ["athens"]
    assert set(athens["environment"]) >= SEALED
    assert athens["volumes"] == ["./ATHENS_STORAGE:/var/lib/athens:ro,z"]
    assert athens["networks"] == ["sealed"]
