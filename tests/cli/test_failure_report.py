"""`--json` where a command ends before it has a result: an error is a report, too."""

import json
import signal
from pathlib import Path
from typing import Any

import click
import pytest

from gopack.cli.jsonreport import write_failure, write_interrupted, write_json
from gopack.errors import StoreError
from tests.cli import program
from tests.upstream import Fault, Upstream
from tests.waiting import until


def run(folder: Path, goproxy: str, *words: str) -> tuple[int, str, str]:
    process = program.start(folder, goproxy, *words)
    try:
        out, text = process.communicate(timeout=program.STARTED_S)
    finally:
        process.kill()
    return process.returncode, out, text


def assert_is_report(report: dict[str, Any], status: int, text: str) -> None:
    """As a successful run's: the exit status, and errors of which a person read each."""
    assert report["exit_status"] == status
    assert max(error["exit_status"] for error in report["errors"]) == status
    for error in report["errors"]:
        assert error.keys() == {"kind", "exit_status", "message", "hint"}
        assert error["message"] in text.replace("warning: ", "")
        assert error["hint"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        pytest.param("fetch none.txt", 2, id="missing list"),
        pytest.param("plan none.txt", 2, id="missing list, planned"),
        pytest.param("plan --why example.com/none", 2, id="nothing brings it in"),
        pytest.param("prove none.txt", 2, id="missing list, proven"),
        pytest.param("check --storage nope", 5, id="missing storage"),
        pytest.param("check --url http://127.0.0.1:9/ example.com/a@v1.0.0", 3, id="no answer"),
        pytest.param("check what", 2, id="unknown word"),
        pytest.param("add example.com/a", 2, id="words lack"),
        pytest.param("pack example.com/a", 2, id="nothing to pack"),
        pytest.param("bundle create --storage nope --since none out", 2, id="unknown parent"),
        pytest.param("bundle verify none.bundle", 2, id="missing bundle"),
        pytest.param("bundle inspect none.bundle", 2, id="missing bundle, looked into"),
        pytest.param("bundle import none.bundle", 2, id="missing bundle, imported"),
        pytest.param("bundle diff none.bundle none.bundle", 2, id="missing bundle, compared"),
    ],
)
def test_error_that_ends_a_command_takes_the_place_of_an_old_report(
    tmp_path: Path, upstream: Upstream, words: str, status: int
) -> None:
    upstream.add("example.com/a", "v1.0.0")
    (tmp_path / "goget.txt").write_text("example.com/a@v1.0.0\n")
    file = tmp_path / "report.json"
    file.write_text('{"exit_status": 0}\n')
    ended, out, text = run(tmp_path, upstream.url, *words.split(), "--json", str(file))
    assert (ended, out) == (status, ""), text
    assert_is_report(json.loads(file.read_text()), status, text)


def test_every_bad_line_of_a_list_is_an_error_of_the_report(
    tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "goget.txt").write_text("bad!\nexample.com/a@1.0\nexample.com/b@v1@v2\n")
    ended, out, _ = run(tmp_path, upstream.url, "fetch", "--json", "-")
    report = json.loads(out)
    assert (ended, report["exit_status"]) == (2, 2)
    places = [error["message"].split(": ")[0] for error in report["errors"]]
    assert places == ["goget.txt:1:1", "goget.txt:3:15"]
    [warning] = report["warnings"]
    assert warning.startswith("goget.txt:2:15: ")


def test_ctrl_c_is_an_error_of_the_report(tmp_path: Path, upstream: Upstream) -> None:
    upstream.fail("*", Fault(delay_s=20))
    (tmp_path / "goget.txt").write_text("example.com/a@v1.0.0\n")
    file = tmp_path / "report.json"
    process = program.start(tmp_path, upstream.url, "fetch", "--json", str(file))
    try:
        until(lambda: bool(upstream.paths()))
        process.send_signal(signal.SIGINT)
        text = process.communicate(timeout=program.STARTED_S)[1]
    finally:
        process.kill()
    assert process.returncode == 130, text
    assert_is_report(json.loads(file.read_text()), 130, text)


def test_report_that_cannot_be_written_is_told_once(tmp_path: Path, upstream: Upstream) -> None:
    words = ("check", "--storage", "nope", "--json", str(tmp_path / "none" / "report.json"))
    ended, out, text = run(tmp_path, upstream.url, *words)
    assert (ended, out) == (5, "")
    assert text.count("gopack: ") == 1
    assert "no such storage" in text


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_report_that_was_written_stays_and_gets_what_failed_later(
    tmp_path: Path,
    is_interrupted: bool,  # noqa: FBT001
) -> None:
    file = tmp_path / "report.json"
    first = {"kind": "NotFoundError", "exit_status": 3, "message": "gone", "hint": "look"}
    report = {"exit_status": 3, "lines": ["a long run's"], "errors": [first], "warnings": ["mind"]}
    with click.Context(click.Command("prove")) as context:
        context.params["json_file"] = file
        write_json(file, report)
        if is_interrupted:
            write_interrupted(130)
        else:
            write_failure(StoreError("cannot be written: disk full", where="page.html"))
    written = json.loads(file.read_text())
    assert written["lines"] == report["lines"]
    assert written["warnings"] == report["warnings"]
    assert written["exit_status"] == (130 if is_interrupted else 5)
    assert written["errors"][0] == first
    assert len(written["errors"]) == 2
