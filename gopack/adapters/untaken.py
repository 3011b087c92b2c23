"""How much of what was written to a client is still on its way to it.

Rules: bytes count until the client's side has acknowledged them. They wait in up to three places:
asyncio's TLS layer, its socket transport below, and the kernel's send queue. A kernel that does not
tell of its queue (only Linux does, for TCP) is taken to hold nothing.

Spec: tcp(7) SIOCOUTQ; CPython asyncio/sslproto.py, whose transport counts its own layer alone.
"""

import asyncio
import fcntl
import socket
import struct
import termios

_SIOCOUTQ = termios.TIOCOUTQ  # the same number on Linux
_INT = struct.Struct("i")


class Untaken:
    """Counts what the client at the other end of `transport` has not taken."""

    def __init__(self, transport: asyncio.Transport) -> None:
        # asyncio has no public way down; without it the TLS layer alone counts, and the kernel.
        below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
        self._layers: list[asyncio.WriteTransport] = [transport]
        if isinstance(below, asyncio.WriteTransport):
            self._layers.append(below)
        self._socket: socket.socket = transport.get_extra_info("socket")

    def count(self) -> int:
        """Count the bytes; of a connection that is open."""
        return sum(each.get_write_buffer_size() for each in self._layers) + self._in_kernel()

    def _in_kernel(self) -> int:
        try:
            answer = fcntl.ioctl(self._socket.fileno(), _SIOCOUTQ, bytes(_INT.size))
        except (OSError, ValueError):  # ValueError: it was closed
            return 0
        left: int = _INT.unpack(answer)[0]
        return max(left, 0)
