"""What a person can get wrong before an upstream has answered anything: list, settings, disk."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gopack.cli import lists
from gopack.cli.writable import check_can_be_written
from gopack.errors import InputError, StoreError
from tests.cli import program
from tests.forward import ForwardProxy
from tests.launching import Run
from tests.tls import Authority
from tests.upstream import Fault, Upstream
from tests.waiting import until

pytestmark = pytest.mark.e2e  # whole runs of the program: too long for make check

GOOD = "example.com/good"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(None, "goget.txt: there is no such list", id="missing"),
        pytest.param("", "goget.txt", id="empty"),
        pytest.param("# only a comment\n\n", "goget.txt", id="comments only"),
        pytest.param("example.com/a\nnot a module!\n", "goget.txt:2:", id="malformed"),
        pytest.param("example.com/a@v1@v2\n", "goget.txt:1:", id="two queries"),
        pytest.param("example.com/a@>v1.2\n", "ambiguous", id="ambiguous range"),
        pytest.param(
            "-r goget.txt\n",
            "goget.txt:1:1: goget.txt: lists include each other",
            id="includes itself",
        ),
        pytest.param(
            "-r none.txt\n", "goget.txt:1:1: none.txt: there is no such list", id="missing include"
        ),
        pytest.param("example.com/../a\n", "docs/list.md has every form", id="dots"),
    ],
)
def test_bad_list_is_status_2_with_a_hint_and_nothing_is_asked(
    tmp_path: Path, upstream: Upstream, lines: str | None, words: str
) -> None:
    ran = program.fetch(tmp_path, upstream.url, lines)
    assert ran.status == 2, ran.text
    assert words in ran.text
    assert "hint: " in ran.text
    assert upstream.paths() == []
    assert not ran.storage.exists()


@pytest.mark.parametrize("name", ["/dev/zero", "fifo"])
def test_included_device_or_pipe_is_refused_at_once(
    tmp_path: Path, upstream: Upstream, name: str
) -> None:
    os.mkfifo(tmp_path / "fifo")
    ran = program.fetch(tmp_path, upstream.url, f"-r {name}\n")
    assert ran.status == 2, ran.text
    assert f"{name}: neither a file nor a folder" in ran.text
    assert "hint: Name a plain file" in ran.text


def test_lists_that_multiply_are_refused_soon(tmp_path: Path, upstream: Upstream) -> None:
    for depth in range(5):
        lines = [f"-r {'./' * number}{depth + 1}.txt" for number in range(100)]
        (tmp_path / f"{depth}.txt").write_text("\n".join(lines))
    (tmp_path / "5.txt").write_text(GOOD)
    ran = program.fetch(tmp_path, upstream.url, "-r 0.txt\n")
    assert ran.status == 2, ran.text
    assert "more than 1000 lists" in ran.text


def test_list_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_FILE_BYTES", 1 << 20)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        lists.read_lists([Path("/dev/zero")])


def test_bad_lines_are_told_all_at_once(tmp_path: Path, upstream: Upstream) -> None:
    ran = program.fetch(tmp_path, upstream.url, "no module\nexample.com/a\n@@\n")
    assert ran.status == 2
    assert "goget.txt:1:" in ran.text
    assert "goget.txt:3:" in ran.text
    assert "goget.txt:2:" not in ran.text


def test_bad_lines_of_a_list_and_of_what_it_includes_are_told_all_at_once(
    tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "other.txt").write_text("example.com/a\nexample.com/a@v1@v2\n")
    ran = program.fetch(tmp_path, upstream.url, "-r other.txt\nno module\n -r none.txt\n")
    assert ran.status == 2, ran.text
    for place in ("other.txt:2:15: ", "goget.txt:2:4: ", "goget.txt:3:2: none.txt: there is no"):
        assert place in ran.text
    assert ran.text.count("hint: ") == 4
    assert upstream.paths() == []


def test_lists_that_are_missing_are_told_with_the_bad_lines_of_others(
    tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "bad.txt").write_text("no module\n")
    for name in ("none.txt", "gone.txt"):
        ran = program.fetch(tmp_path, upstream.url, "a.b/c\n", name, "goget.txt", "bad.txt")
        assert ran.status == 2, ran.text
        assert f"{name}: there is no such list\n    hint: Write one" in ran.text
        assert "bad.txt:1:4: " in ran.text
    ran = program.fetch(tmp_path, upstream.url, None, "none.txt", "gone.txt")
    assert ran.text.count("there is no such list\n    hint: ") == 2
    assert upstream.paths() == []


def test_lists_that_include_each_other_are_told_at_their_lines_with_all_else(
    tmp_path: Path, upstream: Upstream
) -> None:
    (tmp_path / "other.txt").write_text("example.com/a\n-r goget.txt\n")
    ran = program.fetch(tmp_path, upstream.url, f"-r other.txt\n{GOOD}\n-r gone.txt\n")
    assert ran.status == 2, ran.text
    assert "other.txt:2:1: goget.txt: lists include each other" in ran.text
    assert "goget.txt:3:1: gone.txt: there is no such list" in ran.text


def test_list_at_the_end_of_a_long_chain_is_refused_where_the_chain_grows(
    tmp_path: Path, upstream: Upstream
) -> None:
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    ran = program.fetch(tmp_path, upstream.url, "-r 0.txt\n")
    assert ran.status == 2, ran.text
    assert "7.txt:1:1: 8.txt: included through more than 8 lists" in ran.text


def test_list_named_as_standard_input_is_told_how(tmp_path: Path, upstream: Upstream) -> None:
    ran = program.fetch(tmp_path, upstream.url, None, "-")
    assert ran.status == 2
    assert "hint: Say /dev/stdin" in ran.message("there is no such list")


def test_item_of_two_lists_is_one_line_with_a_warning(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(GOOD, "v1.0.0")
    (tmp_path / "more.txt").write_text(f"{GOOD}\n")
    ran = program.fetch(tmp_path, upstream.url, f"{GOOD}\n", "goget.txt", "more.txt")
    assert ran.status == 0, ran.text
    assert f"more.txt:1:1: warning: '{GOOD}' is listed already, in goget.txt:1" in ran.text
    assert [line["text"] for line in ran.report["lines"]] == [GOOD]


def test_list_that_is_a_folder_is_explained(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "goget.txt").mkdir()
    ran = program.fetch(tmp_path, upstream.url, None)
    assert ran.status == 2
    assert "Docker makes a folder" in ran.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--jobs", "0"), "--jobs"),
        (("--closure", "all"), "--closure"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_bad_option_is_status_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ran = program.fetch(tmp_path, "off", GOOD, *arguments)
    assert ran.status == 2
    assert words in ran.text


def one_failure(ran: program.Ran, status: int, *words: str) -> None:
    """The one line failed, with a message that helps, and nothing is stored."""
    assert ran.status == status, ran.text
    message = ran.message(f"goget.txt:1: {GOOD}")
    for word in words:
        assert word in message
    assert "hint: " in message
    assert program.assert_whole(ran.storage) == {}


def test_proxy_off_says_what_to_set(tmp_path: Path) -> None:
    one_failure(program.fetch(tmp_path, "off", GOOD), 3, "GOPROXY=off", "set GOPROXY")


def test_proxy_malformed_is_status_2(tmp_path: Path) -> None:
    ran = program.fetch(tmp_path, "ftp://127.0.0.1/", GOOD)
    assert ran.status == 2, ran.text
    assert "ftp" in ran.text


def test_proxy_down_is_told_after_some_tries(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ran = program.fetch(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}", GOOD)
    one_failure(ran, 3, "connection refused", "check that the proxy runs")


def test_proxy_whose_name_is_unknown_is_told(tmp_path: Path) -> None:
    one_failure(program.fetch(tmp_path, "http://proxy.invalid", GOOD), 3, "DNS", "GOPROXY")


def test_proxy_with_a_strange_certificate_names_ssl_cert_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Upstream(tls=authority.server_context()) as upstream:
        upstream.add(GOOD, "v1.0.0")
        one_failure(program.fetch(tmp_path, upstream.url, GOOD), 3, "TLS", "SSL_CERT_FILE")
        none = {"SSL_CERT_FILE": str(tmp_path / "typo.pem")}
        ran = program.fetch(tmp_path, upstream.url, GOOD, env=none)
        one_failure(ran, 3, "TLS", f"SSL_CERT_FILE={tmp_path}/typo.pem cannot be read")
        no_pem = {"SSL_CERT_FILE": str(tmp_path / "goget.txt")}
        ran = program.fetch(tmp_path, upstream.url, GOOD, env=no_pem)
        one_failure(ran, 3, "TLS", "goget.txt has no PEM certificate in it")
        trusting = {"SSL_CERT_FILE": str(authority.ca_file)}
        ran = program.fetch(tmp_path, upstream.url, GOOD, env=trusting)
        assert ran.status == 0, ran.text


def test_forward_proxy_that_wants_credentials_is_told(tmp_path: Path) -> None:
    with ForwardProxy(login=("user", "secret")) as forward:
        ran = program.fetch(
            tmp_path, "http://proxy.invalid", GOOD, env={"HTTP_PROXY": f"http://{forward.address}"}
        )
    one_failure(ran, 3, "407", "HTTPS_PROXY=")


def test_rate_limit_is_waited_for(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(GOOD, "v1.0.0")
    upstream.fail("*", Fault(status=429, headers={"Retry-After": "1"}), times=1)
    started = time.monotonic()
    ran = program.fetch(tmp_path, upstream.url, GOOD)
    assert ran.status == 0, ran.text
    assert time.monotonic() - started > 1


# Disks


def is_root() -> bool:
    return os.geteuid() == 0


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to mount on; unmounted in the end."""
    place = tmp_path / "ATHENS_STORAGE"
    place.mkdir()
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def mount(*arguments: str) -> None:
    if not is_root() or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this system mounts no such disk: {done.stderr.strip()}")


