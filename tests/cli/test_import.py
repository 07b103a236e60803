"""`fairgate import`: everything of a file or nothing, and every line that is wrong named."""

import json
import stat

import pytest

from fairgate.core.sealing import code_matches, unseal
from fairgate.store import keys, registrations, requests

HEADER = "registration,number,registered_at,language,ports,given_names,family_names,birth_date,nationality"
GOOD = [
    "A1,,2024-03-01T09:30:00Z,es,BBB|AAA,Ana María,Rojas,1990-02-28,VEN",
    'A1,,2024-03-01T09:30:00Z,es,BBB|AAA,Luz,"Rojas, ""la menor""",2019-07-14,VEN',
    "A2,0000-0012,,en,AAA,Jean,Baptiste,1985-11-03,",
]


def a_line(**changes):
    values = (
        dict(zip(HEADER.split(","), GOOD[2].split(","), strict=True)) | {"registration": "B1", "number": ""} | changes
    )
    return ",".join(values.values())


@pytest.fixture
def people(tmp_path):
    """Writes an import file of these lines (text or bytes) after the header."""

    def write(*lines, header=HEADER, end=b"\n"):
        path = tmp_path / "people.csv"
        path.write_bytes(b"".join(x if isinstance(x, bytes) else x.encode() + end for x in (header, *lines)))
        return path

    return write


def faults(ended):
    """What was told, by line; and that nothing else was said, nor done."""
    *told, last = ended.stderr.decode().splitlines()
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == b""
    assert "nothing was imported" in last
    return {int(line.split(" line ")[1].split(":")[0]): line.split(": ", 2)[2] for line in told}


def nothing_is_there(conn, home):
    for table in ("registration", "person", "request", "leaf"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert not [path for path in home.rglob("*codes*") if path.is_file()]


def test_a_file_becomes_registrations_with_sealed_people_and_standing_requests(
    fairgate, people, on_database, conn, tmp_path
):
    codes_file = tmp_path / "codes.csv"
    ended = fairgate("import", people(*GOOD), "--codes", codes_file, "--json", env=on_database)
    assert ended.returncode == 0, ended.stderr
    counts = {"registrations": 2, "persons": 3, "imported": True, "codes": str(codes_file)}
    assert json.loads(ended.stdout) == counts
    assert stat.S_IMODE(codes_file.stat().st_mode) == 0o600
    codes = dict(line.split(",") for line in codes_file.read_text().splitlines())
    assert "0000-0012" in codes
    [new] = codes.keys() - {"0000-0012"}
    here = keys.load(tmp_path / "home")
    for number, code in codes.items():
        found = registrations.find(conn, number)
        assert code_matches(here, number, code, found.code_hash)
    found = registrations.find(conn, new)
    assert found.registered_at.isoformat()[:19] == "2024-03-01T09:30:00"
    assert (found.size, found.language) == (2, "es")
    [ana, luz] = [unseal(here, person.sealed, new) for person in registrations.people(conn, [found.id])[found.id]]
    assert ana["given_names"] == "Ana María"
    assert ana["details"] == {"nationality": "VEN"}
    assert luz["family_names"] == 'Rojas, "la menor"'
    asked = requests.of(conn, [found.id])[found.id, "arrival"]
    assert (asked.state, asked.ports) == ("standing", ["BBB", "AAA"])


def test_without_a_codes_file_the_home_gets_one(fairgate, people, on_database, tmp_path):
    answer = json.loads(fairgate("import", people(*GOOD), "--json", env=on_database).stdout)
    [file] = (tmp_path / "home" / "imports").iterdir()
    assert answer["codes"] == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_spreadsheets_mark_the_file_and_end_lines_in_their_own_way(fairgate, people, on_database):
    file = people(*GOOD, header="\ufeff" + HEADER, end=b"\r\n")
    assert fairgate("import", file, "--check", env=on_database).returncode == 0


def test_a_check_writes_nothing(fairgate, people, on_database, conn, tmp_path):
    ended = fairgate("import", people(*GOOD), "--check", env=on_database)
    assert ended.stdout == b"2 registrations with 3 persons would be imported\n"
    nothing_is_there(conn, tmp_path)


ONE_LINE = [
    (a_line(registration="B1").encode() + b"\xff\n", "is not UTF-8"),
    (a_line(birth_date="2999-01-01"), "birth_date is in the future"),
    (a_line(birth_date="1850-01-01"), "birth_date is more than 130 years ago"),
    (a_line(birth_date="1990-02-30"), "birth_date is not a date"),
    (a_line(birth_date="19900228"), "birth_date is not a date"),
    (a_line(ports="XXX"), 'ports "XXX" is not a port of the program; use AAA, BBB'),
    (a_line(ports=""), "ports are missing"),
    (a_line(ports="AAA|AAA"), 'ports "AAA" stands twice'),
    (a_line(language="xx"), 'language "xx" is not in the profile'),
    (a_line(registered_at="2999-01-01T00:00:00Z"), "registered_at is in the future"),
    (a_line(registered_at="yesterday"), 'registered_at "yesterday" is not a time in UTC'),
    (a_line(number="0000-0021"), "number a character is wrong"),
    (a_line(given_names="", family_names=""), "given_names and family_names are both empty"),
    (a_line(given_names="x" * 201), "given_names or family_names are too long"),
    (a_line(nationality="x" * 1001), "nationality 1001 characters are more than 1000"),
    (a_line(nationality="x" * 12_000_000), "more than 65536 bytes"),
    (a_line(nationality="a\0b"), "holds a NUL byte"),
    (a_line(registration=""), "registration is empty"),
    (a_line() + ",one more", "10 fields where the header has 9"),
    ("", "1 fields where the header has 9"),
    (a_line(given_names='"Ana'), "its quotes do not match"),
]


def test_every_line_that_cannot_be_right_is_named_with_its_fault(fairgate, people, on_database, conn, tmp_path):
    lines = [
        line.replace(b"B1,", b"B%d," % i, 1) if isinstance(line, bytes) else line.replace("B1,", f"B{i},", 1)
        for i, (line, _) in enumerate(ONE_LINE)
    ]
    found = faults(fairgate("import", people(GOOD[0], *lines, GOOD[2]), env=on_database))
    assert found.keys() == set(range(3, 3 + len(ONE_LINE)))
    for line, (_, told) in enumerate(ONE_LINE, 3):
        assert told in found[line]
    nothing_is_there(conn, tmp_path)


def test_what_is_told_repeats_nothing_of_a_person(fairgate, people, on_database):
    ended = fairgate("import", people(a_line(given_names="Zacarías", birth_date="2999-01-01")), env=on_database)
    assert "Zacarías" not in ended.stderr.decode()
    assert "2999" not in ended.stderr.decode()


def test_a_group_above_group_max_is_named_at_the_line_that_is_too_much(fairgate, people, on_database):
    found = faults(fairgate("import", people(*[a_line(registration="B1")] * 6), env=on_database))
    assert found == {6: "registration more than 4 members, which is the most; divide the group"}


def test_lines_of_a_registration_stand_together(fairgate, people, on_database):
    lines = [a_line(registration=key) for key in ("B1", "B2", "B1")]
    assert 'registration "B1" stood on line 2' in faults(fairgate("import", people(*lines), env=on_database))[4]


@pytest.mark.parametrize(
    ("column", "value"), [("ports", "BBB"), ("language", "es"), ("registered_at", "2024-01-01T00:00:00Z")]
)
def test_lines_of_a_registration_agree(fairgate, people, on_database, column, value):
    found = faults(fairgate("import", people(a_line(), a_line(**{column: value})), env=on_database))
    assert found[3].startswith(f"{column} is not that of line 2")


def test_a_number_belongs_to_one_registration(fairgate, people, on_database):
    lines = [a_line(registration=key, number="0000-0012") for key in ("B1", "B2")]
    assert "number 0000-0012 is that of line 2 too" in faults(fairgate("import", people(*lines), env=on_database))[3]


def test_a_number_that_is_in_the_database_is_named(fairgate, people, on_database, conn):
    assert fairgate("import", people(*GOOD), env=on_database).returncode == 0
    before = conn.execute("SELECT count(*) FROM registration").fetchone()
    found = faults(fairgate("import", people(*GOOD), "--codes", "other.csv", env=on_database))
    assert found.keys() == {4}
    assert "is here already" in found[4]
    assert conn.execute("SELECT count(*) FROM registration").fetchone() == before


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "line 1: there is no header"),
        ("registration;language", 'line 1: "registration;language" is not a column'),
        (HEADER.replace("birth_date", "birthdate"), 'line 1: "birthdate" is not a column'),
        (HEADER.replace(",birth_date", ""), "line 1: the column birth_date is missing"),
        (HEADER + ",ports", "line 1: the column ports stands twice"),
        (HEADER, "holds no registration"),
    ],
)
def test_a_file_without_a_right_header_is_refused(refused, people, on_database, header, told):
    assert told in refused("import", people(header=header), env=on_database)


