"""`gopack fetch` with its checksum database on: what upstreams and databases may get wrong."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import lookup_path
from tests.cli import program
from tests.fakes_sumdb import NAME, FakeSumDB
from tests.faults.world import World
from tests.upstream import LOGIN_PAGE, Fault, Upstream, escape, make_zip

pytestmark = pytest.mark.e2e  # dozens of whole runs: too long for make check

APP, LIB, BASE, LEAF = (f"example.com/{name}" for name in ("app", "lib", "base", "leaf"))
SUMDB = f".gopack/sumdb/{NAME}"
PARTS = ("records", "heads", "tiles")


@pytest.fixture
def world() -> Iterator[World]:
    """app requires lib requires base requires leaf; lib has a version that retracts v1.1.0."""
    with Upstream() as upstream:
        world = World(upstream, "")
        world.log.grow(300)
        world.add(LEAF, "v1.0.0")
        world.add(BASE, "v1.0.0", f"{LEAF}@v1.0.0")
        world.add(LIB, "v1.0.0", f"{BASE}@v1.0.0")
        world.add(APP, "v1.0.0", f"{LIB}@v1.0.0")
        world.publish_log()
        yield world


def fetch(
    world: World, folder: Path, lines: str, *options: str, env: Mapping[str, str] | None = None
) -> program.Ran:
    folder.mkdir(exist_ok=True)
    settings = {"GOSUMDB": str(world.log.verifier), **(env or {})}
    return program.fetch(folder, world.upstream.url, lines, *options, env=settings)


def verified(ran: program.Ran) -> dict[str, str]:
    """How the manifest says that each version was verified."""
    manifest = json.loads((ran.storage / ".gopack/manifest.json").read_text())
    return {key: entry["verified"] for key, entry in manifest["versions"].items()}


def test_everything_is_verified_and_the_manifest_says_by_whom(world: World, tmp_path: Path) -> None:
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {f"sumdb {NAME}"}
    assert len(verified(ran)) == 4


# Who is not asked for


@pytest.mark.parametrize("setting", ["GONOSUMDB", "GOPRIVATE"])
def test_private_modules_are_not_verified_and_it_is_told(
    world: World, tmp_path: Path, setting: str
) -> None:
    world.upstream.add("corp.example/x", "v1.0.0")
    env = {setting: "corp.example/*", "GONOPROXY": "none"}
    ran = fetch(world, tmp_path, f"{APP}\ncorp.example/x\n", env=env)
    assert ran.status == 0, ran.text
    assert verified(ran)["corp.example/x@v1.0.0"] == "unverified: GONOSUMDB"
    assert verified(ran)[f"{APP}@v1.0.0"] == f"sumdb {NAME}"
    assert "not verified (GONOSUMDB): 1 version: corp.example/x@v1.0.0" in ran.text
    assert ran.report["unverified"] == {"GONOSUMDB": ["corp.example/x@v1.0.0"]}
    assert not any("corp.example" in path for path in world.upstream.paths() if "sumdb" in path)


def test_database_off_verifies_nothing_and_tells_it(world: World, tmp_path: Path) -> None:
    ran = fetch(world, tmp_path, f"{APP}\n", env={"GOSUMDB": "off"})
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {"unverified: GOSUMDB=off"}
    assert "not verified (GOSUMDB=off): 4 versions: " in ran.text
    assert f"{LEAF}@v1.0.0" in ran.report["unverified"]["GOSUMDB=off"]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_version_the_database_does_not_know_fails_its_line_wherever_it_stands(
    world: World, tmp_path: Path, depth: int
) -> None:
    unknown = [APP, LIB, BASE, LEAF][depth]
    world.add("example.com/other", "v1.0.0")
    world.publish_log()
    world.upstream.remove(f"sumdb/{NAME}/{lookup_path(ModuleVersion(unknown, 'v1.0.0'))}")
    ran = fetch(world, tmp_path, f"{APP}\nexample.com/other\n")
    assert ran.status == 3
    message = ran.message("not known to the checksum database")
    assert f"{unknown}@v1.0.0" in message
    assert f"GONOSUMDB={unknown}" in message
    assert f"sumdb/{NAME}/lookup/" in message or NAME in message
    stored = program.stored(ran.storage)
    assert f"{unknown}@v1.0.0" not in stored
    assert f"{APP}@v1.0.0" not in stored, "what requires it does not appear either"
    assert stored["example.com/other@v1.0.0"] == "complete"


# What was stored unverified


def test_attack_zip_that_was_never_verified_is_vouched_for_by_no_later_proof(
    world: World, tmp_path: Path
) -> None:
    """It was stored with the database off, and is gone when go.mod alone comes and is proven."""
    old, mid, top = (f"example.com/{name}" for name in ("old", "mid", "top"))
    world.add(old, "v1.0.0")
    world.add(old, "v1.1.0")
    world.add(mid, "v1.0.0", f"{old}@v1.1.0")
    world.add(top, "v1.0.0", f"{old}@v1.0.0", f"{mid}@v1.0.0")
    world.publish_log()
    other_zip(world, old)
    ran = fetch(world, tmp_path, f"{old}@v1.0.0\n", env={"GOSUMDB": "off"})
    assert ran.status == 0, ran.text
    folder = ran.storage / old / "v1.0.0"
    lie = (folder / "source.zip").read_bytes()
    shutil.rmtree(folder)
    world.upstream.remove(f"{old}/@v/v1.0.0.zip")
    ran = fetch(world, tmp_path, f"{top}\n")
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage)[f"{old}@v1.0.0"] == "mod-only"
    assert verified(ran)[f"{old}@v1.0.0"] == f"sumdb {NAME}"
    assert f"{old} v1.0.0 h1:" not in (ran.storage / ".gopack/go.sum").read_text()
    (folder / "source.zip").write_bytes(lie)
    ran = fetch(world, tmp_path, f"{old}@v1.0.0\n")
    assert ran.status == 4, ran.text
    assert "is not what the checksum database recorded" in ran.message(f"{old}@v1.0.0")


# Upstreams that lie


def other_zip(world: World, path: str) -> None:
    files = {"go.mod": f"module {path}\n".encode(), "evil.go": b"package evil\n"}
    key = f"{escape(path)}/@v/v1.0.0.zip"
    world.upstream.put(key, make_zip(path, "v1.0.0", files), "application/zip")


@pytest.mark.parametrize("path", [APP, LEAF])
def test_attack_other_zip_for_a_known_version_never_gets_into_the_storage(
    world: World, tmp_path: Path, path: str
) -> None:
    other_zip(world, path)
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 4
    assert "is not what the checksum database recorded" in ran.message(f"{path}@v1.0.0")
    assert f"{path}@v1.0.0" not in program.stored(ran.storage)
    assert not any(b"evil" in file.read_bytes() for file in ran.storage.rglob("*.zip"))


@pytest.mark.parametrize("is_lie", [True, False])
def test_attack_package_left_out_of_a_zip_is_no_package_that_nobody_has(
    world: World,
    tmp_path: Path,
    is_lie: bool,  # noqa: FBT001
) -> None:
    """Only a zip that is what it must be tells that a package is nowhere."""
    old, part = "example.com/old", "example.com/part"
    imports = b'package old\n\nimport _ "example.com/part/x"\n'
    world.add(old, "v1.0.0", files={"old.go": imports})
    world.add(part, "v1.0.0", files={"x/x.go": b"package x\n"})
    world.publish_log()
    key = f"/{part}/@v/v1.0.0.zip"
    honest = world.upstream.files[key]
    if is_lie:
        other_zip(world, part)
    else:
        world.upstream.put(key.removeprefix("/"), honest[0][:-30] + bytes(30), "application/zip")
    ran = fetch(world, tmp_path, f"{old}\n")
    assert ran.status == 4, ran.text
    assert f"{part}@v1.0.0" in ran.text
    assert program.stored(ran.storage).keys() == {f"{old}@v1.0.0"}
    world.upstream.files[key] = honest
    ran = fetch(world, tmp_path, f"{old}\n")
    assert ran.status == 0, ran.text
    assert program.stored(ran.storage) == {
        f"{old}@v1.0.0": "complete",
        f"{part}@v1.0.0": "complete",
    }


def test_attack_what_was_read_of_a_refused_zip_is_not_remembered_for_the_good_one(
    world: World, tmp_path: Path
) -> None:
    """The manifest still knows the good zip's sum when its folder is gone and the lie comes."""
    user, used = "example.com/user", "example.com/used"
    world.add(user, "v1.0.0", files={"x.go": f'package user\n\nimport _ "{used}"\n'.encode()})
    world.add(used, "v1.0.0")
    world.publish_log()
    ran = fetch(world, tmp_path, f"{user}\n")
    assert ran.status == 0, ran.text
    shutil.rmtree(ran.storage / user)
    shutil.rmtree(ran.storage / ".gopack/cache")
    honest = world.upstream.files[f"/{user}/@v/v1.0.0.zip"]
    other_zip(world, user)
    ran = fetch(world, tmp_path, f"{user}\n{LEAF}\n")
    assert ran.status == 4, ran.text
    world.upstream.files[f"/{user}/@v/v1.0.0.zip"] = honest
    ran = fetch(world, tmp_path, f"{user}\n{LEAF}\n")
    assert ran.status == 0, ran.text
    surveys = json.loads((ran.storage / ".gopack/manifest.json").read_text())["surveys"]
    [together] = [facts for key, facts in surveys.items() if user in key and LEAF in key]
    assert used in together["promoted"]


