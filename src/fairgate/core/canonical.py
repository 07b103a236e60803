"""JSON whose bytes are decided by its content (RFC 8785), and reading JSON that somebody handed in.

Two programs that mean the same must write the same bytes, or a hash over them proves nothing. Python's reader is
generous where that hurts: it takes the last of two equal keys, knows NaN, reads 1e400 and counts True as
1. Here all of that is bad input, named by file and key.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from fairgate.core.errors import BadInput, shown

BYTES_MOST = 1 << 20  # a manifest of eight ports has 700 bytes
DEPTH_MOST = 100  # lists and objects inside each other
NUMBER_MOST = 10**9  # of persons or weeks: beyond it stands a slip or an attack
_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[][{}]')


def canonical(value: object) -> str:
    """`value` (of dicts with ASCII keys, lists, strings, integers, True, False, None) as canonical JSON."""
    return _WRITER.encode(value)


def read_json(file: str, data: bytes, most: int = BYTES_MOST) -> object:
    """The JSON value in `data`; raises BadInput if it is too long, not UTF-8, not JSON or repeats a key."""
    if len(data) > most:
        raise BadInput(file, f"{len(data)} bytes are more than {most}", "leave out what does not belong here")
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        raise BadInput(file, f"byte {fault.start} is not UTF-8", "write the file in UTF-8") from None

    if _depth(text) > DEPTH_MOST:
        # Python's parser relies on the recursion limit, which libraries raise for the whole process: a file of
        # nothing but brackets would then end it.
        raise BadInput(file, f"more than {DEPTH_MOST} lists and objects inside each other", "make it flat")
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _object(file, pairs))
        if "\\u" in text:  # as "\ud800" alone: half a character, of which no text can be made again
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as fault:
        half = f"\\u{ord(fault.object[fault.start]):04x}"
        raise BadInput(file, f"{half} alone is no character", "write both halves of it, or leave it out") from None
    except ValueError as fault:
        # also numbers of thousands of digits
        raise BadInput(file, f"not JSON that can be read ({shown(str(fault))})", "mend or fetch it again") from None


def _depth(text: str) -> int:
    """How deep lists and objects stand in each other, brackets in strings left out."""
    depth = deepest = 0
    for found in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _object(file: str, pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for key, value in pairs:
        if key in members:
            raise BadInput(file, f"key {shown(key)} stands twice in one object", "leave one of them")
        members[key] = value
    return members


class Fields:
    """The members of one JSON object of a file, each read with the type it must have.

    `path` leads to the object inside the file, as in "ports[2]"; `keys` are exactly the ones it must have.
    """

    def __init__(self, file: str, path: str, value: object, keys: Collection[str]) -> None:
        self._file = file
        self._path = path
        if not isinstance(value, dict):
            raise BadInput(self.place(), "not an object", f"give the keys {', '.join(keys)}")
        self._members: Mapping[str, object] = value
        for key in keys:
            if key not in value:
                raise BadInput(self.place(key), "missing", "add it")
        for key in value:
            if key not in keys:
                raise BadInput(self.place(), f"key {shown(key)} is unknown", f"there are only {', '.join(keys)}")

    def place(self, key: str = "") -> str:
        path = ".".join(part for part in (self._path, key) if part)
        return f"{self._file} key {path}" if path else self._file

    def value(self, key: str) -> object:
        return self._members[key]

    def text(self, key: str) -> str:
        value = self._members[key]
        return value if isinstance(value, str) else self._not(key, "a string")

    def whole(self, key: str) -> int:
        """A whole number, never True or False, neither 1.0 nor "1"."""
        value = self._members[key]
        return value if type(value) is int else self._not(key, "a whole number")

    def wholes(self, key: str) -> list[int]:
        values = self.items(key)
        return [v if type(v) is int else self._not(key, "a list of whole numbers") for v in values]

    def items(self, key: str) -> list[object]:
        value = self._members[key]
        return value if isinstance(value, list) else self._not(key, "a list")

    def objects(self, key: str, keys: Collection[str]) -> list["Fields"]:
        """The objects of a list, each with exactly these keys."""
        path = ".".join(part for part in (self._path, key) if part)
        return [Fields(self._file, f"{path}[{i}]", item, keys) for i, item in enumerate(self.items(key))]

    def _not(self, key: str, kind: str) -> NoReturn:
        value = self._members[key]
        found = type(value).__name__ if isinstance(value, (list, dict)) else shown(json.dumps(value))
        raise BadInput(self.place(key), f"{found} is not {kind}", f"write {kind}")


def kind_of(file: str, path: str, value: object, kinds: Collection[str]) -> str:
    """Which of `kinds` the member "kind" of an object names; `path` leads to the object as for `Fields`."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        problem = f"{shown(kind)} is no known kind" if isinstance(kind, str) else "missing or not a string"
        key = f"{path}.kind" if path else "kind"
        raise BadInput(f"{file} key {key}", problem, f"write {' or '.join(kinds)}")
    return kind
