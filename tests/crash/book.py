"""The clients' book: every act that was sent, and every answer that came."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

DONE, REFUSED = HTTPStatus.OK, (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
NOBODY_KNOWS = HTTPStatus.SERVICE_UNAVAILABLE

PATHS = {
    "confirmed": "/api/v1/me/confirm",
    "declined": "/api/v1/me/decline",
    "requested": "/api/v1/me/request",
    "checked in": "/api/v1/staff/check-in",
}


class Answer(NamedTuple):
    """What came back: status, the JSON object, and the header Retry-After ("" where there was none)."""

    status: int
    said: Mapping[str, Any]
    retry_after: str = ""


@dataclass(eq=False, slots=True)
class Act:
    """What one person wants done, under one idempotency key; `kind` is what it is called when it is done."""

    kind: str
    number: str
    key: str
    body: Mapping[str, Any]
    sent: int = 0
    answers: list[Answer] = field(default_factory=list)

    def with_status(self, *statuses: int) -> list[Answer]:
        return [answer for answer in self.answers if answer.status in statuses]

    @property
    def done(self) -> bool:
        return bool(self.with_status(DONE))

    @property
    def refused(self) -> bool:
        return bool(self.with_status(*REFUSED))

    @property
    def receipts(self) -> set[str]:
        """All that came; one, if all is well."""
        return {answer.said["receipt"] for answer in self.with_status(DONE) if answer.said.get("receipt")}


@dataclass(slots=True)
class Book:
    """All acts in the order in which they were begun; `wrong` is what was odd on the spot."""

    acts: list[Act] = field(default_factory=list)
    of: defaultdict[str, list[Act]] = field(default_factory=lambda: defaultdict(list))  # by number
    wrong: list[str] = field(default_factory=list)
    acknowledged: int = 0  # answers, repeated ones too
    sent: int = 0
    looks: int = 0
    away: int = 0  # answers "no answer from the database"
    kept: Counter[bool] = field(default_factory=Counter)  # those about confirming, by whether the attempt is on disk

    def open(self, kind: str, number: str, key: str, body: Mapping[str, Any]) -> Act:
        act = Act(kind, number, key, body)
        self.acts.append(act)
        self.of[number].append(act)
        return act

    def note(self, act: Act, answer: Answer) -> None:
        act.answers.append(answer)
        self.acknowledged += answer.status == DONE
        if answer.status == NOBODY_KNOWS:
            self.away += 1
            if act.kind == "confirmed":
                self.kept[answer.said.get("attempt_recorded", False)] += 1
            if not answer.retry_after.isdigit():
                self.wrong.append(f"503 without Retry-After for {act.kind} {act.key}")
        elif answer.status == DONE and not answer.said.get("receipt"):
            self.wrong.append(f"no receipt for {act.kind} {act.key}")
        elif answer.status not in (DONE, *REFUSED, HTTPStatus.TOO_MANY_REQUESTS):
            self.wrong.append(f"{answer.status} for {act.kind} {act.key}: {answer.said}")

    def unanswered(self) -> list[Act]:
        """Acts of which the client knows neither that they were done nor that they were refused."""
        return [act for act in self.acts if not act.done and not act.refused]

    def recorded(self) -> Counter[str]:
        """By number: how many times the answer was that the attempt to confirm is on record."""
        found: Counter[str] = Counter()
        for act in self.acts:
            found[act.number] += sum(
                answer.said.get("attempt_recorded", False) for answer in act.with_status(NOBODY_KNOWS)
            )
        return found
