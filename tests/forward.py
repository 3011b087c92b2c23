"""A forward proxy on 127.0.0.1: CONNECT, plain http, and SOCKS5, each on every connection.

It connects to 127.0.0.1 whatever host it is asked for (the port counts), so that tests can use
names that no DNS knows.
"""

import base64
import contextlib
import select
import socket
import socketserver
import threading
from types import TracebackType
from typing import Any, Self


class ForwardProxy:
    """`asked` lists the `host:port` of each tunnel or request; `login` makes it ask for one."""

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.asked: list[str] = []
        self.authorization = ""
        if login is not None:
            secret = base64.b64encode(":".join(login).encode()).decode()
            self.authorization = f"Basic {secret}"
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

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


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, proxy: ForwardProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up: that is part of the tests."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        first = self.rfile.read(1)
        if first == b"\x05":
            self._socks()
        elif first:
            self._http(first)

    def _http(self, first: bytes) -> None:
        method, target, version = (first + self.rfile.readline()).split()
        lines = [line for line in iter(self.rfile.readline, b"\r\n") if line]
        wanted = self.server.proxy.authorization
        header = f"proxy-authorization: {wanted}".lower()
        if wanted and not any(line.decode().strip().lower() == header for line in lines):
            self.wfile.write(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n"
                b'Proxy-Authenticate: Basic realm="company"\r\nConnection: close\r\n\r\n'
            )
            return
        if method == b"CONNECT":
            self._tunnel(target.decode(), b"HTTP/1.1 200 OK\r\n\r\n")
            return
        address, slash, path = target.removeprefix(b"http://").partition(b"/")
        kept = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection"))]
        start = b" ".join([method, slash + path, version]) + b"\r\n"
        self._tunnel(address.decode(), b"", start + b"".join(kept) + b"Connection: close\r\n\r\n")

    def _socks(self) -> None:
        """RFC 1928 without a login: greeting, CONNECT to a name or an IPv4 address, success."""
        self.rfile.read(self.rfile.read(1)[0])
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        if kind == 1:
            host = socket.inet_ntoa(self.rfile.read(4))
        else:
            host = self.rfile.read(self.rfile.read(1)[0]).decode()
        port = int.from_bytes(self.rfile.read(2), "big")
        self._tunnel(f"{host}:{port}", b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")

    def _tunnel(self, address: str, to_client: bytes, to_server: bytes = b"") -> None:
        self.server.proxy.asked.append(address)
        port = int(address.rpartition(":")[2])
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as other:
            self.wfile.write(to_client)
            other.sendall(to_server)
            self._pump(other)

    def _pump(self, other: socket.socket) -> None:
        ends = {self.connection: other, other: self.connection}
        while True:
            ready, _, _ = select.select(list(ends), [], [], 10)
            if not ready:
                return
            for end in ready:
                data = end.recv(65536)
                if not data:
                    return
                ends[end].sendall(data)
