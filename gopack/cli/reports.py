"""Results of fetch and plan as JSON, for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gopack.cli.jsonreport import error_json, sentences
from gopack.flows.fetch import FetchResult
from gopack.flows.preview import Need, Preview, Uncounted, Verdict
from gopack.plan.closure import Level
from gopack.plan.findings import Finding
from gopack.plan.lines import LinePlan
from gopack.plan.outcome import LineOutcome
from gopack.spec.module import ModuleVersion


def fetch_json(
    result: FetchResult,
    removed: Sequence[ModuleVersion],
    unverified: Mapping[str, Sequence[ModuleVersion]],
    doubts: Sequence[Finding],
) -> dict[str, Any]:
    """Give a fetch's result; `doubts` are what reading the lists came to."""
    outcome = result.outcome
    return {
        "exit_status": outcome.exit_status,
        "lines": [_line_json(line) for line in outcome.lines],
        "go": result.plan.go_version,
        "go_lines_to_add": list(result.plan.go_lines),
        "versions_needed": outcome.needed,
        "versions_added": outcome.added,
        "bytes_added": outcome.added_bytes,
        "seconds": round(outcome.seconds, 3),
        "removed": [str(module) for module in removed],
        "unverified": {why: [str(m) for m in modules] for why, modules in unverified.items()},
        "errors": [error_json(error) for error in outcome.together],
        "warnings": [*sentences(doubts), *outcome.warnings],
    }


def plan_json(
    shown: Preview,
    levels: Mapping[Level, Need],
    left_out: Uncounted,
    verdict: Verdict,
    doubts: Sequence[Finding],
) -> dict[str, Any]:
    """Give a plan: every line, and every version with why it is needed."""
    plan = shown.plan
    reasons = plan.reasons()
    return {
        "exit_status": verdict.exit_status,
        "lines": [_planned_line_json(shown, line) for line in plan.lines],
        "go": plan.go_version,
        "go_lines_to_add": list(plan.go_lines),
        "total": asdict(shown.total()),
        "levels": {level.value: asdict(need) for level, need in levels.items()},
        "imports_not_counted": {
            "lines": [line.item.text for line in left_out.lines],
            "together": left_out.is_joint,
            "without_go_mod": [str(module) for module in left_out.silent],
        },
        "versions": [
            {
                "module": module.path,
                "version": module.version,
                "state": "complete" if whole else "mod-only",
                "zip_bytes": shown.sizes.get(module) if whole else None,
                "there": module in shown.there,
                "why": reasons.get(module, []),
            }
            for module, whole in sorted(plan.wants().items())
        ],
        "errors": [error_json(error) for error in verdict.together],
        "warnings": [*sentences(doubts), *verdict.warnings],
    }


def _planned_line_json(shown: Preview, line: LinePlan) -> dict[str, Any]:
    return {
        "where": line.item.where,
        "text": line.item.text,
        "level": line.level.value,
        "modules": [str(module) for module in line.modules],
        "go": line.go_version,
        "notes": list(line.notes()),
        **asdict(shown.of_line(line)),
        "error": error_json(line.error),
    }


def _line_json(line: LineOutcome) -> dict[str, Any]:
    return {
        "where": line.where,
        "text": line.text,
        "versions": list(line.versions),
        "go": line.go,
        "status": line.status,
        "notes": list(line.notes),
        "versions_needed": line.needed,
        "versions_added": line.added,
        "bytes_added": line.added_bytes,
        "seconds": round(line.seconds, 3),
        "error": error_json(line.error),
    }
