"""What passes time in a rehearsal: rounds open, are sealed, seeded, drawn and closed, offers lapse, places are filled.

The worker does the same in real time with the same commands, one loop for each of these; here one moment of virtual
time is brought up to date after the other.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from fairgate.commands.backfill import Backfill, backfill
from fairgate.commands.checkpoint import Notary
from fairgate.commands.draw import Draw, Seed, draw, seed
from fairgate.commands.evidence import RecordSample, record_samples
from fairgate.commands.lapse import Lapse, lapse
from fairgate.commands.miss import Close, close
from fairgate.commands.rounds import open_due
from fairgate.commands.seal import Seal, seal
from fairgate.core.lifecycle import Done, Outcome
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance
from fairgate.store import keys, notices, observers, offers, rounds
from fairgate.store.rounds import Round

SAMPLE_EVERY = timedelta(seconds=240)  # below the 300 s that would be a gap
SOURCE = "rehearsal"
MANY = 1000
NOTICES = 50_000  # at once: what one draw says is due all at the same moment, and each look sorts it anew


class Machinery:
    """`waits(round, now)`: whether a round that is due to be drawn is to wait nevertheless; `issuer` is the ledger."""

    def __init__(
        self,
        conn: psycopg.Connection,
        *,
        home: Path,
        profile: Profile,
        waits: Callable[[Round, datetime], bool],
        chance: Chance,
        issuer: str = keys.LOCAL,
    ) -> None:
        self._conn = conn
        self._home = home
        self._keys = keys.load(home)
        self._names = profile.beacon.observers or (SOURCE,)
        self._waits = waits
        self._chance = chance
        own = profile.beacon.rehearsal and issuer == keys.LOCAL
        witness = keys.load_rehearsal_witness(home) if own else None
        self._notary = Notary(keys.load_ledger(home, issuer), witness)

    def run(self, now: datetime) -> bool:
        """Everything that is due at `now`, messages too; whether places were offered."""
        offered = self.take_steps(now)
        self._hand_over_notices(now)
        return offered

    def take_steps(self, now: datetime) -> bool:
        """The steps of rounds and offers that are due at `now`; whether places were offered."""
        while open_due(self._conn, now=now, chance=self._chance):
            pass
        drawn = False
        while stepped := [found for found in rounds.due(self._conn, now, MANY) if self._step(found, now)]:
            drawn |= any(found.state == "sealed" and found.proof is not None for found in stepped)
        windows = [Lapse(window) for window in offers.windows_due(self._conn, now, MANY)]
        if windows:
            lapse(self._conn, windows, now=now, chance=self._chance)
        return self._fill(now) or drawn

    def show_health(self, since: datetime, until: datetime) -> None:
        """Samples for (since, until], so that nothing is taken for an outage and offers may lapse."""
        at, samples = since, []
        while at < until:
            at = min(at + SAMPLE_EVERY, until)
            samples.append(RecordSample(at, SOURCE, 1, 0))
        record_samples(self._conn, samples, now=until)

    def _step(self, found: Round, now: datetime) -> bool:
        """The next step of a round; whether it was taken."""
        outcome = self._take(found, now)
        return isinstance(outcome, Done) and not outcome.repeated

    def _take(self, found: Round, now: datetime) -> Outcome | None:
        conn, chance, program, day = self._conn, self._chance, found.program, found.date
        if found.state == "open":
            promised = observers.commit(self._home, self._names, program, day)
            sealed = seal(conn, [Seal(program, day, promised)], keys=self._keys, now=now, chance=chance)[0]
            self._notary.sign(conn, now)
            return sealed
        if found.state == "sealed" and found.proof is None:
            proof = observers.reveal(self._home, self._names, program, day)
            return seed(conn, [Seed(program, day, proof)], now=now, chance=chance)[0]
        if found.state == "sealed":
            return None if self._waits(found, now) else draw(conn, [Draw(program, day)], now=now, chance=chance)[0]
        return close(conn, [Close(program, day)], now=now, chance=chance)[0]

    def _fill(self, now: datetime) -> bool:
        filled = False
        while due := rounds.backfills_due(self._conn, now, MANY):
            backfill(self._conn, [Backfill(*place) for place in due], now=now, chance=self._chance)
            filled = True
        return filled

    def _hand_over_notices(self, now: datetime) -> None:
        """Nobody is there to read them: they count as sent, so that no worker sends thousands of them afterwards."""
        with self._conn.transaction():
            while due := notices.due(self._conn, now, NOTICES):
                notices.sent(self._conn, [notice.id for notice in due], now)