def test_attack_other_zip_by_a_second_proxy_is_not_tried_after_a_mismatch(
    world: World, tmp_path: Path
) -> None:
    """The first proxy lies; that the second would not must not hide it."""
    with Upstream() as liar:
        files = {"go.mod": f"module {LEAF}\n".encode(), "evil.go": b"package evil\n"}
        liar.add(LEAF, "v1.0.0", files=files)
        both = {"GOPROXY": f"{liar.url}|{world.upstream.url}"}
        ran = fetch(world, tmp_path, f"{APP}\n", env=both)
    assert ran.status == 4
    assert f"{LEAF}@v1.0.0" not in program.stored(ran.storage)


def retract(world: World, mod: str, *, lie: str = "") -> None:
    """Serve lib v1.1.0 and a v1.2.0 whose go.mod is `mod`, or `lie` while the log has `mod`."""
    world.add(LIB, "v1.1.0", f"{BASE}@v1.0.0")
    world.serve(LIB, "v1.2.0", mod, {})
    world.publish_log()
    if lie:
        world.upstream.put(f"{LIB}/@v/v1.2.0.mod", lie.encode())


ITSELF = f"module {LIB}\n\nretract v1.2.0\n"


def test_retractions_that_prove_are_obeyed(world: World, tmp_path: Path) -> None:
    retract(world, f"module {LIB}\n\nretract [v1.1.0, v1.2.0]\n")
    ran = fetch(world, tmp_path, f"{LIB}\n")
    assert ran.status == 0, ran.text
    assert ran.line(LIB)["versions"] == ["v1.0.0"]


