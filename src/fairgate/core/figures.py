"""Values that say where they come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fairgate.core.errors import BadInput, shown

_KEYS = ("value", "source", "unsure", "assumed", "modelled_on", "was")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a figure was before; `when` as far as it is known."""

    value: Any
    when: str
    source: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A claim about the world: `file` and dotted `key` say where it stands.

    It has a `source`, perhaps a weak one (`unsure`), or it is assumed, and `modelled_on` says after what.
    """

    file: str
    key: str
    value: Any
    source: str | None
    unsure: bool
    modelled_on: str | None
    was: tuple[Earlier, ...]

    @property
    def assumed(self) -> bool:
        return self.source is None


def take_figures(
    documents: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, dict[str, Any]], tuple[Figure, ...]]:
    """The documents with every figure replaced by its value, and the figures in the order of the documents."""
    figures: list[Figure] = []
    return {name: _table(name, "", document, figures) for name, document in documents.items()}, tuple(figures)


def _table(file: str, at: str, table: Mapping[str, Any], figures: list[Figure]) -> dict[str, Any]:
    return {key: _plain(file, f"{at}.{key}" if at else key, value, figures) for key, value in table.items()}


def _plain(file: str, key: str, value: Any, figures: list[Figure]) -> Any:
    if isinstance(value, list):
        return [_plain(file, f"{key}[{i}]", one, figures) for i, one in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if "value" not in value:
        return _table(file, key, value, figures)
    figures.append(_figure(file, key, value))
    return value["value"]


def _figure(file: str, key: str, table: Mapping[str, Any]) -> Figure:
    place = f"{file}, {key}"
    for name in table:
        if name not in _KEYS:
            raise BadInput(place, f"{shown(name)} is not part of a figure", f"use one of {', '.join(_KEYS)}")
    unsure, assumed = (_flag(table, name, place) for name in ("unsure", "assumed"))
    if assumed == ("source" in table) or assumed != ("modelled_on" in table):
        raise BadInput(place, "does not say where it comes from", "give a source, or assumed = true and modelled_on")
    source, modelled_on = (_words(table[k], place) if k in table else None for k in ("source", "modelled_on"))
    return Figure(file, key, table["value"], source, unsure, modelled_on, tuple(_was(table.get("was", []), place)))


def _was(value: Any, place: str) -> Iterator[Earlier]:
    if not isinstance(value, list):
        raise BadInput(f"{place}, was", "is not a list", "write it like [{ value = 1000, when = …, source = … }]")
    for earlier in value:
        if not isinstance(earlier, Mapping) or set(earlier) != {"value", "when", "source"}:
            raise BadInput(f"{place}, was", "an earlier value is incomplete", "give value, when and source")
        when = earlier["when"].isoformat() if isinstance(earlier["when"], date) else earlier["when"]
        yield Earlier(earlier["value"], _words(when, place), _words(earlier["source"], place))


def _flag(table: Mapping[str, Any], key: str, place: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise BadInput(f"{place}, {key}", "is neither true nor false", "write true or false")
    return value


def _words(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadInput(place, f"{shown(repr(value))} is not a text", "say in words where the figure comes from")
    return value
