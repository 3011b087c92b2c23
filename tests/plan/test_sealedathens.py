"""Athens' settings from a compose file, and what seals it whatever they say."""

import pytest
import yaml

from gopack.plan.composefile import EnvFile, Service, find_athens
from gopack.plan.sealedathens import SEALED, seal

WHOSE = "the compose file's athens"
ROOT = "ATHENS_DISK_STORAGE_ROOT"


def read(text: str, **env: str) -> Service:
    raw = yaml.safe_load(text)
    return find_athens(raw, folder_name="x", env=env, where="compose.yml")


def test_sealed_settings_stay_without_a_note() -> None:
    athens = seal({**SEALED, ROOT: "/data"}, where=WHOSE)
    assert athens.notes == ()
    assert athens.environment == {**SEALED, ROOT: "/data"}
    assert athens.root == "/data"


@pytest.mark.parametrize(("key", "value"), sorted(SEALED.items()))
@pytest.mark.parametrize("said", ["other", None])
def test_setting_that_is_not_sealed_is_sealed_and_noted(
    key: str, value: str, said: str | None
) -> None:
    settings = {k: v for k, v in SEALED.items() if k != key} | ({} if said is None else {key: said})
    athens = seal(settings, where=WHOSE)
    assert athens.environment[key] == value
    [note] = athens.notes
    assert note.startswith(f"{WHOSE} {'does not set' if said is None else 'sets'} {key}")


def test_without_a_file_it_is_sealed_and_nothing_is_noted() -> None:
    athens = seal({})
    assert athens.notes == ()
    assert athens.environment == {**SEALED, ROOT: "/path/on/disk"}


def test_service_without_an_environment_is_told_what_it_does_not_set() -> None:
    notes = seal({}, where=WHOSE).notes
    assert [note.split(",")[0] for note in notes] == [
        f"{WHOSE} does not set {key}" for key in SEALED
    ]


def test_settings_that_name_what_is_not_there_are_left_out_with_a_note() -> None:
    settings = {
        **SEALED,
        "ATHENS_FILTER_FILE": "/config/filter",
        "ATHENS_NETRC_PATH": "",
        "ATHENS_INDEX_TYPE": "none",
        "ATHENS_SINGLE_FLIGHT_TYPE": "redis",
    }
    athens = seal(settings, where=WHOSE)
    assert athens.environment.keys() == {*SEALED, ROOT, "ATHENS_NETRC_PATH", "ATHENS_INDEX_TYPE"}
    assert [note.split(",")[0] for note in athens.notes] == [
        f"{WHOSE} sets ATHENS_FILTER_FILE",
        f"{WHOSE} sets ATHENS_SINGLE_FLIGHT_TYPE",
    ]


def test_command_and_mounted_files_are_not_taken_over_and_noted() -> None:
    text = (
        "services: {athens: {image: athens, command: [athens-proxy, -config_file=/c/athens.toml], "
        "volumes: ['store:/path/on/disk', './conf:/c:ro', {target: /d}]}}"
    )
    service = read(text)
    assert service.elsewhere == ("command", "a mount at /c", "a mount at /d")
    [note] = seal(SEALED, where=WHOSE, elsewhere=service.elsewhere).notes
    assert note == f"{WHOSE} has command, a mount at /c, a mount at /d, too: it was tried without"
    assert read("services: {athens: {image: athens}}").elsewhere == ()


def test_address_is_made_of_port_and_prefix() -> None:
    assert seal({}).url("athens") == "http://athens:3000"
    settings = {"ATHENS_PORT": ":8080", "ATHENS_PATH_PREFIX": "/go/"}
    assert seal(settings).url("athens") == "http://athens:8080/go"


def test_what_says_how_clients_reach_it_is_left_out() -> None:
    settings = {"BASIC_AUTH_USER": "u", "BASIC_AUTH_PASS": "p", "ATHENS_TLSCERT_FILE": "/c"}
    assert seal(settings).environment.keys() == {*SEALED, ROOT}


def test_service_has_the_settings_that_compose_passes() -> None:
    text = (
        "services: {athens: {image: 'a/athens:${V}', user: '1:2', env_file: [a.env, {path: b.env, "
        "required: false}], environment: [ATHENS_PORT, ATHENS_SUM_DBS=, NOT_SET, 'A=${V:-x}']}}"
    )
    service = read(text, V="1", ATHENS_PORT=":80")
    assert service.image == "a/athens:1"
    assert service.settings == {"ATHENS_PORT": ":80", "ATHENS_SUM_DBS": "", "A": "1"}
    assert service.env_files == (EnvFile("a.env"), EnvFile("b.env", is_required=False))
    assert service.user == "1:2"


def test_mapping_with_a_null_passes_the_host_s_value() -> None:
    text = "services: {athens: {image: athens, env_file: a.env, environment: {A: , B: , C: 3}}}"
    service = read(text, A="a")
    assert service.settings == {"A": "a", "C": "3"}
    assert service.env_files == (EnvFile("a.env"),)
