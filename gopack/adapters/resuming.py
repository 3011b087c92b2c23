"""Zips over HTTP that go on where they broke off.

A part is gone on with by Range and If-Range: a server whose file is another one by now sends it
whole. Anything unexpected starts anew; nothing of the part is trusted beyond what the zip's check
and the checksum database say of the whole.

Spec: RFC 9110, 13.1.5 (If-Range), 14.4 (Content-Range), 8.8 (strong validators).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import NamedTuple, Protocol

from gopack.adapters.partfile import Origin, PartFile
from gopack.adapters.web import Body, entity_tag, pour
from gopack.errors import UpstreamError

_LENGTH = re.compile("[0-9]{1,18}")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class Asking(Protocol):
    """What asks for large bodies: a Web, or a QuickReader."""

    def answer(
        self, url: str, *, where: str, headers: Mapping[str, str] = ...
    ) -> AbstractContextManager[Body]:
        """Ask with further headers; see Web."""


class Wanted(NamedTuple):
    """What is asked for: its URL and name, the most it may be, the error where it is more."""

    url: str
    where: str
    limit: int
    too_large: Exception


def copy(asking: Asking, wanted: Wanted, part: PartFile) -> int:
    """Have `part` become the whole body; give its size.

    Raises:
        UpstreamError: as Web.read does; what came by then can be gone on with.
    """
    size = _go_on(asking, wanted, part)
    if size is not None:
        return size
    with asking.answer(wanted.url, where=wanted.where) as answer:
        return _take_whole(answer, wanted, part)


def _go_on(asking: Asking, wanted: Wanted, part: PartFile) -> int | None:
    """Ask for the rest; None where that leads nowhere."""
    held = part.held(wanted.url)
    if held is None:
        return None
    size, origin = held
    rest = {"Range": f"bytes={size}-", "If-Range": origin.validator}
    try:
        with asking.answer(wanted.url, where=wanted.where, headers=rest) as answer:
            if answer.status == HTTPStatus.OK:
                return _take_whole(answer, wanted, part)
            if not _is_rest(answer, size, origin):
                return None
            part.go_on()
            return pour(answer, part.write, size=size, **wanted._asdict())
    except UpstreamError as error:
        if error.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        return None


def _take_whole(answer: Body, wanted: Wanted, part: PartFile) -> int:
    part.begin(_origin(answer, wanted.url))
    return pour(answer, part.write, **wanted._asdict())


def _is_rest(answer: Body, size: int, origin: Origin) -> bool:
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    told = _validator(answer)
    return (
        answer.status == HTTPStatus.PARTIAL_CONTENT
        and found is not None
        and tuple(map(int, found.groups())) == (size, origin.total_bytes - 1, origin.total_bytes)
        and told in {"", origin.validator}
        and _is_plain(answer)
    )


def _origin(answer: Body, url: str) -> Origin | None:
    validator, length = _validator(answer), answer.headers.get("Content-Length", "")
    if not validator or not _is_plain(answer) or not _LENGTH.fullmatch(length):
        return None
    return Origin.of(url, validator, int(length))


def _validator(answer: Body) -> str:
    """Give the answer's entity tag if it is a strong one."""
    tag = entity_tag(answer.headers)
    return tag if tag.startswith('"') else ""


def _is_plain(answer: Body) -> bool:
    return bool(answer.headers.get("Content-Encoding", "identity") == "identity")