def fetched_zips(upstream: Upstream) -> list[str]:
    """The zips that were asked for whole."""
    whole = [asked.path for asked in upstream.log if "Range" not in asked.headers]
    return [path for path in whole if path.endswith(".zip")]


def add_big(upstream: Upstream) -> None:
    upstream.add(GOOD, "v1.0.0", files={"big.bin": os.urandom(3 << 20)})


def test_too_little_room_is_seen_before_any_zip(
    tmp_path: Path, mounted: Path, upstream: Upstream
) -> None:
    mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mounted))
    add_big(upstream)
    ran = program.fetch(tmp_path, upstream.url, GOOD)
    assert ran.status == 5, ran.text
    assert "too little space" in ran.text
    assert "hint: free" in ran.text
    assert fetched_zips(upstream) == []
    assert program.assert_whole(ran.storage) == {}


def test_disk_that_fills_up_meanwhile_leaves_whole_versions(
    tmp_path: Path, mounted: Path, upstream: Upstream
) -> None:
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mounted))
    add_big(upstream)
    upstream.add("example.com/small", "v1.0.0")
    upstream.fail("*.zip", Fault(without_length=True), is_ranged=True)  # no size beforehand
    ran = program.fetch(tmp_path, upstream.url, f"{GOOD}\nexample.com/small\n", "--jobs", "1")
    assert ran.status == 5, ran.text
    message = ran.message(f"goget.txt:1: {GOOD}")
    assert "No space left" in message
    assert "hint: free space" in message
    assert program.assert_whole(ran.storage) == {"example.com/small@v1.0.0": "complete"}