@pytest.mark.parametrize("line", [LIB, f"{LIB}@v1.1.0"])
def test_attack_forged_retraction_moves_nobody_to_an_older_version(
    world: World, tmp_path: Path, line: str
) -> None:
    """v1.2.0 retracts itself; its go.mod on the upstream retracts v1.1.0 too."""
    retract(world, ITSELF, lie=f"module {LIB}\n\nretract [v1.1.0, v1.2.0] // install evil\n")
    ran = fetch(world, tmp_path, f"{line}\n")
    assert ran.status == 4
    assert "go.mod is not what the checksum database recorded" in ran.message(f"{LIB}@v1.2.0")
    assert "install evil" not in ran.text
    stored = program.stored(ran.storage)
    assert f"{LIB}@v1.2.0" not in stored
    manifest = json.loads((ran.storage / ".gopack/manifest.json").read_text())
    assert "install evil" not in json.dumps(manifest)


def test_attack_forged_retraction_is_told_by_plan(world: World, tmp_path: Path) -> None:
    retract(world, ITSELF, lie=f"module {LIB}\n\nretract [v1.1.0, v1.2.0]\n")
    (tmp_path / "goget.txt").write_text(f"{LIB}\n")
    env = {"GOSUMDB": str(world.log.verifier)}
    process = program.start(tmp_path, world.upstream.url, "plan", "--json", "-", env=env)
    out, text = process.communicate(timeout=program.STARTED_S)
    assert process.returncode == 4
    assert "go.mod is not what the checksum database recorded" in text
    report = json.loads(out)
    [error] = report["errors"]
    assert report["exit_status"] == error["exit_status"] == 4
    assert "go.mod is not what the checksum database recorded" in error["message"]


@pytest.mark.parametrize("setting", ["GONOSUMDB", "GOSUMDB"])
def test_retraction_that_nobody_verified_counts_no_more_when_somebody_must(
    world: World, tmp_path: Path, setting: str
) -> None:
    """It was read while the module was exempt, or while there was no database."""
    retract(world, ITSELF, lie=f"module {LIB}\n\nretract [v1.1.0, v1.2.0]\n")
    exempt = {"GONOSUMDB": LIB, "GOSUMDB": "off"}[setting]
    ran = fetch(world, tmp_path, f"{LIB}\n", env={setting: exempt})
    assert (ran.status, ran.line(LIB)["versions"]) == (0, ["v1.0.0"]), ran.text
    ran = fetch(world, tmp_path, f"{LIB}\n")
    assert ran.status == 4, ran.text
    assert "go.mod is not what the checksum database recorded" in ran.message(f"{LIB}@v1.2.0")


