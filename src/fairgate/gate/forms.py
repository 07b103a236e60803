"""The same acts for browsers: forms that are sent with the cookie of who signed in.

A form carries the signed token of the page that it is on. Nobody else's page has one for this person, so it also shows
that the form is ours. What is done sends the browser on to "Where you stand"; whatever else there is to say, the
pages say, who are given the outcome.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.types import ASGIApp

from fairgate.core import tokens
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Done, Outcome
from fairgate.gate.api import may_name
from fairgate.gate.calls import NO_STORE, Answer, Call, Endpoint
from fairgate.gate.desk import Desk, new_key
from fairgate.gate.pages import TOLD, Pages

KEY_MOST = 200
PORTS_MOST = 100
ON = "/me"  # where the browser goes after an act

Act = Callable[[str, dict[str, str], datetime], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Forms:
    """The handlers; the desk carries out, the pages tell."""

    desk: Desk
    pages: Pages

    def endpoints(self) -> dict[str, ASGIApp]:
        """By path. What is not sent to them goes to the pages."""
        acts = {"/me/confirm": self.confirm, "/me/decline": self.decline, "/me/request": self.request}
        return {path: Endpoint(self.pages.tell, self.pages, post=act) for path, act in acts.items()}

    async def confirm(self, call: Call) -> Answer | None:
        """`?program=` names another program than the first: a watcher confirms its places in a hidden one."""
        program = call.query("program") if call.scope["query_string"] else ""
        if not may_name(program):
            raise BadInput("program", "is no name of a program", "leave it out")
        return await self._act(call, lambda n, form, at: self.desk.confirm(n, program, at, _key(form)))

    async def decline(self, call: Call) -> Answer | None:
        return await self._act(call, lambda n, form, _: self.desk.decline(n, "", _key(form)))

    async def request(self, call: Call) -> Answer | None:
        """The fields are port-1, port-2 and so on, in order of preference; each may be left empty."""
        return await self._act(call, lambda n, form, _: self.desk.request(n, "", _ports(form), _key(form)))

    async def _act(self, call: Call, act: Act) -> Answer | None:
        """None, for the pages to answer: not signed in, a form that is not ours, or an outcome to be told."""
        form = await call.form()
        number = tokens.read_number(self.desk.keys, call.cookie(tokens.COOKIE), time.time())
        if number is None:
            return None
        opened_at = tokens.read_page(self.desk.keys, number, form.get("page", ""))
        if opened_at is None:
            return None
        outcome = await act(number, form, opened_at)
        if isinstance(outcome, Done):
            return _go_on(outcome)
        call.scope[TOLD] = outcome
        return None


def _go_on(done: Done) -> Answer:
    """On to the person's own page, which says what was done and leads to the receipt; the cookie tells it, once."""
    said = f"{tokens.DONE}={tokens.done(done)}; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"
    return Answer(HTTPStatus.SEE_OTHER, b"", ((b"location", ON.encode()), (b"set-cookie", said.encode()), *NO_STORE))


def _key(form: dict[str, str]) -> str:
    key = form.get("key", "")
    return key if 0 < len(key) <= KEY_MOST and key.isprintable() else new_key()


def _ports(form: dict[str, str]) -> list[str]:
    fields = (form.get(f"port-{i}", "") for i in range(1, PORTS_MOST))
    return [port.strip()[:60] for port in fields if port.strip()]
