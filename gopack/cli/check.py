"""`gopack check`: is the storage what it must be?"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gopack.adapters import goenv, keptpackages
from gopack.adapters.audit import AuditedDisk, refuse_unwritable_root, set_aside
from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.nested import nested_storage
from gopack.adapters.zippool import AdaptiveZips
from gopack.adapters.zipwork import ZipWork
from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import end, ends_well
from gopack.cli.jsonreport import write_json
from gopack.cli.progress import PLAIN_INTERVAL_S
from gopack.cli.units import human_bytes, human_duration
from gopack.errors import InputError, StoreError
from gopack.flows.check import Checker
from gopack.plan.checking import MANIFEST_KEY, Finding, Proof, Report, Weight
from gopack.plan.layout import KEPT_PACKAGES, OWN_FOLDER
from gopack.plan.manifest import UNVERIFIED, Annotations
from gopack.ports import Sources
from gopack.spec import note
from gopack.spec.goenv import parse_sumdb

_STYLES = {Weight.NOTE: "", Weight.SPOILT: "red", Weight.BROKEN: "yellow"}
_NAMES = {Weight.NOTE: "note", Weight.SPOILT: "spoilt", Weight.BROKEN: "broken"}
MAX_SHOWN = 100
"""Findings a person reads; --json has all."""


@click.command("check")
@click.argument("words", nargs=-1, metavar="[MODULE@VERSION]")
@options.storage_option
@click.option(
    "--url",
    envvar="GOPACK_CHECK_URL",
    show_envvar=True,
    metavar="URL",
    help="Ask the running proxy at URL for MODULE@VERSION instead, and compare with the storage.",
)
@click.option(
    "--repair",
    "is_repairing",
    is_flag=True,
    envvar="GOPACK_REPAIR",
    show_envvar=True,
    help="Move what is spoilt to .gopack/aside, and say how to fetch it again.",
)
@options.json_option
def command(
    words: tuple[str, ...],
    storage: Path,
    url: str | None,
    is_repairing: bool,
    json_file: Path | None,
) -> None:
    """Audit the storage, without a network: every file of it, against all that can be proven.

    Sums are proven by the checksum database's carried records and signed tree head; only where
    there is no record does the manifest's word count. Nothing is written without --repair. The
    exit status is 0 if all is well, 4 if a file is not what it must be, 5 if files are missing or
    do not belong there: the higher.

    With --url a running Athens is asked for one version, as the go command asks: its answers are
    compared with the storage byte for byte, and what leaves it a way to an upstream is reported.
    """
    console = make_console()
    with ends_well(console):
        if url is not None:
            if is_repairing:
                raise InputError(
                    "--repair mends a storage, and --url asks a running proxy",
                    hint="Say one of the two; GOPACK_REPAIR and GOPACK_CHECK_URL count, too.",
                )
            from gopack.cli.checkurl import (  # noqa: PLC0415 - slow to load, and an audit is not
                check_running,
                url_json,
            )

            asked = check_running(url, words, storage, console)
            write_json(json_file, url_json(asked))
            end(asked.exit_status)
        if words:
            raise InputError(f"what is {words[0]}?", hint="Give --url URL with MODULE@VERSION.")
        if not storage.is_dir():
            raise StoreError("no such storage", where=str(storage), hint="give --storage DIR")
        _refuse_nested(storage)
        if is_repairing:
            refuse_unwritable_root(storage)
        began = time.monotonic()
        report = _audit(storage, console)
        _print(console, report, time.monotonic() - began)
        moved: dict[str, str] = {}
        if is_repairing:
            moved = repair(storage, report)
            _print_repair(console, report, moved)
        write_json(json_file, report_json(report, moved))
        end(report.exit_status)


def _refuse_nested(storage: Path) -> None:
    deeper = None if (storage / OWN_FOLDER).is_dir() else nested_storage(storage)
    if deeper is not None:
        raise StoreError(
            f"no storage, but there is one in {deeper}: it was copied into a folder that was there",
            where=str(storage),
            hint=f"give --storage {deeper}, or copy it with `cp -a ROOT/. TARGET/`",
        )


def _audit(storage: Path, console: Console) -> Report:
    root = storage.absolute()
    cores = os.cpu_count() or 1
    # A worker has its next zip at hand while this process is busy with the log.
    zips = AdaptiveZips(ZipWork(_no_sources, root, root), jobs=2 * cores, cores=cores)
    zips.start_ahead()  # on a terminal the progress has a thread, and no process is forked then
    try:
        with _progress(console) as tell:
            return Checker(AuditedDisk(storage), zips, find_key, tell).check()
    finally:
        zips.close()


def _no_sources() -> Sources:
    """Stand in for the sources that a worker has where it downloads; an audit never asks them."""
    return None  # type: ignore[return-value]


def find_key(name: str) -> note.Verifier | None:
    """Find the key of a checksum database: GOSUMDB's if it names it, else one that is built in."""
    for setting in (goenv.user_setting("GOSUMDB"), name):
        try:
            found = parse_sumdb(setting)
        except InputError:
            continue
        if found is not None and found.name == name:
            return note.parse_verifier(found.key)
    return None


