"""`fairgate rehearse --offers`: a database for load tests, as sound as any, and the tokens to use it with."""

import json
import os
from collections import Counter
from datetime import timedelta

import psycopg
import pytest

from fairgate.commands.check_in import CheckIn, check_in
from fairgate.commands.confirm import Confirm, confirm
from fairgate.commands.load_profile import load_profile
from fairgate.core import tokens
from fairgate.core.lifecycle import Done
from fairgate.sim.load import Wanted, rehearse_load
from fairgate.store import clock, keys, profiles
from invariants import Watch
from vectors import ROOT

BORDER = ROOT / "profiles" / "southwest-border"
LOAD = ("rehearse", "--registrations", 90, "--offers", 50, "--appointments", 20)


@pytest.fixture
def migrated(fairgate, databases):
    """The environment with a database that has tables and a profile."""
    with databases.new(migrated=False) as url:
        env = {"DATABASE_URL": url}
        assert fairgate("migrate", "--profile", BORDER, env=env).returncode == 0
        yield env


def test_everybody_has_what_their_line_says_and_a_token_that_opens_it(fairgate, refused, migrated, tmp_path):
    file = tmp_path / "tokens.csv"
    made = fairgate(*LOAD, "--tokens", file, "--json", env=migrated)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["offers"] == 50
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [line.split(",") for line in file.read_text().splitlines()]
    assert Counter(what for _, _, what in lines) == {"offer": 50, "appointment": 20, "none": 20}

    secret = keys.load(tmp_path / "home")
    with psycopg.connect(migrated["DATABASE_URL"], autocommit=True) as conn:
        now = clock.now(conn)
        assert [tokens.read_number(secret, token, now.timestamp()) for _, token, _ in lines] == [n for n, *_ in lines]
        stands = {
            number: (state or "none", request)
            for number, state, request in conn.execute(
                "SELECT r.number, o.state, q.state FROM registration r JOIN request q ON q.registration_id = r.id"
                " LEFT JOIN offer o ON o.registration_id = r.id"
            )
        }
        meant = {"offer": "offered", "appointment": "confirmed", "none": "none"}
        assert stands == {number: (meant[what], "standing") for number, _, what in lines}
    assert json.loads(fairgate("ledger", "check", "--json", env=migrated).stdout)["ok"]
    assert "is there already" in refused(*LOAD, "--tokens", file, env=migrated)
    assert "rehearse on an empty one" in refused(*LOAD, "--tokens", tmp_path / "other.csv", env=migrated)


@pytest.mark.parametrize("wanted", [Wanted(40, 40), Wanted(60, 30, 20), Wanted(25, 0, 25)])
def test_it_is_as_sound_as_anything_and_every_act_works(conn, dsn, tmp_path, wanted):
    load_profile(conn, profiles.read_folder(BORDER), now=clock.now(conn))
    before = clock.now(conn)
    made = rehearse_load(dsn, tmp_path, wanted)
    now = clock.now(conn)
    if wanted.offers:
        assert timedelta(hours=23) <= made.open_until - before <= timedelta(hours=23) + (now - before)
    watch = Watch(conn)
    watch.look(now)
    slug = next(program.program for program in profiles.current(conn).programs if not program.hidden)
    acts = [Confirm(number, slug) for number in made.offers]
    assert all(isinstance(o, Done) for o in confirm(conn, acts, now=now, chance=os.urandom))
    arrived = [CheckIn(number, slug) for number in made.appointments]
    assert all(isinstance(o, Done) for o in check_in(conn, arrived, now=now, chance=os.urandom))
    watch.look(now)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--registrations", 10, "--offers", 5), "needs --registrations, --offers and --tokens"),
        (("--offers", 5, "--tokens", "t.csv"), "needs --registrations, --offers and --tokens"),
        (("--registrations", 10, "--tokens", "t.csv"), "needs --registrations, --offers and --tokens"),
        (("--registrations", 10, "--appointments", 5), "needs --registrations, --offers and --tokens"),
        (("--registrations", 10, "--offers", 5, "--tokens", "t.csv", "--days", 2), "do not go with --offers"),
        (("--registrations", 10, "--offers", 5, "--tokens", "t.csv", "--codes", "c.csv"), "do not go with --offers"),
        (("--registrations", 10, "--offers", 6, "--appointments", 5, "--tokens", "t.csv"), "are more than 10"),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_anything_is_done(refused, given, said):
    assert said in refused("rehearse", *given, env={"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
