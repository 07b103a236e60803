"""What the draw promises to people, for all rounds: RULES.md section 1, "Allocation"."""

from dataclasses import replace
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from fairgate.core.bundle import PortPlaces
from fairgate.core.draw import Drawn, Entry, SlotRoom, allocate, draw, next_from_reserve, times_of_day
from sealed_rounds import Round, a_manifest, rounds

seeds = st.binary(min_size=32, max_size=32)


def cap_of(port: PortPlaces) -> int:
    return max(0, port.capacity - port.carry)


def rank(seed: bytes, ticket: str) -> str:
    return sha256(f"fairgate-draw/1|rank|{seed.hex()}|{ticket}".encode()).hexdigest()


@given(rounds(), seeds, st.data())
def test_a_withdrawn_entry_never_reorders_the_others(world: Round, seed: bytes, data: st.DataObject) -> None:
    """For a given seed; the real seed depends on the entries, so that nobody can withdraw one to choose it."""
    without_places = replace(world.manifest, ports=tuple(replace(p, capacity=0) for p in world.manifest.ports))
    everyone = allocate(without_places, world.entries, seed).reserve
    assert len(everyone) == len(world.entries)
    stay = data.draw(st.lists(st.sampled_from(world.entries), unique=True)) if world.entries else []
    kept = {entry.ticket for entry in stay}
    assert list(allocate(without_places, stay, seed).reserve) == [t for t in everyone if t in kept]


@given(rounds(), seeds, st.data())
def test_a_withdrawn_entry_never_reorders_those_who_wait_longest(
    world: Round, seed: bytes, data: st.DataObject
) -> None:
    plenty = a_manifest(
        ports=tuple(PortPlaces(p.port, 1000, 0) for p in world.manifest.ports), seniority_share=(1, 1), group_max=6
    )
    everyone = [offer.ticket for offer in allocate(plenty, world.entries, seed).offers]
    assert len(everyone) == len(world.entries)
    stay = data.draw(st.lists(st.sampled_from(world.entries), unique=True)) if world.entries else []
    kept = {entry.ticket for entry in stay}
    assert [offer.ticket for offer in allocate(plenty, stay, seed).offers] == [t for t in everyone if t in kept]


@given(rounds(), st.data())
def test_the_order_of_the_entries_does_not_matter(world: Round, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(world.entries))
    root = bytes(32)
    assert draw(world.manifest, root, shuffled, world.randomness) == draw(
        world.manifest, root, world.entries, world.randomness
    )


@given(rounds(), seeds)
def test_everyone_is_offered_one_whole_place_or_stands_on_the_reserve(world: Round, seed: bytes) -> None:
    drawn = allocate(world.manifest, world.entries, seed)
    told = [offer.ticket for offer in drawn.offers] + list(drawn.reserve)
    assert sorted(told) == sorted(entry.ticket for entry in world.entries)
    assert [offer.order for offer in drawn.offers] == list(range(1, len(drawn.offers) + 1))
    entries = {entry.ticket: entry for entry in world.entries}
    assert all(offer.port in entries[offer.ticket].ports for offer in drawn.offers)
    for port, used in drawn.used.items():
        assert used == sum(entries[offer.ticket].size for offer in drawn.offers if offer.port == port)


@given(rounds(), seeds)
def test_a_port_overshoots_by_less_than_one_group(world: Round, seed: bytes) -> None:
    drawn = allocate(world.manifest, world.entries, seed)
    for port in world.manifest.ports:
        assert drawn.used[port.port] < cap_of(port) + world.manifest.group_max
        if cap_of(port) == 0:
            assert drawn.used[port.port] == 0


@given(rounds(), seeds)
def test_nobody_is_on_the_reserve_while_a_port_of_their_list_has_room(world: Round, seed: bytes) -> None:
    drawn = allocate(world.manifest, world.entries, seed)
    full = {p.port for p in world.manifest.ports if drawn.used[p.port] >= cap_of(p)}
    waiting = set(drawn.reserve)
    assert all(full.issuperset(entry.ports) for entry in world.entries if entry.ticket in waiting)


@given(rounds(), seeds)
def test_reserved_places_go_to_those_who_wait_longest(world: Round, seed: bytes) -> None:
    """Whoever got no reserved place finds every port of their list taken by people who waited at least as long."""
    drawn = allocate(world.manifest, world.entries, seed)
    entries = {entry.ticket: entry for entry in world.entries}
    holders = seniors_by_port(drawn, entries)
    seated = {offer.ticket for offer in drawn.offers if offer.phase == "seniority"}
    n, d = world.manifest.seniority_share
    reserved = {p.port: cap_of(p) * n // d for p in world.manifest.ports}
    for entry in world.entries:
        if entry.ticket not in seated:
            for port in entry.ports:
                assert sum(holder.size for holder in holders[port]) >= reserved[port]
                assert all(holder.weeks >= entry.weeks for holder in holders[port])


@given(rounds(), seeds)
def test_nobody_on_the_reserve_had_a_better_lot_than_a_winner_at_a_port_of_their_list(
    world: Round, seed: bytes
) -> None:
    drawn = allocate(world.manifest, world.entries, seed)
    entries = {entry.ticket: entry for entry in world.entries}
    winners = [offer for offer in drawn.offers if offer.phase == "lottery"]
    for ticket in drawn.reserve:
        for offer in winners:
            if offer.port in entries[ticket].ports:
                assert rank(seed, offer.ticket) < rank(seed, ticket)


@given(rounds(), seeds, st.data())
def test_lapsed_places_go_down_the_reserve_in_its_order(world: Round, seed: bytes, data: st.DataObject) -> None:
    drawn = allocate(world.manifest, world.entries, seed)
    entries = {entry.ticket: entry for entry in world.entries}
    reserve = [entries[ticket] for ticket in drawn.reserve]
    place = data.draw(st.sampled_from(world.manifest.ports))
    port, cap = place.port, cap_of(place)
    used = data.draw(st.integers(0, drawn.used[port]))
    offered = set(data.draw(st.lists(st.sampled_from(drawn.reserve), unique=True)) if reserve else [])

    chosen = next_from_reserve(reserve, offered, port=port, used=used, cap=cap)

    eligible = [entry for entry in reserve if port in entry.ports and entry.ticket not in offered]
    assert chosen == eligible[: len(chosen)]  # nobody is passed over
    after = used + sum(entry.size for entry in chosen)
    assert after >= cap or len(chosen) == len(eligible)  # nothing stays free that somebody wants
    if chosen:
        assert after - chosen[-1].size < cap  # the last one still found room


@given(st.lists(st.integers(1, 6)), st.lists(st.builds(SlotRoom, st.integers(0, 8), st.integers(0, 9)), min_size=1))
def test_each_offer_goes_to_the_earliest_slot_with_room(sizes: list[int], slots: list[SlotRoom]) -> None:
    taken = [slot.taken for slot in slots]
    for size, chosen in zip(sizes, times_of_day(sizes, slots), strict=True):
        with_room = [i for i, slot in enumerate(slots) if taken[i] < slot.capacity]
        assert chosen == (with_room[0] if with_room else len(slots) - 1)
        taken[chosen] += size


def seniors_by_port(drawn: Drawn, entries: dict[str, Entry]) -> dict[str, list[Entry]]:
    holders: dict[str, list[Entry]] = {port: [] for port in drawn.used}
    for offer in drawn.offers:
        if offer.phase == "seniority":
            holders[offer.port].append(entries[offer.ticket])
    return holders
