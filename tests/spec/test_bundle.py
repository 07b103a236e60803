"""What is refused of a bundle, where, and in which words: one line that names the place and the way out."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fairgate.core import bundle
from fairgate.core.beacon import QUICKNET
from fairgate.core.canonical import canonical
from fairgate.core.draw import Drawn, Entries, Offered
from fairgate.core.errors import BadInput, shown
from sealed_rounds import REVEALS, a_manifest, an_entry

MANIFEST = a_manifest(ports=(bundle.PortPlaces("SYS", 10, 0), bundle.PortPlaces("NOG", 5, 2)))
A, B, C = sorted((an_entry(i, size=2, weeks=7, ports="SYS|NOG") for i in range(3)), key=lambda e: e.ticket)
FILE = bundle.write_entries([A, B, C])
HEADER, LINE_A, LINE_B, LINE_C = FILE.splitlines()


def refusal(call: Callable[[], Any]) -> str:
    """The message of the BadInput that `call` raises: one line, of a length that fits a terminal twice."""
    with pytest.raises(BadInput) as caught:
        call()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 240
    assert caught.value.way_out in message
    return message


def a_file(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def with_field(position: int, text: str) -> bytes:
    """The file with one field of its second entry, on line 3, replaced."""
    fields = LINE_B.split(b",")
    fields[position] = text.encode()
    return a_file(HEADER, LINE_A, b",".join(fields), LINE_C)


BAD_ENTRIES = [
    ("nothing at all", b"", 'line 1: "" is not the header'),
    ("header without line end", HEADER, "line 1: the last line has no line end"),
    ("other header", a_file(b"ticket,size,weeks", LINE_A), 'line 1: "ticket,size,weeks" is not the header'),
    ("byte order mark", b"\xef\xbb\xbf" + FILE, r'line 1: "\ufeffticket,size,weeks,ports" is not the header'),
    ("UTF-16", FILE.decode().encode("utf-16"), "line 1: not UTF-8"),
    ("Windows line ends", FILE.replace(b"\n", b"\r\n"), "line 1: a carriage return"),
    ("a carriage return inside", a_file(HEADER, LINE_A, LINE_B + b"\r"), "line 3: a carriage return"),
    ("no final line end", FILE[:-1], "line 4: the last line has no line end"),
    ("not UTF-8", a_file(HEADER, LINE_A, LINE_B + b"\xff"), "line 3: not UTF-8"),
    (
        "several faults, of which the first",
        a_file(HEADER, LINE_B, LINE_A, b"\r", b"\xff")[:-1],
        "line 3: ticket is small",
    ),
    ("cut off", FILE[:-60], "line 3: the last line has no line end"),
    ("an empty line", a_file(HEADER, LINE_A, b"", LINE_B), "line 3: an empty line"),
    ("an empty line at the end", FILE + b"\n", "line 5: an empty line"),
    ("too few fields", a_file(HEADER, b"a,1,2"), "line 2: 3 fields where there must be 4"),
    ("too many fields", a_file(HEADER, LINE_A + b",x"), "line 2: 5 fields where there must be 4"),
    ("blank around", with_field(1, " 2"), 'line 3: size " 2" is no whole number'),
    ("ticket twice", a_file(HEADER, LINE_A, LINE_B, LINE_C, LINE_B), "line 5: ticket stands twice (first on line 3)"),
    ("ticket twice in a row", a_file(HEADER, LINE_A, LINE_A), "line 3: ticket stands twice (first on line 2)"),
    ("not sorted", a_file(HEADER, LINE_B, LINE_A), "line 3: ticket is smaller than that of the line before"),
    ("short ticket", with_field(0, "0a"), 'line 3: "0a" is no ticket'),
    ("long ticket", with_field(0, f"{LINE_B[:32].decode()}0"), f'line 3: "{LINE_B[:32].decode()}0" is no ticket'),
    ("ticket in capitals", with_field(0, "F" * 32), f'line 3: "{"F" * 32}" is no ticket'),
    ("ticket of other digits", with_field(0, "٣" * 32), f'line 3: "{"٣" * 32}" is no ticket'),
    ("ticket with blanks", with_field(0, " " * 32), f'line 3: "{" " * 32}" is no ticket'),
    ("size 0", with_field(1, "0"), "line 3: size 0 is not from 1 to group_max, 4"),
    ("size above group_max", with_field(1, "5"), "line 3: size 5 is not from 1 to group_max, 4"),
    ("negative size", with_field(1, "-1"), 'line 3: size "-1" is no whole number'),
    ("leading zero", with_field(1, "02"), 'line 3: size "02" is no whole number'),
    ("plus sign", with_field(1, "+2"), 'line 3: size "+2" is no whole number'),
    ("Arabic digit", with_field(1, "٣"), 'line 3: size "٣" is no whole number'),
    ("superscript digit", with_field(1, "²"), 'line 3: size "²" is no whole number'),
    ("no size", with_field(1, ""), 'line 3: size "" is no whole number'),
    ("a fraction", with_field(2, "7.0"), 'line 3: weeks "7.0" is no whole number'),
    ("underscore", with_field(2, "1_0"), 'line 3: weeks "1_0" is no whole number'),
    ("negative weeks", with_field(2, "-1"), 'line 3: weeks "-1" is no whole number'),
    ("not a number", with_field(2, "NaN"), 'line 3: weeks "NaN" is no whole number'),
    ("too many weeks", with_field(2, "9" * 10), 'line 3: weeks "9999999999" is no whole number'),
    ("thousands of digits", with_field(2, "9" * 4000), 'line 3: weeks "999999'),
    ("unknown port", with_field(3, "SYS|LAX"), 'line 3: port "LAX" is not in the manifest'),
    ("port in small letters", with_field(3, "sys"), 'line 3: port "sys" is not in the manifest'),
    ("no port", with_field(3, ""), 'line 3: port "" is not in the manifest'),
    ("bar at the end", with_field(3, "SYS|"), 'line 3: port "" is not in the manifest'),
    ("port listed twice", with_field(3, "SYS|NOG|SYS"), "line 3: port SYS stands twice in one list"),
    ("in quotes", with_field(3, '"SYS"'), r'line 3: port ""SYS"" is not in the manifest'),
    ("twelve megabytes in a field", with_field(3, "S" * 12_000_000), "line 3: 12000037 characters are more than 4096"),
    ("a control character", with_field(3, "SYS\x1b[2J"), r'line 3: port "SYS\x1b[2J" is not in the manifest'),
    ("another line separator", with_field(3, "SYS\u2028"), r'line 3: port "SYS\u2028" is not in the manifest'),
    ("NUL", with_field(3, "SYS\x00"), r'line 3: port "SYS\x00" is not in the manifest'),
]


@pytest.mark.parametrize(("data", "problem"), [case[1:] for case in BAD_ENTRIES], ids=[case[0] for case in BAD_ENTRIES])
def test_a_bad_line_is_named_with_its_fault(data: bytes, problem: str) -> None:
    message = refusal(lambda: bundle.parse_entries(data, MANIFEST))
    assert message.startswith(f"entries.csv {problem}")


LONG_FILE = bundle.write_entries(
    an_entry(i, size=1 + i % 4, weeks=i % 90, ports="NOG|SYS" if i % 3 else "SYS") for i in range(60_000)
)
LONG_LINES = LONG_FILE.splitlines()
ENDS_PART = LONG_FILE[: len(HEADER) + 1 + (1 << 20)].count(b"\n")  # index of the last line that is read at first


def test_a_file_of_several_parts_is_read_as_it_stands() -> None:
    entries = bundle.parse_entries(LONG_FILE, MANIFEST)
    assert [bundle.entry_line(entry) for entry in entries] == LONG_LINES[1:]
    assert bundle.lines_root(LONG_FILE) == bundle.entries_root(entries)
    assert entries == Entries.of(reversed(list(entries)))


@pytest.mark.parametrize("index", [1, ENDS_PART - 1, ENDS_PART, ENDS_PART + 1, 59_000])
def test_a_bad_line_is_named_wherever_it_stands_in_a_long_file(index: int) -> None:
    lines = [*LONG_LINES]
    lines[index] = LINE_A.replace(LINE_A[:32], lines[index][:32]).replace(b",2,", b",0,")
    message = refusal(lambda: bundle.parse_entries(a_file(*lines), MANIFEST))
    assert message.startswith(f"entries.csv line {index + 1}: size 0 is not")


@pytest.mark.parametrize("index", [2, ENDS_PART - 1, ENDS_PART, ENDS_PART + 1, 59_000])
def test_tickets_out_of_order_are_noticed_wherever_they_stand_in_a_long_file(index: int) -> None:
    swapped, twice = [*LONG_LINES], [*LONG_LINES]
    swapped[index - 1 : index + 1] = [LONG_LINES[index], LONG_LINES[index - 1]]
    message = refusal(lambda: bundle.parse_entries(a_file(*swapped), MANIFEST))
    assert message.startswith(f"entries.csv line {index + 1}: ticket is smaller than that of the line before")
    twice[index] = LONG_LINES[1]
    message = refusal(lambda: bundle.parse_entries(a_file(*twice), MANIFEST))
    assert message.startswith(f"entries.csv line {index + 1}: ticket stands twice (first on line 2)")


def test_the_way_out_stands_in_the_same_line() -> None:
    message = refusal(lambda: bundle.parse_entries(a_file(HEADER, LINE_A, LINE_A), MANIFEST))
    assert message == "entries.csv line 3: ticket stands twice (first on line 2); remove one of them"


def test_a_line_that_is_too_long_is_refused_though_every_port_is_known() -> None:
    ports = [f"{i:032}" for i in range(130)]
    manifest = a_manifest(ports=tuple(bundle.PortPlaces(port, 10, 0) for port in ports))
    line = b",".join((LINE_A[:32], b"1", b"0", "|".join(ports).encode()))
    message = refusal(lambda: bundle.parse_entries(a_file(HEADER, line), manifest))
    assert message.startswith("entries.csv line 2: 4326 characters are more than 4096")


def test_no_entries_are_good_entries() -> None:
    assert len(bundle.parse_entries(a_file(HEADER), MANIFEST)) == 0
    assert bundle.entries_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_long_quotes_are_cut_and_what_does_not_print_is_escaped() -> None:
    assert shown("x" * 61) == '"' + "x" * 60 + '…"'
    assert shown(b"a\xff\n") == r'"a\xff\n"'
    assert shown("\u202eabc\ud800") == r'"\u202eabc\ud800"'


def test_the_manifest_has_one_form() -> None:
    text = MANIFEST.to_json()
    assert bundle.parse_manifest(text.encode()) == MANIFEST
    assert text == canonical(json.loads(text))
    assert not text.endswith("\n")


Change = Callable[[dict[str, Any]], Any]


def set_in(*path: Any) -> Change:
    """A change of the manifest that puts the last of `path` where the others lead."""
    *way, key, value = path

    def change(manifest: Any) -> None:
        for step in way:
            manifest = manifest[step]
        manifest[key] = value

    return change


def drand(manifest: dict[str, Any], chain: str = QUICKNET, round: Any = 0) -> None:
    manifest["beacon"] = {"kind": "drand", "chain": chain, "round": round}


BAD_MANIFESTS: list[tuple[Change, str]] = [
    (set_in("rules", "fairgate-draw/2"), 'key rules: "fairgate-draw/2" are not rules known here'),
    (set_in("rules", None), 'key rules: "None" are not rules known here'),
    (lambda m: m.pop("rules"), "key rules: "),
    (lambda m: m.pop("seed_at"), "key seed_at: missing"),
    (lambda m: m["ports"][0].pop("carry"), "key ports[0].carry: missing"),
    (set_in("extra", 1), 'key "extra" is unknown'),
    (set_in("ports", 1, "extra", 1), 'key ports[1]: key "extra" is unknown'),
    (set_in("program", ""), 'key program: "" cannot be'),
    (set_in("program", "Arrival\n"), r'key program: "Arrival\n" cannot be'),
    (set_in("program", 7), 'key program: "7" is not a string'),
    (set_in("round", "2026-02-30"), 'key round: "2026-02-30" cannot be'),
    (set_in("round", "20261201"), 'key round: "20261201" cannot be'),
    (set_in("round", "2026-W49-2"), 'key round: "2026-W49-2" cannot be'),
    (set_in("round", "٢٠٢٦-12-01"), "key round: "),
    (set_in("ports", {}), "key ports: dict is not a list"),
    (set_in("ports", 0, "SYS"), "key ports[0]: not an object"),
    (set_in("ports", 1, "port", "SYS"), "key ports[1].port: SYS stands twice"),
    (set_in("ports", 0, "port", "S|S"), 'key ports[0].port: "S|S" cannot be'),
    (set_in("ports", 0, "port", "S,S"), 'key ports[0].port: "S,S" cannot be'),
    (set_in("ports", 0, "port", "S" * 12_000), f'key ports[0].port: "{"S" * 60}…" cannot be'),
    (set_in("ports", 0, "capacity", True), 'key ports[0].capacity: "true" is not a whole number'),
    (set_in("ports", 0, "capacity", "10"), 'key ports[0].capacity: ""10"" is not a whole number'),
    (set_in("ports", 0, "capacity", 10.0), 'key ports[0].capacity: "10.0" is not a whole number'),
    (set_in("ports", 0, "capacity", float("nan")), 'key ports[0].capacity: "NaN" is not a whole number'),
    (set_in("ports", 0, "capacity", None), 'key ports[0].capacity: "null" is not a whole number'),
    (set_in("ports", 0, "capacity", -1), 'key ports[0].capacity: "-1" cannot be'),
    (set_in("ports", 0, "capacity", 10**400), 'key ports[0].capacity: "1000'),
    (set_in("ports", 1, "carry", -1), 'key ports[1].carry: "-1" cannot be'),
    (set_in("seniority_share", [3, 2]), 'key seniority_share: "[3, 2]" cannot be'),
    (set_in("seniority_share", [0, 0]), 'key seniority_share: "[0, 0]" cannot be'),
    (set_in("seniority_share", [-1, 2]), 'key seniority_share: "[-1, 2]" cannot be'),
    (set_in("seniority_share", [1, -2]), 'key seniority_share: "[1, -2]" cannot be'),
    (set_in("seniority_share", [1, 2, 3]), "key seniority_share: a list of 3 cannot be"),
    (set_in("seniority_share", [True, 2]), "key seniority_share: list is not a list of whole numbers"),
    (set_in("seniority_share", 0.5), 'key seniority_share: "0.5" is not a list'),
    (set_in("group_max", 0), 'key group_max: "0" cannot be'),
    (set_in("group_max", False), 'key group_max: "false" is not a whole number'),
    (set_in("closes_at", "2026-11-20T17:30:00Z"), "key closes_at: 2026-11-20T17:30:00Z with seed_at 2026-11-20T17:30"),
    (set_in("closes_at", "2027-11-20T17:30:00Z"), "key closes_at: 2027-11-20T17:30:00Z with seed_at 2026-11-20T17:30"),
    (set_in("seed_at", "2026-11-20T17:30:00+00:00"), 'key seed_at: "2026-11-20T17:30:00+00:00" is no time in UTC'),
    (set_in("seed_at", "2026-11-31T17:30:00Z"), 'key seed_at: "2026-11-31T17:30:00Z" is no time in UTC'),
    (set_in("seed_at", "2026-11-20T17:30:60Z"), 'key seed_at: "2026-11-20T17:30:60Z" is no time in UTC'),
    (set_in("seed_at", 1795195800), 'key seed_at: "1795195800" is not a string'),
    (set_in("ticket_key_hash", "0" * 63), f'key ticket_key_hash: "{"0" * 60}…" cannot be'),
    (set_in("ticket_key_hash", "F" * 64), "key ticket_key_hash: "),
    (set_in("beacon", None), "key beacon.kind: missing or not a string"),
    (set_in("beacon", "kind", "dice"), 'key beacon.kind: "dice" is no known kind'),
    (set_in("beacon", "kind", ["drand"]), "key beacon.kind: missing or not a string"),
    (set_in("beacon", "commitments", []), "key beacon.commitments: nobody commits to anything"),
    (set_in("beacon", "commitments", 1, "by", "notary"), 'key beacon.commitments[1].by: "notary" stands twice'),
    (set_in("beacon", "commitments", 1, "by", " "), 'key beacon.commitments[1].by: " " is no name'),
    (set_in("beacon", "commitments", 1, "by", "a\nb"), r'key beacon.commitments[1].by: "a\nb" is no name'),
    (
        set_in("beacon", "commitments", 0, "commitment", "00"),
        'key beacon.commitments[0].commitment: "00" is no SHA-256',
    ),
    (lambda m: drand(m, chain="0" * 64), 'key beacon.chain: chain "0000'),
    (lambda m: drand(m, round=1), 'key beacon.round: "1" is not the first round at or after seed_at; it must be '),
    (lambda m: drand(m, round=True), 'key beacon.round: "true" is not a whole number'),
    (
        lambda m: [drand(m, round=1), m.update(seed_at="2023-08-01T00:00:00Z", closes_at="2023-07-01T00:00:00Z")],
        "key seed_at: quicknet did not exist then",
    ),
]


@pytest.mark.parametrize(("change", "problem"), BAD_MANIFESTS, ids=[case[1][:40] for case in BAD_MANIFESTS])
def test_a_manifest_that_cannot_be_is_refused_by_its_key(change: Change, problem: str) -> None:
    manifest = json.loads(MANIFEST.to_json())
    change(manifest)
    data = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    message = refusal(lambda: bundle.parse_manifest(data))
    assert message.startswith((f"manifest.json {problem}", f"manifest.json: {problem}"))


TEXT = MANIFEST.to_json()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not JSON that can be read"),
        (b"{", "not JSON that can be read"),
        (TEXT.encode()[:-1], "not JSON that can be read"),
        (TEXT.encode() + b"}", "not JSON that can be read"),
        (b"[" * 100_000, "more than 100 lists and objects inside each other"),
        (b'{"a":["]",' * 60, "more than 100 lists and objects inside each other"),
        (b"[" * 100, "not JSON that can be read"),
        (b'"' + b"[" * 100_000 + b'"', "not an object"),
        (TEXT.replace('"carry":0', '"carry":' + "9" * 5000).encode(), "not JSON that can be read"),
        (b"\xef\xbb\xbf" + TEXT.encode(), "not JSON that can be read"),
        (b"\xff" + TEXT.encode(), "byte 0 is not UTF-8"),
        (TEXT.encode("utf-16"), "byte 0 is not UTF-8"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (TEXT.replace('"carry":0', '"carry":0,"carry":0').encode(), 'key "carry" stands twice in one object'),
        (TEXT.replace('"group_max"', '"rules":"x","group_max"').encode(), 'key "rules" stands twice in one object'),
        (TEXT.replace("arrival", "a" * 12_000_000).encode(), "bytes are more than 1048576"),
        (TEXT.encode() + b"\n", "not canonical JSON; sort the keys"),
        (TEXT.replace(",", ", ").encode(), "not canonical JSON"),
        (json.dumps(dict(reversed(json.loads(TEXT).items())), separators=(",", ":")).encode(), "not canonical JSON"),
        (TEXT.replace("arrival", r"\u0061rrival").encode(), "not canonical JSON"),
        (TEXT.replace("arrival", r"arr\ud800ival").encode(), r"\ud800 alone is no character"),
        (TEXT.replace("arrival", r"\udcff").encode(), r"\udcff alone is no character"),
        (TEXT.replace('"carry":0', '"carry":-0').encode(), "not canonical JSON"),
    ],
)
def test_a_manifest_in_another_form_is_refused(data: bytes, problem: str) -> None:
    message = refusal(lambda: bundle.parse_manifest(data))
    assert message.startswith("manifest.json")
    assert problem in message


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "key kind: missing or not a string"),
        ({}, "key kind: missing or not a string"),
        ({"kind": "dice"}, 'key kind: "dice" is no known kind'),
        ({"kind": "drand", "round": 1}, "key signature: missing"),
        ({"kind": "drand", "round": "1", "signature": "00"}, 'key round: ""1"" is not a whole number'),
        ({"kind": "drand", "round": True, "signature": "00"}, 'key round: "true" is not a whole number'),
        ({"kind": "drand", "round": 1, "signature": "0"}, 'key signature: "0" is not bytes in hex'),
        ({"kind": "drand", "round": 1, "signature": "AB"}, 'key signature: "AB" is not bytes in hex'),
        ({"kind": "drand", "round": 1, "signature": "0 0 "}, 'key signature: "0 0 " is not bytes in hex'),
        ({"kind": "drand", "round": 1, "signature": "00\n"}, r'key signature: "00\n" is not bytes in hex'),
        ({"kind": "drand", "round": 1, "signature": None}, 'key signature: "null" is not a string'),
        ({"kind": "commit-reveal", "reveals": {}}, "key reveals: dict is not a list"),
        ({"kind": "commit-reveal", "reveals": [["notary", "00"]]}, "key reveals[0]: not an object"),
        ({"kind": "commit-reveal", "reveals": [{"by": "notary"}]}, "key reveals[0].reveal: missing"),
        ({"kind": "commit-reveal", "reveals": [{"by": 1, "reveal": "00"}]}, 'key reveals[0].by: "1" is not a string'),
        ({"kind": "commit-reveal", "reveals": [{"by": "a", "reveal": ""}]}, 'key reveals[0].reveal: "" is not bytes'),
    ],
)
def test_a_proof_that_cannot_be_is_refused_by_its_key(value: Any, problem: str) -> None:
    message = refusal(lambda: bundle.parse_beacon(json.dumps(value).encode()))
    assert message.startswith(f"beacon.json {problem}")


def test_proofs_are_read_as_they_were_written_blanks_or_not() -> None:
    drand_proof = bundle.DrandProof(1000, b"\x01\xff")
    assert bundle.write_beacon(drand_proof) == b'{"kind":"drand","round":1000,"signature":"01ff"}'
    for proof in (drand_proof, REVEALS):
        data = bundle.write_beacon(proof)
        assert bundle.parse_beacon(data) == proof
        assert bundle.parse_beacon(json.dumps(json.loads(data), indent=2).encode() + b"\n") == proof


def test_results_list_the_offers_and_then_the_reserve() -> None:
    drawn = Drawn(
        seed=bytes(32),
        offers=(Offered("aa", "SYS", 1, "seniority"), Offered("bb", "NOG", 2, "lottery")),
        reserve=("dd", "cc"),
        used={},
        carry_out={},
    )
    assert bundle.write_results(drawn).decode().splitlines(keepends=True) == [
        "ticket,outcome,port,order,phase\n",
        "aa,offered,SYS,1,seniority\n",
        "bb,offered,NOG,2,lottery\n",
        "dd,reserve,,1,\n",
        "cc,reserve,,2,\n",
    ]


def test_entries_are_written_by_ticket_whatever_order_they_come_in() -> None:
    assert bundle.write_entries([C, A, B]) == FILE
    assert bundle.entries_root([C, A, B]) == bundle.entries_root([A, B, C])
    assert bundle.entry_line(A) == LINE_A
