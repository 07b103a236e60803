"""The figures of a draw agree with its bundle, whatever round it is, and small numbers of groups are hidden."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from hashlib import sha256

from hypothesis import given

from fairgate.core.bundle import PortPlaces, parse_entries, write_entries, write_results
from fairgate.core.draw import Entries, Entry, draw
from fairgate.core.published import HIDDEN, Table, as_json, read_table
from fairgate.core.published.draw import ORDER, TABLES, figures
from fairgate.core.published.lots import in_order_of_lots
from sealed_rounds import Round, a_manifest, rounds

SEED = sha256(b"seed").digest()


def many(world: Round, times: int) -> Round:
    """The same round with each entry so many times, under other tickets; enough groups that numbers are shown."""
    copies = [
        entry._replace(ticket=sha256(f"{entry.ticket}{number}".encode()).hexdigest()[:32])
        for entry in world.entries
        for number in range(times)
    ]
    return world._replace(entries=copies)


def of(world: Round) -> tuple[dict[str, Table], dict[str, tuple[str, str]]]:
    """The figures by name; and outcome (or phase) and port of each ticket."""
    drawn = draw(world.manifest, bytes(32), world.entries, world.randomness)
    listed = parse_entries(write_entries(world.entries), world.manifest)
    made = figures(world.manifest, listed, write_results(drawn), drawn.seed)
    said = {offer.ticket: (str(offer.phase), offer.port) for offer in drawn.offers}
    said |= dict.fromkeys(drawn.reserve, ("reserve", ""))
    assert made[0].column("given_out")[:-1] == tuple(drawn.used.values())
    assert made[0].column("too_many")[:-1] == tuple(drawn.carry_out.values())
    return {table.name: table for table in made}, said


@given(rounds())
def test_what_is_shown_is_what_the_bundle_says(world: Round) -> None:
    for times in (1, 12):
        round_ = many(world, times)
        tables, said = of(round_)
        by_size = Counter((min(entry.size, 6), said[entry.ticket][0]) for entry in round_.entries)
        for record in tables["sizes"].records():
            sizes = range(int(str(record["from"] or 1)), int(str(record["to"] or 6)) + 1)
            for name in ("seniority", "lottery", "reserve"):
                assert record[name] in (HIDDEN, sum(by_size[size, name] for size in sizes))
        at_port = Counter(said[entry.ticket][::-1] for entry in round_.entries)
        for record in tables["ports"].records()[:-1]:
            for name in ("seniority", "lottery"):
                assert record[name] in (HIDDEN, at_port[str(record["port"]), name])


@given(rounds())
def test_no_number_of_groups_from_one_to_nine_is_shown_but_the_totals(world: Round) -> None:
    for times in (1, 5):
        tables, _ = of(many(world, times))
        for table in tables.values():
            totals = {("ports", "all"), ("sizes", None), ("weeks", None)}
            for row in table.rows:
                cells = [cell for cell, column in zip(row, table.columns, strict=True) if column.kind == "people"]
                assert (table.name, row[0]) in totals or not [cell for cell in cells if cell in range(1, 10)]


@given(rounds())
def test_a_hidden_number_cannot_be_taken_from_its_row_or_its_column(world: Round) -> None:
    tables, _ = of(many(world, 4))
    for table in (tables["sizes"], tables["weeks"]):
        parts = [record for record in table.records() if record["from"] is not None]
        assert len(parts) != 1, "one class is the whole, and that is known"
        for column in ("groups", "seniority", "lottery", "reserve"):
            assert [record[column] for record in parts].count(HIDDEN) != 1
        for record in parts:
            cells = [record[column] for column in ("groups", "seniority", "lottery", "reserve")]
            assert cells.count(HIDDEN) != 1
            assert HIDDEN not in (cells[0], cells[3]) or record["chance"] is None


@given(rounds())
def test_numbers_hidden_by_size_do_not_follow_from_the_sums_of_people(world: Round) -> None:
    """Groups times size add up to the people of a draw, and those offered a place to the places given out."""
    for times in (1, 4, 9):
        tables, _ = of(many(world, times))
        parts = tables["sizes"].records()[:-1]
        for record in parts:
            assert HIDDEN not in (record["groups"], record["reserve"])
            assert (record["seniority"] is HIDDEN) == (record["lottery"] is HIDDEN), "they move against each other"
        if parts and parts[-1]["to"] is None and parts[-1]["from"] != 6:
            assert world.manifest.group_max - int(str(parts[-1]["from"])) in (0, *range(2, 20)), "never two sizes"


@given(rounds())
def test_how_many_named_a_port_bounds_no_hidden_number(world: Round) -> None:
    for times in (1, 5):
        tables, _ = of(many(world, times))
        for record in tables["ports"].records()[:-1]:
            if HIDDEN in (record["first"], record["seniority"], record["lottery"]):
                assert record["asked"] is HIDDEN


@given(rounds())
def test_the_order_of_the_lots_tells_no_number_that_is_hidden_elsewhere(world: Round) -> None:
    for times in (1, 5):
        tables, _ = of(many(world, times))
        whole = {"size": "sizes", "weeks": "weeks"}
        for record in tables["order"].records():
            row = next(one for one in tables[whole[str(record["by"])]].records() if one["from"] == record["from"])
            assert HIDDEN not in row.values()
            assert record["groups"] == int(str(row["lottery"])) + int(str(row["reserve"]))


@given(rounds())
def test_tables_are_read_back_as_they_were_written(world: Round) -> None:
    tables, _ = of(world)
    for layout in TABLES:
        assert read_table(layout, "file", as_json(tables[layout.name])) == tables[layout.name]


@given(rounds())
def test_the_order_of_the_lots_is_that_of_the_reserve_when_nobody_has_a_place(world: Round) -> None:
    nowhere = replace(world.manifest, ports=tuple(replace(each, capacity=0) for each in world.manifest.ports))
    drawn = draw(nowhere, bytes(32), world.entries, world.randomness)
    listed = Entries.of(world.entries)
    order, parts = in_order_of_lots(listed, range(len(listed)), drawn.seed)
    assert tuple(listed.tickets[row] for row in order) == drawn.reserve
    assert sum(parts) == len(world.entries)


def test_where_groups_stand_in_the_order_is_told_for_classes_with_ten_or_more() -> None:
    entries = [
        Entry(sha256(b"%d" % number).hexdigest()[:32], 1 if number % 2 else 2, number % 40, ("SYS",))
        for number in range(2000)
    ]
    manifest = a_manifest(ports=(PortPlaces("SYS", 300, 0),))
    drawn = draw(manifest, bytes(32), entries, SEED)
    tables = figures(manifest, Entries.of(entries), write_results(drawn), drawn.seed)
    order = next(table for table in tables if table.name == ORDER.name)
    single = order.records()[0]
    assert (single["by"], single["from"], single["to"]) == ("size", 1, 1)
    assert abs(float(str(single["p50"])) - 0.5) < 0.05
    assert abs(float(str(single["p10"])) - 0.1) < 0.05
    tests = {record["about"]: record for record in tables[-1].records()}
    assert set(tests) == {"size", "weeks", "lots"}
    assert all(0 < float(str(record["p"])) <= 1 for record in tests.values())


def test_a_round_without_anybody_has_figures_too() -> None:
    manifest = a_manifest()
    drawn = draw(manifest, bytes(32), [], SEED)
    tables = figures(manifest, Entries.of([]), write_results(drawn), drawn.seed)
    assert tables[1].rows == ((None, None, 0, 0, 0, 0, None),)
    assert [record["p"] for record in tables[-1].records()] == [None] * 3


def test_the_figures_of_a_large_round_take_little_memory_beyond_its_list() -> None:
    """About as much as the list itself: a ticket alone has 81 bytes in memory."""
    count = 10_000
    entries = [
        Entry(sha256(b"%d" % number).hexdigest()[:32], 1 + number % 4, number % 60, ("SYS",)) for number in range(count)
    ]
    manifest = a_manifest(ports=(PortPlaces("SYS", 1450, 0),))
    results, listed = write_results(draw(manifest, bytes(32), entries, SEED)), Entries.of(entries)
    tracemalloc.start()
    figures(manifest, listed, results, SEED)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200 * count
