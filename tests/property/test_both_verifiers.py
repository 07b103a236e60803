"""`fairgate verify` and verify.py give the same verdict on every bundle, right or tampered with in any file."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bundles
import vectors
from bundles import Bundle
from fairgate.core.bundle import write_results
from fairgate.core.draw import allocate
from sealed_rounds import Round, rounds
from tampering import TAMPERINGS
from verifier import by_product, by_verify_py

Files = dict[str, bytes]
LINE = re.compile(r"(entries\.csv|results\.csv) line (\d+)[: ]")
SEALING = {"checkpoint", "sealing.tlog-proof"}
NAMES = ("manifest.json", "entries.csv", "beacon.json", "results.csv")


def verdict(files: Files) -> int:
    """The exit code that both give; where it is a line of a list that is wrong, they name the same one."""
    with tempfile.TemporaryDirectory() as name:
        folder = bundles.write(Path(name), files)
        product, verifier = by_product(folder), by_verify_py(folder)
    assert product[0] == verifier[0], (product, verifier)
    line = LINE.match(product[1])
    assert line is None or verifier[1].startswith(f"{line[1]}: line {line[2]}: "), (product, verifier)
    return product[0]


@st.composite
def right_bundles(draw: st.DrawFn) -> Bundle:
    """Small rounds of every kind, sealed or put off somewhere in a small ledger."""
    world: Round = draw(rounds(entries_most=12))
    return Bundle(
        world.manifest,
        world.entries,
        kind=draw(st.sampled_from(["sealed", "postponed"])),
        sealed_before=timedelta(seconds=draw(st.integers(1, 10**6))),
        index=draw(st.integers(0, 6)),
    )


@st.composite
def right_files(draw: st.DrawFn) -> Files:
    """The files of a right bundle; sometimes without those that show the sealing."""
    files = draw(right_bundles()).files()
    for name in draw(st.sampled_from([(), (), ("checkpoint",), ("sealing.tlog-proof",)])):
        del files[name]
    return files


@given(right_files())
def test_both_find_a_right_bundle_right(files: Files) -> None:
    assert verdict(files) == 0


# -- tampering ----------------------------------------------------------------------------------


@settings(max_examples=250)
@given(st.data())
def test_both_give_the_same_verdict_on_whatever_was_tampered_with(data: st.DataObject) -> None:
    files = data.draw(right_files())
    name = data.draw(st.sampled_from(sorted(files)))
    tampering: Callable[[st.DrawFn, bytes], bytes] = data.draw(st.sampled_from(TAMPERINGS))
    before, files[name] = files[name], tampering(data.draw, files[name])
    found = verdict(files)
    if files[name] != before and (name == "results.csv" or (files.keys() >= SEALING and name in NAMES[:2])):
        assert found != 0, "each byte of these has one right value"


@given(right_bundles(), st.binary(min_size=32, max_size=32))
def test_both_refuse_the_results_of_another_seed(bundle: Bundle, seed: bytes) -> None:
    files = bundle.files()
    before, files["results.csv"] = files["results.csv"], results(bundle, seed)
    assert verdict(files) == (0 if files["results.csv"] == before else 1)


def results(bundle: Bundle, seed: bytes) -> bytes:
    return write_results(allocate(bundle.manifest, bundle.entries, seed))


@given(right_bundles())
def test_both_refuse_a_carry_that_was_forgotten_in_the_draw(bundle: Bundle) -> None:
    forgetful = replace(bundle.manifest, ports=tuple(replace(port, carry=0) for port in bundle.manifest.ports))
    files = bundle.files()
    forgotten = write_results(allocate(forgetful, bundle.entries, bundle.drawn().seed))
    before, files["results.csv"] = files["results.csv"], forgotten
    assert verdict(files) == (0 if forgotten == before else 1)


@given(right_bundles(), st.integers(0, 10**6))
def test_both_refuse_a_sealing_that_was_not_before_the_random_value(bundle: Bundle, seconds: int) -> None:
    late = replace(bundle, sealed_before=timedelta(seconds=-seconds))
    assert verdict(late.files()) == 1


@given(right_bundles(), right_bundles())
def test_both_refuse_the_sealing_of_another_bundle(bundle: Bundle, other: Bundle) -> None:
    theirs = other.files()
    files = {**bundle.files(), **{name: theirs[name] for name in ("checkpoint", "sealing.tlog-proof")}}
    same = (bundle.manifest, bundle.root) == (other.manifest, other.root)
    assert verdict(files) == (0 if same else 1)


@vectors.needed
@pytest.mark.parametrize("known", vectors.draws(), ids=lambda path: path.name)
def test_both_know_the_known_answers(known: Path) -> None:
    files = {name: (known / name).read_bytes() for name in NAMES}
    assert verdict(files) == 0
    assert verdict({**files, "results.csv": files["results.csv"] + b"\n"}) == 1
    assert verdict({**files, "entries.csv": files["entries.csv"] + b"\n"}) == 2


@vectors.needed
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_both_give_the_same_verdict_on_a_beacon_of_drand_that_was_tampered_with(data: st.DataObject) -> None:
    known = next(path for path in vectors.draws() if b'"drand"' in (path / "beacon.json").read_bytes())
    files = {name: (known / name).read_bytes() for name in NAMES}
    files["beacon.json"] = data.draw(st.sampled_from(TAMPERINGS))(data.draw, files["beacon.json"])
    verdict(files)
