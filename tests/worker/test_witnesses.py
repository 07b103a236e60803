"""The ledger asks its witnesses: real ones over HTTP, ones that lie, and ones that are not there."""

import gzip
import resource
import socketserver
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fairgate.core import tiles
from fairgate.core.note import COSIGNATURE, NoteSigner, with_signature
from fairgate.core.policy import Group, Log, Policy, Witness, witnessed_at
from fairgate.worker.witnesses import Ahead, Asked, Contradicted, Witnesses
from ledgers import AT, LOG, WITNESSES, Published
from loopback import loopback
from witness_process import WitnessProcess

LEDGER = Published(700)
LIAR = WITNESSES[0]


def policy(*witnesses: Witness) -> Policy:
    names = tuple(witness.name for witness in witnesses)
    return Policy((Log(LOG.key),), witnesses, (Group("all", len(names), names),), "all")


def ask(asker: Witnesses, size: int, old: dict[str, int] | None = None, ledger: Published = LEDGER) -> Asked:
    return asker.cosign(ledger.signed(size), old or {}, lambda a, b: tiles.consistency(a, b, at(ledger, b)))


def at(ledger: Published, size: int) -> tiles.Read:
    return Published(size).read if size != ledger.size else ledger.read


@contextmanager
def asking(*witnesses: Witness, timeout: float = 5.0) -> Iterator[Witnesses]:
    asker = Witnesses(policy(*witnesses), timeout)
    try:
        yield asker
    finally:
        asker.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Witness]]:
    with ExitStack() as running:
        processes = [
            running.enter_context(WitnessProcess(tmp_path / name, name=f"{name}.example.org").running())
            for name in ("one", "two", "three")
        ]
        yield [Witness(p.name.partition(".")[0], p.key, p.url) for p in processes]


def test_all_cosign_and_are_asked_with_what_they_saw_last(three: list[Witness]) -> None:
    with asking(*three) as asker:
        sizes: dict[str, int] = {}
        for size in (5, 5, 300, 700):
            asked = ask(asker, size, sizes)
            assert (asked.ahead, asked.contradicted, asked.away) == ([], [], [])
            note = with_signature(LEDGER.note(size), "".join(asked.lines))
            assert witnessed_at(note, policy(*three)) is not None
            sizes = asked.sizes
            assert sizes == {"one": size, "two": size, "three": size}


def test_what_a_witness_saw_is_asked_for_where_it_was_forgotten(three: list[Witness]) -> None:
    with asking(*three) as asker:
        ask(asker, 300)
        again = ask(asker, 700, {"one": 300, "two": 4})  # the third is not known at all
        assert len(again.lines) == 3
        assert set(again.sizes.values()) == {700}


def test_a_ledger_that_was_set_back_is_told_so(three: list[Witness]) -> None:
    """As after a backup was restored: each witness knows more than we do."""
    with asking(*three) as asker:
        ask(asker, 700)
        for remembered in ({}, {"one": 300, "two": 300, "three": 300}, {"one": 700, "two": 700, "three": 700}):
            asked = ask(asker, 300, remembered)
            assert asked.lines == []
            assert asked.ahead == [Ahead(name, 700) for name in ("one", "two", "three")]


@pytest.mark.parametrize("remembered", [{}, {"one": 300}])
@pytest.mark.parametrize("size", [300, 700])
def test_a_ledger_that_tells_another_story_is_told_so(
    three: list[Witness], size: int, remembered: dict[str, int]
) -> None:
    other = Published(299)
    other.grow(401, "another story")
    hashes = Published(299)
    hashes.grow(size - 299, "another story")
    with asking(three[0]) as asker:
        ask(asker, 300)
        asked = asker.cosign(hashes.signed(), remembered, lambda a, b: tiles.consistency(a, b, hashes.read))
    assert (asked.lines, asked.contradicted) == ([], [Contradicted("one", 300)])


def test_who_is_away_costs_seconds_and_the_others_count(three: list[Witness]) -> None:
    silent = socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler)  # takes, and never answers
    nowhere = Witness("nowhere", NoteSigner(b"n" * 32, "n", COSIGNATURE).key, "http://127.0.0.1:9")
    odd = Witness("odd", NoteSigner(b"o" * 32, "o", COSIGNATURE).key, "no address")
    mute = Witness("mute", NoteSigner(b"m" * 32, "m", COSIGNATURE).key, f"http://127.0.0.1:{silent.server_address[1]}")
    unasked = Witness("unasked", NoteSigner(b"u" * 32, "u", COSIGNATURE).key)
    begun = time.monotonic()
    with asking(three[0], nowhere, mute, odd, unasked, timeout=1.0) as asker:
        asked = ask(asker, 5)
    assert time.monotonic() - begun < 5
    assert asked.away == ["nowhere", "mute", "odd"]
    assert len(asked.lines) == 1
    silent.server_close()


