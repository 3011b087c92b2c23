"""Which part of a file answers a request: conditions and ranges, without I/O.

Rules: one range at most is served, more are answered whole; a range counts only while If-Range
still names the file as it is, by its ETag; a malformed Range is as none.

Spec: RFC 9110 sections 13 and 14.
Differs: a date in If-Range names no file, since two may share a second (8.8.2.2); If-Modified-Since
counts for the very date that was given; If-Unmodified-Since is not looked at.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*([0-9]{0,19})-([0-9]{0,19})\s*")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as conditions name it: `etag` is strong, in quotes; `modified` an HTTP date."""

    size_bytes: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class Part:
    """The status to answer with, and the bytes: `count` from `first` on."""

    status: int
    first: int
    count: int


def choose_part(headers: Mapping[str, str], file: FileFacts) -> Part:
    """Choose what to send of a file; header names are in lower case.

    >>> choose_part({"range": "bytes=5-"}, FileFacts(8, '"a"', ""))
    Part(status=206, first=5, count=3)
    """
    if not _is_matched(headers, file):
        return Part(412, 0, 0)
    if _is_known(headers, file):
        return Part(304, 0, 0)
    whole = Part(200, 0, file.size_bytes)
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or found[1] == found[2] == "" or not _is_same(headers, file):
        return whole
    if found[1] == "":
        first = max(file.size_bytes - int(found[2]), 0)
        last = file.size_bytes - 1
    else:
        first = int(found[1])
        last = min(int(found[2] or file.size_bytes - 1), file.size_bytes - 1)
        if found[2] and int(found[2]) < first:
            return whole
    if first > last:
        return Part(416, 0, 0)
    return Part(206, first, last - first + 1)


def _is_matched(headers: Mapping[str, str], file: FileFacts) -> bool:
    tags = headers.get("if-match", "*")
    return not {"*", file.etag}.isdisjoint(tag.strip() for tag in tags.split(","))


def _is_known(headers: Mapping[str, str], file: FileFacts) -> bool:
    tags = headers.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return bool(known & {file.etag, "*"})
    return headers.get("if-modified-since") == file.modified


def _is_same(headers: Mapping[str, str], file: FileFacts) -> bool:
    return headers.get("if-range", file.etag) == file.etag
