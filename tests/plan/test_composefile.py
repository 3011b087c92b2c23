"""Finding Athens in compose files as people write them."""

from typing import Any

import pytest
import yaml

from gopack.errors import InputError
from gopack.plan.composefile import Service, find_athens, interpolate, parse_env, project_name

ROOT = "/var/lib/athens"


def found(text: str, *, wanted: str = "", **env: str) -> Service:
    raw: Any = yaml.safe_load(text)
    return find_athens(raw, folder_name="My Site", env=env, wanted=wanted, where="compose.yml")


def service(volumes: str, *, rest: str = "") -> str:
    return (
        "services:\n  db: {image: postgres}\n  proxy:\n    image: gomods/athens:v0.18.0\n"
        f"    environment: {{ATHENS_DISK_STORAGE_ROOT: {ROOT}}}\n    volumes: {volumes}\n{rest}"
    )


@pytest.mark.parametrize(
    ("volumes", "rest", "name"),
    [
        (f'["store:{ROOT}"]', "volumes: {store: }", "mysite_store"),
        (f'["store:{ROOT}:ro,z"]', "volumes: {store: {}}", "mysite_store"),
        (f'["store:{ROOT}/"]', "volumes: {store: {name: shared}}", "shared"),
        (f'["store:{ROOT}"]', "volumes: {store: {external: true}}", "store"),
        (f'["store:{ROOT}"]', "volumes: {store: {external: {name: old}}}", "old"),
        (f"[{{type: volume, source: store, target: {ROOT}}}]", "", "mysite_store"),
        (f'["store:{ROOT}"]', "name: Other.Name", "othername_store"),
        (f'["${{V:-store}}:{ROOT}"]', "", "mysite_store"),
        (f'["./data:{ROOT}"]', "", ""),
        ('["store:/elsewhere"]', "", ""),
    ],
)
def test_find_athens_names_the_volume_as_the_engine_does(
    volumes: str, rest: str, name: str
) -> None:
    assert found(service(volumes, rest=rest)).volume == name


def test_find_athens_tells_the_folder_of_a_volume() -> None:
    mount = f"[{{type: volume, source: store, target: {ROOT}, volume: {{subpath: go/disk/}}}}]"
    athens = found(service(mount, rest="volumes: {store: }"))
    assert (athens.volume, athens.below) == ("mysite_store", "go/disk")


def test_find_athens_tells_a_folder() -> None:
    assert found(service(f'["./data:{ROOT}:ro"]')).folder == "./data"


def test_find_athens_takes_the_root_that_is_passed_on() -> None:
    text = (
        "services: {proxy: {image: athens, environment: [ATHENS_DISK_STORAGE_ROOT],"
        f" volumes: ['./data:{ROOT}']}}}}"
    )
    service = found(text, ATHENS_DISK_STORAGE_ROOT=ROOT)
    assert (service.root, service.folder) == (ROOT, "./data")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=a", "a"),
        ("  A = a b  ", "a b"),
        ("export A=a", "a"),
        ("A=a # why", "a"),
        ("A=a#b", "a#b"),
        ("A=#b", "#b"),
        ("A=", ""),
        ("A= # why", ""),
        ("A='a # b' # why", "a # b"),
        ('A="a # b"', "a # b"),
        ("A=it's", "it's"),
        ("A=b=c", "b=c"),
        ("A", "of the host"),
        ("B", None),
        ("#A=a", None),
        ("", None),
        ("=a", None),
    ],
)
def test_parse_env_is_composes(line: str, value: str | None) -> None:
    read = parse_env(f"X=x\n{line}\n", {"A": "of the host"})
    assert read == {"X": "x"} | ({} if value is None else {"A": value})


def test_find_athens_knows_it_by_its_settings() -> None:
    text = "services: {x: {image: private/proxy, environment: [ATHENS_STORAGE_TYPE=disk]}}"
    assert found(text).name == "x"


def test_find_athens_takes_the_wanted_of_two() -> None:
    text = "services: {a: {image: athens}, b: {image: athens}}"
    with pytest.raises(InputError, match="2 services look like Athens"):
        found(text)
    assert found(text, wanted="b").name == "b"
    with pytest.raises(InputError, match="no service c"):
        found(text, wanted="c")


@pytest.mark.parametrize("text", ["", "a", "services: 3", "[1]", "services: {a: 1}"])
def test_find_athens_refuses_other_files(text: str) -> None:
    with pytest.raises(InputError):
        found(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A-${A}", "a-a"),
        ("${N:-x}${N-x}${E:-y}${E-y}", "xxy"),
        ("${A:+z}${N+z}${A?must}$$A", "za$A"),
        ("${N:-${E:-x.io}}/y:${N:-$A}", "x.io/y:a"),
        ("${N-${M-${A}}}}${A:-${N}}${A+-${A:+$A}-}${N+$A}", "a}a-a-"),
        ("${E:-$$A}${N-{x}}", "$A{x}"),
        ("$A${A:-x ${A.b} $", "a${A:-x ${A.b} $"),
    ],
)
def test_interpolate_is_composes(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "a", "E": ""}) == expected


def test_project_name_is_chosen_by_the_environment_first() -> None:
    assert project_name("file", "folder", {"COMPOSE_PROJECT_NAME": "Env"}) == "env"
    assert project_name("file", "folder", {}) == "file"
    assert project_name(None, "_A b", {}) == "ab"