def test_read_only_storage_is_status_5_with_what_to_do(
    tmp_path: Path, mounted: Path, upstream: Upstream
) -> None:
    upstream.add(GOOD, "v1.0.0")
    if is_root():
        mount("-t", "tmpfs", "-o", "ro", "tmpfs", str(mounted))
    else:
        mounted.chmod(0o555)
    ran = program.fetch(tmp_path, upstream.url, GOOD)
    assert ran.status == 5, ran.text
    assert str(ran.storage.name) in ran.text
    assert "hint: " in ran.text
    assert not list(mounted.iterdir())


def test_disk_that_ignores_case_refuses_the_second_spelling_alone(
    tmp_path: Path, mounted: Path, upstream: Upstream
) -> None:
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    if shutil.which("mkfs.vfat") is None:
        pytest.skip("no mkfs.vfat to make a case-insensitive disk with")
    subprocess.run(["mkfs.vfat", str(image)], check=True, capture_output=True)
    mount("-o", "loop", str(image), str(mounted))
    for path in ("example.com/Case", "example.com/case", GOOD):
        upstream.add(path, "v1.0.0")
    ran = program.fetch(tmp_path, upstream.url, f"example.com/Case\nexample.com/case\n{GOOD}\n")
    assert ran.status == 5, ran.text
    failed = [line for line in ran.report["lines"] if line["error"]]
    assert len(failed) == 1
    assert "example.com/Case" in failed[0]["error"]["message"]
    assert "example.com/case" in failed[0]["error"]["message"]
    assert len(program.stored(ran.storage)) == 2


