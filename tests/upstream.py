"""A real module proxy on 127.0.0.1 that serves generated modules and fails on demand.

    upstream.add("example.com/a", "v1.0.0", files={"a.go": b"package a\n"})
    upstream.fail("*/@v/v1.0.0.zip", Fault(truncate_at=10))
    upstream.paths()  # what was asked for, in order

Everything is kept in memory. Paths are those of the GOPROXY protocol, `!`-escaped, with a leading
slash (`/example.com/a/@v/list`). TLS and credentials are options.
"""

import base64
import contextlib
import fnmatch
import hashlib
import io
import json
import re
import socket
import ssl
import struct
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

STAMP = "2020-01-02T03:04:05Z"


def escape(text: str) -> str:
    """The `!`-escaped form of a module path or version (valid ones only)."""
    return re.sub("[A-Z]", lambda m: "!" + m[0].lower(), text)


def make_zip(path: str, version: str, files: Mapping[str, bytes]) -> bytes:
    """A module zip with the right prefix and nothing checked."""
    return raw_zip({f"{path}@{version}/{name}": data for name, data in files.items()})


def raw_zip(entries: Mapping[str, bytes] | list[tuple[str, bytes]]) -> bytes:
    """A zip of exactly these names; a list may repeat one."""
    out = io.BytesIO()
    items = entries.items() if isinstance(entries, Mapping) else entries
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in items:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def make_info(version: str, stamp: str = STAMP) -> bytes:
    return json.dumps({"Version": version, "Time": stamp}).encode()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer; the defaults change nothing."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    truncate_at: int | None = None  # announce all, send so many bytes, hang up
    announce: int | None = None  # a Content-Length that is not the body's
    without_length: bool = False  # no Content-Length: the end is the hang-up
    delay_s: float = 0
    reset: bool = False  # hang up with a TCP reset instead of an answer
    reset_at: int | None = None  # the same after so many bytes of the answer, its head included
    drip: tuple[int, float] | None = None  # so many bytes at a time, and a pause between them
    flip_at: int | None = None  # this byte of the body is another one
    flip: int = 1  # the bits of it that are

    @property
    def may_be_partial(self) -> bool:
        """Whether a range is answered with a part all the same."""
        return self in (Fault(), Fault(truncate_at=self.truncate_at))


LOGIN_PAGE = Fault(
    status=200,
    headers={"Content-Type": "text/html; charset=utf-8"},
    body=b"<!DOCTYPE html><html><body>Please sign in</body></html>",
)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class _Rule:
    pattern: str
    fault: Fault
    left: int | None
    is_ranged: bool | None


