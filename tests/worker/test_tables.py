"""The tables that the worker publishes: what is in them, when they are made anew, and what they cost nobody."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from fairgate.commands.cancel import Cancel, cancel
from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.decline import Decline, decline
from fairgate.commands.load_profile import load_profile
from fairgate.commands.request import Withdraw, withdraw
from fairgate.core.deadlines import Outage
from fairgate.core.published import HIDDEN, Table, Value, layouts
from fairgate.store import data_files, evidence, profiles, published
from fairgate.worker.loops import calendar, tables
from time_world import DAY, NOON, PROFILE, TimeWorld, must, profile, step

HOUR = timedelta(hours=1)
SYS, NOG = 40, 14  # places a day


@pytest.fixture
def world(conn: psycopg.Connection, tmp_path: Path) -> TimeWorld:
    """Sixty groups of one and two ask for San Ysidro, fourteen of one for Nogales; the first round is open."""
    programs = PROFILE["programs.toml"].replace('"09:00" = 2\n"10:00" = 1', f'"09:00" = {SYS - 10}\n"10:00" = 10')
    programs = programs.replace(
        '[arrival.ports.NOG.every_day]\n"09:00" = 1', f'[arrival.ports.NOG.every_day]\n"09:00" = {NOG}'
    )
    made = TimeWorld(conn, tmp_path, {**PROFILE, "programs.toml": programs})
    made.start_calendar()
    for place in range(60):
        made.asking("SYS", size=1 + place % 2)
    for _ in range(14):
        made.asking("NOG")
    step(made.worker())
    made.stop_calendar()
    return made


def go_to(world: TimeWorld, now: datetime) -> None:
    world.now = now
    step(world.worker())


def drawn(world: TimeWorld) -> None:
    for hours in (12, 11, 0):
        go_to(world, NOON - hours * HOUR)


def rows(world: TimeWorld, layout: Table) -> list[dict[str, Value]]:
    found = data_files.table(world.home, layout)
    assert found is not None
    return found.records()


def offered(world: TimeWorld, port: str) -> list[str]:
    """The numbers of groups with an open offer at a port, in the order in which the offers were made."""
    query = (
        "SELECT r.number FROM offer o JOIN registration r ON r.id = o.registration_id"
        " WHERE o.port = %s AND o.state = 'offered' ORDER BY o.ord"
    )
    return [number for (number,) in world.conn.execute(query, [port])]


def people(world: TimeWorld, where: str) -> int:
    row = world.conn.execute(f"SELECT coalesce(sum(size), 0) FROM offer WHERE {where}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def decide(world: TimeWorld, confirming: int, declining: int, port: str = "SYS") -> None:
    """So many groups confirm and decline an hour after the draw."""
    numbers, now, chance = offered(world, port), NOON + HOUR, bytes
    acts = [Confirm(number, "arrival") for number in numbers[:confirming]]
    must(confirm(world.conn, acts, now=now, chance=chance))
    refusing = [Decline(number, "arrival") for number in numbers[confirming : confirming + declining]]
    must(decline(world.conn, refusing, now=now, chance=chance))


# -- what is in them ----------------------------------------------------------------------------


def test_a_draw_in_numbers(world: TimeWorld) -> None:
    drawn(world)
    [draw] = rows(world, layouts.DRAWS)
    entries = world.home / "public" / "draws" / DAY.isoformat() / "entries.csv"
    sizes = [int(line.split(",")[1]) for line in entries.read_text().splitlines()[1:]]
    assert (draw["program"], draw["date"], draw["drawn_at"]) == ("arrival", DAY, NOON)
    assert (draw["groups"], draw["people"], draw["places"]) == (len(sizes), sum(sizes), SYS + NOG)
    assert draw["offered_people"] == people(world, "true")
    assert draw["offers"] == len(world.offers())
    assert draw["reserve"] == len(sizes) - len(world.offers())


def test_what_still_changes_is_told_in_whole_tens(world: TimeWorld) -> None:
    drawn(world)
    decide(world, confirming=15, declining=2)
    go_to(world, NOON + 2 * HOUR)
    [row] = rows(world, layouts.OUTCOMES)
    assert row["drawn"] == people(world, "phase <> 'reserve'")
    assert row["confirmed"] == people(world, "state = 'confirmed'") // 10 * 10 > 0
    assert 0 < people(world, "state = 'declined'") < 10
    assert row["declined"] == 0
    assert row["final"] == "no"
    assert rows(world, layouts.OUTCOMES_BY_PORT) == []


def test_who_keeps_every_edition_cannot_count_one_who_declines(world: TimeWorld) -> None:
    """A group of fifteen that confirmed cancels alone: with exact numbers it is what the confirmed are short of."""
    drawn(world)
    decide(world, confirming=15, declining=0)
    go_to(world, NOON + 2 * HOUR)
    [before] = rows(world, layouts.OUTCOMES)
    people_before = people(world, "state = 'confirmed'")
    decide(world, confirming=0, declining=1)
    go_to(world, NOON + 3 * HOUR)
    [after] = rows(world, layouts.OUTCOMES)
    gone = people(world, "state = 'declined'")
    assert 0 < gone < 10
    assert people(world, "state = 'confirmed'") == people_before
    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    assert all(abs(new - old) % 10 == 0 for old, new in changed.values()), changed
    assert "declined" not in changed


def test_who_withdrew_before_the_draw_follows_from_no_two_tables(world: TimeWorld) -> None:
    """Two of fourteen groups at Nogales, all of which are drawn, withdraw when the list is sealed."""
    for hours in (12, 11):
        go_to(world, NOON - hours * HOUR)
    nogales = "SELECT r.number FROM request q JOIN registration r ON r.id = q.registration_id WHERE q.ports = '{NOG}'"
    gone = [number for (number,) in world.conn.execute(nogales)][:2]
    must(withdraw(world.conn, [Withdraw(number, "arrival") for number in gone], now=world.now, chance=bytes))
    go_to(world, NOON)
    assert people(world, "state = 'declined' AND why = 'withdrawn'") == 2
    [draw], [row] = rows(world, layouts.DRAWS), rows(world, layouts.OUTCOMES)
    assert row["drawn"] == draw["offered_people"]
    assert row["passed_over"] == 0, "fewer than ten"
    assert {each["groups"] for each in rows(world, layouts.WAITS)} == {draw["offers"]}
    assert "groups" not in rows(world, layouts.WAITS_BY_PORT)[0]


def test_who_left_a_group_before_the_draw_follows_neither(world: TimeWorld) -> None:
    """The offer is for the group as it is then; the numbers of the draw are those of its bundle."""
    drawn(world)
    with world.conn.transaction(force_rollback=True):
        world.conn.execute(
            "SET session_replication_role = replica"
        )  # as if two had left before: no rule lets us say so now
        world.conn.execute(
            "UPDATE offer SET size = 1 WHERE id IN (SELECT id FROM offer WHERE size = 2 ORDER BY id LIMIT 2)"
        )
        [counted] = published.offered(world.conn, [1]).values()
    whole = published.totals(world.conn, 1)
    assert sum(port.drawn for port in counted.values()) == whole.offered_people
    assert sum(port.passed_over for port in counted.values()) == 2
    for port in counted.values():
        assert port.drawn + port.refilled == sum(port[2:])


def test_a_date_that_is_over_is_told_by_port_and_never_read_again(world: TimeWorld) -> None:
    drawn(world)
    decide(world, confirming=15, declining=0)
    decide(world, confirming=12, declining=0, port="NOG")
    go_to(world, NOON + 2 * HOUR)
    while rest := [number for number, state in world.offers() if state == "offered"]:
        must(decline(world.conn, [Decline(number, "arrival") for number in rest], now=world.now, chance=bytes))
        step(world.worker())  # their places go down the reserve list, as long as it has anybody
    world.now = datetime.combine(DAY, NOON.time(), NOON.tzinfo) + 6 * HOUR
    arriving = [CheckIn(number, "arrival") for number, state in world.offers() if state == "confirmed"][:13]
    must(check_in(world.conn, arriving, now=world.now, chance=bytes))
    go_to(world, datetime.combine(DAY + timedelta(days=1), NOON.time(), NOON.tzinfo))
    assert world.states() == {DAY.isoformat(): "closed"}
    [row] = rows(world, layouts.OUTCOMES)
    parts = rows(world, layouts.OUTCOMES_BY_PORT)
    assert row["final"] == "yes"
    assert [part["port"] for part in parts] == ["NOG", "SYS"]
    assert [part["drawn"] for part in parts] == [
        people(world, f"port = '{port}' AND phase <> 'reserve'") for port in ("NOG", "SYS")
    ]
    for part in parts:
        for name in ("checked_in", "missed", "lapsed"):
            true = people(world, f"port = '{part['port']}' AND state = '{name}'")
            assert part[name] is HIDDEN if 0 < true < 10 else part[name] in (true, HIDDEN)

    with statements(world) as said:
        world.now += timedelta(minutes=10)
        tables(world.worker())
    assert rows(world, layouts.OUTCOMES_BY_PORT) == parts
    assert not [query for query in said if "FROM entry e JOIN result t" in query], "what is past is not read again"


def test_waits_are_counted_from_asking_and_from_registering(world: TimeWorld) -> None:
    drawn(world)
    asked, registered = rows(world, layouts.WAITS)
    assert (asked["since"], registered["since"]) == ("request", "registration")
    assert {asked[name] for name in ("p10", "p50", "p90", "longest")} == {1}  # they asked a day before
    assert {registered[name] for name in ("p10", "p50", "p90", "longest")} == {71}
    by_port = {(row["port"], row["since"]): row["longest"] for row in rows(world, layouts.WAITS_BY_PORT)}
    assert by_port["NOG", "request"] == by_port["SYS", "request"] == 1
    assert by_port["NOG", "registration"] == 71


def test_who_waits_and_the_bound(world: TimeWorld) -> None:
    drawn(world)
    line = {row["port"]: row for row in rows(world, layouts.WAITING)}
    reserve = 60 - len(offered(world, "SYS"))
    assert line["SYS"]["groups"] == line["all"]["groups"] == reserve
    assert line["NOG"]["groups"] == 0
    assert line["SYS"]["longest_registration"] == 71
    assert line["SYS"]["reserved"] == 7 * ((SYS - 3) // 2)
    assert line["SYS"]["taken_up"] is None, "nobody could come yet"
    assert line["SYS"]["bound"] is None


def test_ports_and_the_calendar(world: TimeWorld) -> None:
    step(world.worker())
    ports = {row["port"]: row for row in rows(world, layouts.PORTS)}
    assert (ports["SYS"]["name"], ports["SYS"]["monday"], ports["NOG"]["sunday"]) == ("San Ysidro", SYS, NOG)
    days = {(row["date"], row["port"]): row for row in rows(world, layouts.CALENDAR)}
    world.conn.execute("UPDATE slot SET capacity = 0 WHERE date = %s AND port = 'NOG'", [DAY])
    world.now += timedelta(minutes=10)
    tables(world.worker())
    after = {(row["date"], row["port"]): row for row in rows(world, layouts.CALENDAR)}
    assert (days[DAY, "NOG"]["state"], days[DAY, "NOG"]["places"]) == ("open", NOG)
    assert (after[DAY, "NOG"]["places"], after[DAY, "NOG"]["first"]) == (0, None)
    assert (after[DAY, "SYS"]["places"], after[DAY, "SYS"]["first"], after[DAY, "SYS"]["last"]) == (
        SYS,
        "09:00",
        "10:00",
    )
    tomorrow = DAY + timedelta(days=1)
    assert (after[tomorrow, "SYS"]["state"], after[tomorrow, "SYS"]["places"]) == ("planned", SYS)
    times = [
        (row["time"], row["places"]) for row in rows(world, layouts.SLOTS) if (row["date"], row["port"]) == (DAY, "SYS")
    ]
    assert times == [("09:00", SYS - 10), ("10:00", 10)]


def test_outages_are_told_with_their_length(world: TimeWorld) -> None:
    start = world.now - 5 * HOUR
    evidence.add_outage(world.conn, Outage(start, start + timedelta(minutes=12, seconds=1), None), world.now)
    world.now += timedelta(minutes=10)
    tables(world.worker())
    [outage] = rows(world, layouts.OUTAGES)
    assert (outage["start"], outage["minutes"], outage["told_at"]) == (start, 13, None)


# -- places lost by a fault of the system -------------------------------------------------------


def lapsed(world: TimeWorld) -> int:
    """Let all offers of the draw lapse, with evidence that confirming worked; how many people had them."""
    drawn(world)
    world.healthy(NOON - HOUR, NOON + 25 * HOUR)
    world.now = NOON + timedelta(hours=23, minutes=40)
    while calendar(world.worker()):
        pass
    return people(world, "state = 'lapsed'")


def lost(world: TimeWorld) -> dict[Value, Value]:
    world.now += timedelta(minutes=10)
    tables(world.worker())
    return {row["date"]: row["lost"] for row in rows(world, layouts.PLACES_LOST)}


def test_an_offer_that_lapsed_in_due_time_is_not_lost(world: TimeWorld) -> None:
    assert lapsed(world) > 10
    assert lost(world) == {DAY: 0, None: 0}


def test_an_outage_that_is_found_too_late_makes_places_lost(world: TimeWorld) -> None:
    """It cannot happen by the commands, which look at all the evidence first; if it does, it is on the page."""
    touched = lapsed(world)
    outage = Outage(NOON + 20 * HOUR, NOON + 22 * HOUR, NOON + timedelta(hours=22, minutes=15))
    evidence.add_outage(world.conn, outage, world.now)
    assert lost(world) == {DAY: touched, None: touched}


def test_a_policy_that_is_made_kinder_later_makes_no_place_lost(world: TimeWorld) -> None:
    """An offer is judged by the profile that held when it lapsed."""
    lapsed(world)
    world.now += timedelta(minutes=1)
    load_profile(world.conn, profile(policy='window = "48 h"'), now=world.now)
    assert profiles.current(world.conn).program("arrival").policy.window == 48 * HOUR
    assert lost(world) == {DAY: 0, None: 0}


def test_a_try_that_comes_to_light_too_late_makes_its_place_lost(world: TimeWorld) -> None:
    """Eleven groups had tried in time; the record of it, from a disk that was away, comes in when they have lapsed."""
    lapsed(world)
    owners = "SELECT registration_id, size FROM offer WHERE state = 'lapsed' ORDER BY id LIMIT 11"
    tried = world.conn.execute(owners).fetchall()
    evidence.add_attempts(world.conn, [(owner, "arrival", NOON + 22 * HOUR, "no answer") for owner, _ in tried])
    assert lost(world)[DAY] == sum(size for _, size in tried)


# -- when they are made, and at what cost -------------------------------------------------------


def as_of(world: TimeWorld) -> datetime:
    index = data_files.index(world.home)
    assert index is not None
    return index.as_of


def test_an_edition_lasts_ten_minutes_or_until_a_round_goes_on(world: TimeWorld) -> None:
    first = as_of(world)
    world.now = first + timedelta(minutes=9, seconds=59)
    tables(world.worker())
    assert as_of(world) == first
    world.now = first + timedelta(minutes=10)
    tables(world.worker())
    assert as_of(world) == world.now
    go_to(world, NOON - 12 * HOUR)  # sealed
    world.now += timedelta(seconds=1)
    tables(world.worker())
    sealed = as_of(world)
    assert sealed == NOON - 12 * HOUR
    go_to(world, NOON)
    assert as_of(world) == NOON


def test_only_what_changed_is_written_and_each_file_has_its_compressed_twin(world: TimeWorld) -> None:
    folder = data_files.folder(world.home)
    before = {file.name: file.stat().st_ino for file in folder.glob("*.*") if not file.name.startswith("index")}
    assert set(before) == {
        f"{layout.name}.{kind}{packed}"
        for layout in layouts.LAYOUTS
        for kind in ("csv", "json")
        for packed in ("", ".gz")
    }
    world.now += timedelta(minutes=10)
    tables(world.worker())
    after = {file.name: file.stat().st_ino for file in folder.glob("*.*") if not file.name.startswith("index")}
    assert after == before
    index = json.loads((folder / "index.json").read_bytes())
    assert [table["name"] for table in index["tables"]] == [layout.name for layout in layouts.LAYOUTS]
    assert all((folder / Path(table["csv"]).name).is_file() for table in index["tables"])


def test_a_lost_folder_is_written_again_with_the_same_numbers(world: TimeWorld) -> None:
    drawn(world)
    folder = data_files.folder(world.home)
    before = {file.name: file.read_bytes() for file in folder.glob("*.csv")}
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()
    tables(world.worker())
    assert {file.name: file.read_bytes() for file in folder.glob("*.csv")} == before


def test_a_table_of_another_version_is_made_anew(world: TimeWorld) -> None:
    drawn(world)
    file = data_files.folder(world.home) / "draws.json"
    good = file.read_bytes()
    file.write_bytes(good.replace(b'"reserve"', b'"left_over"'))
    assert data_files.table(world.home, layouts.DRAWS) is None
    world.now += timedelta(minutes=10)
    tables(world.worker())
    assert file.read_bytes() == good


def test_reading_writes_nothing_and_is_given_up_after_a_while(
    world: TimeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.ReadOnlySqlTransaction), published.reading(world.conn):
        world.conn.execute("DELETE FROM sample")
    monkeypatch.setattr(published, "PATIENCE_S", 1)
    start = time.monotonic()
    with pytest.raises(errors.QueryCanceled), published.reading(world.conn):
        world.conn.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - start < 10


def test_nobody_waits_while_tables_are_read(world: TimeWorld, dsn: str) -> None:
    """In the middle of an edition places are confirmed, and the edition does not see it: it is of one moment."""
    drawn(world)
    numbers = offered(world, "SYS")
    with psycopg.connect(dsn, autocommit=True) as reader, published.reading(reader):
        before = published.offered(reader, [1])
        world.conn.execute("SET lock_timeout = '2s'")
        acts = [Confirm(number, "arrival") for number in numbers]
        must(confirm(world.conn, acts, now=NOON + HOUR, chance=bytes))
        must(cancel(world.conn, [Cancel(numbers[0], "arrival", "test")], now=NOON + HOUR, chance=bytes))
        assert published.offered(reader, [1]) == before


@contextmanager
def statements(world: TimeWorld) -> Iterator[list[str]]:
    """What is asked of the database on the test's connection, inside the block."""
    said: list[str] = []
    execute = psycopg.Cursor.execute

    def listening(self: psycopg.Cursor, query: object, *args: object, **more: object) -> psycopg.Cursor:
        said.append(query.decode() if isinstance(query, bytes) else str(query))
        return execute(self, query, *args, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", listening)
        yield said