# Ctrl-C


def check_ends_soon(process: Run) -> tuple[int, str]:
    """Ctrl-C: it ends within a second, on a machine that has nothing else to do."""
    busy = program.quickness_s()
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    try:
        _out, text = process.communicate(timeout=60)
    finally:
        process.kill()
    took = time.monotonic() - started
    assert took < 1 + 20 * max(busy, program.quickness_s()), text
    return process.returncode, text


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait for what another program does, beside all others that a busy machine has."""
    until(happened, patience_s=240, pause_s=0.05)


def children(pid: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.mark.parametrize("zips", [1, 30], ids=["one", "many"])
def test_interrupt_during_slow_zips_ends_soon_and_whole(
    tmp_path: Path, upstream: Upstream, zips: int
) -> None:
    paths = [f"example.com/m{number}" for number in range(zips)]
    for path in paths:
        upstream.add(path, "v1.0.0")
    upstream.fail("*.zip", Fault(delay_s=20), is_ranged=False)
    (tmp_path / "goget.txt").write_text("\n".join(paths))
    process = program.start(tmp_path, upstream.url, "fetch")
    wait_for(lambda: bool(fetched_zips(upstream)))
    workers = children(process.pid)
    assert workers or zips == 1
    status, text = check_ends_soon(process)
    assert status == 130, text
    assert "interrupted" in text
    assert "Traceback" not in text
    wait_for(lambda: not [pid for pid in workers if is_running(pid)])
    program.assert_whole(tmp_path / "ATHENS_STORAGE")
    upstream.mend()
    ran = program.fetch(tmp_path, upstream.url, None)
    assert ran.status == 0, ran.text
    assert len(program.assert_whole(ran.storage)) == zips
    assert not list((ran.storage / ".gopack/incoming").iterdir())


@pytest.mark.parametrize("what", ["/@v/list", ".mod"])
def test_interrupt_during_slow_planning_ends_soon(
    tmp_path: Path, upstream: Upstream, what: str
) -> None:
    upstream.add(GOOD, "v1.0.0")
    upstream.fail(f"*{what}", Fault(delay_s=20))
    (tmp_path / "goget.txt").write_text(GOOD)
    process = program.start(tmp_path, upstream.url, "fetch")
    wait_for(lambda: any(path.endswith(what) for path in upstream.paths()))
    status, text = check_ends_soon(process)
    assert status == 130, text
    assert program.assert_whole(tmp_path / "ATHENS_STORAGE") == {}


def test_second_run_of_exact_versions_asks_nothing(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(GOOD, "v1.0.0")
    lines = f"{GOOD}@v1.0.0\n"
    assert program.fetch(tmp_path, upstream.url, lines).status == 0
    upstream.log.clear()
    ran = program.fetch(tmp_path, upstream.url, lines)
    assert ran.status == 0
    assert upstream.log == []
    assert ran.line(f"{GOOD}@v1.0.0")["status"] == "there"


def test_prune_shows_what_goes(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(GOOD, "v1.0.0")
    upstream.add("example.com/old", "v1.0.0")
    assert program.fetch(tmp_path, upstream.url, f"{GOOD}\nexample.com/old\n").status == 0
    kept = program.fetch(tmp_path, upstream.url, GOOD)
    assert len(program.assert_whole(kept.storage)) == 2
    ran = program.fetch(tmp_path, upstream.url, GOOD, "--prune")
    assert "example.com/old@v1.0.0" in ran.text
    assert ran.report["removed"] == ["example.com/old@v1.0.0"]
    assert set(program.assert_whole(ran.storage)) == {f"{GOOD}@v1.0.0"}


def test_manifest_that_is_none_is_status_5(tmp_path: Path, upstream: Upstream) -> None:
    own = tmp_path / "ATHENS_STORAGE/.gopack"
    own.mkdir(parents=True)
    (own / "manifest.json").write_text("{")
    ran = program.fetch(tmp_path, upstream.url, GOOD)
    assert ran.status == 5
    assert "manifest.json: not a manifest" in ran.text
    assert "hint: " in ran.text


@pytest.mark.parametrize("command", ["fetch", "prove"])
@pytest.mark.parametrize(
    ("file", "why"),
    [("none/out.json", "no such folder"), ("goget.txt/out.json", "not a directory")],
)
def test_json_that_cannot_be_written_is_status_5(
    tmp_path: Path, upstream: Upstream, command: str, file: str, why: str
) -> None:
    upstream.add(GOOD, "v1.0.0")
    (tmp_path / "goget.txt").write_text(GOOD)
    process = program.start(tmp_path, upstream.url, command, "--json", file)
    _out, text = process.communicate(timeout=program.STARTED_S)
    assert process.returncode == 5, text
    assert f"{file}: cannot be written: {why}" in text
    assert upstream.paths() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_json_in_a_closed_folder_is_status_5() -> None:
    """A folder that may not be entered does not tell whether the file is there."""
    was = os.geteuid()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o700)
        os.seteuid(65534)
        try:
            with pytest.raises(StoreError, match="cannot be written: permission denied"):
                check_can_be_written(Path(name, "out.json"))
        finally:
            os.seteuid(was)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["fetch", "--json", "-"], "standard output: cannot be"), (["plan"], "the output: cannot be")],
)
def test_full_standard_output_is_status_5(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "goget.txt").write_text(GOOD)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "gopack", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
            env=program.environment(tmp_path, "off"),
        )
    assert done.returncode == 5, done.stderr
    assert f"{words} written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "closed", "status"),
    [
        ("fetch", ">&- 2>&- <&-", 0),
        ("fetch", "2>&-", 0),
        ("plan", ">&-", 0),
        ("plan --json -", ">&-", 5),
        ("fetch --json -", ">&-", 5),
        ("fetch none.txt", ">&- 2>&-", 2),
    ],
)
def test_closed_standard_streams_are_no_fault_unless_a_report_goes_there(
    tmp_path: Path, upstream: Upstream, arguments: str, closed: str, status: int
) -> None:
    upstream.add(GOOD, "v1.0.0")
    (tmp_path / "goget.txt").write_text(GOOD)
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m gopack {arguments} {closed}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=program.environment(tmp_path, upstream.url),
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if status == 5:
        assert "standard output: cannot be written: it is closed" in done.stderr
    if arguments == "fetch":
        assert program.assert_whole(tmp_path / "ATHENS_STORAGE") == {f"{GOOD}@v1.0.0": "complete"}


def test_python_is_warned_of_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "gopack", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=program.environment(tmp_path, "off"),
    )
    assert "fetch" in done.stdout
    assert json.dumps(done.stderr) == '""'
