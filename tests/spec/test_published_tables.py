"""Tables for the public: what is in their files, to the byte, and that a file is read back as it was written."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.published import HIDDEN, Column, Grid, Table, as_csv, as_json, read_table, shown

LAYOUT = Table(
    "offers-by-port",
    "Offers of each port",
    (
        Column("date", "date", "The appointment date."),
        Column("port", "text", "The port's code."),
        Column("people", "people", "People who were offered a place."),
        Column("share", "decimal", "Part of those who asked."),
        Column("at", "moment", "When it was drawn."),
        Column("places", "number", "Persons that the port takes."),
    ),
)
DAY, AT = date(2026, 12, 14), datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
FULL = LAYOUT.filled(
    [
        (DAY, "SYS", 385, Decimal("0.125"), AT, 400),
        (DAY, 'a "b", c', HIDDEN, None, AT, 0),
    ]
)


def test_csv_is_what_rfc_4180_says() -> None:
    assert as_csv(FULL) == (
        b"date,port,people,share,at,places\r\n"
        b"2026-12-14,SYS,385,0.125,2026-11-23T17:00:00Z,400\r\n"
        b'2026-12-14,"a ""b"", c",hidden,,2026-11-23T17:00:00Z,0\r\n'
    )
    assert list(csv.reader(io.StringIO(as_csv(FULL).decode(), newline="")))[2][1] == 'a "b", c'


def test_json_has_the_meaning_of_each_column_beside_the_rows() -> None:
    said = json.loads(as_json(FULL))
    assert [column["name"] for column in said["columns"]] == ["date", "port", "people", "share", "at", "places"]
    assert said["columns"][2] == {"name": "people", "kind": "people", "meaning": "People who were offered a place."}
    assert said["rows"][0] == {
        "date": "2026-12-14",
        "port": "SYS",
        "people": 385,
        "share": "0.125",
        "at": "2026-11-23T17:00:00Z",
        "places": 400,
    }
    assert said["rows"][1]["people"] == "hidden"
    assert said["rows"][1]["share"] is None
    assert "hidden" in said


def test_a_table_is_read_back_from_its_file() -> None:
    assert read_table(LAYOUT, "offers-by-port.json", as_json(FULL)) == FULL


@pytest.mark.parametrize(
    ("was", "becomes", "place"),
    [
        (b'"people":385', b'"people":"385"', "rows[0].people"),
        (b'"people":385', b'"people":true', "rows[0].people"),
        (b'"places":400', b'"places":"hidden"', "rows[0].places"),
        (b'"date":"2026-12-14"', b'"date":"2026-12-40"', "rows[0].date"),
        (b'"share":"0.125"', b'"share":"much"', "rows[0].share"),
        (b'"name":"offers-by-port"', b'"name":"other"', "name"),
        (b',"share":"0.125"', b"", "rows[0].share"),
        (b'"share":"0.125"', b'"share":"NaN"', "rows[0].share"),
    ],
)
def test_a_file_that_is_another_is_refused_by_its_place(was: bytes, becomes: bytes, place: str) -> None:
    data = as_json(FULL)
    assert was in data
    with pytest.raises(BadInput) as refused:
        read_table(LAYOUT, "offers-by-port.json", data.replace(was, becomes, 1))
    assert place in refused.value.place


def test_only_what_counts_people_can_be_hidden() -> None:
    with pytest.raises(AssertionError):
        LAYOUT.filled([(DAY, "SYS", 1, None, AT, HIDDEN)])


def test_a_grid_is_shown_with_marks_that_do_not_differ() -> None:
    assert shown(Grid.of([[3, 50, 0]])) == [[HIDDEN, HIDDEN, 0, 53], [HIDDEN, HIDDEN, 0, 53]]
