"""Who is asked to wait at the gate, and who never is."""

import math
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairgate.gate import admission
from fairgate.gate.admission import Buckets, Guessing, Limits, address_of

NUMBER, HOME, ELSEWHERE = "7K3M-9QXR", "192.0.2.1", "198.51.100.7"


@dataclass
class Guesser:
    """Tries wrong codes as fast as the gate lets it."""

    guessing: Guessing
    now: float = 1000.0

    def waits(self, times: int, number: str = NUMBER, address: str = HOME) -> list[float]:
        """The wait before each of so many wrong codes, each of them sat out."""
        return [self.wrong(number, address) for _ in range(times)]

    def wrong(self, number: str = NUMBER, address: str = HOME) -> float:
        wait_s = self.guessing.ask(number, address, self.now)
        self.now += wait_s
        if wait_s:
            assert self.guessing.ask(number, address, self.now) == 0.0, "who waited as told goes ahead"
        self.guessing.failed(number, address, self.now)
        return wait_s


@pytest.fixture
def guesser() -> Guesser:
    return Guesser(Guessing())


def botnet(guesser: Guesser, tries: int = 100) -> None:
    """As many addresses, each with one wrong code for the number."""
    for i in range(tries):
        guesser.wrong(address=f"10.0.{i // 256}.{i % 256}")


# -- guessing -----------------------------------------------------------------------------------


def test_five_slips_are_free_and_then_each_try_waits_longer(guesser: Guesser) -> None:
    """The table at the top of the module."""
    text = (admission.__doc__ or "").splitlines()
    [row] = [line for line in text if line.startswith("    wait, seconds")]
    assert guesser.waits(12) == [float(seconds) for seconds in row.split()[2:]]
    assert guesser.waits(3) == [60.0] * 3


def test_in_an_hour_that_is_some_seventy_tries(guesser: Guesser) -> None:
    start, tries = guesser.now, 0
    while guesser.now < start + 3600:
        guesser.wrong()
        tries += 1
    assert 65 <= tries <= 75


def test_the_wait_is_counted_from_the_last_try(guesser: Guesser) -> None:
    guesser.waits(5)
    at = guesser.now
    asked = [guesser.guessing.ask(NUMBER, HOME, at + after) for after in (0.0, 0.5, 1.5)]
    assert asked == [2.0, 1.5, 0.5]
    assert guesser.guessing.ask(NUMBER, HOME, at + 2) == 0.0


def test_the_right_code_clears_the_count(guesser: Guesser) -> None:
    guesser.waits(8)
    guesser.guessing.succeeded(NUMBER, HOME, guesser.now)
    assert guesser.waits(5) == [0.0] * 5


def test_so_does_an_hour_without_a_try(guesser: Guesser) -> None:
    guesser.waits(8)
    guesser.now += admission.FORGOTTEN_S + 1
    assert guesser.waits(5) == [0.0] * 5


def test_many_tries_at_the_same_moment_are_not_all_free() -> None:
    guessing = Guessing()
    asked = [guessing.ask(NUMBER, HOME, 1.0) for _ in range(100)]
    assert asked == [0.0] * 5 + [2.0] * 95


def test_a_try_that_the_database_did_not_answer_is_nothing_against_anybody() -> None:
    guessing = Guessing()
    for _ in range(50):
        assert guessing.ask(NUMBER, HOME, 1.0) == 0.0
        guessing.unanswered(NUMBER, HOME, 1.0)


def test_a_try_whose_end_nobody_told_is_forgotten() -> None:
    guessing = Guessing()
    for _ in range(5):
        guessing.ask(NUMBER, HOME, 1.0)
    assert guessing.ask(NUMBER, HOME, 1.5) == 1.5
    assert guessing.ask(NUMBER, HOME, 1.0 + admission.ANSWER_S + 1) == 0.0


# -- many addresses, one number -----------------------------------------------------------------


def test_a_family_signs_in_at_once_while_a_botnet_guesses_at_its_number(guesser: Guesser) -> None:
    botnet(guesser, 5000)
    assert [guesser.guessing.ask(NUMBER, HOME, guesser.now) for _ in range(3)] == [0.0] * 3, "also on a double click"


def test_each_address_of_a_botnet_has_one_wrong_code_free(guesser: Guesser) -> None:
    botnet(guesser)
    assert guesser.waits(4) == [0.0, 2.0, 4.0, 8.0]


