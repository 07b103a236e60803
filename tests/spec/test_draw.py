"""The draw as RULES.md section 1 tells it: known answers, and each rule with an example."""

import json
from pathlib import Path

import pytest

import vectors
from fairgate.core import beacon, bundle
from fairgate.core.bundle import PortPlaces
from fairgate.core.draw import Entry, Offered, SlotRoom, allocate, draw, next_from_reserve, ticket, times_of_day
from sealed_rounds import a_manifest, an_entry

SEED = bytes(32)


@vectors.needed
@pytest.mark.parametrize("directory", vectors.draws(), ids=lambda path: path.name)
def test_the_known_draws_come_out_to_the_byte(directory: Path) -> None:
    manifest = bundle.parse_manifest((directory / "manifest.json").read_bytes())
    entries = bundle.parse_entries((directory / "entries.csv").read_bytes(), manifest)
    proof = bundle.parse_beacon((directory / "beacon.json").read_bytes())
    expected = json.loads((directory / "expected.json").read_bytes())

    root = bundle.entries_root(entries)
    drawn = draw(manifest, root, entries, beacon.randomness(manifest, proof))

    assert bundle.write_results(drawn) == (directory / "results.csv").read_bytes()
    assert root.hex() == expected["root"]
    assert drawn.seed.hex() == expected["seed"]
    assert drawn.carry_out == expected["carry_out"]


