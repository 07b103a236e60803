"""A browser without scripts that checks every page it fetches.

Whoever tests a page with it tests, without a further line, that the page has one h1 which its title repeats, a
language, landmarks, a label for each field, no id twice, no link that leads nowhere, and nothing inline.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client

from gating import Gating

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
HOLES = re.compile(r"%\(|\{\{|\}\}|\{%|&lt;strong|Undefined|\bNone\b|\bTrue\b|\bFalse\b")


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    parents: tuple[str, ...] = ()


class _Reader(HTMLParser):
    """Every element of a page, in order, with all the text inside it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {[element.tag for element in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        assert max(names.values(), default=1) == 1, f"attribute twice in <{tag} {attrs}>"
        parents = tuple(element.tag for element in self.open)
        element = Element(tag, {name: value or "" for name, value in attrs}, parents=parents)
        self.elements.append(element)
        for parent in self.open:
            parent.children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


class Page:
    """An answer that is a page, checked."""

    def __init__(self, response: HttpResponse, path: str, language: str) -> None:
        self.status = response.status_code
        self.path = path
        self.headers = response.headers
        self.html = response.content.decode()
        self.elements = _Reader(self.html).elements
        self.check(language)

    def all(self, tag: str, **attrs: str) -> list[Element]:
        """Elements of a tag with these attributes."""
        return [e for e in self.elements if e.tag == tag and all(e.attrs.get(k) == v for k, v in attrs.items())]

    def one(self, tag: str, **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} times <{tag} {attrs}> in {self.path}"
        return found[0]

    @property
    def h1(self) -> str:
        return squeeze(self.one("h1").text)

    @property
    def main(self) -> str:
        """What the page says."""
        return squeeze(self.one("main").text)

    @property
    def errors(self) -> dict[str, str]:
        """The error summary's lines, by the field that each leads to."""
        summary = [e for e in self.elements if "govuk-error-summary" in e.attrs.get("class", "").split()]
        links = [child for e in summary for child in e.children if child.tag == "a"]
        return {link.attrs["href"].removeprefix("#"): squeeze(link.text) for link in links}

    def link(self, text: str) -> str:
        """Where the link or button with this text leads; it has to be the only one in the page's own part."""
        inside = [e for e in self.all("a") if "main" in e.parents or "govuk-back-link" in e.attrs.get("class", "")]
        found = {e.attrs["href"] for e in inside if squeeze(e.text) == text}
        assert len(found) == 1, f"links “{text}” in {self.path}: {sorted(squeeze(e.text) for e in inside)}"
        return found.pop()

    def fields(self) -> dict[str, str]:
        """What the page's own form would send as it is."""
        inputs = [e for e in self.all("input") if "main" in e.parents or e.attrs["name"] == "csrfmiddlewaretoken"]
        sent = {e.attrs["name"]: e.attrs.get("value", "") for e in inputs}
        for select in self.all("select"):
            chosen = [o for o in select.children if o.tag == "option" and "selected" in o.attrs]
            sent[select.attrs["name"]] = chosen[0].attrs.get("value", "") if chosen else ""
        return sent

    def check(self, language: str) -> None:
        assert self.one("html").attrs["lang"] == language, f"{self.path} is not in {language}"
        (head,) = [element for element in self.all("title") if "svg" not in element.parents]  # pictures have their own
        title = squeeze(head.text)
        failed = bool(self.errors)
        word = {"en": "Error: ", "es": "Error: "}[language]
        assert title == f"{word if failed else ''}{self.h1} – Fairgate", f"{title!r} does not repeat {self.h1!r}"
        assert failed == (self.status == 422), "422 is for a form to correct, and for nothing else"
        for landmark in ("main", "header", "footer"):
            self.one(landmark)
        self._check_ids()
        self._check_fields()
        self._check_words()
        for table in self.all("table"):
            captions = [child for child in table.children if child.tag == "caption" and squeeze(child.text)]
            assert captions, "table without caption"
        assert not self.all("style")
        assert not [e for e in self.elements if "style" in e.attrs], "the policy forbids style attributes"
        for script in self.all("script"):
            assert "src" in script.attrs, "the content security policy forbids inline scripts"

    def _check_ids(self) -> None:
        ids = Counter(e.attrs["id"] for e in self.elements if "id" in e.attrs)
        assert not [name for name, times in ids.items() if times > 1], f"id twice: {ids}"
        for name in ("aria-describedby", "aria-labelledby", "aria-controls"):
            for element in self.elements:
                for target in element.attrs.get(name, "").split():
                    assert target in ids, f"{name} leads nowhere: {target}"
        for link in self.all("a"):
            href = link.attrs.get("href", "")
            assert href, f"link without address: {squeeze(link.text)!r}"
            assert not href.startswith("#") or href[1:] in ids, f"link to nowhere: {href}"
            assert squeeze(link.text), f"link without words: {href}"

    def _check_fields(self) -> None:
        labelled = {label.attrs.get("for") for label in self.all("label") if squeeze(label.text)}
        for element in [*self.all("input"), *self.all("select"), *self.all("textarea")]:
            if element.attrs.get("type") != "hidden":
                assert element.attrs.get("id") in labelled, f"no label for {element.attrs}"
        for form in self.all("form"):
            if form.attrs.get("method", "").lower() == "post":
                names = [child.attrs.get("name") for child in form.children]
                assert "csrfmiddlewaretoken" in names, "a form without its token"
        levels = [int(e.tag[1]) for e in self.elements if re.fullmatch("h[1-6]", e.tag) and "main" in e.parents]
        summary = bool(self.errors) or "govuk-notification-banner" in self.html
        for before, after in pairwise(levels):
            assert summary or after <= before + 1, f"headings jump from {before} to {after} in {self.path}"

    def _check_words(self) -> None:
        body = self.one("body").text
        assert not HOLES.search(body), f"a hole in {self.path}: {HOLES.search(body)} {squeeze(body)[:3000]}"


TO_THE_GATE = {"/me/confirm", "/me/decline", "/me/request"}


class Browser(Client):
    """Django's test client, except that forms for the gate are sent to the gate, with the same cookies."""

    gating: ClassVar[Gating | None] = None  # of the test that runs

    def post(self, path: str, data: Any = None, **more: Any) -> Any:
        if urlsplit(path).path not in TO_THE_GATE or self.gating is None:
            return super().post(path, data, **more)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        languages = self.defaults.get("HTTP_ACCEPT_LANGUAGE", "en")
        answer = self.gating.send("POST", path, data=data, headers={"Cookie": cookies, "Accept-Language": languages})
        for line in answer.headers.get_list("set-cookie"):
            self.cookies.load(line)
        return HttpResponse(answer.content, status=answer.status_code, headers=dict(answer.headers))


class Pages:
    """A person's browser: cookies, no scripts, one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.client = Browser(enforce_csrf_checks=True, headers={"accept-language": language, "host": "127.0.0.1"})

    def get(self, path: str) -> Page:
        """The page at `path`, where redirects end."""
        return self._follow(self.client.get(path), path)

    def send(self, path: str, /, **fields: str) -> Page:
        """Open the page at `path`, send its form with these fields changed, and go where that leads."""
        return self.send_form(self.get(path), **fields)

    def send_form(self, form: Page, /, to: str | None = None, **fields: str) -> Page:
        data = {**form.fields(), **fields}
        path = to or form.path
        return self._follow(self.client.post(path, data), path)

    def sign_in(self, group: Any) -> Page:
        return self.send("/sign-in", number=group.number, code=group.code)

    def _follow(self, response: HttpResponse, path: str) -> Page:
        for _ in range(5):
            if response.status_code not in (302, 303):
                return Page(response, path, self.language)
            path = response.headers["Location"]
            assert not urlsplit(path).netloc, "redirects stay here"
            response = self.client.get(path)
        raise AssertionError("redirects without end")


def squeeze(text: str) -> str:
    return " ".join(text.split())
