"""docs/kubernetes.md: its objects fit together, its Athens is sealed, its Job's command is one."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gopack.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
SEALED = {
    "ATHENS_STORAGE_TYPE": "disk",
    "ATHENS_NETWORK_MODE": "offline",
    "ATHENS_DOWNLOAD_MODE": "none",
    "ATHENS_SUM_DBS": "",
}


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    """Every object on the page, by its kind."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    found = (one for block in blocks for one in yaml.safe_load_all(block))
    return {one["kind"]: one for one in found}


def pod(object_: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = object_["spec"]["template"]["spec"]
    return spec


def mounts(object_: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Where each volume of a pod is mounted, and whether for reading only; all are declared."""
    [container] = pod(object_)["containers"]
    found = {one["name"]: one for one in container["volumeMounts"]}
    assert found.keys() <= {one["name"] for one in pod(object_)["volumes"]}
    return {name: (one["mountPath"], one.get("readOnly", False)) for name, one in found.items()}


def test_athens_is_sealed_and_reads_the_claim(objects: dict[str, dict[str, Any]]) -> None:
    athens = objects["Deployment"]
    [container] = pod(athens)["containers"]
    settings = {one["name"]: one["value"] for one in container["env"]}
    assert {name: settings[name] for name in SEALED} == SEALED
    # A Service named athens would set ATHENS_PORT to a URL, which Athens takes for its own setting.
    assert objects["Service"]["metadata"]["name"] == "athens"
    assert pod(athens)["enableServiceLinks"] is False
    assert mounts(athens)["storage"] == (settings["ATHENS_DISK_STORAGE_ROOT"], True)
    labels = athens["spec"]["template"]["metadata"]["labels"]
    assert athens["spec"]["selector"]["matchLabels"] == labels
    assert objects["Service"]["spec"]["selector"] == labels


def test_job_writes_the_claim_that_athens_reads(objects: dict[str, dict[str, Any]]) -> None:
    claim = objects["PersistentVolumeClaim"]["metadata"]["name"]
    for kind in ("Deployment", "Job"):
        [volume] = [one for one in pod(objects[kind])["volumes"] if one["name"] == "storage"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim
    assert mounts(objects["Job"])["storage"][1] is False


def test_job_runs_a_command_that_there_is(objects: dict[str, dict[str, Any]]) -> None:
    job = objects["Job"]
    [container] = pod(job)["containers"]
    words = [str(word) for word in container["args"]]
    places = [path for path, _ in mounts(job).values()]
    assert all(any(w.startswith(p) for p in places) for w in words if w.startswith("/"))
    context, command = click.Context(main), main.get_command(click.Context(main), words[0])
    assert isinstance(command, click.Group)
    verb = command.get_command(context, words[1])
    assert verb is not None
    parsed = verb.make_context(words[1], words[2:], resilient_parsing=False)
    assert str(parsed.params["storage"]) == mounts(job)["storage"][0]
    dockerfile = (PAGE.parents[1] / "Dockerfile").read_text()
    assert container["command"][0] in dockerfile
