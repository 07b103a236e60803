"""Ways to reach a person. Each takes a message and either has it safely or raises."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fairgate.core.delivering import Fault, Sent
from fairgate.core.numbers import read_number
from fairgate.notify.writing import Text
from fairgate.store.files import flush_folder, put

DEVICES: Final = "devices"  # the `detail` of a channel that goes to the registration's subscribed devices
MODE, FOLDER_MODE = 0o600, 0o700  # what a person is told is nobody else's business


@dataclass(frozen=True, slots=True)
class Message:
    """A notice for one person, to the address `to`. `id` is the delivery's and `notice` the notice's.

    Both stay the same when it is handed over again; `kind` is for file names and logs.
    """

    id: int
    notice: int
    number: str
    kind: str
    to: str
    text: Text


class NotTaken(Exception):  # noqa: N818  it is an answer, not a defect
    """Who carries messages did not take this one; another provider, or a later try, may."""


class Undeliverable(Exception):  # noqa: N818  it is an answer, not a defect
    """Nobody can be reached there, now or later. It quotes nothing: what libraries say holds addresses."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Channel(Protocol):
    """Something that messages are handed over to; the same message twice must not become two for the person.

    `name` is that of its deliveries; `detail` the answer of a person that it goes by, DEVICES, or none where it goes to
    the registration; `together` how many messages it takes at the same time.
    """

    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str | None: ...
    @property
    def together(self) -> int: ...

    def read(self, given: str) -> str | None:
        """The address in the form in which it is used; None when it cannot be one."""

    def hand_over(self, message: Message) -> Sent:
        """Returns when the message is safe with the channel.

        Raises Undeliverable when no further try can succeed, and anything else when one may.
        """

    def close(self) -> None:
        """A batch is over: let go of what was kept open for it."""


class Folder:
    """Messages as files that can be looked at: `home`/notices/NUMBER/ID-KIND.txt, the ID being the notice's."""

    name, detail, together = "file", None, 1

    def __init__(self, home: Path) -> None:
        self._folder = home / "notices"

    def read(self, given: str) -> str | None:
        return read_number(given)

    def hand_over(self, message: Message) -> Sent:
        folder = self._folder / read_number(message.to)
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._folder.chmod(FOLDER_MODE)
        name = f"{message.notice:08d}-{message.kind.replace(' ', '-')}.txt"
        text = message.text
        page = f"Content-Language: {text.language}\nSubject: {text.subject}\n\n{text.body}\n"
        put(folder / name, page.encode(), MODE)
        flush_folder(folder)
        return Sent()

    def close(self) -> None:
        """Nothing is kept open."""