def test_an_empty_file_and_one_that_is_not_there_are_refused(refused, tmp_path, on_database):
    (tmp_path / "empty.csv").touch()
    assert "no header" in refused("import", tmp_path / "empty.csv", env=on_database)
    assert "is not there" in refused("import", tmp_path / "nowhere.csv", env=on_database)


def test_a_codes_file_is_never_overwritten(refused, people, on_database, conn, tmp_path):
    (tmp_path / "codes.csv").write_text("precious")
    assert "is there already" in refused("import", people(*GOOD), "--codes", tmp_path / "codes.csv", env=on_database)
    assert (tmp_path / "codes.csv").read_text() == "precious"
    assert conn.execute("SELECT count(*) FROM registration").fetchone() == (0,)


def test_where_codes_cannot_be_written_nothing_is_imported(refused, people, on_database, conn, tmp_path):
    assert "nowhere" in refused("import", people(*GOOD), "--codes", tmp_path / "nowhere" / "codes.csv", env=on_database)
    assert conn.execute("SELECT count(*) FROM registration").fetchone() == (0,)


def test_a_database_that_is_down_is_one_line_that_names_it(refused, people):
    url = "postgresql://somebody:secret@127.0.0.1:1/fairgate"
    said = refused("import", people(*GOOD), env={"DATABASE_URL": url})
    assert said.startswith("database fairgate at 127.0.0.1 port 1: the database cannot be reached")
    assert "secret" not in said


def test_a_database_without_tables_or_profile_says_what_to_run(refused, people, databases):
    with databases.new(migrated=False) as url:
        assert "run `fairgate migrate`" in refused("import", people(*GOOD), env={"DATABASE_URL": url})
    with databases.new() as url:
        assert "fairgate migrate --profile" in refused("import", people(*GOOD), env={"DATABASE_URL": url})


def test_no_database_at_all_says_what_to_set(refused, people):
    assert refused("import", people(*GOOD), env={"DATABASE_URL": ""}).startswith("DATABASE_URL: is not set")
