"""Whom to believe about a ledger: the lines of a policy, what is enough, and since when it was."""

import pytest

from fairgate.core.errors import BadInput
from fairgate.core.note import COSIGNATURE, Note, NoteSigner, with_signature
from fairgate.core.policy import (
    Policy,
    cosigned_at,
    log_signed,
    parse_policy,
    witnessed_at,
)
from ledgers import AT, LOG, WITNESSES, Published
from policies import policy_bytes

ONE, TWO, THREE = (signer.key.vkey for signer in WITNESSES)
FOUR = NoteSigner(b"4" * 32, "w4", COSIGNATURE).key.vkey
HEAD = f"log {LOG.key.vkey} https://places.example.org/ledger/\n"
THREE_WITNESSES = f"witness one {ONE} https://one.example.org\nwitness two {TWO}\nwitness three {THREE}\n"


def policy(rest: str) -> Policy:
    return parse_policy((HEAD + THREE_WITNESSES + rest).encode(), "policy")


def cosigned(*times: int | None) -> Note:
    """A checkpoint with the witnesses' cosignatures at these seconds after AT; None: that one did not."""
    note = Published(4).note()
    for signer, at in zip(WITNESSES, times, strict=False):
        if at is not None:
            note = with_signature(note, signer.sign(note.text, AT + at))
    return note


def test_a_policy_is_read_with_its_keys_and_addresses() -> None:
    read = policy("quorum one\n")
    assert [(log.key, log.url) for log in read.logs] == [(LOG.key, "https://places.example.org/ledger/")]
    assert [(each.name, each.key, each.url) for each in read.witnesses] == [
        ("one", WITNESSES[0].key, "https://one.example.org"),
        ("two", WITNESSES[1].key, None),
        ("three", WITNESSES[2].key, None),
    ]
    assert read.quorum == "one"


def test_blanks_tabs_comments_and_empty_lines_do_not_matter() -> None:
    loose = f"# who\n\n \t log\t{LOG.key.vkey} \n\t# more\nwitness  a   {ONE}\t\nquorum\ta \n"
    assert parse_policy(loose.encode(), "p").quorum == "a"


def test_names_are_bytes_and_need_not_be_text() -> None:
    data = b"witness \xff\xe2 " + ONE.encode() + b"\nquorum \xff\xe2\n"
    assert policy_bytes(parse_policy(data, "p")) == data


@pytest.mark.parametrize(
    ("rest", "enough", "too_few"),
    [
        ("quorum none\n", [set(), {"one"}], []),
        ("quorum two\n", [{"two"}, {"one", "two"}], [set(), {"one", "three"}]),
        ("group g any one two three\nquorum g\n", [{"one"}, {"three"}], [set(), {"nobody"}]),
        ("group g all one two three\nquorum g\n", [{"one", "two", "three"}], [{"one", "two"}]),
        ("group g 2 one two three\nquorum g\n", [{"one", "three"}, {"one", "two", "three"}], [{"one"}, {"two"}]),
        (
            "group press any one two\ngroup both all press three\nquorum both\n",
            [{"one", "three"}, {"two", "three"}],
            [{"one", "two"}, {"three"}, {"press", "three"}],
        ),
    ],
)
def test_what_is_enough(rest: str, enough: list[set[str]], too_few: list[set[str]]) -> None:
    read = policy(rest)
    assert all(read.satisfied(names) for names in enough)
    assert not any(read.satisfied(names) for names in too_few)
    assert parse_policy(policy_bytes(read), "again") == read


@pytest.mark.parametrize(
    ("rest", "times", "since"),
    [
        ("quorum none\n", (None, None, None), 0),
        ("quorum none\n", (5, None, None), 0),
        ("quorum two\n", (1, 7, 9), AT + 7),
        ("quorum two\n", (1, None, 9), None),
        ("group g any one two three\nquorum g\n", (8, 3, 5), AT + 3),
        ("group g 2 one two three\nquorum g\n", (8, 3, 5), AT + 5),
        ("group g 2 one two three\nquorum g\n", (8, None, None), None),
        ("group g all one two three\nquorum g\n", (8, 3, 5), AT + 8),
        ("group a any one two\ngroup b all a three\nquorum b\n", (2, 9, 4), AT + 4),
    ],
)
def test_since_when_a_checkpoint_is_witnessed(rest: str, times: tuple[int | None, ...], since: int | None) -> None:
    assert witnessed_at(cosigned(*times), policy(rest)) == since


def test_a_cosignature_after_the_quorum_changes_nothing() -> None:
    read = policy("group g 2 one two three\nquorum g\n")
    assert witnessed_at(cosigned(3, 5, None), read) == witnessed_at(cosigned(3, 5, 900), read) == AT + 5