def test_retraction_that_the_former_database_vouched_for_counts_no_more(
    world: World, tmp_path: Path
) -> None:
    lie = f"module {LIB}\n\nretract [v1.1.0, v1.2.0]\n"
    retract(world, lie)
    assert fetch(world, tmp_path, f"{LIB}\n").line(LIB)["versions"] == ["v1.0.0"]
    world.log = FakeSumDB("sum.other.test", seed=b"\x55" * 32)
    world.add(LEAF, "v1.0.0")
    world.add(BASE, "v1.0.0", f"{LEAF}@v1.0.0")
    world.add(LIB, "v1.0.0", f"{BASE}@v1.0.0")
    retract(world, ITSELF, lie=lie)
    ran = fetch(world, tmp_path, f"{LIB}\n")
    assert ran.status == 4, ran.text
    assert "go.mod is not what the checksum database recorded" in ran.message(f"{LIB}@v1.2.0")


# A go.sum among the lists


@pytest.mark.parametrize("is_mod", [True, False])
def test_sums_of_a_go_sum_are_checked_even_where_the_database_is_off(
    world: World, tmp_path: Path, *, is_mod: bool
) -> None:
    good = fetch(world, tmp_path / "good", f"{APP}\n")
    sums = (good.storage / ".gopack/go.sum").read_text().splitlines()
    start = f"{LEAF} v1.0.0{'/go.mod' if is_mod else ''} "
    wrong = [f"{start}h1:{'A' * 43}=" if line.startswith(start) else line for line in sums]
    assert wrong != sums
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "go.sum").write_text("\n".join(wrong) + "\n")
    ran = fetch(world, bad, "-r go.sum\n", env={"GOSUMDB": "off"})
    assert ran.status == 4
    message = ran.message(f"{LEAF}@v1.0.0")
    assert "by a go.sum of the list" in message
    assert "AAAA" in message
    assert f"{LEAF}@v1.0.0" not in program.stored(ran.storage)


# Databases in trouble


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=500), "500"),
        (Fault(reset=True), ""),
        (LOGIN_PAGE, "HTML"),
        (Fault(status=403), "403"),
    ],
)
def test_database_in_trouble_stores_nothing_unverified(
    world: World, tmp_path: Path, fault: Fault, words: str
) -> None:
    world.upstream.fail("/sumdb/*", fault)
    env = {"GOPACK_RETRY_TRIES": "1"}
    ran = fetch(world, tmp_path, f"{APP}\n", env=env)
    assert ran.status == 3
    assert words in ran.text
    assert NAME in ran.text
    assert program.stored(ran.storage) == {}


def test_slow_database_is_waited_for(world: World, tmp_path: Path) -> None:
    world.upstream.fail("/sumdb/*", Fault(delay_s=0.3))
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 0, ran.text


def test_key_that_does_not_fit_its_name_is_an_error_before_anything_is_fetched(
    world: World, tmp_path: Path
) -> None:
    name, rest = str(world.log.verifier).split("+", 1)
    ran = fetch(world, tmp_path, f"{APP}\n", env={"GOSUMDB": f"x{name}+{rest}"})
    assert ran.status == 2
    assert "the key of another name" in ran.text
    assert world.upstream.paths() == []


def test_attack_database_with_another_key_is_refused(world: World, tmp_path: Path) -> None:
    other = FakeSumDB(seed=b"\x66" * 32)
    ran = fetch(world, tmp_path, f"{APP}\n", env={"GOSUMDB": str(other.verifier)})
    assert ran.status == 4
    assert "no signature by a known key" in ran.text
    assert program.stored(ran.storage) == {}


