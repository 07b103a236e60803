"""Incidents: which outages are one, how they are numbered, and what may be said of them."""

from datetime import UTC, datetime, timedelta

import pytest

from fairgate.core.deadlines import Outage
from fairgate.core.incidents import TEXT_MOST, Span, Together, belongs_to, number, over, texts_fault, together
from fairgate.core.lifecycle import Reason, Refused

NOON = datetime(2026, 5, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def span(start: int, end: int | None) -> Span:
    """From and to so many minutes after noon."""
    return Span(NOON + start * MINUTE, None if end is None else NOON + end * MINUTE)


def outage(start: int, end: int | None) -> Outage:
    lasted = span(start, end)
    return Outage(lasted.start, lasted.end)


def test_numbers_begin_anew_each_year_by_universal_time() -> None:
    assert number(NOON, 16) == "FG-2026-0017"
    assert number(NOON, 12_344) == "FG-2026-12345"
    assert number(datetime(2026, 12, 31, 23, 30, tzinfo=UTC).astimezone(), 0) == "FG-2026-0001"


@pytest.mark.parametrize(
    ("found", "incident", "same"),
    [
        ((70, 75), (0, 20), True),
        ((80, 85), (0, 20), False),  # an hour after the end is another one
        ((79, None), (0, 20), True),
        ((500, 510), (0, None), True),  # it still lasts
        ((-30, -10), (0, 20), True),  # found later, and before
        ((-90, -60), (0, 20), False),
        ((-90, 5), (0, 20), True),
    ],
)
def test_outages_less_than_an_hour_apart_are_one_incident(
    found: tuple[int, int | None], incident: tuple[int, int | None], same: bool
) -> None:
    assert (belongs_to(outage(*found), [span(*incident)]) == 0) is same


def test_incidents_that_have_grown_together_are_one() -> None:
    apart = [span(0, 10), span(70, 80), span(140, 150)]
    assert together(apart) == []
    assert together([span(0, 11), *apart[1:]]) == [Together(0, (1,))]
    assert together([span(0, 75), span(70, 90), span(140, 150)]) == [Together(0, (1, 2))]
    assert together([span(0, None), *apart[1:]]) == [Together(0, (1, 2))]
    assert together([]) == []


def test_an_incident_lasts_from_the_first_start_to_the_last_end() -> None:
    assert over([outage(30, 40), outage(0, 60)]) == span(0, 60)
    assert over([outage(0, 10), outage(30, None)]) == span(0, None)


def test_everybody_is_told_in_their_language_or_nobody_is() -> None:
    assert texts_fault({"en": "Closed.", "es": "Cerrado."}, ["en", "es"]) is None
    assert texts_fault({"en": "Closed.", "es": " "}, ["en", "es"]) == Refused(Reason.TEXT_MISSING, {"language": "es"})
    assert texts_fault({"es": "Cerrado."}, ["en", "es"]) == Refused(Reason.TEXT_MISSING, {"language": "en"})
    assert texts_fault({"en": "x" * TEXT_MOST}, ["en"]) is None
    too_long = texts_fault({"en": "x" * (TEXT_MOST + 1)}, ["en"])
    assert too_long == Refused(Reason.TEXT_TOO_LONG, {"language": "en", "most": TEXT_MOST})
