"""What goes wrong is one line that names the place, whatever library it came from."""

import errno
import os
import subprocess
import sys

import psycopg
import pytest

from fairgate.cli import faults
from fairgate.core.errors import BadInput
from fairgate.store.heads import OlderDatabase
from vectors import ROOT

URL = "postgresql://somebody:secret@db.example.org:6432/places"
PLACE = "database places at db.example.org port 6432: "


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadInput("a.csv line 7", "is\nwrong", "mend it"), "a.csv line 7: is\\nwrong; mend it"),
        (psycopg.errors.DiskFull("could not extend"), f"{PLACE}the disk is full"),
        (psycopg.errors.UndefinedTable("x"), f"{PLACE}its tables are missing"),
        (psycopg.errors.AdminShutdown("terminating"), f"{PLACE}the database cannot be reached"),
        (psycopg.OperationalError("connection refused"), f"{PLACE}the database cannot be reached"),
        (psycopg.OperationalError('FATAL: database "places" does not exist'), f"{PLACE}there is no such database"),
        (OlderDatabase("20 leaves are public: it was restored"), f"{PLACE}20 leaves are public: it was restored"),
        (psycopg.OperationalError("password authentication failed"), f"{PLACE}it does not let us in"),
        (psycopg.errors.LockNotAvailable("busy"), f"{PLACE}the database could not do it (LockNotAvailable)"),
        (OSError(errno.ENOSPC, "No space left", "/var/x"), "/var/x: the disk is full"),
        (OSError(errno.EDQUOT, "Quota exceeded"), "writing: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/var/x"), "/var/x: Permission denied"),
    ],
)
def test_what_a_person_can_mend_is_told_with_exit_code_2(monkeypatch, error, told):
    monkeypatch.setenv("DATABASE_URL", URL)
    line, code = faults.told(error)
    assert line.startswith(told)
    assert "\n" not in line
    assert "secret" not in line
    assert code == 2


def test_a_check_that_comes_out_false_has_exit_code_1():
    assert faults.told(faults.CheckedAndFalse("results.csv line 4")) == ("results.csv line 4", 1)


def test_a_defect_has_an_exit_code_of_its_own_and_keeps_its_message_to_itself():
    line, code = faults.told(psycopg.errors.CheckViolation("Failing row contains (Ana Rojas)"))
    assert code == 70
    assert "CheckViolation" in line
    assert "Rojas" not in line


def test_an_address_that_cannot_be_read_is_not_shown(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:sec ret@@/")
    assert "sec" not in faults.told(psycopg.OperationalError("refused"))[0]


@pytest.mark.parametrize("url", ["garbage", "postgresql://somebody:secret@[::1"])
def test_what_is_no_address_of_a_database_is_told_without_quoting_it(refused, url):
    told = refused("ledger", "check", env={"DATABASE_URL": url})
    assert told == "DATABASE_URL: is no address of a database; write it like postgresql://…"


def test_a_closed_standard_output_is_told():
    command = ["sh", "-c", 'exec "$0" -m fairgate.cli.main --help >&-', sys.executable]
    ended = subprocess.run(command, stderr=subprocess.PIPE, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == b"fairgate: standard output: is closed; send it to a file or a pipe\n"


def test_a_reader_who_has_gone_is_not_taken_for_a_check_that_came_out_false(fairgate):
    """As in `fairgate … | head -1`; 1 would say that what was checked is false."""
    for args in (["explain", "outages", ROOT / "docs" / "rules" / "example" / "outages.json"], ["--help"]):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as gone:
            ended = fairgate(*args, stdout=gone)
        assert (ended.returncode, ended.stderr) == (141, b"")