def test_attack_forked_database_is_refused_and_both_heads_are_kept(
    world: World, tmp_path: Path
) -> None:
    assert fetch(world, tmp_path, f"{LEAF}\n").status == 0
    first = world.log.head()
    fork = FakeSumDB()
    fork.append(b"evil.test v1.0.0 h1:x\n")
    fork.grow(400)
    for module in list(world.log.ids):
        record = world.log.texts[world.log.ids[module]]
        fork.ids[module] = fork.append(record)
    world.log = fork
    world.publish_log()
    ran = fetch(world, tmp_path, f"{LEAF}\n{BASE}\n")
    assert ran.status == 4
    assert "is forked" in ran.text
    [kept] = (ran.storage / SUMDB / "evidence").iterdir()
    assert f"evidence/{kept.name}" in ran.text
    assert first.decode() in kept.read_text()
    assert fork.head().decode() in kept.read_text()
    assert f"{BASE}@v1.0.0" not in program.stored(ran.storage)
    assert [head.read_bytes() for head in (ran.storage / SUMDB / "heads").iterdir()] == [first]


def test_older_head_than_the_one_seen_moves_nothing_backwards(world: World, tmp_path: Path) -> None:
    size = len(world.log.texts)
    world.log.grow(500)
    world.publish_log()
    assert fetch(world, tmp_path, f"{LEAF}\n").status == 0
    newest = world.log.head()
    world.upstream.put(f"sumdb/{NAME}/latest", world.log.head(size))
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 0, ran.text
    heads = sorted((ran.storage / SUMDB / "heads").iterdir(), key=lambda file: int(file.name))
    assert heads[-1].read_bytes() == newest


# Proofs that the disk spoilt


def check(world: World, folder: Path, *options: str) -> tuple[int, str]:
    env = {"GOSUMDB": str(world.log.verifier)}
    checked = program.start(folder, "off", "check", *options, env=env)
    _, text = checked.communicate(timeout=program.STARTED_S)
    return checked.returncode, text


def flip(path: Path, words: bytes) -> None:
    """Have the last byte of these words be another on the disk."""
    data = path.read_bytes()
    assert words in data
    path.write_bytes(data.replace(words, words[:-1] + bytes([words[-1] ^ 1]), 1))


def zips_asked(world: World) -> int:
    """How often a zip was asked for, and not its size alone."""
    zips = [asked for asked in world.upstream.log if asked.path.endswith(".zip")]
    return len([asked for asked in zips if asked.headers.get("Range") != "bytes=0-0"])