@pytest.mark.parametrize("at", [253_402_300_800, (1 << 63) - 1])
def test_a_witness_that_names_a_time_which_no_calendar_has_does_not_count_and_hinders_no_other(at: int) -> None:
    note = cosigned(3, 5, at - AT)
    read = policy("group g 2 one two three\nquorum g\n")
    assert cosigned_at(note, read) == {"one": AT + 3, "two": AT + 5}
    assert witnessed_at(note, read) == AT + 5
    assert witnessed_at(note, policy("quorum three\n")) is None


def test_only_witnesses_of_the_policy_count() -> None:
    read = parse_policy(f"witness only {FOUR}\nquorum only\n".encode(), "p")
    assert cosigned_at(cosigned(1, 2, 3), read) == {}
    assert witnessed_at(cosigned(1, 2, 3), read) is None
    assert cosigned_at(cosigned(1, None, 3), policy("quorum one\n")) == {"one": AT + 1, "three": AT + 3}


def test_a_checkpoint_is_the_ledgers_only_if_its_own_key_signed_it() -> None:
    read = policy("quorum none\n")
    ledger = Published(4)
    assert log_signed(ledger.note(), read, "here")
    assert not log_signed(ledger.note(signer=NoteSigner(b"x" * 32, LOG.key.name)), read, "here")
    elsewhere = NoteSigner(b"y" * 32, "other.example.org/ledger")
    other = parse_policy(f"log {elsewhere.key.vkey}\nquorum none\n".encode(), "p")
    signed_by_another_log = with_signature(Note(ledger.checkpoint().text()), elsewhere.sign(ledger.checkpoint().text()))
    assert not log_signed(signed_by_another_log, other, "here")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "p: says no quorum"),
        (HEAD, "p: says no quorum"),
        ("quorum none", "p: its last line does not end"),
        ("quorum none\r\n", "p: holds a control character"),
        ("quorum none\nquorum none\n", "p line 2: is a second quorum"),
        ("quorum one\n", 'p line 1: "one" is no witness or group'),
        (f"quorum a\nwitness a {ONE}\n", 'p line 1: "a" is no witness or group'),
        (f"{HEAD}{HEAD}quorum none\n", "p line 2: the key .* is in the policy already"),
        (f"witness a {ONE}\nwitness b {ONE}\nquorum a\n", "p line 2: the key .* is in the policy already"),
        (f"witness a {ONE}\nwitness a {TWO}\nquorum a\n", 'p line 2: the name "a" is taken'),
        (f"witness none {ONE}\nquorum none\n", 'p line 1: the name "none" is taken'),
        (f"log {ONE}\nquorum none\n", "p line 1: the key .* is of kind 4, not 1"),
        (f"witness a {LOG.key.vkey}\nquorum a\n", "p line 1: the key .* is of kind 1, not 4"),
        (f"witness a {ONE} https://x y\nquorum a\n", "p line 1: .* is no line of a policy"),
        ("witness a\nquorum none\n", "p line 1: .* is no line of a policy"),
        ("trust everybody\nquorum none\n", "p line 1: .* is no line of a policy"),
        (f"{THREE_WITNESSES}group g 0 one two\nquorum g\n", 'p line 4: "0" of 2 members'),
        (f"{THREE_WITNESSES}group g 3 one two\nquorum g\n", 'p line 4: "3" of 2 members'),
        (f"{THREE_WITNESSES}group g most one two\nquorum g\n", 'p line 4: "most" of 2 members'),
        (f"{THREE_WITNESSES}group g any\nquorum g\n", "p line 4: .* is no line of a policy"),
        (f"{THREE_WITNESSES}group g any none\nquorum g\n", 'p line 4: "none" is no witness or group'),
        (f"{THREE_WITNESSES}group g any g\nquorum g\n", 'p line 4: "g" is no witness or group'),
        (f"{THREE_WITNESSES}group g 2 one one\nquorum g\n", 'p line 4: "one" is in a group already'),
        (f"{THREE_WITNESSES}group a any one\ngroup b any one\nquorum a\n", 'p line 5: "one" is in a group already'),
        (f"witness a {ONE[:-3]}\nquorum a\n", "p line 1: the key"),
    ],
)
def test_a_policy_that_cannot_be_right_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^{problem}"):
        parse_policy(text.encode(), "p")


def test_thirty_two_of_each_are_read() -> None:
    signers = [NoteSigner(bytes([n]) * 32, f"w{n}", COSIGNATURE) for n in range(32)]
    logs = [NoteSigner(bytes([100 + n]) * 32, f"l{n}") for n in range(32)]
    lines = [f"log {each.key.vkey}" for each in logs]
    lines += [f"witness w{n} {each.key.vkey}" for n, each in enumerate(signers)]
    lines += [f"group g{n} any w{n}" for n in range(31)]
    lines += [f"group all all {' '.join(f'g{n}' for n in range(31))} w31", "quorum all", ""]
    read = parse_policy("\n".join(lines).encode(), "p")
    assert read.satisfied({f"w{n}" for n in range(32)})
    assert not read.satisfied({f"w{n}" for n in range(31)})
