"""Text messages, with real gateways at the other end; and how work is shared between providers."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairgate.core import addresses
from fairgate.core.delivering import Fault
from fairgate.core.errors import BadInput
from fairgate.core.providers import Provider, order, rested, shifted
from fairgate.notify.channels import Message, NotTaken, Undeliverable
from fairgate.notify.configured import configured
from fairgate.notify.run import hand_over
from fairgate.notify.sms import Sms, Weights
from fairgate.notify.writing import Text
from fairgate.store.providers import load
from loopback import loopback
from notify_world import Kept, Office, adult, deliveries_of, registered, told
from time_world import NOON, TimeWorld


@dataclass
class Gateway:
    """`answers` are what it says, by number; else it takes everything."""

    port: int = 0
    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    answer: tuple[int, bytes] = (202, b'{"id": "m-1"}')


@contextmanager
def gateway() -> Iterator[Gateway]:
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((dict(self.headers), body))
            status, said = found.answers.get(body["to"], found.answer)
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Nothing is said on standard error."""

    with loopback(Handler) as found.port:
        yield found


def provider(name: str, at: Gateway, weight: int) -> Provider:
    return Provider(
        name, f"http://127.0.0.1:{at.port}/messages", f"token of {name}", "a secret for reports", weight, "Fairgate"
    )


@pytest.fixture
def two() -> Iterator[tuple[Gateway, Gateway]]:
    with gateway() as first, gateway() as second:
        yield first, second


@pytest.fixture
def sms(two: tuple[Gateway, Gateway]) -> Iterator[Sms]:
    """The first is asked first, always."""
    channel = Sms([provider("first", two[0], 100), provider("second", two[1], 0)])
    yield channel
    channel.close()


def message(to: str = "+526645550199") -> Message:
    return Message(7, 41, "0000-0012", "confirmed", to, Text("en", "", "", "You have an appointment."))


def test_a_gateway_is_asked_once_with_everything_it_needs(sms: Sms, two: tuple[Gateway, Gateway]) -> None:
    sent = sms.hand_over(message())
    assert (sent.provider, sent.reference) == ("first", "m-1")
    [(headers, body)] = two[0].asked
    assert headers["Authorization"] == "Bearer token of first"
    assert headers["Idempotency-Key"] == "FG-7"
    assert body == {
        "to": "+526645550199",
        "from": "Fairgate",
        "text": "You have an appointment.",
        "reference": "FG-7",
    }
    assert two[1].asked == []


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_where_one_provider_fails_the_other_is_asked(sms: Sms, two: tuple[Gateway, Gateway], status: int) -> None:
    two[0].answer = (status, b"not now")
    two[1].answer = (200, b"taken, in words that are not JSON")
    sent = sms.hand_over(message())
    assert (sent.provider, sent.reference) == ("second", None)
    assert two[1].asked[0][1]["reference"] == "FG-7"


def test_where_both_fail_it_is_tried_again_later(world: TimeWorld, sms: Sms, two: tuple[Gateway, Gateway]) -> None:
    two[0].answer = two[1].answer = (500, b"")
    told(world, registered(world, adult(phone="+52 664 555 0199")))
    office = Office(world, Kept(), sms)
    hand_over(office.desk)
    assert deliveries_of(world) == [("sms", "waiting", None, 1)]
    two[1].answer = (200, b"{}")
    office.now = NOON + timedelta(minutes=1)
    hand_over(office.desk)
    assert deliveries_of(world) == [("sms", "sent", None, 2)]
    [row] = world.conn.execute("SELECT provider, reference FROM delivery").fetchall()
    assert row == ("second", None)


def test_a_number_that_does_not_exist_fails_at_once_and_alone(
    world: TimeWorld, sms: Sms, two: tuple[Gateway, Gateway]
) -> None:
    two[0].answers["+526645550100"] = (422, b'{"error": "no such number"}')
    told(world, registered(world, adult(phone="+526645550100")))
    told(world, registered(world, adult(phone="+526645550101")))
    told(world, registered(world, adult(phone="12")))
    office = Office(world, Kept(), sms)
    hand_over(office.desk)
    assert deliveries_of(world) == [
        ("sms", "failed", Fault.REFUSED, 1),
        ("sms", "sent", None, 1),
        ("sms", "failed", Fault.BAD_ADDRESS, 0),
    ]
    assert two[1].asked == [], "what is so for one provider is so for the other"
    with pytest.raises(Undeliverable):
        sms.hand_over(message("+526645550100"))


def test_a_gateway_that_is_not_there_is_passed_over(two: tuple[Gateway, Gateway]) -> None:
    with gateway() as gone:
        pass
    channel = Sms([provider("gone", gone, 100), provider("there", two[0], 0)])
    assert channel.hand_over(message()).provider == "there"
    with pytest.raises(NotTaken):
        Sms([provider("gone", gone, 100)]).hand_over(message())
    channel.close()


