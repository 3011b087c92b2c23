"""Inputs for the comparisons with Go: seeds, and texts made from them; the same in each run."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

GOMOD_SEEDS = Path(__file__).parent.parent / "data" / "gomod_seeds.txt"
CASES = 4000
GOMOD_CASES = 6000


def words(text: str) -> list[str]:
    return text.split()


VERSION_SEEDS = words("""
v1 v1.2 v1.2.3 v0.0.0 v1.2.3-pre v1.2.3-0 v1.2.3-00 v1.2.3-0a v1.2.3-a.0.1 v1.2.3+b v1.2.3-a+b.c
v1.2.3+incompatible v2.0.0+incompatible v10.20.30 v1.2.3-rc.1 v1.2.3-rc.10 v1.2.3-- v1.2.3--.-
v0.0.0-20191109021931-daa7c04131f5 v1.2.4-0.20191109021931-daa7c04131f5 v1.2-0 v1+m v1.2+m
v1.2.3-pre.0.20191109021931-daa7c04131f5 v2.0.1-0.20191109021931-daa7c04131f5+incompatible
v1.0.0-0.20191109021931-daa7c04131f5 v2.0.0-20191109021931-daa7c04131f5+incompatible
v0.0.0-20191399999999-daa7c04131f5 v1.10.0-0.20240229000000-abcdef v99999999999999999999.1.2
v0.0.0-20230229000000-abcdef v0.0.0-20240229235960-abcdef v1.2.3-pre-2.0.20191109021931-x
latest v 1.2.3 v01.2.3 v1.02.3 v1.2.03 V1.2.3 v1. v1.2. v1.2.3- v1.2.3+ v1.2.3.4 v1.9.0 v1.99.0
""")
PATH_SEEDS = words("""
github.com/Azure/azure-sdk-for-go example.com example.com/v2 example.com/m/v1 example.com/m/v02
example.com/m/v2.0 gopkg.in/yaml.v3 gopkg.in/yaml.v0 gopkg.in/yaml.v00 gopkg.in/yaml.v2-unstable
gopkg.in/yaml.v-unstable gopkg.in/yaml gopkg.in/v2 gopkg.in/.v2 fmt net/http c++/x a/./b a/../b
.git/x x/.git -x /x x/ x//y example.com/con example.com/Aux.txt example.com/com1.tar.gz lpt9
example.com/a~1 example.com/a~1.txt example.com/a~x example.com/~ a.b/c~12x example.com/x. a..b
example.com/a@b example.com/a!b x/ß x/Überblick.md x/a\tb x/a:b x/a|b x/(c)[d]{e}.txt x/\ufffd
EXAMPLE.com/x example.com/x_y xn--bcher-kva.example/x example.com:80/x example/x x/\udcff \u0663/v2
ex\u212aample.com/x x/con\u0131 x/\U000323af x/\U00011f04 COM\u00b9 x/\u00b2 v2 /v2 a/v2 a.b/v2/v3
""")
GLOB_SEEDS = words("""
*.corp.example,rsc.io/private * */* a* *a a*b*c [a-z].b/? [^a]*/x [ [] []a] [a [a- [a-] [-a] [\\]]
a\\*b \\ a\\ ,,a/,, a/,b// *,[ ?.?/? é* *é [é-ü]/x [\udcff] a[\udcc3 *? ?* ** *?* a/b/c *[b-d]*e
example.com/*,github.com example.com/x/ [^]a] [a]] ]a x[*]y x[/]y *\\
""")
TARGETS = words("a a/b a.b/c é/x ü ab/c/d axxbxxc e\udcc3 \udcff example.com/x/y rsc.io/private/x")


def mutated(seeds: list[str], seed: int, alphabet: str, count: int = CASES) -> Iterator[str]:
    """The seeds, then `count` texts made from them by a few random edits; the same each run."""
    yield from ["", *seeds]
    dice = random.Random(seed)
    for _ in range(count):
        chars = list(dice.choice(seeds))
        for _ in range(dice.randint(1, 3)):
            at = dice.randint(0, len(chars))
            chars[at : at + dice.randint(0, 2)] = dice.choices(alphabet, k=dice.randint(0, 2))
        yield "".join(chars)


MODULE_LINES = [
    "module example.com/m",
    "// module x\n\tmodule\u2003example.com/m//v2\r\nrequire y main",
    'module "example.com/\\u00df" // c',
    'module "a\\"b"\nmodule c',
    "module `example.com/m\r/v2`",
    "module (\n\texample.com/m\n)",
    'modules x\nmodule\nmodule "\nmodule y',
    "\u00a0module a b \udcff",
]


def module_lines(seed: int) -> list[str]:
    return list(mutated(MODULE_LINES, seed, 'module /"`\\\n\r\t\u00a0\x85x0\udcff'))


def versions(seed: int) -> list[str]:
    return list(mutated(VERSION_SEEDS, seed, "0123459.-+vazAZ_ é\n"))


def paths(seed: int) -> list[str]:
    return list(
        mutated(PATH_SEEDS, seed, "abzAZ019./-_~!+@ :v2éß٣\udcff\t\x00\u2028Ωªʰ中\U0001f600")
    )


def globs_and_targets() -> list[tuple[str, str]]:
    dice = random.Random(10)
    globs = list(mutated(GLOB_SEEDS, 10, "ab*?[]^-\\/,.é\udcc3"))
    targets = list(mutated(TARGETS, 11, "abcx/.é\udcff", count=500))
    return [(g, t) for g in globs for t in dice.sample(targets, 4) + TARGETS[:3]]


def gomod_seeds() -> list[str]:
    """The texts of gomod_seeds.txt, which are divided by lines of dashes."""
    return GOMOD_SEEDS.read_text(encoding="utf-8").split("-----\n")


def gomod_texts() -> Iterator[str]:
    """The seeds, and texts made from them by random edits of characters and lines."""
    dice = random.Random(20)
    texts = gomod_seeds()
    yield from texts
    yield from (text.replace("\n", "\r\n") for text in texts)
    yield from ("\ufeff" + text for text in texts[:3])
    bits = [
        *'"`()[],/*\\ \t\n\r=>;x0v1.-+',
        "//",
        "\\\n",
        "// indirect",
        "=>",
        "é",
        "\udcff",
        "\u2028",
    ]
    bits += [
        "\x00",
        "\x7f",
        "\xa0",
        "/*",
        "(\n",
        ")\n",
        "v2.0.0",
        " require ",
        "\U00011f04",
        "\ufeff",
    ]
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    for _ in range(GOMOD_CASES):
        if dice.random() < 0.3:
            text = "".join(dice.choices(lines, k=dice.randint(1, 6)))
        else:
            text = dice.choice(texts)
        for _ in range(dice.randint(0, 3)):
            at = dice.randint(0, len(text))
            text = text[:at] + dice.choice([*bits, ""]) + text[at + dice.randint(0, 2) :]
        yield text


def go_versions() -> list[str]:
    dice = random.Random(30)
    made = ["", "1", "1.2", "1.21", "1.21rc1", "1.21.0", "1.20", "1.20.0", "1.21.0rc1", "0", "01"]
    for _ in range(3000):
        text = dice.choice(["1", "1.21", "1.20", "1.26.3", "1.22rc1", "1.9beta2", "1.0", "1.0.5"])
        at = dice.randint(0, len(text))
        text = text[:at] + dice.choice([".", "0", "21", "rc", "a1", "", "x"]) + text[at:]
        made.append(text)
    return made


ORIGIN_NAMES = ("VCS", "URL", "Subdir", "Hash", "TagPrefix", "TagSum", "Ref", "RepoSum")
KEYS = ("Version", "version", "VERSION", "Ver\u017fion", "Time", "tIME", "Origin", "Other", "Name")
TIMES = (
    "2024-02-29T12:00:00Z",
    "2023-02-29T12:00:00Z",
    "2024-02-29T12:00:00.123456789Z",
    "2024-02-29T12:00:00z",
    "2024-02-29T12:00:00+02:00",
    "2024-02-29T12:00:00-23:59",
    "2024-02-29T12:00:00+24:00",
    "2024-02-29T1:00Z",
    "2024-02-29T12:00:60Z",
    "2024-02-29T24:00:00Z",
    "2024-02-29",
    "2024-02-29T12:00:00,1Z",
    "0001-01-01T00:00:00Z",
    "2024-02-29T12:00:00.Z",
    "2024-02-29T12:00:00",
    "9999-12-31T23:59:59Z",
    "2024-13-01T12:00:00Z",
    "2024-02-29T12:00:00.1234567Z",
    "2024-02-29T12:00:00.12+00:00",
    "2024-02-29T12:00:00+05:60",
    "2024-02-29T1:00:00Z",
    "2024-02-29T12:00:00+24:60",
    "2024-02-29T12:00:00+24:61",
    "2024-02-29T12:00:00+25:00",
)
VALUES: tuple[object, ...] = (
    "v1.2.3",
    "v1.2.3",
    "v2.0.0+incompatible",
    "x",
    "",
    None,
    1,
    1.5,
    True,
)


def json_texts() -> list[str]:
    """Version info and what is not quite it; surrogates stand for bytes that are not UTF-8."""
    dice = random.Random(32)
    made = [
        "",
        "null",
        "[]",
        "{}",
        '"v1"',
        "{} {}",
        "\ufeff{}",
        '{"Version":NaN}',
        " {}\n",
        "{}\x0b",
    ]
    made += [f'{{"Version":"v1.2.3","x":{x}}}' for x in ("Infinity", "01", "9" * 5000, '"\t"')]
    made += [f'{{"Version":"v1.2.3",{x}}}' for x in ('"Other":"\udcff"', "\udcff", "")]
    for _ in range(3000):
        fields = []
        for _ in range(dice.randint(1, 4)):
            key = dice.choice(KEYS)
            value: object = dice.choice(VALUES)
            if key.lower() == "time" and dice.random() < 0.9:
                value = dice.choice(TIMES)
            if key == "Origin" and dice.random() < 0.9:
                names = dice.choices([*ORIGIN_NAMES, "url", "Sub"], k=2)
                value = {name: dice.choice(["git", "x", None, "y", "z", 1]) for name in names}
            fields.append(f"{json.dumps(key)}: {json.dumps(value)}")
        text = "{" + ", ".join(fields) + "}"
        if dice.random() < 0.1:
            at = dice.randint(0, len(text))
            text = text[:at] + dice.choice('{}[]",: x') + text[at + 1 :]
        made.append(text)
    return made
