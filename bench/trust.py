"""`python -m bench trust`: what trust costs, and how fast the storage is served.

    python -m bench trust [--runs N] [fetch] [closed] [check] [serve]

fetch    500 versions at 50 ms, verified and not: at most a third more time
closed   the same at the `closed` level: verifying takes at most as long as resolving does
check    `gopack check` of a whole storage, in at most 4 s, beside `go mod verify`
serve    one big zip from `gopack serve` and from nginx: at least half as fast

Contestants take turns. Each promise is printed with what was measured; the exit status is 1 if one
was not kept.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import checking, dataset, measure, upstream
from bench.leftovers import new_folder
from bench.programs import UNVERIFIED, VERIFYING, cache_dir
from tests.e2e.caching_proxy import caching_proxy

DELAY_MS = 50
FETCH_LIMIT = 4 / 3
CHECK_LIMIT_S = 4.0
SERVE_LIMIT = 0.5
CLOSED_ROOTS = ("github.com/gin-gonic/gin@v1.12.0",)
"""One module with an old, wide graph behind it."""
STREAMED_BYTES = 3_000_000_000

Runs = dict[str, list[measure.Run]]
Contestant = Callable[[Path], measure.Run]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench trust", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    kept = [PARTS[part](options.runs) for part in options.parts or PARTS]
    sys.exit(not all(kept))


def in_turns(contestants: Mapping[str, Contestant], runs: int) -> dict[str, measure.Run]:
    """Run each in a new folder, round by round; the medians."""
    measured: Runs = {name: [] for name in contestants}
    for _ in range(runs):
        for name, once in contestants.items():
            os.sync()
            with new_folder() as folder:
                measured[name].append(once(folder))
            last = measured[name][-1]
            print(f"  {name}: {last.wall_s:.2f} s, processor {last.processor_s:.2f} s", flush=True)
    return {name: measure.middle(each) for name, each in measured.items()}


def promise(text: str, told: str, *, is_kept: bool) -> bool:
    print(f"{'kept' if is_kept else 'NOT KEPT'}: {text}: {told}", flush=True)
    return is_kept


def gopack(verb: str, *options: str | Path, url: str, settings: Mapping[str, str]) -> Contestant:
    """A run of gopack; STORAGE among the options is a folder of its own."""

    def once(folder: Path) -> measure.Run:
        words = [str(word).replace("STORAGE", str(folder / "storage")) for word in options]
        command = [sys.executable, "-m", "gopack", verb, *words]
        env = {**settings, "GOPROXY": url, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
        return measure.run(command, env=env, cwd=folder, log=folder / "log")

    return once


# What verifying costs


def fetch(runs: int) -> bool:
    data = dataset.real()
    listed = _listed(cache_dir() / "trust.txt", data.roots)
    words = (listed, "--storage", "STORAGE")
    with upstream.serving(data.tree, delay_ms=DELAY_MS) as source:
        _check_has_database(source.url)
        middles = in_turns(
            {
                "verified": gopack("fetch", *words, url=source.url, settings=VERIFYING),
                "unverified": gopack("fetch", *words, url=source.url, settings=UNVERIFIED),
            },
            runs,
        )
    on_s, off_s = middles["verified"].wall_s, middles["unverified"].wall_s
    return promise(
        f"{len(data.versions)} versions at {DELAY_MS} ms: a third more time at most",
        f"{on_s:.2f} s verified, {off_s:.2f} s not: {on_s / off_s:.2f} times",
        is_kept=on_s <= off_s * FETCH_LIMIT,
    )


def closed(runs: int) -> bool:
    listed = _listed(cache_dir() / "trust-closed.txt", CLOSED_ROOTS)
    tree = _closed_tree(listed)
    words = (listed, "--closure", "closed", "--storage", "STORAGE")
    with upstream.serving(tree, delay_ms=DELAY_MS) as source:
        _check_has_database(source.url)
        middles = in_turns(
            {
                "verified": gopack("fetch", *words, url=source.url, settings=VERIFYING),
                "unverified": gopack("fetch", *words, url=source.url, settings=UNVERIFIED),
                "resolving": gopack("plan", *words, url=source.url, settings=UNVERIFIED),
            },
            runs,
        )
    more_s = middles["verified"].wall_s - middles["unverified"].wall_s
    resolving_s = middles["resolving"].wall_s
    mods = sum(1 for _ in tree.rglob("*.mod"))
    return promise(
        f"closed, {mods} go.mod files at {DELAY_MS} ms: verifying at most doubles resolving",
        f"{more_s:.2f} s more for verifying, {resolving_s:.2f} s resolving",
        is_kept=more_s <= resolving_s,
    )


def _listed(file: Path, lines: Sequence[str]) -> Path:
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def _check_has_database(url: str) -> None:
    name = _database_name()
    try:
        with urllib.request.urlopen(f"{url}/sumdb/{name}/latest"):
            return
    except urllib.error.HTTPError as error:
        raise SystemExit(f"the data set has no checksum database ({error}): run --refill") from None


def _database_name() -> str:
    shown = subprocess.run(
        ["go", "env", "GOSUMDB"],
        env={**os.environ, **VERIFYING},
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.strip().partition("+")[0]


def _closed_tree(listed: Path) -> Path:
    """Everything that the closed roots ask for, fetched once; the database at one head."""
    tree, mark = cache_dir() / "trust-closed", cache_dir() / "trust-closed.done"
    if mark.exists() and mark.read_text() == listed.read_text():
        return tree
    print("filling the closed data set: some minutes the first time", flush=True)
    with new_folder() as folder, caching_proxy() as proxy:
        words = (listed, "--closure", "closed", "--storage", "STORAGE")
        tree.mkdir(exist_ok=True)
        with upstream.serving(tree, fill_from=proxy.url) as source:
            gopack("fetch", *words, url=source.url, settings=VERIFYING)(folder)
        shutil.rmtree(tree / "sumdb")
        export = gopack(
            "export", "sumdb", tree / "sumdb", "--storage", "STORAGE", url="off", settings=VERIFYING
        )
        export(folder)
    mark.write_text(listed.read_text())
    return tree


# The audit


def check(runs: int) -> bool:
    data = dataset.real()
    ours, theirs = checking.rows(data, runs)
    return promise(
        f"check of {ours.versions} versions, {data.size_bytes() / 1e6:.0f} MB: 4 s at most",
        f"{ours.run.wall_s:.2f} s; go mod verify {theirs.run.wall_s:.2f} s for {theirs.versions}",
        is_kept=ours.run.wall_s <= CHECK_LIMIT_S,
    )


# Serving


def serve(runs: int) -> bool:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        print("not measured: half of nginx's speed: no nginx on this machine", flush=True)
        return True
    data = dataset.real()
    zips = [file for file in data.files() if file.endswith(".zip")]
    biggest = max(zips, key=lambda file: (data.tree / file).stat().st_size)
    size = (data.tree / biggest).stat().st_size
    times = -(-STREAMED_BYTES // size)
    with new_folder() as folder, _nginx(nginx, folder, data.tree) as there:
        _lay_one(folder / "storage", data.tree, biggest)
        with _gopack_serve(folder) as here:
            middles = in_turns(
                {
                    "gopack serve": _streamed(f"{here}/{biggest}", times),
                    "nginx": _streamed(f"{there}/{biggest}", times),
                },
                runs,
            )
    speeds = {name: size * times / run.wall_s / 1e6 for name, run in middles.items()}
    ours, theirs = speeds["gopack serve"], speeds["nginx"]
    return promise(
        f"a zip of {size / 1e6:.0f} MB streams at half of nginx's speed at least",
        f"{ours:.0f} MB/s, nginx {theirs:.0f} MB/s: {ours / theirs:.2f}",
        is_kept=ours >= theirs * SERVE_LIMIT,
    )


def _streamed(url: str, times: int) -> Contestant:
    """One client takes the file so many times over one connection."""

    def once(folder: Path) -> measure.Run:
        config = folder / "curl.config"
        config.write_text(f'url = "{url}"\noutput = "/dev/null"\n' * times)
        words = ["curl", "--silent", "--show-error", "--fail", "--config", str(config)]
        return measure.run(words, env={}, cwd=folder, log=folder / "log")

    return once


def _lay_one(root: Path, tree: Path, zip_file: str) -> None:
    """A storage with one version of the tree."""
    path, _, name = zip_file.partition("/@v/")
    version = name.removesuffix(".zip")
    target = root / dataset_path(path) / version
    target.mkdir(parents=True)
    for kind, to in (("info", f"{version}.info"), ("mod", "go.mod"), ("zip", "source.zip")):
        shutil.copyfile(tree / f"{path}/@v/{version}.{kind}", target / to)


def dataset_path(escaped: str) -> str:
    """The letters behind `!x`."""
    first, *rest = escaped.split("!")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


@contextmanager
def _nginx(program: str, folder: Path, tree: Path) -> Iterator[str]:
    port = _free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;"
        f"{'user root;' if os.geteuid() == 0 else ''} events {{}}"
        f"http {{ sendfile on; tcp_nopush on; access_log off; keepalive_requests 100000;"
        f" server {{ listen 127.0.0.1:{port}; root {tree}; }} }}\n"
    )
    command = [program, "-p", str(folder), "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            yield _answering(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


@contextmanager
def _gopack_serve(folder: Path) -> Iterator[str]:
    port = _free_port()
    words = ["serve", "--storage", str(folder / "storage"), "--listen", f"127.0.0.1:{port}"]
    with (
        (folder / "serve.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "gopack", *words], stdout=log, stderr=log
        ) as server,
    ):
        try:
            yield _answering(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def _free_port() -> int:

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answering(url: str) -> str:
    """Wait for a server."""
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return url
        except OSError:
            time.sleep(0.05)
        else:
            return url
    raise RuntimeError(f"nothing answers at {url}")


PARTS: dict[str, Callable[[int], bool]] = {
    "fetch": fetch,
    "closed": closed,
    "check": check,
    "serve": serve,
}
