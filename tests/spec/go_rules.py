"""The operations of the oracle program beside the functions of gopack.spec that must agree."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gopack.errors import GopackError
from gopack.spec import glob, gomod, gover, module, pseudo, semver
from gopack.spec.gomod import GoMod
from gopack.spec.info import Info, parse_info
from tests.oracle import inputs
from tests.oracle.oracle import Answer, raw

ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """An operation, our side of it, and arguments to try; wire() is how one is sent."""

    op: str
    ours: Callable[[Any], object]
    arguments: Callable[[], list[Any]]
    wire: Callable[[Any], object] = lambda arg: arg


def our_answer(rule: Rule, argument: object) -> Answer:
    """What we say, in the oracle's words; a refusal's text is not compared."""
    try:
        value = rule.ours(argument)
    except (GopackError, glob.BadPatternError) as error:
        return Answer(None, f"refused: {error}")
    return Answer(True if value is None else value)


def semver_parts(v: str) -> dict[str, object]:
    return {
        "valid": semver.is_valid(v),
        "canonical": semver.canonical(v),
        "major": semver.major(v),
        "major_minor": semver.major_minor(v),
        "prerelease": semver.prerelease(v),
        "build": semver.build(v),
        "canonical_version": module.canonical_version(v),
    }


def pseudo_made(asked: dict[str, str]) -> str:
    at = datetime.fromisoformat(asked["Time"])
    return pseudo.pseudo_version(asked["Major"], asked["Older"], at, asked["Rev"])


def gomod_described(asked: dict[str, Any]) -> dict[str, Any]:
    file = asked["Text"].encode("utf-8", "surrogateescape")
    return described(gomod.parse(file, strict=asked["Strict"]))


def described(mod: GoMod) -> dict[str, Any]:
    return {
        "module": raw(mod.module),
        "deprecated": raw(mod.deprecated),
        "go": mod.go,
        "toolchain": raw(mod.toolchain),
        "godebug": [[raw(g.key), raw(g.value)] for g in mod.godebug],
        "require": [[raw(r.path), raw(r.version), r.indirect] for r in mod.require],
        "exclude": [[raw(e.path), raw(e.version)] for e in mod.exclude],
        "replace": [[raw(t) for t in (*r.old, *r.new)] for r in mod.replace],
        "retract": [[raw(r.low), raw(r.high), raw(r.rationale)] for r in mod.retract],
        "tool": [raw(t) for t in mod.tool],
        "ignore": [raw(i) for i in mod.ignore],
    }


def info_described(text: str) -> dict[str, Any]:
    info = parse_info(text.encode("utf-8", "surrogateescape"), where="m@q")
    said = {"Version": info.version, "Time": time_text(info.time or ZERO_TIME)}
    return said | ({} if info.origin is None else {"Origin": origin_described(info)})


def origin_described(info: Info) -> dict[str, str]:
    names = ["VCS", "URL", "Subdir", "Hash", "TagPrefix", "TagSum", "Ref", "RepoSum"]
    fields = ["vcs", "url", "subdir", "hash", "tag_prefix", "tag_sum", "ref", "repo_sum"]
    values = {n: getattr(info.origin, f) for n, f in zip(names, fields, strict=True)}
    return {name: value for name, value in values.items() if value}


def time_text(at: datetime) -> str:
    """As Go's RFC3339Nano writes a time in UTC."""
    fraction = f".{at:%f}".rstrip("0").rstrip(".")
    return f"{at.year:04}-{at:%m-%dT%H:%M:%S}{fraction}Z"


def pairs(lefts: list[str], rights: list[str], count: int) -> list[list[str]]:
    dice = random.Random(40)
    return [[dice.choice(lefts), dice.choice(rights)] for _ in range(count)]


def raws(arg: list[str]) -> list[object]:
    return [raw(text) for text in arg]


def texts() -> list[str]:
    return inputs.paths(6) + inputs.versions(6)


def version_pairs() -> list[list[str]]:
    some = inputs.versions(2)
    valid = [v for v in some if semver.is_valid(v)]
    return pairs(some, some, 2000) + pairs(valid, valid, 6000)


def pseudo_texts() -> list[str]:
    seeds = [v for v in inputs.VERSION_SEEDS if "-" in v]
    # The year 0 is left out: see pseudo.py.
    made = inputs.mutated(seeds, 4, "0123459.-+vaZ")
    return [t for t in made if "-0000" not in t and ".0000" not in t]


