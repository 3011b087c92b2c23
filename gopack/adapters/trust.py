"""The certificates that are trusted: the system's store, SSL_CERT_FILE and SSL_CERT_DIR, as in Go.

Spec: crypto/x509 root_unix.go: the first certificate file that can be read, and every file of the
certificate directories (links inside a directory are skipped: they repeat their targets).
Differs: where none of these has a certificate, what Python's OpenSSL was built to trust.
"""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from gopack.spec.goenv import GoEnv

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n.*?-----END CERTIFICATE-----", re.DOTALL)


def make_context(env: GoEnv) -> ssl.SSLContext:
    """Make a client's TLS context; certificates that cannot be parsed are skipped, as in Go."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found = list(dict.fromkeys(_certificates(env)))
    if not found:
        context.set_default_verify_paths()
        return context
    try:
        context.load_verify_locations(cadata=b"\n".join(found).decode("ascii", "replace"))
    except ssl.SSLError:
        for certificate in found:
            _load_one(context, certificate)
    return context


def complaint(env: GoEnv) -> str:
    """Say what is wrong with SSL_CERT_FILE, for a person whose server is not trusted; or ''."""
    if len(env.cert_files) != 1:  # the system's own places
        return ""
    [name] = env.cert_files
    data = _read(Path(name))
    if data is None:
        return f"SSL_CERT_FILE={name} cannot be read: correct the path"
    if not _PEM.search(data):
        return f"SSL_CERT_FILE={name} has no PEM certificate in it: correct the file"
    return ""


def _load_one(context: ssl.SSLContext, certificate: bytes) -> None:
    try:
        context.load_verify_locations(cadata=certificate.decode("ascii", "replace"))
    except ssl.SSLError:
        return


def _certificates(env: GoEnv) -> Iterator[bytes]:
    for name in env.cert_files:
        data = _read(Path(name))
        if data is not None:
            yield from _PEM.findall(data)
            break
    for name in env.cert_dirs:
        for path in _entries(Path(name)):
            yield from _PEM.findall(_read(path) or b"")


def _entries(folder: Path) -> list[Path]:
    try:
        names = sorted(folder.iterdir())
        return [p for p in names if not (p.is_symlink() and "/" not in str(p.readlink()))]
    except OSError:
        return []


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
