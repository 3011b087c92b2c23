"""Go versions compared with go/version, version info with encoding/json."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from gopack.errors import IntegrityError
from gopack.spec import gover, module
from gopack.spec.info import Info, Origin, parse_info
from tests.oracle import oracle

pytestmark = pytest.mark.oracle

ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
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


def go_versions() -> list[str]:
    dice = random.Random(30)
    made = ["", "1", "1.2", "1.21", "1.21rc1", "1.21.0", "1.20", "1.20.0", "1.21.0rc1", "0", "01"]
    for _ in range(3000):
        text = dice.choice(["1", "1.21", "1.20", "1.26.3", "1.22rc1", "1.9beta2", "1.0", "1.0.5"])
        at = dice.randint(0, len(text))
        text = text[:at] + dice.choice([".", "0", "21", "rc", "a1", "", "x"]) + text[at:]
        made.append(text)
    return made


def test_gover_any_text_same_answers() -> None:
    texts = go_versions()
    for text, valid in zip(texts, oracle.ask_each("goversion.is_valid", texts), strict=True):
        assert gover.is_valid(text) == valid.value, text
    for text, lang in zip(texts, oracle.ask_each("goversion.lang", texts), strict=True):
        assert gover.lang(text) == lang.value.removeprefix("go"), text


def test_gover_any_pair_same_order() -> None:
    dice = random.Random(31)
    pairs = [tuple(dice.choices(go_versions(), k=2)) for _ in range(300)]
    valid = [v for v in go_versions() if gover.is_valid(v)]
    pairs += [tuple(dice.choices(valid, k=2)) for _ in range(6000)]
    for (a, b), answer in zip(pairs, oracle.ask_each("goversion.compare", pairs), strict=True):
        assert gover.compare(a, b) == answer.value, (a, b)


def json_texts() -> list[bytes]:
    dice = random.Random(32)
    made = [b"", b"null", b"[]", b"{}", b'"v1"', b"{} {}", b"\xef\xbb\xbf{}", b'{"Version":NaN}']
    made += [
        b'{"Version":"v1.2.3","x":Infinity}',
        b'{"Version":"v1.2.3","x":01}',
        b" {}\n",
        b"{}\x0b",
    ]
    made += [
        b'{"Version":"v1.2.3","Other":"\xff"}',
        b'{"Version":"v1.2.3",\xff}',
        b'{"Version":"v1.2.3",}',
    ]
    made += [b'{"Version":"v1.2.3","x":' + b"9" * 5000 + b"}", b'{"Version":"v1.2.3","x":"\t"}']
    for _ in range(3000):
        fields = []
        for _ in range(dice.randint(1, 4)):
            key = dice.choice(KEYS)
            value = dice.choice(VALUES)
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
        made.append(text.encode())
    return made


def as_go(info: Info) -> dict[str, Any]:
    said: dict[str, Any] = {"Version": info.version, "Time": info.time or ZERO_TIME}
    if info.origin is not None:
        said["Origin"] = origin_as_go(info.origin)
    return said


def origin_as_go(origin: Origin) -> dict[str, str]:
    said = {
        "VCS": origin.vcs,
        "URL": origin.url,
        "Subdir": origin.subdir,
        "Hash": origin.hash,
        "TagPrefix": origin.tag_prefix,
        "TagSum": origin.tag_sum,
        "Ref": origin.ref,
        "RepoSum": origin.repo_sum,
    }
    return {key: value for key, value in said.items() if value}


def test_parse_info_any_text_same_as_encoding_json() -> None:
    texts = json_texts()
    accepted = 0
    for data, answer in zip(
        texts, oracle.ask_each("info.parse", list(map(b64, texts))), strict=True
    ):
        version = "" if answer.refused else answer.value["Version"]
        is_usable = version != "" and module.canonical_version(version) == version
        try:
            info = parse_info(data, where="m@q")
        except IntegrityError:
            assert not is_usable, data
            continue
        assert is_usable, data
        theirs = answer.value | {"Time": datetime.fromisoformat(answer.value["Time"])}
        assert as_go(info) == theirs, data
        accepted += 1
    assert accepted > 300


def b64(data: bytes) -> str:
    return oracle.text(data.decode("utf-8", "surrogateescape"))
