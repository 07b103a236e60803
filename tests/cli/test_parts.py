"""`fairgate migrate`, `serve`, `worker`, `doctor`, `rehearse` and `staff`: the parts for production."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

import psycopg
import pytest

from fairgate.cli import main
from fairgate.store import clock, ledger, notices
from vectors import ROOT

CLINIC = ROOT / "profiles" / "one-clinic"
BORDER = ROOT / "profiles" / "southwest-border"


@pytest.fixture
def empty(databases):
    """The environment with a database that has no tables."""
    with databases.new(migrated=False) as url:
        yield {"DATABASE_URL": url}


@pytest.mark.parametrize("profile", [CLINIC, BORDER], ids=lambda folder: folder.name)
def test_migrate_makes_tables_profile_and_calendar_and_may_be_run_again(fairgate, empty, profile):
    first = fairgate("migrate", "--profile", profile, env=empty)
    assert first.returncode == 0, first.stderr
    assert b"0001_first.sql" in first.stdout
    assert b"none, all were there" in fairgate("migrate", "--profile", profile, env=empty).stdout
    with psycopg.connect(empty["DATABASE_URL"]) as conn:
        calendar = conn.execute("SELECT opens_at >= now() FROM program WHERE NOT hidden").fetchall()
        assert calendar == [(True,)]
        assert conn.execute("SELECT to_regclass('django.auth_user') IS NOT NULL").fetchone() == (True,)


def test_a_profile_with_a_fault_changes_nothing(refused, empty, tmp_path):
    (tmp_path / "profile.toml").write_text("key = 1")
    assert "ports.toml" in refused("migrate", "--profile", tmp_path, env=empty)
    with psycopg.connect(empty["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT to_regclass('public.registration')").fetchone() == (None,)


def test_names_with_which_receipts_would_not_fit_a_qr_code_change_nothing(fairgate, refused, empty, tmp_path):
    """71 characters for a program and the ledger; with more, some would have a code of version 16."""
    folder = shutil.copytree(CLINIC, tmp_path / "clinic")
    programs = folder / "programs.toml"
    programs.write_text(programs.read_text().replace("[check-up", f"[{'a' * 40}"))
    long, short = ({**empty, "FAIRGATE_ORIGIN": f"https://{'a' * size}.org"} for size in (21, 20))
    said = refused("migrate", "--profile", folder, env=long)
    assert said.startswith(
        f"programs.toml {'a' * 40}: is, with the name of the ledger ({'a' * 21}.org/ledger), more than 71"
    )
    with psycopg.connect(empty["DATABASE_URL"]) as conn:
        assert conn.execute("SELECT to_regclass('public.registration')").fetchone() == (None,)
    ended = fairgate("migrate", "--profile", folder, env=short)
    assert ended.returncode == 0, ended.stderr


def test_a_rehearsal_leaves_open_offers_and_a_ledger_that_is_whole(fairgate, refused, empty, tmp_path):
    fairgate("migrate", "--profile", BORDER, env=empty)
    few = ("rehearse", "--registrations", 200, "--days", 2)
    made = json.loads(fairgate(*few, "--codes", tmp_path / "codes.csv", "--json", env=empty).stdout)
    codes = dict(line.split(",") for line in (tmp_path / "codes.csv").read_text().splitlines())
    assert made["registrations"] == len(codes) >= 200
    assert codes[made["sample"]["number"]] == made["sample"]["code"]
    assert json.loads(fairgate("ledger", "check", "--json", env=empty).stdout)["ok"]
    assert "rehearse on an empty one" in refused(*few, env=empty)
    assert "is there already" in refused(*few, "--codes", tmp_path / "codes.csv", env=empty)


def test_a_staff_account_gets_a_password_that_only_its_file_holds(fairgate, empty, tmp_path):
    fairgate("migrate", "--profile", CLINIC, env=empty)
    file = tmp_path / "officer.password"
    said = fairgate("staff", "officer", "--password-file", file, env=empty)
    assert said.returncode == 0, said.stderr
    password = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert password.strip() not in said.stdout.decode()
    fairgate("staff", "officer", "--password-file", file, env=empty)
    assert file.read_text() == password


def findings(fairgate, env):
    ended = fairgate("doctor", "--json", env=env)
    answer = json.loads(ended.stdout)
    assert (ended.returncode == 0) == answer["ok"]
    return {found["what"]: found for found in answer["findings"]}


def test_doctor_says_what_is_missing_and_what_to_do(fairgate, empty, tmp_path):
    found = findings(fairgate, empty)
    assert found["migrations"]["way_out"] == "run `fairgate migrate`"
    fairgate("migrate", env=empty)
    found = findings(fairgate, empty)
    assert found["migrations"]["ok"]
    assert "--profile" in found["profile"]["way_out"]
    fairgate("migrate", "--profile", CLINIC, env=empty)
    found = findings(fairgate, empty)
    assert {what for what, each in found.items() if not each["ok"]} - {"disk"} == {"watch"}
    with psycopg.connect(empty["DATABASE_URL"], autocommit=True) as conn:
        now = clock.now(conn)
        conn.execute("INSERT INTO sample (at, source, ok, failed) VALUES (%s, 'test', 1, 0)", [now])
        notices.add(conn, [(1, "withdrawn", {})], now - timedelta(minutes=12))
        ledger.append(conn, [ledger.Statement(None, "confirmed", "{}")], bytes(16), now - timedelta(minutes=7))
    (tmp_path / "home" / "keys" / "deployment.key").chmod(0o644)
    found = findings(fairgate, empty)
    assert found["watch"]["ok"]
    assert found["notices"]["said"] == "1 late, the first by 12 min"
    assert found["ledger"]["said"].startswith("no checkpoint covers what was done since ")
    assert "fairgate ledger sign" in found["ledger"]["way_out"]
    assert found["passes"]["said"] == "the ledger was not looked through for them for 7 min"
    assert "chmod 600" in found["keys"]["way_out"]


def test_doctor_sees_that_nobody_signs_the_ledger(fairgate, on_database, world):
    """Without signatures no list is shown to be sealed, and so none is ever drawn."""
    world.sealed()
    assert findings(fairgate, on_database)["ledger"]["ok"]
    world.conn.execute("ALTER TABLE checkpoint DISABLE TRIGGER checkpoint_append_only")
    world.conn.execute("UPDATE checkpoint SET witnessed_at = NULL")
    found = findings(fairgate, on_database)["ledger"]
    assert "no witnessed checkpoint shows the list that was sealed at 2026-" in found["said"]
    assert "`fairgate ledger sign`" in found["way_out"]


def test_doctor_says_when_the_database_is_away(fairgate):
    ended = fairgate("doctor", env={"DATABASE_URL": "postgresql://127.0.0.1:1/fairgate"})
    assert ended.returncode == 1
    assert b"problem  database    database fairgate at 127.0.0.1 port 1" in ended.stdout
    assert b"Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_said(refused, dsn):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"127.0.0.1 port {port}" in refused("serve", "--port", port, env={"DATABASE_URL": dsn})


def test_a_port_for_figures_that_is_taken_is_said_by_its_own_option(refused, dsn):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refused("watch", "--metrics-port", taken.getsockname()[1], env={"DATABASE_URL": dsn})
    assert "choose another with --metrics-port" in said


@pytest.mark.parametrize("part", [("serve", "--port", 1), ("worker",), ("watch",)], ids=lambda part: part[0])
def test_no_part_starts_on_tables_of_another_version(refused, empty, part):
    assert "run `fairgate migrate` first" in refused(*part, env=empty)


@pytest.mark.parametrize("part", [("serve", "--port", 1), ("worker",)], ids=lambda part: part[0])
def test_no_part_starts_on_a_file_of_providers_with_a_fault(fairgate, refused, empty, part, tmp_path):
    fairgate("migrate", "--profile", CLINIC, env=empty)
    (tmp_path / "sms.toml").write_text("[alpha]")
    (tmp_path / "sms.toml").chmod(0o600)
    assert "alpha.url: is missing" in refused(*part, env={**empty, "FAIRGATE_SMS_FILE": str(tmp_path / "sms.toml")})


@pytest.mark.parametrize("part", [("serve", "--port", 1), ("worker",)], ids=lambda part: part[0])
def test_no_part_starts_on_a_contact_for_push_services_that_is_none(fairgate, refused, empty, part):
    fairgate("migrate", "--profile", CLINIC, env=empty)
    said = refused(*part, env={**empty, "FAIRGATE_PUSH_CONTACT": "operator@example.org"})
    assert "FAIRGATE_PUSH_CONTACT: is no mailto: address" in said


def test_the_worker_does_not_start_on_a_mail_server_that_is_none(fairgate, refused, empty):
    fairgate("migrate", "--profile", CLINIC, env=empty)
    assert "FAIRGATE_SMTP_URL" in refused(
        "worker", env={**empty, "FAIRGATE_SMTP_URL": "mail", "FAIRGATE_MAIL_FROM": "a"}
    )


def test_the_worker_ends_with_the_work_in_hand_when_told(empty, fairgate, tmp_path):
    fairgate("migrate", "--profile", CLINIC, env=empty)
    given = os.environ | empty | {"FAIRGATE_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "fairgate.cli.main", "worker"]
    with subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True) as worker:
        assert json.loads(worker.stderr.readline())["event"].endswith("started")
        time.sleep(0.5)
        worker.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in worker.communicate(timeout=30)[1].splitlines()]
    assert worker.returncode == 0
    assert "worker stopped" in [line["event"] for line in lines]


def test_every_command_explains_itself_with_an_example(capsys):
    for command in main.MODULES:
        assert main.run([command, "--help"]) == 0
        said = capsys.readouterr().out
        assert f"fairgate {command}" in said.split("Usage:")[1].split("\n", 1)[1], command


def test_the_list_of_commands_names_them_all(fairgate):
    said = fairgate().stdout.decode()
    for command in main.MODULES:
        assert f"\n  {command} " in said


def test_nothing_of_a_defect_but_its_place_is_told(tmp_path):
    code = "import sys; from fairgate.cli import faults; print(faults.told(ValueError('Ana Rojas'))[0])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "ValueError" in said
    assert "Rojas" not in said


def test_no_page_framework_is_loaded_to_check_a_draw():
    code = "import sys, fairgate.cli.bundles, fairgate.cli.explain; print([m for m in sys.modules if m in sys.argv])"
    heavy = ["django", "psycopg", "rich", "structlog", "granian", "httpx", "py_ecc"]
    said = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
