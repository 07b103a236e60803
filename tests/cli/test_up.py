"""`fairgate up`: from an empty folder to pages that answer, and nothing left of it afterwards."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from fairgate.cli.children import Child, Children
from fairgate.core.errors import BadInput

FEW = ("--registrations", "300", "--days", "2")


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Up:
    """A running `fairgate up`; `said` is everything on its standard output so far."""

    def __init__(self, home: Path, port: int, *args: str) -> None:
        command = [sys.executable, "-m", "fairgate.cli.main", "up", "--port", str(port), *args]
        given = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        self.process = subprocess.Popen(
            command,
            env=given | {"FAIRGATE_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, text: str) -> None:
        while text not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended before it said {text!r}:\n{self.said}"
            self.said += line

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, name: str) -> psutil.Process:
        [found] = [p for p in psutil.Process(self.process.pid).children() if name in p.cmdline()]
        return found

    def end(self, number: signal.Signals) -> int:
        """The exit code; and sees that nothing is left running."""
        family = self.family()
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=60)[0]
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive
        return self.process.returncode


@contextmanager
def up(home: Path, port: int, *args: str) -> Iterator[Up]:
    running = Up(home, port, *args)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGTERM)
        running.process.wait(timeout=20)
        running.process.stdout.close()


def ready(port: int) -> bool:
    """Whether the gate reaches its database again within a minute."""
    over = time.monotonic() + 60
    while time.monotonic() < over:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def feed(port: int) -> str:
    """What happened, as news; the worker has written it within half a minute."""
    over = time.monotonic() + 30
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/status.atom", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            assert time.monotonic() < over
            time.sleep(0.2)


def sample(said: str) -> tuple[str, str]:
    found = re.search(r"number +(\S+)\n +access code +(\S+)\n +to confirm by", said)
    assert found, said
    return found[1], found[2]


def test_everything_comes_up_stays_up_goes_on_and_ends(tmp_path, port, refused):
    home = tmp_path / "var"
    with up(home, port, *FEW) as first:
        first.until("Ctrl-C ends everything")
        assert "first start: 300 groups of people who do not exist" in first.said
        number, _ = sample(first.said)
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            assert answer.status == 200
        password = re.search(r"password +(\S+)", first.said)[1]
        assert (home / "staff.password").read_text() == f"{password}\n"
        for secret in (home / "staff.password", home / "rehearsal-codes.csv"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600

        assert f"127.0.0.1 port {port}: nothing can listen there" in refused("up", "--port", port)
        assert f'<link href="http://127.0.0.1:{port}/status"/>' in feed(port)
        first.part("worker").kill()
        first.until("worker ended (by signal 9) and is started again")
        assert first.end(signal.SIGINT) == 0
        assert first.said.endswith("up: ended; nothing is left running\n")

    with up(home, port) as second:
        second.until("Ctrl-C ends everything")
        assert "first start" not in second.said
        assert sample(second.said)[0] == number
        os.kill(int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        second.until("PostgreSQL has ended, and is started again")
        assert ready(port), "and the parts find it again"
        family = second.family()
        second.process.kill()  # as a power cut would, it cannot clear up
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_a_first_start_that_was_interrupted_begins_anew(tmp_path, port):
    home = tmp_path / "var"
    with up(home, port, *FEW) as first:
        first.until("first start")
        assert first.end(signal.SIGTERM) == 0  # at once: a rehearsal of a few is over in two seconds
    with up(home, port, *FEW) as second:
        second.until("tables, profile and staff account")
        assert "first start" in second.said
        assert len((home / "rehearsal-codes.csv").read_text().splitlines()) >= 300


def test_a_profile_that_is_not_there_is_said_before_anything_is_started(refused, tmp_path, port):
    assert "holds no profile" in refused("up", "--port", port, "--profile", tmp_path / "none")
    assert not (tmp_path / "home").exists()


def test_a_part_that_says_what_has_to_be_mended_ends_everything_with_its_words(tmp_path):
    child = Child("watch", ("explain", "deadlines", str(tmp_path / "nowhere")), tmp_path / "log" / "watch.log")
    children = Children([child], os.environ, print)
    with children.running():
        child.process.wait(60)
        with pytest.raises(BadInput, match="nowhere: is not there; correct the path"):
            children.look()


def test_a_part_that_keeps_ending_ends_everything(tmp_path):
    said = []
    child = Child("worker", ("--help",), tmp_path / "log" / "worker.log")
    children = Children([child], os.environ, said.append)
    with children.running():
        for _ in range(5):
            child.process.wait(60)
            children.look()
        child.process.wait(60)
        with pytest.raises(BadInput, match="worker: ended 6 times in 60 seconds"):
            children.look()
    assert len(said) == 5
    assert child.process.poll() is not None
