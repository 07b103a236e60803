"""The report of a sealing: the entries of a list that stand alone in size, weeks and ports."""

from dataclasses import dataclass

import psycopg

from fairgate.core.draw import Standing
from fairgate.core.standing_alone import by_size, standing_alone
from fairgate.store import lists
from fairgate.store.rounds import Round


@dataclass(frozen=True, slots=True)
class Report:
    """What stands alone, of so many entries. It names no ticket and no number."""

    alone: list[Standing]
    entries: int

    def to_json(self) -> list[dict[str, object]]:
        return [{"size": each.size, "weeks": each.weeks, "ports": list(each.ports)} for each in self.alone]

    def counted(self) -> dict[str, object]:
        """How many, and how many by persons of the group."""
        sizes = {str(size): count for size, count in by_size(self.alone).items()}
        return {"entries": len(self.alone), "by_size": sizes}

    def in_words(self) -> str:
        if not self.alone:
            return f"standing alone: none of {self.entries} entries is the only one with its size, weeks and ports"
        sizes = ", ".join(f"{count} of size {size}" for size, count in by_size(self.alone).items())
        return (
            f"standing alone: {len(self.alone)} of {self.entries} entries are each the only one with its size, weeks"
            f" and ports ({sizes})"
        )


def report(conn: psycopg.Connection, found: Round) -> Report:
    """The report of a round that is sealed at least."""
    standings = lists.standings(conn, found.id)
    return Report(standing_alone(standings), len(standings))
