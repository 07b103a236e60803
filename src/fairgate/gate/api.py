"""The hot paths for programs: sign in, where I stand, ask, confirm, decline; and checking in for officers.

    POST   /api/v1/session           {"number", "code"}          200 {"token", "until"}
    GET    /api/v1/me                                            200 registration, request, offer, appointment
    GET    /api/v1/me/pass                                       200 {"pass", "counts_until"}, the pass to be shown
    POST   /api/v1/me/request        {"ports": [...]}            200 {"outcome": "requested", ...}
    DELETE /api/v1/me/request                                    200 {"outcome": "withdrawn", ...}
    POST   /api/v1/me/confirm                                    200 {"outcome": "confirmed", "how", "receipt", ...}
    POST   /api/v1/me/decline                                    200 {"outcome": "declined", ...}
    POST   /api/v1/staff/check-in    {"number"}                  200 {"outcome": "checked in", ...}

Acts take an Idempotency-Key. A refusal is 409 with its reason, something to correct 422, nobody signed in 401, too many
tries 429, and no answer 503 with Retry-After; then the same act under the same key is safe to send again.
"""

import time
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil

from starlette.types import ASGIApp

from fairgate.core import numbers, tokens
from fairgate.core.errors import BadInput, shown
from fairgate.core.lifecycle import Done, Outcome, Reason
from fairgate.core.places import moment
from fairgate.core.statements import read_statement
from fairgate.gate.calls import BODY_MOST, CLOSE, Answer, Call, Endpoint, Gone, TooLarge, TooSlow, answer_json, refuse
from fairgate.gate.desk import RETRY_AFTER_S, Desk, NoAnswer, TooMany, new_key

SESSION_S = 12 * 3600
KEY_MOST = 200
PORTS_MOST = 100
PROGRAM_MOST = 60
# What can be corrected in what was sent; every other refusal is about how things stand.
TO_CORRECT = frozenset({Reason.NO_PORTS, Reason.PORT_TWICE, Reason.UNKNOWN_PORT, Reason.UNKNOWN_PROGRAM})


