"""The ASGI application of `gopack serve`: requests in, answers out, one log line each.

Rules: the disk is read on threads, but for pages that are in memory already; a file is sent in
pieces, each after the client took the one before; a client that went away ends its answer. A
request with a body is refused and its connection closed: what lies behind must pass for no request.

Spec: asgi.readthedocs.io, HTTP connection scope.
"""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from gopack.adapters.serve_site import Answer, OpenFile, Site
from gopack.plan.serving import BODY_REFUSED, route

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PIECE_BYTES = 256 * 1024
_SHOWN_BYTES = 512
_CACHED_ONLY: int = getattr(os, "RWF_NOWAIT", 0)
_NOT_CACHED = {errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class App:
    """Answers HTTP for a site.

    Args:
        site: what there is to answer.
        log: told one line a request.
    """

    def __init__(self, site: Site, log: Callable[[str], None]) -> None:
        self._site = site
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = time.monotonic()
        client = str((scope.get("client") or ("-", 0))[0])
        line = _Line(client, scope["method"], scope["raw_path"])
        try:
            await self._answer(scope, receive, send, line)
        finally:
            self._log(line.text(time.monotonic() - began))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, line: "_Line") -> None:
        method, raw_path = scope["method"], scope["raw_path"]
        headers = _headers(scope)
        if method != "GET":
            headers.pop("range", None)
        wanted = BODY_REFUSED if _has_body(headers) else route(method, raw_path)
        answer = await asyncio.to_thread(self._site.answer, wanted, headers, line.client)
        line.status = answer.status
        count = answer.file.count if answer.file else len(answer.body)
        try:
            await send(_start(answer, count))
            if method == "HEAD" or answer.file is None or not count:
                body = b"" if method == "HEAD" else answer.body
                await send({"type": "http.response.body", "body": body})
                line.sent = len(body)
            else:
                await _send_file(answer.file, receive, send, line)
        finally:
            if answer.file is not None:
                answer.file.close()


class _Line:
    """One line of the access log, written when the answer is over."""

    def __init__(self, client: str, method: str, raw_path: bytes) -> None:
        self.client = client
        self.status = 500
        self.sent = 0
        path = raw_path[:_SHOWN_BYTES].decode("ascii", "replace").replace('"', "%22")
        self._asked = f"{method[:16]} {path}"
        if len(raw_path) > _SHOWN_BYTES:
            self._asked += "..."

    def text(self, seconds: float) -> str:
        """Give the line: time, client, request without its query string, status, bytes, seconds."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return f'{now} {self.client} "{self._asked}" {self.status} {self.sent} {seconds:.3f}s'


def _headers(scope: Scope) -> dict[str, str]:
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


def _has_body(headers: Mapping[str, str]) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def _start(answer: Answer, count: int) -> Message:
    headers: Mapping[str, str] = answer.headers | {"x-content-type-options": "nosniff"}
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    if answer.status != 304:
        pairs.append((b"content-length", str(count).encode()))
    if answer.status == 405:
        pairs.append((b"allow", b"GET, HEAD"))
    if answer.status in {405, BODY_REFUSED.status}:  # whoever sends that, may send worse
        pairs.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": pairs}


async def _send_file(file: OpenFile, receive: Receive, send: Send, line: _Line) -> None:
    gone = asyncio.ensure_future(_until_gone(receive))
    try:
        left, at = file.count, file.first
        while left and not gone.done():
            piece = await _read(file.descriptor, min(_PIECE_BYTES, left), at)
            if not piece:
                raise OSError(errno.EIO, "the file became shorter while it was sent")
            left -= len(piece)
            at += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            line.sent += len(piece)
            await asyncio.sleep(0)  # others' turn; and `gone` is noticed
    finally:
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(descriptor: int, count: int, at: int) -> bytes:
    """Read from memory where the file is in there, else on a thread: a disk may be slow."""
    if _CACHED_ONLY:
        buffer = bytearray(count)
        try:
            got = os.preadv(descriptor, [buffer], at, _CACHED_ONLY)
        except OSError as error:
            if error.errno not in _NOT_CACHED:
                raise
        else:
            if got:
                return bytes(memoryview(buffer)[:got]) if got < count else bytes(buffer)
    return await asyncio.to_thread(os.pread, descriptor, count, at)
