"""Everything that core and commands can say has words here, in every language."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

import fairgate
from fairgate.core.lifecycle import STATES, Reason, Subject
from fairgate.web import dates, words

PACKAGE = Path(fairgate.__file__).parent
# Where it is decided what a person may do; operators' acts are decided elsewhere.
DECIDES = ["core/asking.py", "core/places.py", "core/registering.py", "commands/acting.py", "commands/amend.py"]
# These cannot come of anything a page sends.
NEVER = {Reason.NO_MEMBERS, Reason.GROUP_TOO_LARGE, Reason.NOT_DUE}
# Kinds of statements that are about no registration.
ABOUT_NOBODY = {
    *("opened", "sealed", "postponed", "seeded", "drawn", "closed", "voided", "capacity set", "recovered"),
    *("outage", "told", "incident", "incident explained", "sampled", "backfilled", "attempted"),
}


@pytest.fixture(params=["en", "es"])
def language(_django: None, request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def test_a_reason_that_a_person_can_meet_has_words_of_its_own(language: str) -> None:
    sources = "".join((PACKAGE / name).read_text() for name in DECIDES)
    reasons = {Reason[name] for name in re.findall(r"Reason\.([A-Z_]+)", sources)} - NEVER
    assert Reason.TOO_LATE in reasons
    for reason in reasons:
        fault = words.field_fault(reason) or words.person_fault(reason)
        assert fault or words.refusal(reason).title != words.refusal(Reason.WRONG_STATE).title, reason


def test_every_kind_of_statement_has_a_line(language: str) -> None:
    sources = "".join(path.read_text() for path in PACKAGE.glob("co*/*.py"))
    kinds = set(re.findall(r'Done\(\s*"([^"]+)"', sources)) - ABOUT_NOBODY
    assert len(kinds) > 7
    for kind in kinds | {"offered", "passed over", "checked in", "missed", "lapsed"}:
        assert words.history(kind, {}) != kind, f"no words for “{kind}”"


@pytest.mark.usefixtures("_django")
@pytest.mark.parametrize("subject", [Subject.OFFER, Subject.REQUEST])
def test_every_state_has_a_panel(subject: Subject) -> None:
    folder = Path(settings.TEMPLATES[0]["DIRS"][0]) / subject.value
    assert [s for s in STATES[subject] if not (folder / f"{s}.html").is_file()] == []


def test_a_moment_is_told_in_the_time_of_a_city(language: str) -> None:
    there = dates.local(datetime(2026, 11, 25, 2, 0, tzinfo=UTC), "America/Tijuana")
    told = {
        "en": ("18:00", "Tuesday 24 November", "Tijuana"),
        "es": ("18:00", "martes 24 de noviembre", "Tijuana"),
    }
    assert (there.time, there.day, there.city) == told[language]
    assert there.iso == "2026-11-24T18:00:00-08:00"


def test_cities_are_spelt_as_the_language_does(language: str) -> None:
    assert dates.city("America/Los_Angeles") == {"en": "Los Angeles", "es": "Los Ángeles"}[language]
    assert dates.city("America/Ciudad_Juarez") == "Ciudad Juárez"


def test_dates_numbers_and_lengths_are_in_the_language(language: str) -> None:
    assert (
        dates.day(date(2026, 12, 1), year=True)
        == {
            "en": "Tuesday 1 December 2026",
            "es": "martes 1 de diciembre de 2026",
        }[language]
    )
    brief = {"en": "Tue\u00a01\u00a0Dec 2026", "es": "mar\u00a01\u00a0dic 2026"}
    assert dates.brief_date(date(2026, 12, 1)) == brief[language]
    assert dates.number(8310) == "8,310"
    assert dates.clock(time(6, 5)) == "06:05"
    lengths = {
        timedelta(hours=23): {"en": "23 hours", "es": "23 horas"},
        timedelta(hours=1, minutes=1): {"en": "1 hour 1 minute", "es": "1 hora y 1 minuto"},
        timedelta(minutes=59, seconds=1): {"en": "1 hour", "es": "1 hora"},
        timedelta(seconds=1): {"en": "1 minute", "es": "1 minuto"},
        timedelta(0): {"en": "0 minutes", "es": "0 minutos"},
    }
    for length, told in lengths.items():
        assert dates.duration(length) == told[language]