class _Dribbling(socketserver.BaseRequestHandler):
    """Sends a header for ever, a byte now and then, so that no single one is late."""

    def handle(self) -> None:
        self.request.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            self.request.sendall(b"x")
            time.sleep(0.1)


def test_one_whose_answer_never_ends_takes_no_other_witness_with_it(three: list[Witness]) -> None:
    with loopback(_Dribbling) as port:
        endless = Witness("endless", NoteSigner(b"e" * 32, "e", COSIGNATURE).key, f"http://127.0.0.1:{port}")
        with asking(endless, *three, timeout=0.4) as asker:
            for size in (5, 300, 400, 500, 600, 700):
                asked = ask(asker, size)
                assert (asked.away, len(asked.lines)) == (["endless"], 3), size


@contextmanager
def answering(status: int, body: bytes, *, slowly: bool = False, folded: str = "") -> Iterator[str]:
    """A witness that gives the same answer to everything; `folded` is the Content-Encoding that it says."""

    class Same(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if folded:
                self.send_header("Content-Encoding", folded)
            self.end_headers()
            for byte in body if slowly else ():
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)
            if not slowly:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with loopback(Same) as port:
        yield f"http://127.0.0.1:{port}"


TEXT = LEDGER.checkpoint(5).text()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"yes\n"),
        (200, LIAR.sign(LEDGER.checkpoint(6).text(), AT).encode()),
        (200, WITNESSES[1].sign(TEXT, AT).encode()),
        (200, LIAR.sign(TEXT, AT).encode()[:-1]),
        (200, NoteSigner(b"\x01" * 32, LIAR.key.name).sign(TEXT).encode()),  # its key, but as a log
        (200, LIAR.sign(TEXT, (1 << 63) - 1).encode()),  # at a time that no calendar has
        (200, b"x" * 200_000),
        (409, b"many\n"),
        (409, b"3\n"),  # whatever it is asked with
        (301, b"elsewhere"),
        (404, b""),
        (500, b"\xff\xfe"),
    ],
)
def test_what_a_witness_says_wrongly_is_not_believed(status: int, body: bytes) -> None:
    with answering(status, body) as url, asking(Witness("liar", LIAR.key, url)) as asker:
        asked = ask(asker, 5, {"liar": 4})
    assert (asked.lines, asked.ahead, asked.sizes) == ([], [], {"liar": 4})
    assert asked.away == ["liar"] or asked.contradicted == [Contradicted("liar", 3)]


def test_its_own_line_is_taken_from_among_others() -> None:
    own = LIAR.sign(TEXT, AT)
    body = (WITNESSES[1].sign(TEXT, AT) + own).encode()
    with answering(200, body) as url, asking(Witness("one", LIAR.key, url)) as asker:
        assert ask(asker, 5).lines == [own]


def test_an_answer_that_unfolds_to_gigabytes_is_not_unfolded() -> None:
    body = gzip.compress(gzip.compress(bytes(1 << 27)))
    assert len(body) < 4096
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    with answering(200, body, folded="gzip, gzip") as url, asking(Witness("bomb", LIAR.key, url)) as asker:
        asked = ask(asker, 5)
    assert (asked.lines, asked.away) == ([], ["bomb"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_an_answer_that_dribbles_is_not_waited_for() -> None:
    begun = time.monotonic()
    body = LIAR.sign(TEXT, AT).encode()
    with answering(200, body, slowly=True) as url, asking(Witness("slow", LIAR.key, url), timeout=1.0) as asker:
        asked = ask(asker, 5)
        assert time.monotonic() - begun < 4
        assert asked.away == ["slow"]


def test_what_the_proof_raises_is_raised() -> None:
    def fails(old: int, size: int) -> list[bytes]:
        raise FileNotFoundError("tile/0/000")

    url = "http://127.0.0.1:9"
    with asking(Witness("one", LIAR.key, url)) as asker, pytest.raises(FileNotFoundError):
        asker.cosign(LEDGER.signed(5), {}, fails)
