"""verify.py: a program of its own, which anybody can read through, and whose mathematics is right."""

import ast
import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.bls import hash_to_curve as reference
from py_ecc.bls.g2_primitives import signature_to_G2, subgroup_check
from py_ecc.bls.point_compression import compress_G1, decompress_G1
from py_ecc.optimized_bls12_381 import G2, multiply, neg, normalize

import vectors
import verifier
from bundles import Bundle
from fairgate.core.beacon import _DOMAIN, GENESIS, PUBLIC_KEY, QUICKNET
from fairgate.core.bundle import PortPlaces
from sealed_rounds import a_manifest
from verifier import by_product, run, verify

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "rules" / "example" / "draw"
SIGNATURE_1000 = bytes.fromhex(
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)


# -- a file that a sceptic reads ----------------------------------------------------------------


def test_it_has_300_lines_at_most_none_of_them_crammed() -> None:
    lines = verifier.PATH.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300
    assert [line for line in lines if len(line) > 120 or line.rstrip().endswith(";")] == []
    parsed = ast.parse("\n".join(lines), feature_version=(3, 8))
    starts = [node.lineno for node in ast.walk(parsed) if isinstance(node, ast.stmt)]
    assert len(starts) == len(set(starts)), "one statement a line"


def test_it_needs_nothing_but_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(verifier.PATH.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= sys.stdlib_module_names
    assert not imported & {"socket", "urllib", "http", "subprocess", "ctypes", "importlib"}


def test_the_product_never_imports_it() -> None:
    sources = verifier.PATH.parents[2].rglob("*.py")
    assert [path for path in sources if "bundled.verify" in path.read_text(encoding="utf-8")] == []


# -- run as a program ---------------------------------------------------------------------------


def test_it_checks_the_folder_in_which_it_is_run_or_the_one_that_is_named() -> None:
    here, named = run(cwd=EXAMPLE), run(EXAMPLE)
    assert here.returncode == named.returncode == 0, here.stderr + named.stderr
    assert here.stdout == named.stdout
    assert here.stdout.startswith("right: the draw of ")
    assert "sealing NOT shown" in here.stdout
    assert "root 42532cbe88ebb2db5104a7ef64eec2d62259a50ded450e3f226062f1ec0140ee" in here.stdout


def test_a_difference_is_exit_code_1_and_one_line(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    results = tmp_path / "results.csv"
    results.write_bytes(results.read_bytes().replace(b",SYS,1,", b",NOG,1,"))
    ended = run(tmp_path)
    ticket = "f41a1074fc14e0595f077bb6c04a0eaa"
    expected = f"results.csv: line 2: expected '{ticket},offered,SYS,1,seniority', found '{ticket},offered,NOG,1,"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"wrong: {expected}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["manifest.json", "entries.csv", "beacon.json", "results.csv"])
def test_a_file_that_is_missing_is_exit_code_2_and_named(tmp_path: Path, name: str) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    ended = run(tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"cannot be right: {name}: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"ticket,", b"\xef\xbb\xbfticket,", "line 1: not the header"),
        (b"\n", b"\r\n", "line 1: not the header"),
        (b",SYS\n", b",SYS\r\n", "line 3: no entry"),
        (b"ports\n", b"ports", "line 1: not the header"),
    ],
)
def test_the_line_of_the_list_that_cannot_be_right_is_named(tmp_path: Path, old: bytes, new: bytes, told: str) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    entries = tmp_path / "entries.csv"
    data = entries.read_bytes()
    entries.write_bytes(data.replace(old, new))
    ended = run(tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"cannot be right: entries.csv: {told}")
    entries.write_bytes(data[:-1])
    assert run(tmp_path).stderr == "cannot be right: entries.csv: line 6: no line end\n"


def test_what_a_file_holds_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "results.csv").write_bytes(b"\x1b[2J\x1b]0;right\x07\xff\n")
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.rstrip("\n").isprintable()


