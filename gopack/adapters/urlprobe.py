"""Asking one server, plainly: no forward proxy, no redirects, no retries.

The only credentials are those that the URL has; no text shows them.

What is looked at is the server's own behaviour; everything that helps a fetch along would hide it.
"""

import hashlib
import ssl
import time

import httpx

from gopack.adapters.weberrors import shown
from gopack.errors import InputError, UpstreamError
from gopack.plan.urlreport import Said
from gopack.spec.modzip import MAX_ZIP_BYTES

TIMEOUT_S = 60.0
_TEXT_BYTES = 1 << 20


class UrlProbe:
    """flows.checkurl.Ask over HTTP; close it in the end.

    Raises:
        InputError: the URL is none of http or https.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._shown = shown(self._url)
        if not self._url.startswith(("http://", "https://")) or set("?#") & set(url):
            where, hint = self._shown, "It is the server's, such as http://localhost:3000."
            raise InputError("not an http or https URL of a server", where=where, hint=hint)
        self._client = httpx.Client(
            trust_env=False, timeout=TIMEOUT_S, verify=ssl.create_default_context()
        )

    def __call__(self, path: str) -> Said:
        """Get an answer whole; its time runs to the status line.

        Raises:
            UpstreamError: there is none.
        """
        began = time.monotonic()
        try:
            with self._client.stream("GET", self._url + path) as response:
                seconds = time.monotonic() - began
                digest, text, size = hashlib.sha256(), b"", 0
                for piece in response.iter_bytes():
                    digest.update(piece)
                    size += len(piece)
                    text += piece if len(text) < _TEXT_BYTES else b""
                    if size > MAX_ZIP_BYTES:
                        break
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = str(error).replace(self._url, self._shown)
            raise UpstreamError(
                f"no answer: {said or type(error).__name__}",
                where=self._shown + path,
                hint="Does the server run, and is this its URL (http://HOST:3000)?",
            ) from error
        first = text.decode(errors="replace")
        return Said(response.status_code, digest.hexdigest(), size, first, seconds)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
