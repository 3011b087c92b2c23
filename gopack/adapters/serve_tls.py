"""TLS of `gopack serve`: a connection counts from its first moment, not when it has shaken hands.

Rules:
- A handshake that is not done in time is hung up on, silently: nothing can be said before it.
- Handshakes have places of their own, so that they neither drive out connections that are served
  nor wait for them. Where all are taken, the oldest handshake makes room for a new one.

Spec: CPython asyncio/sslproto.py (SSLProtocol), which lies between a socket and uvicorn's protocol
as create_server(ssl=...) lays it there; but the loop tells nobody of it before the handshake.
"""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from gopack.errors import InputError


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: a certificate with its chain, and its key (the same file if None)."""

    certificate: Path
    key: Path | None = None


class TlsProtocol(SSLProtocol):
    """One TLS connection, below that of `served`; a subclass a server sets what is unset here.

    Until it has shaken hands it stands among uvicorn's connections, which are ended with the
    server; afterwards the served one does.
    """

    context: ClassVar[ssl.SSLContext]
    served: ClassVar[type[H11Protocol]]
    handshake_s: ClassVar[float]
    handshakes: ClassVar[int]

    since = 0.0
    """When its handshake began."""

    _socket_transport: asyncio.BaseTransport

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        loop = _loop or asyncio.get_running_loop()
        self._connections: set[Any] = server_state.connections
        ended = loop.create_future()
        ended.add_done_callback(self._end_handshake)
        super().__init__(
            loop,
            self.served(config, server_state, app_state, loop),
            self.context,
            ended,
            server_side=True,
            ssl_handshake_timeout=self.handshake_s,  # type: ignore[arg-type] # an int, it is said
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake, in the place of the oldest if all are taken."""
        self._socket_transport, self.since = transport, self._loop.time()
        others = [each for each in self._connections if isinstance(each, TlsProtocol)]
        if len(others) >= self.handshakes:
            min(others, key=lambda each: each.since).shutdown()
        self._connections.add(self)
        super().connection_made(transport)

    def shutdown(self) -> None:
        """Hang up in the midst of the handshake."""
        self._connections.discard(self)
        self._socket_transport.abort()  # type: ignore[attr-defined]

    def _end_handshake(self, ended: asyncio.Future[None]) -> None:
        ended.exception()  # fetched, or asyncio would tell of it
        self._connections.discard(self)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Load the certificate and its key.

    Raises:
        InputError: the files do not fit or cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_refuse_password)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"the TLS files cannot be used: {error.strerror or error}",
            where=str(tls.certificate),
            hint="--tls-cert is a PEM file with the certificate and its chain, --tls-key its "
            "key without a password",
        ) from error
    return context


def _refuse_password() -> str:
    """Keep OpenSSL from asking on the terminal."""
    return ""