def test_a_number_recovers_when_the_botnet_has_gone(guesser: Guesser) -> None:
    botnet(guesser)
    guesser.now += 20 * 30
    assert guesser.waits(5) == [0.0] * 5


def test_what_a_botnet_does_to_one_number_is_nothing_to_others(guesser: Guesser) -> None:
    botnet(guesser)
    assert guesser.waits(5, number="0000-0012") == [0.0] * 5


# -- one address, many numbers ------------------------------------------------------------------


def test_three_hundred_people_in_a_shelter_mistype_and_notice_nothing(guesser: Guesser) -> None:
    for i in range(300):
        assert guesser.waits(1 + i % 2, number=f"family {i}") == [0.0] * (1 + i % 2)
        assert guesser.guessing.ask(f"family {i}", HOME, guesser.now) == 0.0
        guesser.guessing.succeeded(f"family {i}", HOME, guesser.now)
        guesser.now += 15.0


def test_where_a_list_of_numbers_is_tried_a_second_try_for_one_waits_a_second(guesser: Guesser) -> None:
    for i in range(61):
        assert guesser.wrong(number=f"number {i}") == 0.0
    assert guesser.waits(5) == [0.0, 1.0, 1.0, 1.0, 1.0], "the first try of a number never waits"
    assert guesser.waits(1, address=ELSEWHERE) == [0.0]


# -- always -------------------------------------------------------------------------------------

ACTS = st.tuples(
    st.sampled_from(["ask", "failed", "succeeded", "unanswered", "guess"]),
    st.integers(0, 3).map("number {}".format),
    st.integers(0, 3).map("address {}".format),
    st.floats(0, 100),
)


def carry_out(guessing: Guessing, act: tuple[str, str, str, float], now: float) -> None:
    kind, number, address, _ = act
    if kind == "guess":  # as fast as it goes
        wait_s = guessing.ask(number, address, now)
        assert 0 <= wait_s <= admission.LONGEST_WAIT_S
        if wait_s == 0:
            guessing.failed(number, address, now)
    else:
        asked = getattr(guessing, kind)(number, address, now)
        assert asked is None or 0 <= asked <= admission.LONGEST_WAIT_S


@given(st.lists(ACTS, max_size=300))
def test_whatever_others_do_the_first_tries_of_a_pair_never_wait(acts: list[tuple[str, str, str, float]]) -> None:
    guessing, now = Guessing(), 0.0
    for act in acts:
        carry_out(guessing, act, now)
        now += act[3]
    for pair in (("number 0", "mine"), ("mine", "address 0"), ("mine", "mine")):
        assert [guessing.ask(*pair, now) for _ in range(5)] == [0.0] * 5


@given(st.lists(ACTS, max_size=300), ACTS)
def test_a_wait_that_was_told_is_long_enough(acts: list[tuple[str, str, str, float]], last: tuple[str, ...]) -> None:
    guessing, now = Guessing(), 0.0
    for act in acts:
        carry_out(guessing, act, now)
        now += act[3]
    wait_s = guessing.ask(last[1], last[2], now)
    assert wait_s == 0 or guessing.ask(last[1], last[2], now + wait_s) == 0


@given(st.lists(st.integers(0, 10_000), max_size=2000))
@settings(max_examples=20)
def test_memory_is_bounded(numbers: list[int]) -> None:
    guessing = Guessing()
    pairs_most, admission.PAIRS_MOST = admission.PAIRS_MOST, 100
    try:
        for i, number in enumerate(numbers):
            guessing.ask(str(number), str(i), float(i))
            guessing.failed(str(number), str(i), float(i))
            assert len(guessing._pairs) <= 100
    finally:
        admission.PAIRS_MOST = pairs_most
    buckets = Buckets(2, 1, most=10)
    for number in numbers:
        buckets.take(str(number), 0.0)
        assert len(buckets) <= 10


def test_the_longest_unused_is_forgotten_first() -> None:
    buckets = Buckets(1, 0.01, most=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0.0)
    assert [bool(buckets.wait(key, 0.0)) for key in ("a", "b", "c")] == [True, False, True]


def test_hostile_numbers_of_any_length_are_not_kept_whole() -> None:
    guessing = Guessing()
    guessing.ask("x" * 10_000, HOME, 0.0)
    assert sum(sys.getsizeof(part) for pair in guessing._pairs for part in pair) < 1000


# -- limits -------------------------------------------------------------------------------------


