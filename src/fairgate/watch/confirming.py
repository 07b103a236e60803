"""A whole confirmation over HTTP, as a person does it: sign in, open the page of the offer, press the button.

Nothing is known here but what a browser is told: forms are filled in as they come, with whatever hidden fields they
carry, and cookies are kept. So this fails where a person would fail.
"""

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

PATIENCE = httpx.Timeout(2.5)  # for each of four requests; together no longer than a sample
SIGN_IN, CONFIRM = "/sign-in", "/me/confirm"


class Failed(Exception):  # noqa: N818  what is told is that confirming failed, not that we did
    """Confirming did not work; `str()` says at which step, and never for whom."""


@dataclass(frozen=True, slots=True)
class Form:
    """The first form of a page that is posted to the page itself, with its hidden fields."""

    fields: dict[str, str]


def confirm(url: str, program: str, number: str, code: str) -> None:
    """Confirm the place that `number` is offered; raises Failed when it is not confirmed in the end."""
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE) as browser:
            _post(browser, SIGN_IN, {"number": number, "code": code}, "sign in")
            _post(browser, f"{CONFIRM}?program={program}", {}, "confirm")
    except httpx.HTTPError as error:
        raise Failed(type(error).__name__) from error


def _post(browser: httpx.Client, page: str, answers: dict[str, str], step: str) -> None:
    """Open a page and send its form with our answers; success is being sent on to the next page."""
    shown = browser.get(page)
    if shown.status_code != httpx.codes.OK:
        raise Failed(f"{step}: page answered {shown.status_code}")
    form = _form(shown.text)
    if form is None:
        raise Failed(f"{step}: page has no form")
    address = str(shown.url)
    site = "{0.scheme}://{0.netloc}".format(urlsplit(address))
    said = {"Referer": address, "Origin": site}
    answer = browser.post(urljoin(address, page), data={**form.fields, **answers}, headers=said)
    if not answer.is_redirect:
        raise Failed(f"{step}: answered {answer.status_code}")


def _form(page: str) -> Form | None:
    reader = _Reader()
    reader.feed(page)
    return reader.found


class _Reader(HTMLParser):
    """Finds the first form that is posted to its own page; others, such as signing out, name where they go."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Form | None = None
        self._reading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and self.found is None:
            self._reading = (given.get("method") or "").lower() == "post" and not given.get("action")
            self.found = Form({}) if self._reading else None
        elif tag == "input" and self._reading and self.found is not None and given.get("type") == "hidden":
            self.found.fields[given.get("name") or ""] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._reading = False
