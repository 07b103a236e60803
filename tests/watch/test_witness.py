"""The witness as a process: it cosigns what continues, refuses what does not, and forgets nothing when it is killed."""

import base64
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from fairgate.core.note import parse_note, verified, with_signature
from fairgate.core.tree import consistency_proof
from fairgate.core.witnessing import request_bytes
from fairgate.watch.witness import Witness
from ledgers import LOG, ORIGIN, Published
from witness_process import WitnessProcess

LEDGER = Published(300)


def fork(at: int, size: int) -> Published:
    """A ledger that tells another story from leaf `at` on."""
    other = Published(at)
    other.grow(size - at, "another story")
    return other


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessProcess]:
    with WitnessProcess(tmp_path / "witness").running() as running:
        yield running


def test_what_continues_is_cosigned_with_the_time_over_one_connection(witness: WitnessProcess) -> None:
    before = int(time.time())
    with httpx.Client() as client:
        for old, new in [(0, 5), (5, 5), (5, 260), (260, 300)]:
            answer = witness.ask(old, LEDGER, new, client)
            assert answer.status_code == 200, answer.text
            note = with_signature(LEDGER.note(new), answer.text)
            signed = verified(note, [LOG.key, witness.key])
            assert set(signed) == {LOG.key, witness.key}
            assert before <= (signed[witness.key] or 0) <= int(time.time())
    assert witness.seen() == 300


def test_its_times_never_go_back_whatever_its_clock_does(tmp_path: Path) -> None:
    """A list that was sealed now must not seem sealed an hour ago; and the restart forgets nothing of that."""
    clock = [1_800_000_000.0]

    def cosigned_at(witness: Witness, old: int, size: int) -> int | None:
        body = request_bytes(old, consistency_proof(LEDGER.hashes[:size], old), LEDGER.signed(size))
        reply = witness.add_checkpoint(body)
        assert reply.status == 200, reply.body
        return verified(with_signature(LEDGER.note(size), reply.body.decode()), [witness.key])[witness.key]

    def begun() -> Witness:
        return Witness(tmp_path, "witness.example.org/w1", [LOG.key], lambda: clock[0])

    witness = begun()
    assert cosigned_at(witness, 0, 5) == 1_800_000_000
    clock[0] += 60
    assert cosigned_at(witness, 5, 5) == 1_800_000_060, "the same again, at another time"
    clock[0] -= 3600
    assert cosigned_at(witness, 5, 20) == 1_800_000_060
    assert cosigned_at(begun(), 20, 30) == 1_800_000_060
    clock[0] += 3600 + 5
    assert cosigned_at(begun(), 30, 40) == 1_800_000_065


def test_lines_that_anybody_may_add_are_not_remembered(witness: WitnessProcess) -> None:
    junk = f"— {ORIGIN} {base64.b64encode(bytes(70)).decode()}\n".encode() * 60
    body = request_bytes(0, [], LEDGER.signed(5) + junk)
    assert httpx.post(f"{witness.url}/add-checkpoint", content=body).status_code == 200
    [file] = (witness.home / "seen").iterdir()
    assert len(parse_note(file.read_bytes(), "seen").signatures) == 2


def test_who_it_is_and_what_it_saw_can_be_read(witness: WitnessProcess) -> None:
    assert f"{ORIGIN}: nothing yet" in httpx.get(witness.url).text
    witness.ask(0, LEDGER, 7)
    about = httpx.get(witness.url)
    assert about.text.startswith(witness.key.vkey + "\n")
    assert f"{ORIGIN}: 7 leaves" in about.text
    [path] = [line for line in about.text.splitlines() if line.startswith("/seen/")]
    last = httpx.get(witness.url + path)
    assert last.headers["content-type"] == "text/plain; charset=utf-8"
    assert set(verified(parse_note(last.content, "last"), [LOG.key, witness.key])) == {LOG.key, witness.key}
    assert httpx.head(witness.url + path).content == b""
    assert httpx.get(witness.url + "/seen/../witness.key").status_code == 404


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    process = WitnessProcess(tmp_path / "witness")
    with process.running():
        first = process.key
    assert stat.S_IMODE((tmp_path / "witness" / "witness.key").stat().st_mode) == 0o600
    with process.running():
        assert process.key == first