def test_a_double_click_and_ten_tries_again_are_never_refused() -> None:
    limits, now = Limits(), 0.0
    for _ in range(3):  # see the page, confirm with a double click, and the telephone tries each again ten times
        for _ in range(2 + 10):
            assert limits.act(NUMBER, now) == 0.0
            now += 0.3
        now += 5


def test_a_program_in_a_loop_gets_thirty_and_then_one_a_second() -> None:
    limits, admitted, longest = Limits(), 0, 0.0
    for ms in range(10_000):
        wait_s = limits.act(NUMBER, ms / 1000)
        admitted += wait_s == 0
        longest = max(longest, wait_s)
    assert admitted == 39
    assert math.ceil(longest) == 1
    assert limits.act("another", 10.0) == 0.0


def test_who_is_signed_in_is_not_measured_by_the_address() -> None:
    limits = Limits()
    while limits.anonymous(HOME, 0.0) == 0.0:
        pass
    assert limits.act(NUMBER, 0.0) == 0.0


def test_a_shelter_opens_six_hundred_pages_at_once_and_a_hundred_a_second() -> None:
    limits = Limits()
    assert sum(limits.anonymous(HOME, 0.0) == 0 for _ in range(2000)) == 600
    assert 0 < limits.anonymous(HOME, 0.0) <= 0.01
    assert sum(limits.anonymous(HOME, 1.0) == 0 for _ in range(2000)) == 100
    assert limits.anonymous(ELSEWHERE, 1.0) == 0.0


@given(
    st.floats(1, 1000),
    st.floats(0.01, 1000),
    st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=200),
)
def test_a_bucket_never_asks_for_longer_than_a_token_takes(
    burst: float, per_s: float, acts: list[tuple[bool, float]]
) -> None:
    buckets, now = Buckets(burst, per_s), 0.0
    for take, pause in acts:
        wait_s = buckets.wait("a", now)
        assert 0 <= wait_s <= 1 / per_s + 1e-6
        assert buckets.wait("a", now + wait_s) == 0
        if take:
            buckets.take("a", now)
        now += pause


# -- addresses ----------------------------------------------------------------------------------

PROXY = "10.1.1.1"


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "address"),
    [
        (HOME, None, 0, HOME),
        (HOME, ELSEWHERE, 0, HOME),  # without a proxy of ours anybody may have written it
        (PROXY, HOME, 1, HOME),
        (PROXY, f"{ELSEWHERE}, {HOME}", 1, HOME),  # what stands to the left came with the request
        (PROXY, f"{ELSEWHERE},{HOME},10.2.2.2", 2, HOME),
        (PROXY, HOME, 2, HOME),  # it came past one of them
        (PROXY, None, 1, PROXY),
        (PROXY, "", 1, PROXY),
        (PROXY, "unknown", 1, PROXY),
        (PROXY, "unknown, 10.2.2.2", 2, "10.2.2.2"),
        (PROXY, f"{HOME},,", 1, PROXY),
        (PROXY, "999.1.1.1", 1, PROXY),
        (PROXY, "１９２.0.2.1", 1, PROXY),
        (PROXY, f"{HOME}:4711", 1, HOME),
        (PROXY, "x" * 100_000 + f", {HOME}", 1, HOME),
        (PROXY, "," * 100_000, 3, PROXY),
        ("2001:db8:1:2:aaaa::1", None, 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", None, 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", None, 0, "2001:db8:1:3::/64"),
        (PROXY, "[2001:db8:1:2::9]:4711", 1, "2001:db8:1:2::/64"),
        (PROXY, "[2001:db8:1:2::9", 1, "2001:db8:1:2::/64"),
        ("fe80::1%eth0", None, 0, "fe80::/64"),
        (f"::ffff:{HOME}", None, 0, HOME),
        ("", None, 0, "nowhere"),
        ("a socket", "garbage", 1, "nowhere"),
    ],
)
def test_the_address_of_a_request(client: str, forwarded: str | None, proxies: int, address: str) -> None:
    assert address_of(client, forwarded, proxies) == address


@given(st.text(), st.none() | st.text() | st.lists(st.ip_addresses().map(str)).map(",".join), st.integers(0, 4))
def test_whatever_is_sent_the_address_is_short_and_one_of_the_hops_of_ours(
    client: str, forwarded: str | None, proxies: int
) -> None:
    found = address_of(client, forwarded, proxies)
    assert len(found) <= 43
    assert found == address_of(client, f"203.0.113.5,{forwarded}" if forwarded else None, proxies) or (
        forwarded is not None and forwarded.count(",") + 1 < proxies
    )