class Upstream:
    """A GOPROXY server; use it as a context manager or through the `upstream` fixture."""

    def __init__(
        self,
        *,
        delay_s: float = 0,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        host: str = "127.0.0.1",
        tags: bool = False,
    ) -> None:
        """`tags` gives every answer a strong entity tag, and obeys If-Range and If-None-Match."""
        self.delay_s = delay_s
        self.login = login
        self.tags = tags
        self.forced_tag = ""  # a lie: every file has this tag
        self.files: dict[str, tuple[bytes, str]] = {}
        self.log: list[Asked] = []
        self.connections = 0
        self.allowed_at_once: int | None = None  # what is more is answered 429
        self.delay_s_for_each = 0.0  # of the requests that are under way
        self.most_at_once = 0
        self.refused = 0
        self._at_once = 0
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(self, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # What it serves.

    def add(
        self,
        path: str,
        version: str,
        *,
        mod: str | bytes | None = None,
        files: Mapping[str, bytes] | None = None,
        stamp: str = STAMP,
        listed: bool = True,
    ) -> None:
        """Serve a version whole: info, mod, zip, and its line of the list.

        `mod` is `module <path>` unless given; the zip holds it as go.mod unless `files` has one.
        """
        text = f"module {path}\n" if mod is None else mod
        data = text.encode() if isinstance(text, str) else text
        contents = {"go.mod": data, **(files or {})}
        base = f"{escape(path)}/@v/{escape(version)}"
        self.put(base + ".info", make_info(version, stamp), "application/json")
        self.put(base + ".mod", data)
        self.put(base + ".zip", make_zip(path, version, contents), "application/zip")
        self.add_to_list(path, version if listed else "")

    def add_without_gomod(self, path: str, version: str, files: Mapping[str, bytes]) -> None:
        """Serve a version whole whose zip has no go.mod: the proxy makes one up."""
        self.add(path, version)
        base = f"{escape(path)}/@v/{escape(version)}"
        self.put(base + ".zip", make_zip(path, version, files), "application/zip")

    def add_to_list(self, path: str, version: str = "") -> None:
        """Add a line to `@v/list` (none makes an empty list appear)."""
        key = f"{escape(path)}/@v/list"
        known = self.files.get("/" + key, (b"", ""))[0].decode()
        self.put(key, (known + (f"{version}\n" if version else "")).encode())

    def add_query(self, path: str, query: str, version: str, stamp: str = STAMP) -> None:
        """Answer a branch, tag or commit name with a version."""
        self.put(f"{escape(path)}/@v/{escape(query)}.info", make_info(version, stamp))

    def add_latest(self, path: str, version: str, stamp: str = STAMP) -> None:
        self.put(f"{escape(path)}/@latest", make_info(version, stamp))

    def put(self, path: str, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
        self.files["/" + path.lstrip("/")] = (body, content_type)

    def remove(self, path: str) -> None:
        del self.files["/" + path.lstrip("/")]

    # How it fails.

    def fail(
        self, pattern: str, fault: Fault, *, times: int | None = None, is_ranged: bool | None = None
    ) -> None:
        """Spoil answers to paths like the pattern (`*` matches `/` too), always or some times.

        `is_ranged` takes only requests with a Range header, or only those without.
        """
        self._rules.append(_Rule(pattern, fault, times, is_ranged))

    def mend(self) -> None:
        self._rules.clear()

    def fault_for(self, path: str, *, is_ranged: bool = False) -> Fault:
        with self._lock:
            for rule in self._rules:
                if rule.is_ranged not in {None, is_ranged} or rule.left == 0:
                    continue
                if fnmatch.fnmatchcase(path, rule.pattern):
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule.fault
        return Fault()

    @contextlib.contextmanager
    def under_way(self) -> Iterator[Fault]:
        """Be one of the requests that are answered at once; the fault is for the others' sake."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            is_too_much = self.allowed_at_once is not None and self._at_once > self.allowed_at_once
            self.refused += is_too_much
            delay_s = self._at_once * self.delay_s_for_each
        try:
            yield Fault(status=429, body=b"") if is_too_much else Fault(delay_s=delay_s)
        finally:
            with self._lock:
                self._at_once -= 1

    # What it was asked.

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.log.append(asked)

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.log if asked.method == method]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: Upstream, tls: ssl.SSLContext | None) -> None:
        self.upstream = upstream
        self.tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        if self.tls is not None:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                request.close()
                return
        self._open.add(request)
        self.upstream.connections += 1
        super().process_request_thread(request, client_address)
        self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up: that is part of the tests."""

    def server_close(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The log is a list."""

    def _answer(self, *, with_body: bool) -> None:
        upstream = self.server.upstream
        path = unquote(self.path)
        upstream.note(Asked(self.command, path, dict(self.headers.items())))
        fault = upstream.fault_for(path, is_ranged="Range" in self.headers)
        with upstream.under_way() as overload:  # what is sent may be read before this goes on
            fault = overload if overload.status else fault
            time.sleep(upstream.delay_s + fault.delay_s + overload.delay_s)
        if fault.reset:
            self._reset()
            return
        status, body, headers = self._content(path)
        status = fault.status or status
        body = body if fault.body is None else fault.body
        if fault.flip_at is not None and fault.flip_at < len(body):
            flipped = bytes([body[fault.flip_at] ^ fault.flip])
            body = body[: fault.flip_at] + flipped + body[fault.flip_at + 1 :]
        if not fault.without_length:
            headers["Content-Length"] = str(len(body) if fault.announce is None else fault.announce)
        headers.update(fault.headers)
        if upstream.tags and status == 200:
            tag = upstream.forced_tag or hashlib.sha256(body).hexdigest()
            tag = headers["ETag"] = f'"{tag}"'
            if self.headers.get("If-None-Match") == tag:
                status, body = 304, b""
                del headers["Content-Length"]
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if self.headers.get("If-Range", headers.get("ETag")) != headers.get("ETag"):
            part = None
        if part and status == 200 and body and fault.may_be_partial:
            first, last = int(part[1]), min(int(part[2] or len(body)), len(body) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            status, body = 206, body[first : last + 1]
            headers["Content-Length"] = str(len(body))
        self._send(status, headers, body[: fault.truncate_at] if with_body else b"", fault)
        if fault.truncate_at is not None or fault.announce is not None or fault.without_length:
            self.close_connection = True

    def _content(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        upstream = self.server.upstream
        if upstream.login is not None and not self._may_enter(upstream.login):
            return 401, b"who are you?\n", {"WWW-Authenticate": 'Basic realm="modules"'}
        found = upstream.files.get(path)
        if found is None:
            text = f"not found: {path.lstrip('/')}: no such module or version\n"
            return 404, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}
        return 200, found[0], {"Content-Type": found[1]}

    def _may_enter(self, login: tuple[str, str]) -> bool:
        secret = base64.b64encode(":".join(login).encode()).decode()
        return self.headers.get("Authorization") == f"Basic {secret}"

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Odd',))[0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        answer = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        if fault.drip is not None:
            size, pause_s = fault.drip
            for at in range(0, len(answer), size):
                self.wfile.write(answer[at : at + size])
                time.sleep(pause_s)
            return
        self.wfile.write(answer[: fault.reset_at])
        if fault.reset_at is not None:
            time.sleep(0.02)  # what was sent may arrive before the reset
            self._reset()

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True


def serve() -> Iterator[Upstream]:
    """The body of a fixture."""
    with Upstream() as upstream:
        yield upstream