def test_it_is_told_which_size_it_saw_when_another_is_sent(witness: WitnessProcess) -> None:
    witness.ask(0, LEDGER, 5)
    answer = witness.ask(0, LEDGER, 300)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (409, "5\n", "text/x.tlog.size")
    behind = witness.ask(3, LEDGER, 4)
    assert (behind.status_code, behind.text) == (409, "5\n")


def test_another_root_of_the_same_size_is_refused_and_both_checkpoints_are_kept(witness: WitnessProcess) -> None:
    witness.ask(0, LEDGER, 9)
    for _ in range(2):  # kept once
        answer = witness.ask(9, fork(5, 9))
        assert (answer.status_code, answer.text) == (409, "9\n")
    [kept] = (witness.home / "forks").iterdir()
    first, second = (parse_note((kept / name).read_bytes(), name) for name in ("first", "second"))
    assert verified(first, [LOG.key])
    assert verified(second, [LOG.key])
    assert first.text.split("\n")[:2] == second.text.split("\n")[:2] == [ORIGIN, "9"]
    assert first.text != second.text
    assert witness.ask(9, LEDGER, 12).status_code == 200  # it goes on with what it saw first


def test_what_it_cosigned_itself_is_no_evidence_whatever_proof_comes_with_it(witness: WitnessProcess) -> None:
    """Anybody can send it the checkpoint that is public."""
    witness.ask(0, LEDGER, 9)
    again = request_bytes(9, [b"x" * 32], LEDGER.signed(9))
    assert httpx.post(f"{witness.url}/add-checkpoint", content=again).status_code == 422
    assert not (witness.home / "unproven").exists()


def test_what_is_not_shown_to_continue_is_refused_and_kept_until_it_is(witness: WitnessProcess) -> None:
    witness.ask(0, LEDGER, 9)
    assert witness.ask(9, fork(5, 12)).status_code == 422
    wrong = request_bytes(9, consistency_proof(LEDGER.hashes[:14], 8), LEDGER.signed(14))
    assert httpx.post(f"{witness.url}/add-checkpoint", content=wrong).status_code == 422
    assert sorted(path.name.split("-")[1] for path in (witness.home / "unproven").iterdir()) == ["12", "14"]
    assert not (witness.home / "forks").exists()
    assert witness.ask(9, LEDGER, 14).status_code == 200
    assert [path.name.split("-")[1] for path in (witness.home / "unproven").iterdir()] == ["12"]


def test_of_two_stories_sent_at_once_one_is_cosigned(witness: WitnessProcess) -> None:
    witness.ask(0, LEDGER, 50)
    stories = [Published(50), *(Published(50) for _ in range(7))]
    for told, story in enumerate(stories):
        story.grow(10, f"story {told}")
    with ThreadPoolExecutor(len(stories)) as threads:
        answers = list(threads.map(lambda story: witness.ask(50, story), stories))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(list((witness.home / "forks").iterdir())) == 7


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"old 0\n\nno note", 400),
        (request_bytes(12, [], LEDGER.signed(5)), 400),
        (request_bytes(0, [], LEDGER.signed(5)).replace(b"places.", b"others."), 404),
        (request_bytes(0, [], LEDGER.signed(5)).replace(b"\n5\n", b"\n6\n"), 403),
        (request_bytes(0, [b"h" * 32], LEDGER.signed(5)), 422),
        (b"x" * 70_000, 413),
    ],
)
def test_what_is_wrong_with_a_request_is_said(witness: WitnessProcess, body: bytes, status: int) -> None:
    answer = httpx.post(f"{witness.url}/add-checkpoint", content=body)
    assert answer.status_code == status
    assert answer.text.endswith("\n")
    assert list((witness.home / "seen").iterdir()) == []


