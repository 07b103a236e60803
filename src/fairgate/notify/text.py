"""What a language needs to write notices: whole sentences with gaps, and how dates and people are put into them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """Subject and body; gaps are the names in braces that `writing` fills in."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Language:
    """`day` is a CLDR pattern; `moment` and `place` are what stands for a deadline and for an offer's port and time."""

    locale: str
    day: str
    moment: str
    place: str
    one_person: str
    people: str
    closing: str
    templates: Mapping[str, Template]
