"""Personal data is sealed from the first row on, each person's under a key of their own."""

import base64
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from psycopg import sql

from fairgate.commands.amend import Amend, amend
from fairgate.commands.register import Register, register
from fairgate.core.numbers import new_code, new_number
from fairgate.core.registering import Member
from fairgate.core.sealing import Keys, Sealed, code_matches, unseal
from fairgate.store import registrations
from world import World

MARISOL = Member(
    "Marisol", "Quetzalcoatl", date(1987, 5, 23), {"email": "marisol@example.org", "phone": "+526641234567"}
)
TADEO = Member("Tadeo", "Quetzalcoatl", date(2019, 11, 30), {"passport": "X9912345"})
WORDS = (
    "Marisol",
    "Quetzalcoatl",
    "Tadeo",
    "1987-05-23",
    "2019-11-30",
    "marisol@example.org",
    "6641234567",
    "X9912345",
)


def dump(conn: psycopg.Connection) -> Iterator[tuple[str, bytes]]:
    """Every table of the database as the bytes that COPY writes, bytea decoded too."""
    tables = conn.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    for schema, table in tables:
        with conn.cursor().copy(sql.SQL("COPY {}.{} TO STDOUT").format(*map(sql.Identifier, (schema, table)))) as rows:
            text = b"".join(bytes(row) for row in rows)
        yield table, text
        for cell in text.replace(b"\n", b"\t").split(b"\t"):
            if cell.startswith(b"\\\\x"):
                yield table, bytes.fromhex(cell[3:].decode())


def forms(word: str) -> list[bytes]:
    """A word as it might stand somewhere: plain, in capitals, in hex, in base64."""
    plain = word.encode()
    return [plain, word.upper().encode(), word.lower().encode(), plain.hex().encode(), base64.b64encode(plain)[:-2]]


def found_in(conn: psycopg.Connection) -> set[tuple[str, str]]:
    texts = list(dump(conn))
    assert len(texts) > 20
    return {(word, table) for table, text in texts for word in WORDS for form in forms(word) if form in text}


def test_nothing_about_a_person_can_be_read_in_the_database(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[MARISOL, TADEO])
    world.ask(number)
    world.drawn()
    assert world.state(number) == "offered"
    [outcome] = amend(conn, [Amend(number, language="es", members=[TADEO, MARISOL])], keys=world.keys, **world.clock)
    assert outcome.kind == "amended"  # type: ignore[union-attr]
    assert found_in(conn) == set()
    conn.execute("UPDATE registration SET language = 'Marisol'")
    assert found_in(conn) == {("Marisol", "registration")}, "this test would have found it"


def test_an_access_code_is_stored_nowhere_yet_recognised(conn: psycopg.Connection) -> None:
    world = World(conn)
    number, code = new_number(world.chance), new_code(world.chance)
    register(conn, [Register(number, code, "en", [MARISOL])], keys=world.keys, **world.clock)
    texts = b"".join(text for _, text in dump(conn))
    assert code.encode() not in texts
    assert code.replace("-", "").encode() not in texts
    stored = world.registration(number).code_hash
    assert code_matches(world.keys, number, code, stored)
    assert not code_matches(world.keys, number, new_code(world.chance), stored)
    assert not code_matches(Keys(b"x" * 32), number, code, stored)


def test_a_blob_opens_with_the_deployments_key_only(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[MARISOL])
    [person] = registrations.people(conn, [world.registration(number).id])[world.registration(number).id]
    assert Member.from_json(unseal(world.keys, person.sealed, number)) == MARISOL
    with pytest.raises(InvalidTag):
        unseal(Keys(b"x" * 32), person.sealed, number)


def test_another_rows_key_does_not_open_a_blob_nor_does_a_blob_fit_another_row(conn: psycopg.Connection) -> None:
    world = World(conn)
    one, other = world.registered(members=[MARISOL, TADEO]), world.registered()
    people = registrations.people(conn, [world.registration(n).id for n in (one, other)])
    marisol, tadeo = people[world.registration(one).id]
    [stranger] = people[world.registration(other).id]
    for key, blob, number in (
        (tadeo, marisol, one),
        (stranger, marisol, one),
        (stranger, marisol, other),
        (marisol, marisol, other),
    ):
        with pytest.raises(InvalidTag):
            unseal(world.keys, Sealed(key.wrapped_key, blob.blob), number)


def test_a_destroyed_row_leaves_a_blob_in_the_backup_that_nothing_opens(conn: psycopg.Connection) -> None:
    world = World(conn)
    number = world.registered(members=[MARISOL, TADEO])
    owner = world.registration(number).id
    backup = registrations.people(conn, [owner])[owner]
    amend(conn, [Amend(number, members=[TADEO])], keys=world.keys, **world.clock)
    [left] = registrations.people(conn, [owner])[owner]
    assert left.wrapped_key not in {person.wrapped_key for person in backup}, "every writing takes a new key"
    keys = [row[0] for row in conn.execute("SELECT wrapped_key FROM person").fetchall()]
    for person in backup:
        for key in keys:
            with pytest.raises(InvalidTag):
                unseal(world.keys, Sealed(key, person.blob), number)


def test_the_same_person_is_recognised_without_being_readable(conn: psycopg.Connection) -> None:
    world = World(conn)
    spelled_otherwise = Member("MARÍSOL", "Quetzalcóatl", MARISOL.born_on)
    for who in (MARISOL, spelled_otherwise, TADEO):
        world.registered(members=[who])
    counts = conn.execute("SELECT count(*) FROM person GROUP BY identity ORDER BY 1").fetchall()
    assert counts == [(1,), (2,)]