class NotSignedIn(Exception):  # noqa: N818  an answer, not a defect
    """The token is missing, not one of ours, or over."""


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers; the desk carries out."""

    desk: Desk

    def endpoints(self) -> dict[str, ASGIApp]:
        """By path."""
        return {
            "/api/v1/session": Endpoint(tell, post=self.session),
            "/api/v1/me": Endpoint(tell, get=self.me),
            "/api/v1/me/pass": Endpoint(tell, get=self.my_pass),
            "/api/v1/me/request": Endpoint(tell, post=self.request, delete=self.withdraw),
            "/api/v1/me/confirm": Endpoint(tell, post=self.confirm),
            "/api/v1/me/decline": Endpoint(tell, post=self.decline),
            "/api/v1/staff/check-in": Endpoint(tell, post=self.check_in),
        }

    async def session(self, call: Call) -> Answer:
        """Sign in with number and access code."""
        said = await call.json()
        number, code = numbers.read_number(_text(said, "number")), numbers.read_code(_text(said, "code"))
        if not await self.desk.sign_in(number, code, self.desk.address(call)):
            return refuse(HTTPStatus.UNAUTHORIZED, "this number and this code do not belong together; check both")
        until = int(time.time()) + SESSION_S
        token = tokens.sign(self.desk.keys, tokens.SESSION, {"number": number, "until": until})
        return answer_json(HTTPStatus.OK, {"token": token, "until": until})

    async def me(self, call: Call) -> Answer:
        standing = await self.desk.standing(self._number(call))
        if standing is None:
            raise NotSignedIn
        return answer_json(HTTPStatus.OK, standing.json())

    async def my_pass(self, call: Call) -> Answer:
        found = await self.desk.pass_of(self._number(call))
        if found is None:
            raise NotSignedIn
        if found.held is None:
            return answer_json(HTTPStatus.OK, {"pass": None})
        text = self.desk.receipt(read_statement(found.held.body, found.held.leaf))
        return answer_json(HTTPStatus.OK, {"pass": text, "counts_until": moment(found.held.expires_at)})

    async def confirm(self, call: Call) -> Answer:
        number, key, said = self._number(call), _key(call), await call.json()
        page = _text(said, "page", "")
        opened_at = tokens.read_page(self.desk.keys, number, page) if page else None
        return self._told(await self.desk.confirm(number, _program(said), opened_at, key))

    async def decline(self, call: Call) -> Answer:
        number, key, said = self._number(call), _key(call), await call.json()
        return self._told(await self.desk.decline(number, _program(said), key))

    async def request(self, call: Call) -> Answer:
        number, key, said = self._number(call), _key(call), await call.json()
        return self._told(await self.desk.request(number, _program(said), _ports(said), key))

    async def withdraw(self, call: Call) -> Answer:
        number, key, said = self._number(call), _key(call), await call.json()
        return self._told(await self.desk.withdraw(number, _program(said), key))

    async def check_in(self, call: Call) -> Answer:
        """By an officer, for the number of a group that has come."""
        officer = tokens.read(self.desk.keys, tokens.OFFICER, call.bearer())
        if officer is None or int(officer["until"]) < time.time():
            raise NotSignedIn
        key, said = _key(call), await call.json()
        number = numbers.read_number(_text(said, "number"))
        return self._told(await self.desk.check_in(number, _program(said), key))

    def _number(self, call: Call) -> str:
        """Who is signed in; raises NotSignedIn."""
        number = tokens.read_number(self.desk.keys, call.bearer(), time.time())
        if number is None:
            raise NotSignedIn
        return number

    def _told(self, outcome: Outcome) -> Answer:
        if isinstance(outcome, Done):
            receipt = self.desk.receipt(outcome)
            return answer_json(HTTPStatus.OK, {"outcome": outcome.kind, **outcome.facts, "receipt": receipt})
        status = HTTPStatus.UNPROCESSABLE_ENTITY if outcome.reason in TO_CORRECT else HTTPStatus.CONFLICT
        return answer_json(status, {"outcome": outcome.reason.value, **outcome.facts})


async def tell(_: Call, error: Exception) -> Answer:  # noqa: PLR0911  one line for each thing that can be the matter
    """What a program is answered instead of an outcome."""
    match error:
        case BadInput():
            return refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case NotSignedIn():
            how = ((b"www-authenticate", b"Bearer"),)
            return refuse(HTTPStatus.UNAUTHORIZED, "not signed in; get a token and send it as a bearer token", how)
        case TooMany():
            return refuse(HTTPStatus.TOO_MANY_REQUESTS, "too many requests; wait", retry_after(error.wait_s))
        case NoAnswer():
            problem = "no answer from the database; send the same again with the same Idempotency-Key"
            again = retry_after(RETRY_AFTER_S)
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, problem, again, attempt_recorded=error.recorded)
        case TooLarge():
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {BODY_MOST} bytes; send less", CLOSE)
        case TooSlow():
            return refuse(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time; send it again", CLOSE)
        case Gone():
            return Answer(HTTPStatus.BAD_REQUEST)  # nobody hears it
    raise error


def retry_after(seconds: float) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"retry-after", b"%d" % ceil(seconds)),)


def _key(call: Call) -> str:
    """The idempotency key; a new one where none was sent. Raises BadInput."""
    sent = call.header(b"idempotency-key").decode("latin-1")
    if len(sent) > KEY_MOST or not sent.isprintable():
        raise BadInput("Idempotency-Key", f"is no text of 1 to {KEY_MOST} characters", "send one, or none")
    return sent or new_key()


def _text(said: dict[str, object], member: str, otherwise: str | None = None) -> str:
    value = said.get(member, otherwise)
    if not isinstance(value, str):
        problem = "is missing" if value is None else f"is not a string: {shown(str(value))}"
        raise BadInput(f"body member {member}", problem, "send it as a string")
    return value


def _program(said: dict[str, object]) -> str:
    """The program that is meant; empty for the first one."""
    program = _text(said, "program", "")
    if not may_name(program):
        raise BadInput("body member program", "is no name of a program", "leave it out")
    return program


def may_name(program: str) -> bool:
    """Whether this can be the name of a program. What PostgreSQL cannot take would pass for a failure of ours."""
    return len(program) <= PROGRAM_MOST and program.isascii() and program.isprintable()


def _ports(said: dict[str, object]) -> list[str]:
    ports = said.get("ports")
    if not isinstance(ports, list) or len(ports) > PORTS_MOST or not all(map(_is_code, ports)):
        raise BadInput("body member ports", "is not a list of ports", 'send their codes, as {"ports": ["SYS"]}')
    return ports


def _is_code(port: object) -> bool:
    """Whether this may be a port's code; one that is not known is refused later, by name."""
    return isinstance(port, str) and port.isprintable()
