"""What people are told, in their language, with dates in words."""

import string

import pytest

from fairgate.commands.record import TOLD
from fairgate.notify.writing import LANGUAGES, write
from fairgate.store.profiles import parse
from time_world import PROFILE

PLACE = {"program": "arrival", "port": "SYS", "date": "2026-12-22", "time": "09:00", "size": 3}
DEADLINE = {"deadline": "2026-11-25T02:00:00Z"}
OUTAGE = {"start": "2026-11-24T17:02:10Z", "end": "2026-11-24T19:00:00Z"}
FACTS = {
    "offered": PLACE | DEADLINE,
    "confirmed": PLACE | {"how": "on time"},
    "declined": PLACE,
    "lapsed": PLACE | DEADLINE,
    "cancelled": PLACE | {"why": "by holder"},
    "extended": PLACE | DEADLINE,
    "withdrawn": {"program": "arrival"},
    "restored": {"program": "arrival", "ports": ["SYS", "NOG"]},
    "missed": PLACE,
    "outage over": OUTAGE,
}
SMALL = parse(PROFILE)


def test_every_kind_that_people_are_told_of_has_a_text_in_every_language() -> None:
    assert set(FACTS) == TOLD | {"outage over"}
    for language in LANGUAGES:
        for kind, facts in FACTS.items():
            for paused in ({}, {"deadline": "paused"} if kind in ("offered", "extended") else {}):
                text = write(kind, facts | paused, language, SMALL)
                assert text.language == language
                assert text.subject
                assert "None" not in text.subject + text.body
                assert "{" not in text.subject + text.body


def test_all_languages_say_the_same_things() -> None:
    gaps = {code: _gaps(language.templates) for code, language in LANGUAGES.items()}
    assert all(found == gaps["en"] for found in gaps.values())


def _gaps(templates) -> dict[str, set[str]]:
    read = string.Formatter().parse
    return {
        kind: {name for part in (text.subject, text.body) for _, name, _, _ in read(part) if name}
        for kind, text in templates.items()
    }


@pytest.mark.parametrize(
    ("language", "subject", "said"),
    [
        (
            "en",
            "You are offered a place: confirm it by 18:00 on Tuesday 24 November, Tijuana time",
            "San Ysidro on Tuesday 22 December at 09:00, Los Angeles time, for 3 people",
        ),
        (
            "es",
            "Se le ofrece un lugar: confírmelo a más tardar a las 18:00 del martes 24 de noviembre, hora de Tijuana",
            "San Ysidro, martes 22 de diciembre a las 09:00, hora de Los Ángeles, para 3 personas",
        ),
    ],
)
def test_an_offer_names_place_time_and_deadline_with_their_zones(language: str, subject: str, said: str) -> None:
    text = write("offered", FACTS["offered"], language, SMALL)
    assert text.subject == subject
    assert said in text.body


def test_one_person_is_not_one_people() -> None:
    assert "for 1 person." in write("declined", PLACE | {"size": 1}, "en", SMALL).body


def test_the_agency_cancels_in_other_words_than_the_holder() -> None:
    by_holder = write("cancelled", FACTS["cancelled"], "en", SMALL)
    by_agency = write("cancelled", PLACE | {"why": "the port is closed that day"}, "en", SMALL)
    assert by_holder.subject.startswith("You cancelled")
    assert "The reason given: the port is closed that day" in by_agency.body
    assert "Office of Arrivals" in by_agency.body


def test_an_outage_is_told_with_its_times() -> None:
    body = write("outage over", OUTAGE, "en", SMALL).body
    assert "from 17:02 on Tuesday 24 November, " in body
    body = write("outage over", OUTAGE | {"port": "SYS"}, "en", SMALL).body
    assert "from 09:02 on Tuesday 24 November, Tijuana time, until 11:00 on Tuesday 24 November, Tijuana time." in body


def test_a_language_without_texts_gets_english() -> None:
    assert write("withdrawn", FACTS["withdrawn"], "ht", SMALL).language == "en"


def test_a_port_that_the_profile_has_no_more_is_named_by_its_code() -> None:
    assert (
        "OLD"
        in write("offered", FACTS["offered"] | {"port": "OLD"}, "en", SMALL).subject
        + write("declined", PLACE | {"port": "OLD"}, "en", SMALL).body
    )
