"""A ledger that tells two people two stories is found out: by a witness at once, by two mirrors when they compare."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fairgate.core import tiles
from fairgate.core.note import NoteSigner, parse_note, verified
from fairgate.core.policy import Log, Policy, Witness
from fairgate.worker.witnesses import Contradicted, Witnesses
from ledgers import LOG, ORIGIN, WITNESSES, Published
from mirror_copy import Mirror
from served_files import Served
from witness_process import WitnessProcess

COMMON = 400


def story(size: int, told: str) -> Published:
    """A ledger whose first leaves are the same for everybody."""
    ledger = Published(COMMON)
    ledger.grow(size - COMMON, told)
    return ledger


@pytest.fixture
def served() -> Iterator[Served]:
    with Served({}).serving() as running:
        yield running


@pytest.fixture
def policy(tmp_path: Path) -> list[str]:
    (tmp_path / "policy").write_text(f"log {LOG.key.vkey}\nquorum none\n")
    return ["--policy", str(tmp_path / "policy")]


def proves(place: Path) -> bool:
    """Whether the evidence holds two different checkpoints that the ledger's own key signed."""
    notes = [parse_note((place / name).read_bytes(), name) for name in ("first", "second")]
    return notes[0].text != notes[1].text and all(verified(note, [LOG.key]) for note in notes)


@pytest.mark.parametrize(("mine", "theirs"), [(700, 700), (3_000, 500)])
def test_two_mirrors_that_were_shown_two_ledgers_find_out_by_one_file(
    served: Served, tmp_path: Path, policy: list[str], mine: int, theirs: int
) -> None:
    ann, ben = Mirror(tmp_path / "ann", served.url), Mirror(tmp_path / "ben", served.url)
    for mirror, size, told in ((ann, mine, "for Ann"), (ben, theirs, "for Ben")):
        served.show(story(size, told))
        assert mirror.run(*policy) == 0, mirror.err
    assert ann.compare(ben.folder / "checkpoint", *policy) == 1
    assert "two ledgers: " in ann.err
    [place] = ann.forks()
    assert proves(place)


@pytest.mark.parametrize("signer", [LOG, NoteSigner(b"M" * 32, ORIGIN)], ids=["ledger", "somebody"])
def test_a_second_story_that_no_witness_was_shown_is_proof_all_the_same(
    served: Served, tmp_path: Path, policy: list[str], signer: NoteSigner
) -> None:
    """The ledger's signature is enough for it, and nobody else's is."""
    ann = Mirror(tmp_path / "ann", served.url)
    served.show(story(700, "for Ann"))
    ann.run(*policy)
    (tmp_path / "other").write_bytes(story(700, "for Ben").signed(signer=signer))
    strict = tmp_path / "strict"
    strict.write_text(f"log {LOG.key.vkey}\nwitness w {WITNESSES[0].key.vkey}\nquorum w\n")
    assert ann.compare(tmp_path / "other", "--policy", str(strict)) == 1
    assert [proves(place) for place in ann.forks()] == ([True] if signer is LOG else [])


def test_before_the_stories_part_there_is_nothing_to_find(served: Served, tmp_path: Path, policy: list[str]) -> None:
    ann, ben = Mirror(tmp_path / "ann", served.url), Mirror(tmp_path / "ben", served.url)
    for mirror, size in ((ann, 700), (ben, COMMON)):
        served.show(story(size, "for Ann"))
        mirror.run(*policy)
    assert ann.compare(ben.folder / "checkpoint", *policy) == 0
    assert ann.forks() == []


@pytest.mark.parametrize("size", [700, 701, 5_000])
def test_a_mirror_that_is_shown_the_other_ledger_later_keeps_what_it_has(
    served: Served, tmp_path: Path, policy: list[str], size: int
) -> None:
    mirror = Mirror(tmp_path / "ann", served.url)
    served.show(story(700, "for Ann"))
    mirror.run(*policy)
    before = mirror.files()
    served.show(story(size, "for Ben"))
    assert mirror.run(*policy) == 1
    assert "two ledgers: " in mirror.err
    [place] = mirror.forks()
    assert proves(place)
    assert {path: data for path, data in mirror.files().items() if not path.startswith("forks/")} == before


def test_a_mirror_that_is_shown_an_earlier_state_of_the_other_ledger_says_so(
    served: Served, tmp_path: Path, policy: list[str]
) -> None:
    mirror = Mirror(tmp_path / "ann", served.url)
    served.show(story(700, "for Ann"))
    mirror.run(*policy)
    served.show(story(650, "for Ben"))
    assert mirror.run(*policy) == 1
    assert [proves(place) for place in mirror.forks()] == [True]


def test_a_fork_deep_inside_is_found_too(served: Served, tmp_path: Path, policy: list[str]) -> None:
    """A leaf that was mirrored long ago is told differently, under a new checkpoint that is right by itself."""
    mirror = Mirror(tmp_path / "ann", served.url)
    served.show(Published(66_000))
    mirror.run(*policy)
    other = Published(7)
    other.grow(1, "rewritten")
    other.grow(66_100 - 8)
    served.show(other)
    assert mirror.run(*policy) == 1
    assert [proves(place) for place in mirror.forks()] == [True]


@pytest.mark.parametrize("size", [700, 900])
def test_a_witness_refuses_the_second_story_and_the_ledger_hears_of_it(tmp_path: Path, size: int) -> None:
    first, second = story(700, "for Ann"), story(size, "for Ben")
    with WitnessProcess(tmp_path / "witness").running() as witness:
        watched = Policy((Log(LOG.key),), (Witness("w", witness.key, witness.url),), (), "w")
        asker = Witnesses(watched)
        try:
            told = asker.cosign(first.signed(), {}, lambda old, new: tiles.consistency(old, new, first.read))
            assert len(told.lines) == 1
            asked = asker.cosign(second.signed(), told.sizes, lambda old, new: tiles.consistency(old, new, second.read))
        finally:
            asker.close()
        assert (asked.lines, asked.contradicted) == ([], [Contradicted("w", 700)])
        [place] = (witness.home / ("forks" if size == 700 else "unproven")).iterdir()
        assert proves(place)


def test_what_a_witness_saw_can_be_compared_with_a_mirror(served: Served, tmp_path: Path, policy: list[str]) -> None:
    """Two observers who never met: one runs a witness that was shown one story, one a mirror that was shown another."""
    mirror = Mirror(tmp_path / "ben", served.url)
    served.show(story(900, "for Ben"))
    mirror.run(*policy)
    with WitnessProcess(tmp_path / "witness").running() as witness:
        witness.ask(0, story(700, "for Ann"))
        [path] = [line for line in httpx.get(witness.url).text.splitlines() if line.startswith("/seen/")]
        (tmp_path / "seen").write_bytes(httpx.get(witness.url + path).content)
    assert mirror.compare(tmp_path / "seen", *policy) == 1
    assert [proves(place) for place in mirror.forks()] == [True]