def test_a_ticket_is_half_of_an_hmac_of_the_number() -> None:
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"
    assert ticket(b"Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"


@pytest.mark.parametrize(
    ("share", "capacity", "carry", "reserved"),
    [
        ((1, 2), 10, 0, 5),
        ((1, 2), 10, 3, 3),  # 7 * 1 // 2: of the persons left after the carry, rounded down
        ((2, 3), 10, 0, 6),
        ((3, 10), 3, 0, 0),
        ((0, 1), 10, 0, 0),
        ((1, 1), 10, 2, 8),
        ((1, 1), 2, 5, 0),  # a carry above capacity leaves nothing, not less than nothing
    ],
)
def test_the_share_of_seniority_is_taken_of_what_the_carry_leaves(
    share: tuple[int, int], capacity: int, carry: int, reserved: int
) -> None:
    manifest = a_manifest(ports=(PortPlaces("SYS", capacity, carry),), seniority_share=share)
    drawn = allocate(manifest, [an_entry(i) for i in range(20)], SEED)
    assert [offer.phase for offer in drawn.offers].count("seniority") == reserved


def test_the_longest_wait_comes_first_and_chance_decides_among_equals() -> None:
    manifest = a_manifest(ports=(PortPlaces("SYS", 4, 0),), seniority_share=(1, 1))
    long, longer = an_entry(1, weeks=30), an_entry(2, weeks=31)
    equals = [an_entry(i, weeks=29) for i in range(3, 20)]
    firsts = set()
    for chance in range(20):
        offers = allocate(manifest, [long, longer, *equals], bytes([chance]) * 32).offers
        assert [offer.ticket for offer in offers[:2]] == [longer.ticket, long.ticket]
        firsts.add(offers[2].ticket)
    assert len(firsts) > 5


def test_everyone_gets_the_first_port_of_their_list_that_has_room() -> None:
    manifest = a_manifest(
        ports=(PortPlaces("SYS", 1, 0), PortPlaces("NOG", 1, 0), PortPlaces("CAL", 9, 0)), seniority_share=(1, 1)
    )
    entries = [an_entry(i, weeks=9 - i, ports="SYS|NOG|CAL") for i in range(3)]
    assert [offer.port for offer in allocate(manifest, entries, SEED).offers] == ["SYS", "NOG", "CAL"]


def test_who_finds_the_reserved_places_of_all_their_ports_taken_goes_into_the_lottery() -> None:
    manifest = a_manifest(ports=(PortPlaces("SYS", 2, 0), PortPlaces("NOG", 2, 0)))
    entries = [an_entry(0, weeks=9), an_entry(1, weeks=8), an_entry(2, weeks=0, ports="NOG")]
    assert allocate(manifest, entries, SEED).offers == (
        Offered(entries[0].ticket, "SYS", 1, "seniority"),
        Offered(entries[2].ticket, "NOG", 2, "seniority"),  # NOG's reserved place was wanted by nobody else
        Offered(entries[1].ticket, "SYS", 3, "lottery"),
    )


def test_a_group_is_never_split_and_the_overshoot_is_carried() -> None:
    manifest = a_manifest(ports=(PortPlaces("SYS", 3, 0),), seniority_share=(1, 1))
    entries = [an_entry(0, size=2, weeks=9), an_entry(1, size=4, weeks=8), an_entry(2, size=1, weeks=7)]
    drawn = allocate(manifest, entries, SEED)
    assert [offer.ticket for offer in drawn.offers] == [entries[0].ticket, entries[1].ticket]
    assert drawn.used == {"SYS": 6}
    assert drawn.carry_out == {"SYS": 3}
    assert drawn.reserve == (entries[2].ticket,)


def test_a_carry_that_one_round_cannot_pay_back_goes_on() -> None:
    drawn = allocate(a_manifest(ports=(PortPlaces("SYS", 2, 5),)), [an_entry()], SEED)
    assert drawn.offers == ()
    assert drawn.carry_out == {"SYS": 3}


def test_places_that_nobody_wants_stay_and_earn_nothing() -> None:
    drawn = allocate(a_manifest(ports=(PortPlaces("SYS", 9, 0),)), [an_entry(size=2)], SEED)
    assert drawn.used == {"SYS": 2}
    assert drawn.carry_out == {"SYS": 0}


def test_without_entries_nothing_is_drawn() -> None:
    drawn = allocate(a_manifest(), [], SEED)
    assert (drawn.offers, drawn.reserve, drawn.used, drawn.carry_out) == ((), (), {"SYS": 0}, {"SYS": 0})


RESERVE = [
    an_entry(0, size=3, ports="NOG"),
    an_entry(1, size=2, ports="NOG|SYS"),
    an_entry(2, size=4, ports="SYS"),
    an_entry(3, size=1, ports="SYS"),
]


@pytest.mark.parametrize(
    ("used", "offered", "chosen"),
    [
        (10, [], []),
        (9, [], [1]),
        (8, [], [1]),  # 8 + 2 = 10: full
        (7, [], [1, 2]),  # 7 + 2 = 9 < 10, and the group of four is taken whole
        (9, [1], [2]),  # was already offered something in this round
        (9, [1, 2, 3], []),
        (0, [], [1, 2, 3]),
    ],
)
def test_lapsed_places_go_down_the_reserve(used: int, offered: list[int], chosen: list[int]) -> None:
    already = {RESERVE[i].ticket for i in offered}
    found = next_from_reserve(RESERVE, already, port="SYS", used=used, cap=10)
    assert found == [RESERVE[i] for i in chosen]


@pytest.mark.parametrize(
    ("sizes", "rooms", "expected"),
    [
        ([], [], []),
        ([1, 1, 1], [(2, 0), (2, 0)], [0, 0, 1]),
        ([4, 1, 1], [(2, 0), (2, 0)], [0, 1, 1]),  # a group may overshoot its time of day too
        ([1, 1], [(2, 2), (2, 0)], [1, 1]),
        ([2, 2, 2], [(2, 0), (1, 0)], [0, 1, 1]),  # nothing has room: the last
        ([1], [(0, 0), (0, 0)], [1]),
        ([1, 1], [(1, 0), (0, 0), (1, 0)], [0, 2]),
    ],
)
def test_offers_go_to_the_earliest_time_of_day_with_room(
    sizes: list[int], rooms: list[tuple[int, int]], expected: list[int]
) -> None:
    assert times_of_day(sizes, [SlotRoom(*room) for room in rooms]) == expected


def test_the_example_in_the_essay_holds() -> None:
    """A, B, C and D of the essay, under the first seed that ties and draws them in the essay's order."""
    manifest = a_manifest(ports=(PortPlaces("SYS", 6, 1),), seniority_share=(1, 2), group_max=4)
    a, b, c, d = (
        Entry(an_entry(i).ticket, size, weeks, ("SYS",))
        for i, (size, weeks) in enumerate([(1, 9), (3, 8), (2, 8), (3, 0)])
    )
    outcomes = [allocate(manifest, [a, b, c, d], bytes([chance]) * 32) for chance in range(32)]
    as_told = [drawn for drawn in outcomes if [o.ticket for o in drawn.offers] == [a.ticket, b.ticket, d.ticket]]
    assert as_told
    assert all(drawn.reserve == (c.ticket,) for drawn in as_told)
    assert all(drawn.used == {"SYS": 7} and drawn.carry_out == {"SYS": 2} for drawn in as_told)