def test_head_that_was_spoilt_is_named_and_repaired(world: World, tmp_path: Path) -> None:
    before = fetch(world, tmp_path, f"{LEAF}\n")
    [head] = (before.storage / SUMDB / "heads").iterdir()
    flip(head, b"go.sum database tree")
    stored = program.stored(before.storage)
    ran = fetch(world, tmp_path, f"{APP}@v1.0.0\n")
    assert ran.status == 5, ran.text
    assert f"{SUMDB}/heads/{head.name}" in ran.text
    assert "gopack check --repair" in ran.text
    assert program.stored(ran.storage) == stored
    asked = zips_asked(world)
    _, text = check(world, tmp_path, "--repair")
    assert f"spoilt: {SUMDB}/heads/{head.name}" in text
    ran = fetch(world, tmp_path, f"{APP}@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {f"sumdb {NAME}"}
    assert zips_asked(world) == asked, "what was downloaded is still good"
    assert check(world, tmp_path)[0] == 0


@pytest.mark.parametrize("lines", [f"{APP}\n", f"{LEAF}\n{BASE}\n"])
@pytest.mark.parametrize("words", [f"{LEAF} v1.0.0 h1:", "\n300"])
def test_record_that_was_spoilt_is_asked_for_anew(
    world: World, tmp_path: Path, lines: str, words: str
) -> None:
    before = fetch(world, tmp_path, f"{LEAF}\n")
    flip(before.storage / SUMDB / "records", words.encode())
    ran = fetch(world, tmp_path, lines)
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {f"sumdb {NAME}"}
    status, text = check(world, tmp_path)
    assert status == 0, text


# A storage whose own folder was left behind


LOST = [".gopack", ".gopack/manifest.json", SUMDB, *(f"{SUMDB}/{x}" for x in PARTS)]


@pytest.mark.parametrize("lost", LOST)
def test_fetch_rebuilds_what_was_left_behind(world: World, tmp_path: Path, lost: str) -> None:
    before = fetch(world, tmp_path, f"{APP}\n")
    whole = before.storage / lost
    whole.rename(tmp_path / "lost")
    zips = len([path for path in world.upstream.paths() if path.endswith(".zip")])
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {f"sumdb {NAME}"}
    assert len([p for p in world.upstream.paths() if p.endswith(".zip")]) == zips, "kept zips stay"
    env = {"GOSUMDB": str(world.log.verifier)}
    checked = program.start(tmp_path, "off", "check", env=env)
    _, text = checked.communicate(timeout=program.STARTED_S)
    assert checked.returncode == 0, text
    assert "all is well" in text


def test_another_database_verifies_what_the_former_one_vouched_for(
    world: World, tmp_path: Path
) -> None:
    """Sealed clients ask the database that is set; the proofs of the former one stay."""
    assert fetch(world, tmp_path, f"{APP}\n").status == 0
    other = FakeSumDB("sum.other.test", seed=b"\x55" * 32)
    for module, number in world.log.ids.items():
        other.ids[module] = other.append(world.log.texts[number])
    world.log = other
    world.publish_log()
    ran = fetch(world, tmp_path, f"{APP}\n")
    assert ran.status == 0, ran.text
    assert set(verified(ran).values()) == {"sumdb sum.other.test"}
    assert sorted(path.name for path in (ran.storage / ".gopack/sumdb").iterdir()) == [
        NAME,
        "sum.other.test",
    ]


# Versions that a person put in


def put_in(world: World, folder: Path, *words: str) -> None:
    """Run `gopack add` in a folder."""
    env = {"GOSUMDB": str(world.log.verifier)}
    adding = program.start(folder, world.upstream.url, "add", *words, env=env)
    _, text = adding.communicate(timeout=program.STARTED_S)
    assert adding.returncode == 0, text


def test_what_a_person_put_in_is_verified_by_the_fetch_that_wants_it(
    world: World, tmp_path: Path
) -> None:
    put_in(world, tmp_path, "--from-goproxy", world.upstream.url, f"{LEAF}@v1.0.0")
    ran = fetch(world, tmp_path, f"{BASE}\n{LEAF}@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert verified(ran)[f"{LEAF}@v1.0.0"] == f"sumdb {NAME}"
    records = (ran.storage / SUMDB / "records").read_bytes()
    assert f"{LEAF} v1.0.0 ".encode() in records


def test_attack_other_zip_put_in_by_a_person_is_told_with_what_to_do(
    world: World, tmp_path: Path
) -> None:
    with Upstream() as liar:
        mod = world.upstream.files[f"/{LEAF}/@v/v1.0.0.mod"][0].decode()
        liar.add(LEAF, "v1.0.0", mod=mod, files={"go.mod": mod.encode(), "evil.go": b"package e\n"})
        put_in(world, tmp_path, "--from-goproxy", liar.url, f"{LEAF}@v1.0.0")
    ran = fetch(world, tmp_path, f"{BASE}\n")
    assert ran.status == 4, ran.text
    message = ran.message("zip is not what the checksum database recorded")
    assert f"delete {LEAF}/v1.0.0 there" in message
    assert f"GONOSUMDB={LEAF}" in message
    shutil.rmtree(ran.storage / LEAF / "v1.0.0")
    ran = fetch(world, tmp_path, f"{BASE}\n")
    assert ran.status == 0, ran.text
    assert verified(ran)[f"{LEAF}@v1.0.0"] == f"sumdb {NAME}"


@pytest.mark.parametrize("status", [404, 400])
def test_module_of_ones_own_that_the_database_does_not_know_stays_unverified(
    world: World, tmp_path: Path, status: int
) -> None:
    with Upstream() as own:
        own.add("corp.example/x", "v1.0.0")
        put_in(world, tmp_path, "--from-goproxy", own.url, "corp.example/x@v1.0.0")
    world.upstream.fail("*/lookup/corp.example/*", Fault(status=status))
    ran = fetch(world, tmp_path, f"{LEAF}\ncorp.example/x@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert verified(ran)["corp.example/x@v1.0.0"].startswith("unverified: ")
    assert "not verified (" in ran.text
    assert "corp.example/x@v1.0.0" in ran.text


def test_what_a_person_put_in_waits_for_a_database_that_is_down(
    world: World, tmp_path: Path
) -> None:
    put_in(world, tmp_path, "--from-goproxy", world.upstream.url, f"{LEAF}@v1.0.0")
    world.upstream.fail(f"*/lookup/{LEAF}@*", Fault(status=503, headers={"Retry-After": "0"}))
    assert fetch(world, tmp_path, f"{LEAF}@v1.0.0\n").status == 3
    world.upstream.mend()
    ran = fetch(world, tmp_path, f"{LEAF}@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert verified(ran)[f"{LEAF}@v1.0.0"] == f"sumdb {NAME}"
