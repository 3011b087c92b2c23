"""Answers that may change, kept with the entity tag that asks whether they did.

A list of versions or what `latest` is now costs one conditional request, and no body while nothing
has changed. One file an answer: the tag, a digest of the body, the body. What is torn is no answer;
what cannot be kept is asked for in full the next time.

A go.mod that only helps to resolve a line, as that of a highest version which retracts itself,
never changes, and no storage has it: it is kept, too, and asked for once. It counts only for who
vouches for it: what nobody verified must be verified once a checksum database is to be asked.

Spec: RFC 9110, 13.1.2 (If-None-Match).
"""

import contextlib
import hashlib
import io
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from gopack.adapters.quick import Answer, QuickReader
from gopack.adapters.web import Web, entity_tag, pour
from gopack.errors import UpstreamError
from gopack.spec import gourl
from gopack.spec.module import ModuleVersion


class _Kept(NamedTuple):
    tag: str
    body: bytes


class RememberedAnswers:
    """Reads small bodies through `web`, with what is kept in `folder`; safe from many threads."""

    def __init__(self, web: Web, folder: Path, *, quick: QuickReader | None = None) -> None:
        self._web = web
        self._quick = quick or QuickReader(web)
        self._folder = folder

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        """Return a small body as it is now.

        Raises:
            UpstreamError: as Web.read does.
        """
        path = self._folder / _name(url)
        kept = _load(path)
        headers = {"If-None-Match": kept.tag} if kept else {}
        answer = self._quick.ask(url, where=where, limit=limit, headers=headers)
        if answer is None:
            answer = self._ask_web(url, where=where, limit=limit, headers=headers)
        if kept and answer.status == HTTPStatus.NOT_MODIFIED:
            return kept.body
        if tag := entity_tag(answer.headers):
            _save(path, _Kept(tag, answer.body))
        return answer.body

    def _ask_web(self, url: str, *, where: str, limit: int, headers: Mapping[str, str]) -> Answer:
        out = io.BytesIO()
        too_large = UpstreamError(f"the answer is larger than {limit} bytes", where=where)
        with self._web.answer(url, where=where, headers=headers) as answer:
            if answer.status != HTTPStatus.NOT_MODIFIED:
                pour(answer, out.write, url=url, where=where, limit=limit, too_large=too_large)
            return Answer(answer.status, answer.headers, out.getvalue())


class RememberedMods:
    """go.mod files that helped to resolve lines; safe from many threads. See flows.layered.

    Args:
        folder: where they are kept.
        voucher: tells for a module path which checksum database has verified what is read now,
            or by which setting none has.
    """

    def __init__(self, folder: Path, voucher: Callable[[str], str]) -> None:
        self._folder = folder
        self._voucher = voucher

    def get(self, module: ModuleVersion) -> bytes | None:
        """Give what is kept of a version."""
        kept = _load(self._path(module))
        return kept.body if kept else None

    def put(self, module: ModuleVersion, data: bytes) -> None:
        """Keep a version's go.mod."""
        _save(self._path(module), _Kept("", data))

    def _path(self, module: ModuleVersion) -> Path:
        name = f"{module}\n{self._voucher(module.path)}"
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:40]


def _name(url: str) -> str:
    """Name an answer's file by its URL; a login is no part of it."""
    parsed = gourl.parse(url)
    return hashlib.sha256(f"{parsed}?{parsed.query}".encode()).hexdigest()[:40]


def _load(path: Path) -> _Kept | None:
    try:
        tag, digest, body = path.read_bytes().split(b"\n", 2)
        if digest.decode() == hashlib.sha256(body).hexdigest():
            return _Kept(tag.decode("latin-1"), body)
    except (OSError, ValueError):
        return None
    return None


def _save(path: Path, kept: _Kept) -> None:
    digest = hashlib.sha256(kept.body).hexdigest().encode()
    part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(b"\n".join([kept.tag.encode("latin-1"), digest, kept.body]))
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
