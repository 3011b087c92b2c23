"""Conditions and ranges of requests for files."""

import pytest

from gopack.plan.ranges import FileFacts, Part, choose_part

FILE = FileFacts(100, '"tag"', "Wed, 01 Jan 2020 00:00:00 GMT")
WHOLE = Part(200, 0, 100)


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, WHOLE),
        ({"range": "bytes=0-0"}, Part(206, 0, 1)),
        ({"range": "bytes=10-"}, Part(206, 10, 90)),
        ({"range": "bytes=10-1000"}, Part(206, 10, 90)),
        ({"range": "bytes=-10"}, Part(206, 90, 10)),
        ({"range": "bytes=-1000"}, Part(206, 0, 100)),
        ({"range": "bytes=100-"}, Part(416, 0, 0)),
        ({"range": "bytes=-0"}, Part(416, 0, 0)),
        ({"range": "bytes=9-5"}, WHOLE),
        ({"range": "bytes=-"}, WHOLE),
        ({"range": "bytes=0-1,5-6"}, WHOLE),
        ({"range": "lines=1-2"}, WHOLE),
        ({"range": "bytes=99999999999999999999999-"}, WHOLE),
        ({"range": "bytes=5-", "if-range": '"tag"'}, Part(206, 5, 95)),
        ({"range": "bytes=5-", "if-range": FILE.modified}, WHOLE),
        ({"range": "bytes=5-", "if-range": '"old"'}, WHOLE),
        ({"range": "bytes=5-", "if-range": 'W/"tag"'}, WHOLE),
        ({"if-match": '"tag"', "range": "bytes=5-"}, Part(206, 5, 95)),
        ({"if-match": '"a", "tag"'}, WHOLE),
        ({"if-match": "*"}, WHOLE),
        ({"if-match": '"old"'}, Part(412, 0, 0)),
        ({"if-match": 'W/"tag"', "if-none-match": '"tag"'}, Part(412, 0, 0)),
        ({"if-none-match": '"tag"'}, Part(304, 0, 0)),
        ({"if-none-match": '"a", W/"tag"'}, Part(304, 0, 0)),
        ({"if-none-match": "*"}, Part(304, 0, 0)),
        ({"if-none-match": '"old"', "if-modified-since": FILE.modified}, WHOLE),
        ({"if-modified-since": FILE.modified}, Part(304, 0, 0)),
        ({"if-modified-since": "Wed, 01 Jan 2019 00:00:00 GMT"}, WHOLE),
    ],
)
def test_choose_part_as_rfc_9110(headers: dict[str, str], part: Part) -> None:
    assert choose_part(headers, FILE) == part


def test_choose_part_of_empty_file_is_whole() -> None:
    empty = FileFacts(0, '"e"', "")
    assert choose_part({}, empty) == Part(200, 0, 0)
    assert choose_part({"range": "bytes=0-"}, empty) == Part(416, 0, 0)
