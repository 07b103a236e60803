"""What staff say of incidents: in every language of the deployment, or not at all."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fairgate.core.incidents import DECLARED, TEXT_MOST, Kind, is_written
from fairgate.web import deployment

MOMENT = "%Y-%m-%d %H:%M"
FAR = timedelta(days=2 * 365)  # what is further away is a slip


def _written(text: str) -> None:
    if not is_written(text):
        raise ValidationError(gettext("Take out the characters that cannot be seen"))


class Texts(forms.Form):
    """A text in each language: the fields text-en, text-es and so on."""

    def __init__(self, data: Mapping[str, str] | None, *, languages: Sequence[str]) -> None:
        super().__init__(data)
        self.languages = languages
        for language in languages:
            fault = _("Write the text in this language too: people read it in theirs")
            self.fields[f"text-{language}"] = forms.CharField(
                max_length=TEXT_MOST,
                validators=[_written],
                error_messages={"required": fault, "max_length": _("Write at most 1000 characters")},
            )

    def texts(self) -> dict[str, str]:
        return {language: self.cleaned_data[f"text-{language}"] for language in self.languages}

    def text_fields(self) -> list[tuple[str, str]]:
        """The fields, each with the name of its language."""
        return [(f"text-{language}", deployment.language_name(language)) for language in self.languages]


class Declaring(Texts):
    """A disturbance that people know of; times by the clock of `zone`, empty ones are now and not known yet."""

    kind = forms.ChoiceField(
        choices=[(kind.value, kind.value) for kind in DECLARED],
        error_messages={"required": _("Choose what happened"), "invalid_choice": _("Choose what happened")},
    )
    port = forms.CharField(required=False, max_length=60)
    start = forms.CharField(required=False, max_length=60)
    end = forms.CharField(required=False, max_length=60)

    def __init__(
        self,
        data: Mapping[str, str] | None,
        *,
        languages: Sequence[str],
        ports: Sequence[str],
        zone: str,
        now: datetime,
    ) -> None:
        super().__init__(data, languages=languages)
        self._now = now
        self._ports = ports
        self._zone = ZoneInfo(zone)

    def clean_port(self) -> str | None:
        port = self.cleaned_data["port"] or None
        if port not in self._ports and (port or self.cleaned_data.get("kind") == Kind.PORT_CLOSED):
            raise ValidationError(gettext("Choose a port from the list"))
        return port

    def clean_start(self) -> datetime | None:
        return self._moment("start")

    def clean_end(self) -> datetime | None:
        end, start = self._moment("end"), self.cleaned_data.get("start") or self._now
        if end and end <= start:
            raise ValidationError(gettext("The end must be after the start"))
        return end

    def _moment(self, name: str) -> datetime | None:
        said = self.cleaned_data[name].strip()
        if not said:
            return None
        try:
            at = datetime.strptime(said, MOMENT).replace(tzinfo=self._zone).astimezone(UTC)
            if abs(at - self._now) > FAR:
                raise ValueError(said)
            return at
        except (ValueError, OverflowError) as error:
            raise ValidationError(gettext("Write the time like 2026-12-14 18:00, or leave it empty")) from error
