"""drand is believed only with its signature; where it cannot be reached, observers commit and reveal."""

import gzip
import json
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import vectors
from fairgate.core.beacon import GENESIS, PERIOD, QUICKNET, CommitReveal, Drand, randomness
from fairgate.core.bundle import DrandProof, parse_beacon, parse_manifest
from fairgate.core.errors import BadInput
from fairgate.core.profile import Profile
from fairgate.store.profiles import parse
from fairgate.worker.beacons import Beacons
from loopback import loopback
from sealed_rounds import a_manifest
from time_world import profile

ROUND = 1000
NOW = datetime.fromtimestamp(GENESIS + (ROUND - 1) * PERIOD, UTC)  # when round 1000 was made
DAY = date(2023, 9, 13)

Answer = Callable[[str], tuple[int, bytes]]


@contextmanager
def drand(answer: Answer, *, folded: str = "") -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that answers GET with `answer(path)`; its address, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if folded:
                self.send_header("Content-Encoding", folded)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with loopback(Handler) as port:
        yield f"http://127.0.0.1:{port}", asked


def quicknet(path: str) -> tuple[int, bytes]:
    """Answers as a drand server does shortly after round 1000."""
    if path not in (f"/{QUICKNET}/public/{ROUND}", f"/{QUICKNET}/public/latest"):
        return 404, b"{}"
    proof = parse_beacon(vectors.path("draw-2/beacon.json").read_bytes())
    assert isinstance(proof, DrandProof)
    value = {"round": proof.round, "randomness": "00" * 32, "signature": proof.signature.hex()}
    return 200, json.dumps(value).encode()


def lying(path: str) -> tuple[int, bytes]:
    """The signature of another round, which does not fit."""
    status, body = quicknet(f"/{QUICKNET}/public/latest")
    value = json.loads(body)
    return status, json.dumps({**value, "round": value["round"] + 1}).encode()


def nobody() -> str:
    """An address at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


def with_drand(*urls: str, fallback: bool = True, rehearsal: bool = True) -> Profile:
    kinds = ["drand", "commit-reveal"] if fallback else ["drand"]
    observers = 'observers = ["notary", "ombudsman"]' if fallback else ""
    table = f"""
kinds = {json.dumps(kinds)}
chain = "{QUICKNET}"
drand_urls = {json.dumps(urls)}
{observers}
rehearsal = {str(rehearsal).lower()}
"""
    return parse(profile(beacon=table))


@vectors.needed
def test_drand_is_chosen_when_a_server_shows_a_value_of_now(tmp_path: Path) -> None:
    with drand(quicknet) as (url, _):
        chosen = Beacons(tmp_path).choose(with_drand(nobody(), url), "arrival", DAY, NOW + timedelta(hours=1), NOW)
    assert chosen == Drand(QUICKNET, ROUND + 1200)


@vectors.needed
def test_a_server_that_is_behind_does_not_count(tmp_path: Path) -> None:
    with drand(quicknet) as (url, _):
        late = NOW + timedelta(minutes=5)
        chosen = Beacons(tmp_path).choose(with_drand(url), "arrival", DAY, late + timedelta(hours=1), late)
    assert isinstance(chosen, CommitReveal)


@vectors.needed
@pytest.mark.parametrize(
    "answer",
    [
        lying,
        lambda _: (500, b""),
        lambda _: (200, b"<html>sign in to the network</html>"),
        lambda _: (200, b'{"round":1000,"signature":"zz"}'),
        lambda _: (200, b'{"round":1000,"signature":"00"}'),
        lambda _: (200, b"[]"),
        lambda _: (200, b'{"round":1000,"signature":"' + b"0" * 12_000_000 + b'"}'),
    ],
)
def test_what_is_not_quicknets_signature_is_refused(answer: Answer, tmp_path: Path) -> None:
    with drand(answer) as (url, _):
        found = with_drand(url)
        assert isinstance(Beacons(tmp_path).choose(found, "arrival", DAY, NOW, NOW), CommitReveal)
        assert Beacons(tmp_path).proof(found, a_drand_manifest()) is None


def test_an_answer_that_unfolds_to_gigabytes_is_not_unfolded(tmp_path: Path) -> None:
    body = gzip.compress(gzip.compress(bytes(1 << 27)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    with drand(lambda _: (200, body), folded="gzip, gzip") as (url, _):
        assert isinstance(Beacons(tmp_path).choose(with_drand(url), "arrival", DAY, NOW, NOW), CommitReveal)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_observers_step_in_where_drand_cannot_be_reached(tmp_path: Path) -> None:
    chosen = Beacons(tmp_path).choose(with_drand(nobody()), "arrival", DAY, NOW, NOW)
    assert isinstance(chosen, CommitReveal)
    manifest = a_manifest(round=DAY.isoformat(), beacon=chosen)
    proof = Beacons(tmp_path).proof(with_drand(nobody()), manifest)
    assert proof is not None
    assert len(randomness(manifest, proof)) == 32


def test_without_observers_the_sealing_waits_for_drand(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no drand server answers"):
        Beacons(tmp_path).choose(with_drand(nobody(), fallback=False), "arrival", DAY, NOW, NOW)


def test_only_a_rehearsal_makes_the_observers_keys_itself(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the observer's key is not there"):
        Beacons(tmp_path).choose(with_drand(nobody(), rehearsal=False), "arrival", DAY, NOW, NOW)
    assert not list(tmp_path.rglob("*.key"))


def test_keys_of_observers_are_read_by_their_owner_only(tmp_path: Path) -> None:
    Beacons(tmp_path).choose(with_drand(nobody()), "arrival", DAY, NOW, NOW)
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "keys" / "observers").iterdir()}
    assert modes == {"notary.key": 0o600, "ombudsman.key": 0o600}


@vectors.needed
def test_the_value_is_asked_of_one_server_after_the_other(tmp_path: Path) -> None:
    with drand(lying) as (wrong, asked_wrong), drand(quicknet) as (right, asked_right):
        proof = Beacons(tmp_path).proof(with_drand(nobody(), wrong, right), a_drand_manifest())
    assert proof is not None
    assert len(randomness(a_drand_manifest(), proof)) == 32
    assert asked_wrong == asked_right == [f"/{QUICKNET}/public/{ROUND}"]


@vectors.needed
def test_a_value_that_is_not_there_yet_is_asked_for_again(tmp_path: Path) -> None:
    with drand(lambda _: (404, b"")) as (url, _):
        assert Beacons(tmp_path).proof(with_drand(url), a_drand_manifest()) is None


def a_drand_manifest():
    return parse_manifest(vectors.path("draw-2/manifest.json").read_bytes())
