"""Where a person can be reached: which of the group, and whether what they gave can be an address at all.

An address goes into the head of a mail and into the question to a gateway, so what could break out of there is
refused here. Whether anybody reads what is sent to it only sending shows.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import phonenumbers

from fairgate.core.registering import Member

EMAIL_MOST: Final = 254  # octets, RFC 5321
MEXICO: Final = 52
PREMIUM: Final = phonenumbers.PhoneNumberType.PREMIUM_RATE
_LOCAL: Final = re.compile(r'[^\s@<>()\[\],;:\\"]{1,64}')
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def reachable(people: Sequence[tuple[date, Member]], today: date) -> list[Member]:
    """Who of a group is told, given with the day from which each is an adult: the adults, or if there is none, all."""
    adults = [member for adult_from, member in people if adult_from <= today]
    return adults or [member for _, member in people]


def email(given: str) -> str | None:
    """The address in the form in which mail servers know it; None when it cannot be one."""
    local, _, domain = given.strip(" ").rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:  # an empty label, or one that is too long
        return None
    labels = domain.split(".")
    if not given.isprintable() or not _LOCAL.fullmatch(local) or len(labels) < 2:
        return None
    address = f"{local}@{domain}"
    well = all(_LABEL.fullmatch(label) for label in labels) and len(address.encode()) <= EMAIL_MOST
    return address if well else None


def phone(given: str) -> str | None:
    """The number in international form, +526645550199.

    None when it has no country code or no possible length, or when whoever calls it pays its owner: such numbers are
    left with services in order to be paid by them.
    """
    try:
        number = phonenumbers.parse(given, None)
    except phonenumbers.NumberParseException:
        return None
    national = str(number.national_number)
    if number.country_code == MEXICO and len(national) == 11 and national.startswith("1"):
        number.national_number = int(national[1:])  # mobile numbers had a 1 before them until 2019, and are known by it
    if not phonenumbers.is_possible_number(number) or phonenumbers.number_type(number) == PREMIUM:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
