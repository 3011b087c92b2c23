"""Athens' containers as the engine's HTTP interface tells of them; the engine is a stand-in."""

from typing import Any

import pytest

from gopack.adapters.dockerside import OWN_LABELS, Target
from gopack.errors import StoreError
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


STORAGE = Target(None, "athens", "", "/srv/athens", "volume", "shared")


def test_room_is_removed_with_its_volumes_and_so_is_what_a_killed_push_left() -> None:
    removed: list[str] = []
    left = container("left", {}, State={"Status": "exited"})
    with (
        engine_with(left, container("athens", ATHENS), removed=removed) as engine,
        engine.room(STORAGE, image="", name="push-1-1"),
    ):
        assert [path.partition("?")[0] for path in removed] == ["left"]
    assert [path.partition("?")[0] for path in removed] == ["left", "new"]
    assert all("v=True" in path for path in removed)


def test_room_that_cannot_be_removed_is_told_but_not_in_the_place_of_what_came_first() -> None:
    with engine_with() as engine:
        with pytest.raises(KeyboardInterrupt), engine.room(STORAGE, image="", name="push-1-1"):
            raise KeyboardInterrupt
        with (
            pytest.raises(StoreError, match="cannot be removed"),
            engine.room(STORAGE, image="", name="push-1-1"),
        ):
            pass
