"""What a language needs to write notices: whole sentences with gaps, and how dates and people are put into them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """Subject and body, and `sms`, which says it in two parts of a text message; gaps are what `writing` fills in."""

    subject: str
    body: str
    sms: str


@dataclass(frozen=True, slots=True)
class Language:
    """`day` and `brief_day` are CLDR patterns; `moment` stands for a deadline, `place` for an offer's port and time."""

    locale: str
    day: str
    brief_day: str
    moment: str
    place: str
    one_person: str
    people: str
    closing: str
    templates: Mapping[str, Template]