def pseudo_parts() -> list[dict[str, str]]:
    dice = random.Random(5)
    bases = [v for v in inputs.versions(5) if semver.is_valid(v)]
    return [
        {
            "Major": dice.choice(["", "v0", "v2"]),
            "Older": older,
            "Rev": "abcdef123456",
            "Time": datetime.fromtimestamp(dice.randint(0, 10**11), UTC).isoformat(),
        }
        for older in ["", "x", *bases]
    ]


def majors() -> list[list[str]]:
    suffixes = ["", "/v2", ".v1", ".v2", ".v2-unstable", ".v1-unstable", "v2", "/v2-unstable", "/"]
    return pairs(inputs.versions(9), [*suffixes, "."], 6000)


def module_pairs() -> list[list[str]]:
    made = pairs(inputs.paths(8), inputs.versions(8), 4000)
    return made + [[p, v] for p in inputs.PATH_SEEDS for v in inputs.VERSION_SEEDS]


def glob_pairs() -> list[list[str]]:
    return [list(pair) for pair in inputs.globs_and_targets()]


def gomods() -> list[dict[str, Any]]:
    return [{"Text": t, "Strict": s} for t in inputs.gomod_texts() for s in (False, True)]


def go_version_pairs() -> list[list[str]]:
    some = inputs.go_versions()
    valid = [v for v in some if gover.is_valid(v)]
    return pairs(some, some, 500) + pairs(valid, valid, 6000)


def split(path: str) -> list[object]:
    prefix, path_major, is_valid = module.split_path_version(path)
    return [raw(prefix), raw(path_major), is_valid]


def lists_to_sort() -> list[list[str]]:
    return [inputs.versions(3)[n : n + 40] for n in range(0, 2000, 40)]


RULES = [
    Rule("semver.all", semver_parts, lambda: inputs.versions(1)),
    Rule("semver.compare", lambda p: semver.compare(*p), version_pairs),
    Rule("semver.sort", lambda vs: sorted(vs, key=semver.sort_key), lists_to_sort),
    Rule("pseudo.is", pseudo.is_pseudo, pseudo_texts),
    Rule("pseudo.time", lambda v: time_text(pseudo.pseudo_time(v)), pseudo_texts),
    Rule("pseudo.rev", pseudo.pseudo_rev, pseudo_texts),
    Rule("pseudo.base", pseudo.pseudo_base, pseudo_texts),
    Rule("pseudo.make", pseudo_made, pseudo_parts),
    Rule("pseudo.zero", pseudo.zero_pseudo_version, lambda: ["", "v0", "v1", "v12"]),
    Rule("module.check_path", module.check_path, texts, raw),
    Rule("module.check_import_path", module.check_import_path, texts, raw),
    Rule("module.check_file_path", module.check_file_path, texts, raw),
    Rule("module.check", lambda p: module.check(*p), module_pairs, raws),
    Rule("module.escape_path", module.escape_path, texts, raw),
    Rule("module.unescape_path", module.unescape_path, texts, raw),
    Rule("module.escape_version", module.escape_version, texts, raw),
    Rule("module.unescape_version", module.unescape_version, texts, raw),
    Rule("module.split_path_version", split, texts, raw),
    Rule("module.check_path_major", lambda p: module.check_path_major(*p), majors),
    Rule(
        "module.match_prefix_patterns",
        lambda p: module.match_prefix_patterns(*p),
        glob_pairs,
        raws,
    ),
    Rule("path.match", lambda p: glob.match(*p), glob_pairs, raws),
    Rule(
        "modfile.parse",
        gomod_described,
        gomods,
        lambda arg: {**arg, "Text": raw(arg["Text"])},
    ),
    Rule(
        "modfile.module_path",
        lambda text: raw(gomod.module_path(text.encode("utf-8", "surrogateescape"))),
        lambda: inputs.module_lines(17),
        raw,
    ),
    Rule("goversion.is_valid", gover.is_valid, inputs.go_versions),
    Rule(
        "goversion.lang",
        lambda v: f"go{gover.lang(v)}" if gover.is_valid(v) else "",
        inputs.go_versions,
    ),
    Rule("goversion.compare", lambda p: gover.compare(*p), go_version_pairs),
    Rule("info.parse", info_described, inputs.json_texts, raw),
]
