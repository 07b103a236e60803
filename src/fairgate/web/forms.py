"""What pages ask: fields read and checked one by one. Whether the act is allowed is decided by commands."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fairgate.core import numbers
from fairgate.core.errors import BadInput
from fairgate.core.registering import Member


class SignIn(forms.Form):
    """Number and code as people type them, with or without hyphens, O for 0 and so on."""

    number = forms.CharField(
        max_length=60,
        error_messages={
            "required": _("Enter your registration number"),
            "max_length": _("The registration number has 8 letters and digits"),
        },
    )
    code = forms.CharField(
        max_length=60,
        error_messages={
            "required": _("Enter your access code"),
            "max_length": _("The access code has 12 letters and digits"),
        },
    )

    def clean_number(self) -> str:
        return _read_number(self.cleaned_data["number"])

    def clean_code(self) -> str:
        try:
            return numbers.read_code(self.cleaned_data["code"])
        except BadInput as error:
            raise ValidationError(_code_faults()[error.reason]) from error


class PortChoice(forms.Form):
    """Ports (code, name) in order of preference: as many choices as there are ports, each may be left empty."""

    def __init__(
        self, data: Mapping[str, str] | None, *, ports: Sequence[tuple[str, str]], chosen: Sequence[str]
    ) -> None:
        super().__init__(data, initial={f"port-{i}": port for i, port in enumerate(chosen, 1)})
        self.ports = ports
        for i in range(1, len(ports) + 1):
            self.fields[f"port-{i}"] = forms.CharField(required=False, max_length=60)

    def chosen(self) -> list[str]:
        """The codes that were chosen, the first choice first."""
        return [code for name in self.fields if (code := self.cleaned_data[name])]

    def field_of(self, port: object) -> str:
        """The last field in which `port` was chosen, else the first: where the fault is shown."""
        matching = [name for name in self.fields if self.cleaned_data.get(name) == port]
        return matching[-1] if matching and port else "port-1"


class StaffSignIn(forms.Form):
    name = forms.CharField(max_length=150, error_messages={"required": _("Enter your name")})
    password = forms.CharField(max_length=1000, strip=False, error_messages={"required": _("Enter your password")})


class Arrival(forms.Form):
    """The number of a group that has come, as the officer reads it."""

    number = forms.CharField(max_length=60, error_messages={"required": _("Enter the number of the group")})

    def clean_number(self) -> str:
        return _read_number(self.cleaned_data["number"])


class MessageLanguage(forms.Form):
    """The language of messages; the command knows which there are."""

    language = forms.CharField(max_length=20, error_messages={"required": _("Choose a language from the list")})


class Person(forms.Form):
    """One member's names and birth date, the date in three numbers with anything between them."""

    given_names = forms.CharField(required=False, max_length=1000)
    family_names = forms.CharField(required=False, max_length=1000)
    born_on = forms.CharField(max_length=60, error_messages={"required": _("Enter the birth date")})

    def __init__(self, data: Mapping[str, str] | None, *, member: Member) -> None:
        born = member.born_on
        shown = {"born_on": f"{born.day} {born.month} {born.year}"}
        super().__init__(
            data, initial={"given_names": member.given_names, "family_names": member.family_names, **shown}
        )
        self._details = member.details

    def clean_born_on(self) -> date:
        found = re.fullmatch(r"\D*(\d{1,2})\D+(\d{1,2})\D+(\d{4})\D*", self.cleaned_data["born_on"])
        try:
            day, month, year = (int(part) for part in found.groups()) if found else (0, 0, 0)
            return date(year, month, day)
        except ValueError as error:
            raise ValidationError(gettext("Enter a real date as day, month and year, like 31 3 1980")) from error

    def member(self) -> Member:
        """The member as corrected; what else is known of them stays."""
        cleaned = self.cleaned_data
        return Member(cleaned["given_names"], cleaned["family_names"], cleaned["born_on"], self._details)


def _read_number(text: str) -> str:
    try:
        return numbers.read_number(text)
    except BadInput as error:
        raise ValidationError(_number_faults()[error.reason]) from error


def _number_faults() -> dict[str, str]:
    return {
        "wrong character": gettext("The registration number has only letters and digits, like 7K3M-9QXR"),
        "wrong length": gettext("The registration number has 8 letters and digits, like 7K3M-9QXR"),
        "wrong check": gettext(
            "A letter or digit of the registration number is wrong. Compare it with what you were given"
        ),
    }


def _code_faults() -> dict[str, str]:
    return {
        "wrong character": gettext("The access code has only letters and digits, like 4TZ8-B2WN-0HF5"),
        "wrong length": gettext("The access code has 12 letters and digits, like 4TZ8-B2WN-0HF5"),
        "wrong check": gettext("A letter or digit of the access code is wrong. Compare it with what you were given"),
    }