def repair(storage: Path, report: Report) -> dict[str, str]:
    """Move aside what the findings say; tell where each went, by its key.

    Raises:
        StoreError: the storage cannot be written, or another run holds it.
    """
    keys = _outermost({key for finding in report.findings for key in finding.aside})
    if not keys:
        return {}
    with DiskStore(storage).locked():
        if MANIFEST_KEY not in keys and any(key.startswith(_SUMDB) for key in keys):
            _have_fetch_prove_again(storage)
        if any(finding.module and finding.aside for finding in report.findings):
            _have_fetch_read_again(storage, has_manifest=MANIFEST_KEY not in keys)
        return dict(zip(keys, set_aside(storage, keys), strict=True))


_SUMDB = f"{OWN_FOLDER}/sumdb/"


def _have_fetch_prove_again(storage: Path) -> None:
    """Note proven versions as unverified: the next fetch proves them and completes the proofs."""
    ledger = DiskLedger(storage / OWN_FOLDER)
    text = f"{UNVERIFIED}: a proof was spoilt"
    noted = ledger.manifest.versions
    proven = [
        module for module, entry in noted.items() if not entry.verified.startswith(UNVERIFIED)
    ]
    ledger.annotate(Annotations(verified=dict.fromkeys(proven, text)))
    ledger.save()


def _have_fetch_read_again(storage: Path, *, has_manifest: bool) -> None:
    """Forget what packages of zips import: a zip that is spoilt may have been when it was read."""
    file = storage / OWN_FOLDER / KEPT_PACKAGES
    with disk_errors("forget what was read of packages", file):
        keptpackages.forget(file)
    ledger = DiskLedger(storage / OWN_FOLDER) if has_manifest else None
    if ledger is not None and ledger.manifest.surveys:
        ledger.forget_surveys()
        ledger.save()


def _outermost(keys: set[str]) -> Sequence[str]:
    """Leave out what lies in a folder that goes as a whole."""
    return sorted(key for key in keys if not any(key.startswith(f"{o}/") for o in keys))


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, int, int, int], None]]:
    if not console.is_terminal:
        last = time.monotonic()

        def tell_plainly(done: int, total: int, done_bytes: int, total_bytes: int) -> None:
            nonlocal last
            if time.monotonic() - last >= PLAIN_INTERVAL_S:
                last = time.monotonic()
                size = f"{human_bytes(done_bytes)} of {human_bytes(total_bytes)}"
                console.print(f"checked {done} of {total} versions, {size}", highlight=False)

        yield tell_plainly
        return
    from rich.progress import Progress  # noqa: PLC0415 - for terminals alone

    with Progress(console=console, transient=True) as bars:
        bar = bars.add_task("checking", total=None)

        def tell(done: int, total: int, done_bytes: int, total_bytes: int) -> None:
            bars.update(
                bar,
                completed=done_bytes,
                total=total_bytes or None,
                description=f"checking {done}/{total}",
            )

        yield tell


def _print(console: Console, report: Report, seconds: float) -> None:
    worst_first = sorted(report.findings, key=lambda f: (f.weight is Weight.NOTE, f.where))
    hint = ""
    for finding in worst_first[:MAX_SHOWN]:
        text = f"{_NAMES[finding.weight]}: {finding}"
        console.print(text, style=_STYLES[finding.weight], markup=False, highlight=False)
        if finding.hint and finding.hint != hint:
            console.print(f"    hint: {finding.hint}", markup=False, highlight=False)
            hint = finding.hint
    if len(worst_first) > MAX_SHOWN:
        console.print(f"... and {len(worst_first) - MAX_SHOWN} more: --json FILE has all")
    proofs = ", ".join(
        f"{report.count(proof)} by {proof.value}" for proof in Proof if report.count(proof)
    )
    console.print(
        f"{len(report.proofs)} versions, {report.complete} with zip "
        f"({human_bytes(report.zip_bytes)}), in {human_duration(seconds)}; vouched for: "
        f"{proofs or 'none'}; " + _verdict(report),
        markup=False,
        highlight=False,
    )


def _verdict(report: Report) -> str:
    counts = [
        f"{sum(f.weight is weight for f in report.findings)} {_NAMES[weight]}"
        for weight in (Weight.SPOILT, Weight.BROKEN)
        if any(f.weight is weight for f in report.findings)
    ]
    return ", ".join(counts) or "all is well"


def _print_repair(console: Console, report: Report, moved: dict[str, str]) -> None:
    for key, place in moved.items():
        console.print(f"moved aside: {key} -> {place}", markup=False, highlight=False)
    if report.refetch:
        console.print("to be fetched again:", highlight=False)
        for module in report.refetch:
            console.print(f"    {module}", markup=False, highlight=False)
    if moved or report.refetch:
        console.print(
            "Run `gopack fetch` with the same list where there is a network (it brings back what "
            "is missing and leaves the rest), or copy the storage from the delivery once more.",
            highlight=False,
        )


def report_json(report: Report, moved: dict[str, str]) -> dict[str, Any]:
    """Give the result for programs."""
    return {
        "exit_status": report.exit_status,
        "versions": len(report.proofs),
        "complete": report.complete,
        "zip_bytes": report.zip_bytes,
        "proven": report.count(Proof.LOG),
        "by_manifest": report.count(Proof.MANIFEST),
        "by_nothing": report.count(Proof.NOTHING),
        "findings": [_finding_json(finding) for finding in report.findings],
        "refetch": [str(module) for module in report.refetch],
        "moved_aside": moved,
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": _NAMES[finding.weight],
        "where": finding.where,
        "what": finding.what,
        "version": str(finding.module) if finding.module else None,
        "hint": finding.hint,
    }
