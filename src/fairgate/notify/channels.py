"""Ways to reach a person. Each takes a message and either has it safely or raises."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fairgate.core.numbers import read_number
from fairgate.notify.writing import Text
from fairgate.store.files import flush_folder, put

MODE, FOLDER_MODE = 0o600, 0o700  # what a person is told is nobody else's business


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is the notice's and stays the same when it is handed over again; `kind` is for file names and logs."""

    id: int
    number: str
    kind: str
    text: Text


class Channel(Protocol):
    """Something that messages are handed over to; the same message twice must not become two for the person."""

    def hand_over(self, message: Message) -> None:
        """Returns when the message is safe with the channel; raises OSError when it is not."""


class Folder:
    """Messages as files that can be looked at: `home`/notices/NUMBER/ID-KIND.txt."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "notices"

    def hand_over(self, message: Message) -> None:
        folder = self._folder / read_number(message.number)
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._folder.chmod(FOLDER_MODE)
        name = f"{message.id:08d}-{message.kind.replace(' ', '-')}.txt"
        text = message.text
        page = f"Content-Language: {text.language}\nSubject: {text.subject}\n\n{text.body}\n"
        put(folder / name, page.encode(), MODE)
        flush_folder(folder)