def test_bodies_without_a_length_and_clients_that_ask_first_are_read(witness: WitnessProcess) -> None:
    body = request_bytes(0, [], LEDGER.signed(5))
    assert httpx.post(f"{witness.url}/add-checkpoint", content=iter([body[:50], body[50:]])).status_code == 200
    assert httpx.post(f"{witness.url}/add-checkpoint", content=iter([b"x" * 30_000] * 3)).status_code == 413
    port = int(witness.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 100")
        line.sendall(b"old")
        assert line.recv(1000).startswith(b"HTTP/1.1 400")


def test_two_requests_sent_at_once_are_both_answered(witness: WitnessProcess) -> None:
    port = int(witness.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: w\r\n\r\nGET /no HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n")
        said = b""
        while more := line.recv(4096):
            said += more
    assert said.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 404" in said


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nBad Header\r\n\r\n", b"x" * 20_000]
)
def test_nonsense_ends_its_own_connection_only(witness: WitnessProcess, nonsense: bytes) -> None:
    port = int(witness.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(nonsense + b"\r\n\r\n")
        line.settimeout(15)
        answered = line.recv(4096)
    assert answered[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431")
    assert httpx.get(witness.url).status_code == 200


def test_silent_clients_keep_nobody_out(witness: WitnessProcess) -> None:
    port = int(witness.url.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(200)]
    try:
        assert witness.ask(0, LEDGER, 5).status_code == 200
    finally:
        for line in silent:
            line.close()


def test_it_is_small(witness: WitnessProcess) -> None:
    for old, new in [(0, 100), (100, 200), (200, 300)]:
        witness.ask(old, LEDGER, new)
    assert psutil.Process(witness.pid).memory_info().rss < 50 * 1024 * 1024


def test_it_needs_neither_database_nor_pages() -> None:
    unwanted = "{'django', 'psycopg', 'starlette', 'httpx'}"
    asked = f"import sys, fairgate.cli.witness; print(sorted({unwanted} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_a_second_witness_in_the_same_folder_does_not_start(witness: WitnessProcess) -> None:
    command = [sys.executable, "-m", "fairgate.cli.main", "witness", "--home", str(witness.home)]
    command += ["--name", "w", "--log", LOG.key.vkey, "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "another witness runs here" in second.stderr


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--name", "a name", "has a blank or a plus sign"),
        ("--log", "no key", "is no key"),
        ("--log", WitnessProcess.__name__ + "+00000000+AAAA", "neither one of Ed25519"),
    ],
)
def test_what_cannot_be_right_is_said_at_the_start(tmp_path: Path, option: str, value: str, problem: str) -> None:
    options = {"--home": str(tmp_path), "--name": "w", "--log": LOG.key.vkey, option: value}
    command = [
        sys.executable,
        "-m",
        "fairgate.cli.main",
        "witness",
        *(word for pair in options.items() for word in pair),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert problem in ended.stderr


def test_a_memory_that_was_changed_is_not_replaced_by_none(tmp_path: Path) -> None:
    process = WitnessProcess(tmp_path / "witness")
    with process.running():
        process.ask(0, LEDGER, 5)
    [file] = (tmp_path / "witness" / "seen").iterdir()
    file.write_text(file.read_text().replace("\n5\n", "\n4\n"))
    with pytest.raises(AssertionError, match="it ended before it listened"):
        process.start()
    assert process.ended() == 2
    assert "is not a checkpoint of" in (tmp_path / "witness.log").read_text()


def test_killed_at_any_moment_it_knows_everything_that_it_cosigned(tmp_path: Path) -> None:
    """A client sends checkpoints as fast as it can while the witness is killed again and again."""
    process = WitnessProcess(tmp_path / "witness")
    grown, cosigned = Published(1), 0
    for turn in range(5):
        process.start()
        killer = threading.Timer(0.03 + 0.05 * turn, os.kill, (process.pid, signal.SIGKILL))
        with httpx.Client() as client, suppress(httpx.TransportError):
            known = process.seen()  # what was sent last may have been kept, and the witness killed before it said so
            assert known in (cosigned, grown.size)
            while True:
                grown.grow(1)
                answer = process.ask(known, grown, client=client)
                assert answer.status_code == 200, answer.text
                known = cosigned = grown.size
                if killer.ident is None:
                    killer.start()
        killer.join()
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
        assert process.seen() in (cosigned, grown.size)
    with process.running():
        assert process.ask(0, fork(1, cosigned + 5)).status_code == 409
        assert process.ask(process.seen(), fork(1, cosigned + 5)).status_code == 422
