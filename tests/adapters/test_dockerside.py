"""Athens' containers as the engine's HTTP interface tells of them; the engine is a stand-in."""

from typing import Any

import pytest

from gopack.adapters.dockerside import OWN_LABELS
from tests.dockerengine import ATHENS, container, engine_with

PUBLISHED = {"Ports": {"3000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}}
TLS = {"ATHENS_TLSCERT_FILE": "/c", "ATHENS_TLSKEY_FILE": "/k"}


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