def test_what_the_draw_before_left_has_to_be_paid_back(tmp_path: Path) -> None:
    """The example left 2 persons at NOG, and nothing at SYS."""
    for carry, code in (((0, 2), 0), ((0, 0), 1), ((1, 2), 1)):
        ports = (PortPlaces("SYS", 4, carry[0]), PortPlaces("NOG", 2, carry[1]), PortPlaces("NEW", 1, 5))
        folder = Bundle(a_manifest(round="2026-12-18", ports=ports), []).write(tmp_path / str(carry))
        ended = run(folder, EXAMPLE)
        assert ended.returncode == code, ended.stderr
        assert code == 0 or "manifest.json: its carry is not the carry out of" in ended.stderr
        assert by_product(folder, after=EXAMPLE)[0] == code
    assert run(EXAMPLE, folder).returncode == by_product(EXAMPLE, after=folder)[0] == 1, "the later one is not before"


@vectors.needed
@pytest.mark.parametrize("known", vectors.draws(), ids=lambda path: path.name)
def test_the_known_bundles_are_right(known: Path) -> None:
    ended = run(known)
    assert ended.returncode == 0, ended.stderr


# -- drand's signatures -------------------------------------------------------------------------


def test_the_constants_are_those_of_the_curve_and_of_the_chain() -> None:
    def coordinates(point: object) -> tuple[tuple[int, int], ...]:
        return tuple((int(c.coeffs[0]), int(c.coeffs[1])) for c in normalize(point))

    assert coordinates(G2) == verify.GENERATOR
    assert coordinates(signature_to_G2(PUBLIC_KEY)) == verify.KEY
    assert (QUICKNET, GENESIS) == (verify.QUICKNET, verify.GENESIS)
    # the kernel of the map between the curves is the one group of 11 points
    kernel = verify.repeat((verify.Z - 1) ** 2 * verify.R // 33, verify.candidate(2), verify.add, verify.A)
    assert verify.repeat(10, kernel, verify.add, verify.A) == (kernel[0], verify.P - kernel[1])


@settings(max_examples=6, deadline=None)
@given(st.binary(max_size=100))
def test_messages_are_hashed_to_the_curve_as_another_library_does_it(message: bytes) -> None:
    found = normalize(reference.hash_to_G1(message, _DOMAIN, hashlib.sha256))
    assert verify.hash_to_curve(message) == (int(found[0]), int(found[1]))


@settings(max_examples=2, deadline=None)
@given(st.integers(1, verify.R - 1), st.integers(1, 1 << 63))
def test_what_a_key_signed_is_accepted_and_nothing_else(secret: int, number: int) -> None:
    message = hashlib.sha256(number.to_bytes(8, "big")).digest()
    signature = compress_G1(multiply(reference.hash_to_G1(message, _DOMAIN, hashlib.sha256), secret))
    x, y = normalize(multiply(G2, secret))
    verifying = verifier.load()  # one of our own, with a key of our own
    verifying.KEY = tuple((int(c.coeffs[0]), int(c.coeffs[1])) for c in (x, y))
    assert verifying.drand_signed(number, signature)
    assert not verifying.drand_signed(number + 1, signature)
    assert not verify.drand_signed(number, signature)


def test_the_published_signature_of_a_round_is_accepted_for_this_round_only() -> None:
    signature = int.from_bytes(SIGNATURE_1000, "big")
    assert verify.drand_signed(1000, signature)
    assert not verify.drand_signed(1001, signature)
    other_point = compress_G1(neg(decompress_G1(signature)))
    assert not verify.drand_signed(1000, other_point)


def outside_the_subgroup() -> int:
    """A point on the curve that is no multiple of the generator, compressed."""
    for x in range(1, 100):
        try:
            point = decompress_G1(1 << 383 | x)
        except ValueError:
            continue
        if not subgroup_check(point):
            return int(compress_G1(point))
    raise AssertionError("nearly every point is outside")


@pytest.mark.parametrize(
    ("why", "signature"),
    [
        ("one bit of x differs", int.from_bytes(SIGNATURE_1000, "big") ^ 1),
        ("not marked as compressed", int.from_bytes(SIGNATURE_1000, "big") ^ 1 << 383),
        ("the point at infinity", 0xC0 << 376),
        ("infinity with something in it", 0xC0 << 376 | 1),
        ("x is zero, of order 3", 0x80 << 376),
        ("x beyond the field", 0x9F << 376 | (1 << 376) - 1),
        ("on the curve, outside the subgroup", outside_the_subgroup()),
        ("nothing", 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_point_of_the_group_is_refused(why: str, signature: int) -> None:
    with pytest.raises(ValueError, match=r"no point of the group|not invertible"):
        verify.drand_signed(1000, signature)
