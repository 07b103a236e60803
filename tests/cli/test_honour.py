"""`fairgate round honour`, and the report of a sealing: what the operator sees."""

import base64
import json
from pathlib import Path

import pytest

from fairgate.core.lifecycle import Done, Leaf
from fairgate.core.receipts import Signer
from fairgate.store.keys import list_path
from missing import ISSUER, LISTED, Missing, asking, left_out, missing_from_draw
from vectors import ROOT
from world import DAY, KEYS, World


@pytest.fixture
def home(tmp_path: Path) -> None:
    """A home with the key that the world seals with, and the list of the key that signs its receipts."""
    keys = tmp_path / "home" / "keys"
    keys.mkdir(parents=True, mode=0o700)
    (keys / "deployment.key").write_bytes(base64.b64encode(KEYS.master))
    list_path(tmp_path / "home").parent.mkdir()
    list_path(tmp_path / "home").write_bytes(LISTED.to_bytes())


FUTURE = DAY.replace(year=2999)


@pytest.fixture
def missing(world: World, home) -> Missing:
    """Somebody who was left out of a round that lies in the future of the database's clock too."""
    return missing_from_draw(world, 2, day=FUTURE)


def test_the_operator_is_told_in_words_what_was_done(fairgate, on_database, missing, world, tmp_path):
    file = tmp_path / "receipt.txt"
    file.write_text(missing.receipt + "\n")
    ended = fairgate("round", "honour", FUTURE, file, env=on_database)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.decode()
    assert f"honoured: registration {missing.number} was missing from the draw of arrival for {FUTURE}." in said
    assert "where the ledger holds what it says" in said
    assert "would have offered a place at AAA (order 1, seniority)" in said
    assert "place over capacity at AAA" in said
    assert ": offered, deadline " in said
    assert "before" not in said
    again = fairgate("round", "honour", FUTURE, missing.receipt, env=on_database).stdout.decode()
    assert again.startswith(said)
    assert "honoured before" in again


def test_programs_get_json_and_the_round_shows_it(fairgate, on_database, missing, world):
    ended = fairgate("round", "honour", FUTURE, missing.receipt, "--json", env=on_database)
    found = json.loads(ended.stdout)
    assert (found["kind"], found["number"], found["before"]) == ("honoured", missing.number, False)
    assert (found["outcome"], found["port"], found["on_record"]) == ("offered", "AAA", True)
    assert found["offer"]["state"] == "offered"
    assert world.one("SELECT kind FROM statement WHERE leaf = %s", found["leaf"]) == "honoured"
    shown = json.loads(fairgate("round", "show", FUTURE, "--json", env=on_database).stdout)
    assert list(shown["honoured"]) == [found["ticket"]]
    assert shown["honoured"][found["ticket"]]["outcome"] == "offered"
    assert shown["ports"]["AAA"]["used"] == 0
    assert missing.number not in json.dumps(shown)
    checked = json.loads(fairgate("ledger", "check", "--json", env=on_database).stdout)
    assert checked["ok"]


def test_a_refusal_says_why_and_what_to_do(refused, on_database, home, world):
    who = asking(world)
    world.drawn(FUTURE)
    told = refused("round", "honour", FUTURE, who.receipt, env=on_database)
    assert "this registration is in the list (ticket " in told
    assert told.endswith("look its ticket up in results.csv")
    assert "there is no such round" in refused("round", "honour", "2999-01-01", who.receipt, env=on_database)
    assert "neither a receipt nor a file" in refused("round", "honour", FUTURE, "nothing.txt", env=on_database)
    assert "does not begin with FG1:" in refused("round", "honour", FUTURE, __file__, env=on_database)


def test_before_the_draw_the_holder_is_told_to_come_again(refused, on_database, home, world):
    who = asking(world)
    with left_out(world, who):
        world.sealed(FUTURE)
    assert "come again after the draw" in refused("round", "honour", FUTURE, who.receipt, env=on_database)


def test_a_receipt_that_somebody_else_signed_is_checked_and_false(fairgate, on_database, missing, world):
    leaf = Leaf(0, b"x" * 16, world.round(FUTURE).opens_at)
    facts = {"program": "\x1b[2Jarrival", "ports": ["AAA"]}
    forged = Signer(b"f" * 32, ISSUER).receipt(Done("requested", missing.number, facts, leaf=leaf))
    ended = fairgate("round", "honour", FUTURE, forged, env=on_database)
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert b"\x1b" not in ended.stderr


def test_without_a_list_of_keys_nothing_is_honoured(refused, on_database, world):
    who = asking(world)
    assert "no list of receipt keys" in refused("round", "honour", FUTURE, who.receipt, env=on_database)


def test_anyone_can_compute_from_the_public_files_what_the_missing_got(fairgate, on_database, missing, world, tmp_path):
    fairgate("round", "honour", FUTURE, missing.receipt, env=on_database)
    folder = tmp_path / "bundle"
    fairgate("round", "show", FUTURE, "--bundle", folder, env=on_database)
    published = (folder / "honoured.csv").read_bytes()
    assert published.count(b"\n") == 2
    ended = fairgate("draw", folder, "--missing")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == published
    lied = published.replace(b",offered,AAA,1,seniority,", b",reserve,,1,,")
    assert lied != published
    (folder / "honoured.csv").write_bytes(lied)
    assert fairgate("draw", folder, "--missing").stdout == published
    assert fairgate("draw", folder).stdout == (folder / "results.csv").read_bytes()


# -- standing alone -----------------------------------------------------------------------------


@pytest.fixture
def three(world: World) -> World:
    """An open round whose sealing is due; of three that ask, one stands alone."""
    for size in (1, 1, 2):
        world.asking(size)
    world.opened()
    return world


def test_sealing_prints_who_stands_alone_and_show_prints_it_again(fairgate, on_database, three):
    ended = fairgate("round", "seal", DAY, env=on_database)
    assert ended.returncode == 0, ended.stderr
    [report] = [line for line in ended.stdout.decode().splitlines() if line.startswith("standing alone")]
    assert report == (
        "standing alone: 1 of 3 entries are each the only one with its size, weeks and ports (1 of size 2)"
    )
    shown = fairgate("round", "show", DAY, "--standing-alone", env=on_database).stdout.decode().splitlines()
    assert shown[0] == report
    assert len(shown) == 2
    assert shown[1].startswith("  size 2, weeks ")


def test_sealing_names_no_ticket_in_its_report_for_programs(fairgate, on_database, three):
    [sealed] = json.loads(fairgate("round", "seal", DAY, "--json", env=on_database).stdout)
    [alone] = sealed["standing_alone"]
    assert set(alone) == {"size", "weeks", "ports"}
    assert (alone["size"], alone["ports"]) == (2, ["AAA", "BBB"])
    shown = json.loads(fairgate("round", "show", DAY, "--standing-alone", "--json", env=on_database).stdout)
    assert shown == [alone]


def test_an_open_round_has_no_list_to_report_on(refused, on_database, three):
    assert "has no list" in refused("round", "show", DAY, "--standing-alone", env=on_database)


def test_where_nobody_was_honoured_there_is_nothing_to_compute_again(refused):
    said = refused("draw", ROOT / "docs" / "rules" / "example" / "draw", "--missing")
    assert "honoured.csv: nobody who was missing from this list has been honoured" in said
