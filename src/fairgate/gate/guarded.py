"""Sign-in forms of the pages, with the gate in front: who guesses codes is told to wait.

The pages compare the code. Whether it was right the gate learns from their answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from fairgate.core import numbers
from fairgate.core.errors import BadInput
from fairgate.gate.api import tell
from fairgate.gate.calls import Call, respond
from fairgate.gate.desk import Desk
from fairgate.gate.pages import Pages

RIGHT = frozenset({200, 302, 303})
WRONG = frozenset({401, 422})
NAME_MOST = 60


@dataclass(frozen=True, slots=True)
class Guarded:
    """An address whose POST carries a code; `field` is the number or name that the code belongs to."""

    desk: Desk
    pages: Pages
    field: str
    as_json: bool = False  # what is sent is a JSON document, whatever it calls itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.pages(scope, receive, send)
            return
        call = Call(scope, receive)
        address = self.desk.address(call)
        try:
            number = await self._number(call)
            self.desk.may_guess(number, address)
        except Exception as error:
            told = await tell(call, error) if self.as_json else await self.pages.tell(call, error)
            await respond(send, told)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                right = status in RIGHT if status in RIGHT | WRONG else None
                self.desk.guessed(number, address, right=right)
            await send(message)

        await self.pages.app(scope, call.replay(), sending)

    async def _number(self, call: Call) -> str:
        """What the code is said to belong to, the same however it was typed.

        Raises BadInput where the pages might read another name than we do: then each try would be somebody's first.
        """
        said = str((await (self._document(call) if self.as_json else self._form(call))).get(self.field, "")).strip()
        try:
            return numbers.read_number(said)
        except BadInput:
            return said[:NAME_MOST]

    async def _form(self, call: Call) -> Mapping[str, object]:
        if any(name == b"content-type" and b"multipart" in value.lower() for name, value in call.scope["headers"]):
            raise BadInput("form", "is in parts", "send it as application/x-www-form-urlencoded")
        return await call.form()

    async def _document(self, call: Call) -> Mapping[str, object]:
        return await call.json()