def test_what_a_gateway_calls_a_message_is_kept_only_if_it_can_be(sms: Sms, two: tuple[Gateway, Gateway]) -> None:
    for said in (b"[]", b'{"id": 7}', b'{"id": "a\\nb"}', b'{"id": "' + b"x" * 201 + b'"}', b"\xff"):
        two[0].answer = (200, said)
        assert sms.hand_over(message()).reference is None


# -- sharing the work ---------------------------------------------------------------------------


def test_providers_are_asked_by_their_shares() -> None:
    chance = random.Random(7).random
    first = Counter(order({"a": 70, "b": 30}, chance)[0] for _ in range(10_000))
    assert abs(first["a"] - 7000) < 200
    assert {tuple(sorted(order({"a": 100, "b": 0}, chance))) for _ in range(100)} == {("a", "b")}
    assert {order({"a": 100, "b": 0}, chance)[0] for _ in range(100)} == {"a"}


def test_a_failing_provider_loses_ten_a_minute_and_gets_them_back_after_an_hour() -> None:
    now = [0.0]
    weights = Weights({"a": 60, "b": 40}, lambda: now[0])

    def shares() -> dict[str, int]:
        weights.order()
        return dict(weights._shares)

    weights.failed("a")
    weights.failed("a")
    assert shares() == {"a": 50, "b": 50}, "once a minute"
    now[0] = 60.0
    weights.failed("a")
    assert shares() == {"a": 40, "b": 60}
    now[0] = 60.0 + 3599
    assert shares() == {"a": 40, "b": 60}
    now[0] = 60.0 + 3600
    assert shares() == {"a": 50, "b": 50}
    assert shares() == {"a": 50, "b": 50}, "every five minutes"
    now[0] += 300
    assert shares() == {"a": 60, "b": 40}
    now[0] += 300
    assert shares() == {"a": 60, "b": 40}


def splits(names: int) -> st.SearchStrategy[dict[str, int]]:
    cuts = st.lists(st.integers(0, 100), min_size=names - 1, max_size=names - 1).map(sorted)
    return cuts.map(lambda at: {str(i): b - a for i, (a, b) in enumerate(zip([0, *at], [*at, 100], strict=True))})


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(splits(n), splits(n))), st.data())
def test_shares_stay_shares(both: tuple[dict[str, int], dict[str, int]], data: st.DataObject) -> None:
    shares, resting = both
    failing = data.draw(st.sampled_from(sorted(shares)))
    for found in (shifted(shares, failing), rested(shares, resting)):
        assert found.keys() == shares.keys()
        assert sum(found.values()) == 100
        assert min(found.values()) >= 0
    for _ in range(40):
        shares = rested(shares, resting)
    assert shares == resting


# -- numbers and files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("+52 (664) 555-0199", "+526645550199"),
        ("+1 619 555 0100", "+16195550100"),
        ("+52 1 664 555 0199", "+526645550199"),
        ("+54 9 11 2345 6789", "+5491123456789"),
        ("+509 34 56 7890", "+50934567890"),
        ("+1 900 555 0100", None),
        ("664 555 0199", None),
        ("+52", None),
        ("+99 12345678", None),
        ("+5266455501991234567", None),
        ("phone", None),
        ("", None),
        ("+52 664 555 0199\r\nto: +15550100", None),
    ],
)
def test_a_number_is_read_with_its_country_or_not_at_all(given: str, read: str | None) -> None:
    assert addresses.phone(given) == read


FILE = """
[alpha]
url = "https://sms.example.org/messages"
token = "0123456789abcdef"
report_secret = "fedcba9876543210"
weight = 60
sender = "Fairgate"
[beta]
url = "http://127.0.0.1:9/messages"
token = "0123456789abcdeg"
report_secret = "fedcba9876543211"
weight = 40
sender = "12345"
"""


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "sms.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_file_names_the_providers(tmp_path: Path) -> None:
    found = load(write(tmp_path, FILE))
    assert [(each.name, each.weight, each.sender) for each in found] == [
        ("alpha", 60, "Fairgate"),
        ("beta", 40, "12345"),
    ]
    [channel] = configured({"FAIRGATE_SMS_FILE": str(tmp_path / "sms.toml")})
    assert channel.name == "sms"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("weight = 60", "weight = 50", "add up to 90"),
        ("https://sms", "http://sms", "alpha.url"),
        ("0123456789abcdef", "0123456789abcde", "alpha.token"),
        ('report_secret = "fedcba9876543211"', "", "beta.report_secret"),
        ("[beta]", "[Beta]", "Beta"),
        ('sender = "12345"', 'sender = "12345"\ncolour = "red"', "beta.colour"),
        ('token = "', "token = ", "not TOML"),
    ],
)
def test_a_file_with_a_fault_is_refused_without_its_secrets(
    tmp_path: Path, before: str, after: str, fault: str
) -> None:
    with pytest.raises(BadInput, match=fault) as bad:
        load(write(tmp_path, FILE.replace(before, after, 1)))
    assert "0123456789" not in str(bad.value)
    assert "fedcba" not in str(bad.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="chmod 600"):
        load(write(tmp_path, FILE, 0o644))
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "nowhere.toml")
