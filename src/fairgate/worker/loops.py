"""The worker's loops: the calendar of rounds and offers, the evidence, passes, and what is published.

None of them holds a connection while it talks to a network or writes files. The time is the database's, asked for
anew before anything is decided.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic

import psycopg
import structlog

from fairgate.commands.due import Aside, Fetched, Source, Step, fetch, next_step, take, went_on
from fairgate.commands.evidence import record_notices, tell_of_outages, tellable
from fairgate.commands.extend import extend
from fairgate.commands.find_outages import find_outages
from fairgate.commands.incidents import count_touched
from fairgate.commands.issue_passes import issue_passes
from fairgate.commands.looping import Clock, Connect, Loop, away
from fairgate.core import faults
from fairgate.core.errors import BadInput
from fairgate.core.lifecycle import Outcome, Refused
from fairgate.core.profile import Profile
from fairgate.core.sealing import Chance, Keys
from fairgate.store import audit, clock, draw_figures, heads, passes, profiles, publication, rounds, shards, status
from fairgate.store import published as store_published
from fairgate.store.journal import Intake
from fairgate.store.ledger_files import LedgerFiles
from fairgate.store.rounds import Round
from fairgate.store.status import State
from fairgate.worker import journal, published
from fairgate.worker.alone import tell_alone
from fairgate.worker.set_back import void_other

EVIDENCE_EVERY = 10.0  # seconds, as the samples
LEAVES = 1 << 16  # written into the ledger's files in one look
FOLDERS = 20  # rounds published in one look
TABLES_LOOK = 15.0  # seconds; whether there is something new to tell

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """What the loops work with."""

    home: Path
    keys: Keys
    connect: Connect
    source: Source
    clock: Clock = clock.now
    chance: Chance = os.urandom
    tell: Callable[[State], None] = lambda _: None  # puts the public state into words, where somebody is to read it
    issuer: str = "localhost/ledger"  # the ledger's name
    aside: Aside = field(default_factory=Aside)
    unwritten: Aside = field(default_factory=Aside)  # rounds whose files could not be written, by their ids
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "intake", Intake(self.home / "journal"))


def loops(worker: Worker, poll_seconds: float, evidence_seconds: float) -> list[Loop]:
    return [
        Loop("calendar", lambda: calendar(worker), poll_seconds),
        Loop("evidence", lambda: evidence(worker), evidence_seconds),
        Loop("extensions", lambda: extensions(worker), poll_seconds),
        Loop("passes", lambda: give_passes(worker), poll_seconds),
        Loop("revoked", lambda: tell_revoked(worker), evidence_seconds),
        Loop("publication", lambda: publish(worker), poll_seconds),
        Loop("tiles", lambda: write_tiles(worker), poll_seconds),
        Loop("tables", lambda: tables(worker), max(poll_seconds, TABLES_LOOK)),
    ]


def step(worker: Worker) -> bool:
    """Every loop once, the calendar until nothing is due; whether anything was."""
    busy = False
    while calendar(worker):
        busy = True
    evidence(worker)
    while extensions(worker):
        busy = True
    give_passes(worker)
    tell_revoked(worker)
    while write_tiles(worker):
        busy = True
    busy = publish(worker) or busy
    tables(worker)
    return busy


# -- the calendar -------------------------------------------------------------------------------


def calendar(worker: Worker) -> bool:
    """Take the step that has been due longest; whether there was one.

    What gates on this host wrote to disk is taken in first: nothing lapses over an attempt that waits here.
    """
    with worker.connect() as conn:
        if journal.take_in(worker.intake, conn, worker.clock):
            return True
        now = worker.clock(conn)
        found = next_step(conn, now, worker.aside)
    if found is None:
        return False
    try:
        outcomes = _take(worker, found, now)
    except Exception as error:
        if away(error):
            raise
        worker.aside.put(found.keys, now)
        log.error("step failed", **_about(found), error=type(error).__name__, place=faults.place(error))
        return True
    if went_on(outcomes):
        worker.aside.clear(found.keys)
    else:
        worker.aside.put(found.keys, now)
    return True


def _take(worker: Worker, found: Step, now: datetime) -> list[Outcome]:
    fetched: Fetched | None = fetch(found, worker.source, now)
    if fetched is None:
        log.info("step waits", **_about(found))
        return []
    start = monotonic()
    with worker.connect() as conn:
        now = worker.clock(conn)
        while journal.take_in(worker.intake, conn, worker.clock):
            pass  # all that was written until `now`, as it may have been a while since the last look
        if found.round is not None and void_other(
            conn, worker.home, found.profile, found.round, found.act, now=now, chance=worker.chance
        ):
            return []
        outcomes = take(conn, found, fetched, keys=worker.keys, now=now, chance=worker.chance)
        if found.act == "seal" and found.round is not None and went_on(outcomes):
            tell_alone(conn, found.round.program, found.round.date)
    refused = sorted({outcome.reason.value for outcome in outcomes if isinstance(outcome, Refused)})
    done = len(outcomes) - sum(isinstance(outcome, Refused) for outcome in outcomes)
    log.info("step", **_about(found), done=done, refused=refused, ms=round((monotonic() - start) * 1000))
    return outcomes


def _about(found: Step) -> dict[str, object]:
    first = found.due[0]
    day = None if first.date is None else first.date.isoformat()
    return {"act": found.act, "key": first.key, "rows": len(found.due), "program": first.program, "date": day}


# -- evidence -----------------------------------------------------------------------------------


def evidence(worker: Worker) -> bool:
    """Find outages, move deadlines, begin to tell people of outages that are over, and note when all of them know.

    Then the public state of the service is written anew.
    """
    with worker.connect() as conn:
        moved = find_outages(conn, now=worker.clock(conn), chance=worker.chance)
        telling = tell_of_outages(conn, now=worker.clock(conn))
        over = tellable(conn)
        if over:
            record_notices(conn, over, now=worker.clock(conn), chance=worker.chance)
        count_touched(conn)
        state = status.read(conn, worker.clock(conn))
    _tell_status(worker, state)
    if moved or telling or over:
        log.warning("outages", deadlines_moved=moved, notices=telling, told=len(over))
    return False


def _tell_status(worker: Worker, state: State) -> None:
    """Write the public state; a disk that refuses stops nothing that matters more."""
    try:
        status.write(worker.home, state)
        worker.tell(state)
    except OSError as error:
        log.error("status not written", error=type(error).__name__, place=faults.place(error))


def extensions(worker: Worker) -> bool:
    """Say to the next people that their deadline has moved, or that an outage is over; whether there may be more."""
    with worker.connect() as conn:
        told = extend(conn, now=worker.clock(conn), chance=worker.chance)
        over = tell_of_outages(conn, now=worker.clock(conn))
    if told or over:
        log.info("extensions", told=len(told), over=over)
    return bool(told or over)


# -- the ledger ---------------------------------------------------------------------------------


def write_tiles(worker: Worker) -> bool:
    """Write the next leaves of the ledger into its static files; whether there may be more.

    Raises OlderDatabase where the database does not have the last leaf that is in them.
    """
    files = LedgerFiles(worker.home)
    try:
        start = files.size()
        before = min(1, start)  # the leaf that was written last is read again
        with worker.connect() as conn, audit.one_moment(conn):
            data = [leaf.data for leaf in audit.leaves(conn, start - before, start + LEAVES)]
        if before:
            heads.refuse_other(data[:1], start, files.last(start))
        files.append(data[before:], start)
        if len(data) > before:
            with worker.connect() as conn:
                rounds.reached(conn, start, start + len(data) - before)
    except BadInput as fault:
        log.error("tiles not written", why=str(fault))
        return False
    except OSError as error:
        log.error("tiles not written", error=type(error).__name__, place=faults.place(error))
        return False
    return len(data) - before == LEAVES


# -- passes -------------------------------------------------------------------------------------


def give_passes(worker: Worker) -> bool:
    """Give the next of those who confirmed their passes.

    Never again at once, whether or not more are waiting: in a rush the ledger belongs to those who confirm.
    """
    with worker.connect() as conn:
        issued = issue_passes(conn, keys=worker.keys, now=worker.clock(conn), chance=worker.chance)
    if issued:
        log.info("passes", issued=len(issued))
    return False


def tell_revoked(worker: Worker) -> bool:
    """Write the public list of passes that count no more, also where nothing changed: it says how old it is."""
    with worker.connect() as conn:
        found = passes.revoked(conn, worker.issuer, worker.clock(conn))
    try:
        passes.publish(worker.home, found)
    except OSError as error:
        log.error("revoked passes not written", error=type(error).__name__, place=faults.place(error))
    return False


# -- publication --------------------------------------------------------------------------------


def publish(worker: Worker) -> bool:
    """Write the files of rounds that went on since they were last published; whether there were any."""
    with worker.connect() as conn:
        now = worker.clock(conn)
        waiting = rounds.unpublished(conn, FOLDERS, [int(key) for key in worker.unwritten.at(now)])
    return sum(_published(worker, found, now) for found in waiting) > 0


def _published(worker: Worker, found: Round, now: datetime) -> bool:
    """Write the files of a round; whether that went well. If not, it is left aside for a while and hinders no other."""
    about = {"program": found.program, "date": found.date.isoformat(), "state": found.state}
    ledger = LedgerFiles(worker.home)
    try:
        with worker.connect() as conn:
            profile = profiles.current(conn)
            files = publication.files(conn, found, ledger)
        written = publication.write(publication.folder(worker.home, profile, found.program, found.date), files)
        _for_readers(worker.home, profile, found, files)
        with worker.connect() as conn:
            rounds.published(conn, found, worker.clock(conn), shown="checkpoint" in files, tiled=ledger.size())
    except Exception as error:
        if away(error):
            raise
        log.error("publication failed", **about, error=type(error).__name__, place=faults.place(error))
        worker.unwritten.put([str(found.id)], now)
        return False
    worker.unwritten.clear([str(found.id)])
    log.info("published", **about, files=written)
    return True


def tables(worker: Worker) -> bool:
    """Write the tables for the public anew if it is time; there is never more to do at once."""
    if published.publish(worker.connect, worker.home, worker.clock):
        _write_lost(worker)
    return False


def _write_lost(worker: Worker) -> None:
    """Publish drawn rounds again of which something is not here: a folder was lost, or this host is new.

    A worker that was killed between writing tiles and noting which sealings they show leaves one behind, too.
    """
    with worker.connect() as conn:
        now, profile, drawn = worker.clock(conn), profiles.current(conn), store_published.drawn(conn)
        lost = [found for each in drawn if (found := _lost(conn, worker.home, profile, each))]
    for found in lost[:FOLDERS]:
        _published(worker, found, now)


def _lost(conn: psycopg.Connection, home: Path, profile: Profile, drawn: store_published.Drawn) -> Round | None:
    """The round, where its figures or what shows its sealing could be here and are not; else None."""
    has_figures = draw_figures.complete(draw_figures.folder(home, profile, drawn.program, drawn.date))
    bundle = publication.folder(home, profile, drawn.program, drawn.date)
    if has_figures and (bundle / "checkpoint").exists():
        return None
    found = rounds.find(conn, drawn.program, drawn.date)
    if found is None or (has_figures and not publication.can_show(conn, found, LedgerFiles(home))):
        return None
    return found


def _for_readers(home: Path, profile: Profile, found: Round, files: Mapping[str, bytes]) -> None:
    """What makes the files light to load: the results in shards, figures in tables, and everything compressed."""
    program = profile.find_program(found.program)
    if "results.csv" in files and (program is None or not program.hidden):
        shards.write(shards.folder(home, profile, found.program, found.date), files["results.csv"])
        assert found.seed is not None, "a drawn round has its seed"
        draw_figures.write(draw_figures.folder(home, profile, found.program, found.date), files, found.seed)
    publication.compress(publication.folder(home, profile, found.program, found.date), files)
