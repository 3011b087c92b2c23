"""The `--url` part of `gopack check`: a running proxy, asked for one version."""

from pathlib import Path
from typing import Any

from rich.console import Console

from gopack.adapters import goenv
from gopack.adapters.disk import DiskStore
from gopack.adapters.urlprobe import UrlProbe
from gopack.errors import GopackError, InputError
from gopack.flows.checkurl import check_url
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.urlreport import UrlReport
from gopack.spec.module import ModuleVersion, check

USAGE = "gopack check --url http://localhost:3000 MODULE@VERSION"


def check_running(url: str, words: tuple[str, ...], storage: Path, console: Console) -> UrlReport:
    """Ask the proxy at a URL, compare with the storage if it is there, and print what is wrong.

    Raises:
        InputError: no MODULE@VERSION is given, or it is none.
        UpstreamError: the proxy does not answer.
    """
    module = _module(words)
    store = DiskStore(storage) if storage.is_dir() else None
    probe = UrlProbe(url)
    try:
        report = check_url(probe, store, module, sumdb=_sumdb(storage))
    finally:
        probe.close()
    for path, status in report.asked:
        console.print(f"{status} {path}", markup=False, highlight=False)
    if store is None:
        console.print(f"note: {storage} is not there, nothing was compared", highlight=False)
    hint = ""
    for finding in report.findings:
        text = f"{finding.kind.value}: {finding}"
        console.print(text, style="red", markup=False, highlight=False)
        if finding.hint and finding.hint != hint:
            console.print(f"    hint: {finding.hint}", markup=False, highlight=False)
            hint = finding.hint
    if not report.findings:
        console.print("all is well; no way to an upstream can be seen from here", highlight=False)
    return report


def url_json(report: UrlReport) -> dict[str, Any]:
    """Give the result for programs."""
    return {
        "exit_status": report.exit_status,
        "asked": [{"path": path, "status": status} for path, status in report.asked],
        "findings": [
            {"kind": f.kind.value, "where": f.path, "what": f.what, "hint": f.hint}
            for f in report.findings
        ],
    }


def _module(words: tuple[str, ...]) -> ModuleVersion:
    path, at, version = words[0].partition("@") if len(words) == 1 else ("", "", "")
    if not at:
        raise InputError("one MODULE@VERSION is wanted", hint=USAGE)
    check(path, version)
    return ModuleVersion(path, version)


def _sumdb(storage: Path) -> str:
    """The checksum database in force here, else the one whose proofs the storage has."""
    try:
        found = goenv.load_sumdb()
    except GopackError:
        kept = sorted((storage / OWN_FOLDER / "sumdb").glob("*"))
        return kept[0].name if kept else ""
    return found.name if found else ""
