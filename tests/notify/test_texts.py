"""What people are told, in their language, with dates in words."""

import string
from datetime import date
from pathlib import Path

import pytest

from fairgate.commands.record import TOLD
from fairgate.core.profile import Port
from fairgate.core.segments import fit, is_gsm, parts
from fairgate.notify.writing import LANGUAGES, write
from fairgate.store import profiles
from fairgate.store.profiles import parse
from time_world import PROFILE

PROFILES = Path(__file__).parents[2] / "profiles"

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
                assert "None" not in text.subject + text.body + text.sms
                assert "{" not in text.subject + text.body + text.sms


@pytest.mark.parametrize("kind", ["offered", "lapsed"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_of_a_place_over_capacity_nobody_is_told_that_it_goes_to_somebody_else(kind: str, language: str) -> None:
    usual, over = (write(kind, FACTS[kind] | more, language, SMALL) for more in ({}, {"over_capacity": True}))
    next_group = {"en": "next group", "es": "siguiente grupo"}[language]
    assert next_group in usual.body
    assert next_group in usual.sms
    assert next_group not in over.body + over.sms
    assert over.subject == usual.subject


def test_all_languages_say_the_same_things() -> None:
    gaps = {code: _gaps(language.templates) for code, language in LANGUAGES.items()}
    assert all(found == gaps["en"] for found in gaps.values())


def _gaps(templates) -> dict[str, set[str]]:
    read = string.Formatter().parse
    return {
        kind: {name for part in (text.subject, text.body, text.sms) for _, name, _, _ in read(part) if name}
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


# -- text messages ------------------------------------------------------------------------------

WIDEST = date(2026, 9, 30)  # "Wed 30 Sept"
ALL_PROFILES = [parse(PROFILE), *(parse(profiles.read_folder(folder)) for folder in sorted(PROFILES.iterdir()))]


def longest(kind: str, port: Port) -> dict[str, object]:
    """The facts of a kind, at a port, with everything as long as it gets."""
    place = {"port": port.port, "date": WIDEST.isoformat(), "time": "09:00", "size": 15}
    moments = dict.fromkeys(("deadline", "start", "end"), "2026-09-30T20:30:00Z")
    return {key: {**place, **moments}.get(key, value) for key, value in FACTS[kind].items()} | {"port": port.port}


@pytest.mark.parametrize("language", [*LANGUAGES])
@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_text_message_has_two_parts_at_most_at_every_port(kind: str, language: str) -> None:
    for profile in ALL_PROFILES:
        for port in profile.ports:
            facts = longest(kind, port)
            changed = [{}, {"why": "a storm"} if kind == "cancelled" else {}]
            changed += [{"deadline": "paused"}] if kind in ("offered", "extended") else []
            for change in changed:
                sms = write(kind, facts | change, language, profile).sms
                assert parts(sms) <= 2, f"{len(sms)}: {sms}"
                assert is_gsm(sms), sms
                assert "\n" not in sms


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "Arrival appointments: you are offered a place: San Ysidro on Tue 22 Dec at 09:00, Los Angeles time, for"
            " 3 people. Confirm it by 18:00 on Tue 24 Nov, Tijuana time, or it goes to the next group."
            " Sign in with your number and access code.",
        ),
        (
            "es",
            "Citas de llegada: se le ofrece un lugar: San Ysidro, mar 22 dic a las 09:00, hora de Los Angeles, para"
            " 3 personas. Confirmelo a mas tardar a las 18:00 del mar 24 nov, hora de Tijuana, o pasa al siguiente"
            " grupo. Inicie sesion con su numero y su codigo de acceso.",
        ),
    ],
)
def test_a_text_message_says_what_where_and_until_when(language: str, said: str) -> None:
    assert write("offered", FACTS["offered"], language, SMALL).sms == said


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 152, 2),  # 76 in a part, for none is divided
        ("€" * 153, 3),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("á" * 134, 2),
        ("á" * 135, 3),
        ("a" * 69 + "😀", 2),
    ],
)
def test_parts_are_counted_as_telephones_do(text: str, count: int) -> None:
    assert parts(text) == count


def test_accents_are_left_out_only_where_that_is_enough() -> None:
    assert fit("«Más» — ¿qué día?") == '"Mas" - ¿qué dia?'
    assert fit("您的预约 más") == "您的预约 más"
