"""`fairgate verify` of a pass: signed, not over, not revoked; as a text, a file, and a photo of its QR code."""

import json
import random
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from fairgate.cli import pictures
from fairgate.core.passes import Revoked
from fairgate.store import passes
from ledgers import ORIGIN
from signed import BEFORE, PASS, holding, keys_file, picture, policy_file, published, signed

TEXT = signed("pass")
CONFIRMED = signed()
LIST_AT = datetime(2026, 12, 17, 16, 59, 20, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return keys_file(tmp_path)


def listed(file: Path, *ids: str, issuer: str = ORIGIN) -> Path:
    file.write_bytes(Revoked(issuer, LIST_AT, frozenset(ids)).to_bytes())
    return file


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """A list on which nobody's pass of these tests is."""
    return listed(tmp_path / "revoked.json", "0000000000000000")


def test_a_pass_that_counts_is_told_in_plain_words(fairgate, keys, nobody):
    ended = fairgate("verify", TEXT, "--keys", keys, "--revoked", nobody, "--at", BEFORE)
    assert (ended.returncode, ended.stderr) == (0, b"")
    said = ended.stdout.decode()
    assert said.startswith("right: a key of places.example.org/ledger signed this pass.\n")
    facts = "appointment 8f2a00112233aabb, date 2026-12-17, exp 1797602400, port SYS, size 2, slot 09:00"
    assert f"  with    {facts}\n" in said
    assert "  counts  until 2026-12-18T14:00:00Z\n" in said
    assert "  revoked no, says the list of places.example.org/ledger of 2026-12-17T16:59:20Z, 40 seconds old\n" in said


def test_without_a_list_it_says_that_revocation_was_not_checked(fairgate, keys):
    said = fairgate("verify", TEXT, "--keys", keys, "--at", BEFORE).stdout.decode()
    assert "  revoked not checked: give the list that the service publishes as /revoked.json (--revoked)\n" in said


def test_the_findings_are_json_for_programs(fairgate, keys, nobody):
    found = json.loads(fairgate("verify", TEXT, "--keys", keys, "--revoked", nobody, "--at", BEFORE, "--json").stdout)
    assert (found["ok"], found["kind"], found["facts"]) == (True, "pass", PASS)
    assert found["pass"] == {
        "valid": True,
        "expires": "2026-12-18T14:00:00Z",
        "revoked_list": {"issuer": ORIGIN, "at": "2026-12-17T16:59:20Z"},
    }


@pytest.mark.parametrize(
    ("at", "revoked", "problem", "said"),
    [
        ("2026-12-18T14:00:00Z", False, "expired", "it counted until 2026-12-18T14:00:00Z"),
        (
            BEFORE,
            True,
            "revoked",
            "its appointment 8f2a00112233aabb was revoked, says the list of 2026-12-17T16:59:20Z",
        ),
    ],
)
def test_a_pass_that_counts_no_more_is_false(fairgate, keys, tmp_path, at, revoked, problem, said):
    file = listed(tmp_path / "revoked.json", *(["8f2a00112233aabb"] if revoked else []))
    ended = fairgate("verify", TEXT, "--keys", keys, "--revoked", file, "--at", at, "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout) == {"ok": False, "problem": problem, "kid": "56475aa75463474c"}
    assert said in ended.stderr.decode()


def test_the_list_of_this_home_is_looked_at_without_being_asked(fairgate, keys, tmp_path):
    for issuer, code in ((ORIGIN, 1), ("other.example.org/ledger", 0)):
        passes.revoked_path(tmp_path / "home").unlink(missing_ok=True)
        passes.publish(tmp_path / "home", Revoked(issuer, LIST_AT, frozenset({"8f2a00112233aabb"})))
        ended = fairgate("verify", TEXT, "--keys", keys, "--at", BEFORE)
        assert ended.returncode == code, ended.stderr
        assert (b"revoked not checked" in ended.stdout) == (code == 0)


def test_a_list_that_cannot_be_right_is_named(refused, keys, tmp_path):
    (tmp_path / "revoked.json").write_bytes(b"{}")
    said = refused("verify", TEXT, "--keys", keys, "--revoked", tmp_path / "revoked.json")
    assert "revoked.json key issuer: missing" in said


def test_a_pass_is_looked_up_in_the_ledger_like_any_receipt(fairgate, keys, tmp_path, nobody):
    place = published(tmp_path, holding(TEXT))
    asked = ("--ledger", place, "--policy", policy_file(tmp_path), "--revoked", nobody, "--at", BEFORE)
    said = fairgate("verify", TEXT, "--keys", keys, *asked).stdout.decode()
    assert "shown: in the checkpoint over 701 leaves" in said


# -- photos -------------------------------------------------------------------------------------


def noisy(image: Image.Image, strength: int = 40) -> Image.Image:
    """Grain as of a bad camera, the same in every run."""
    dice = random.Random(7)
    grain = bytes(dice.randrange(128 - strength, 128 + strength) for _ in range(image.width * image.height))
    return Image.blend(image, Image.frombytes("L", image.size, grain), 0.3)


def on_a_table(image: Image.Image) -> Image.Image:
    """The code on a sheet that lies askew on a dark table, in a photo of 1600 by 1200."""
    sheet = Image.new("L", (900, 1000), 235)
    sheet.paste(image.resize((480, 480)), (200, 260))
    ImageDraw.Draw(sheet).text((200, 200), "Your pass", fill=20)
    photo = Image.new("L", (1600, 1200), 60)
    turned = sheet.convert("LA").rotate(23, expand=True)
    photo.paste(turned.convert("L"), (180, -30), turned.getchannel("A"))
    return noisy(photo.filter(ImageFilter.GaussianBlur(0.8)))


PHOTOS = {
    "as it is": lambda image: image,
    "two pixels a module": lambda image: image.resize((image.width // 2, image.height // 2)),
    "upside down": lambda image: image.rotate(180),
    "on its side": lambda image: image.rotate(90),
    "askew": lambda image: image.rotate(17, expand=True, fillcolor=255),
    "grainy": noisy,
    "faint": lambda image: image.point(lambda shade: 150 + shade // 4),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
    "light on dark": lambda image: image.point(lambda shade: 255 - shade),
    "on a table": on_a_table,
    "keystone": lambda image: image.transform(
        image.size, Image.Transform.PERSPECTIVE, (1.1, 0.08, -8, 0.04, 1.12, -9, 0.0002, 0.0003), fillcolor=255
    ),
}


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("text", [TEXT, CONFIRMED], ids=["pass", "receipt"])
def test_a_photo_of_the_code_is_read(tmp_path, name, text):
    for suffix in ("png", "jpg", "webp"):
        file = tmp_path / f"photo.{suffix}"
        PHOTOS[name](picture(text)).save(file)
        assert pictures.is_picture(file.read_bytes()[:12])
        assert pictures.text_in(file.read_bytes(), str(file)) == text


def test_the_program_takes_a_picture_whatever_its_file_is_called(fairgate, keys, nobody, tmp_path):
    file = tmp_path / "IMG 0001"
    on_a_table(picture(TEXT)).save(file, "JPEG", quality=80)
    ended = fairgate("verify", file, "--keys", keys, "--revoked", nobody, "--at", BEFORE)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(b"right: a key of places.example.org/ledger signed this pass.\n")


def test_a_picture_with_transparency_is_read_on_white(tmp_path):
    code = picture(TEXT)
    clear = Image.new("RGBA", code.size, (0, 0, 0, 0))
    clear.putalpha(code.point(lambda shade: 255 - shade))
    clear.save(tmp_path / "code.png")
    assert pictures.text_in((tmp_path / "code.png").read_bytes(), "code.png") == TEXT


def test_a_picture_without_a_receipt_is_refused_with_what_to_do(refused, keys, tmp_path):
    Image.new("L", (400, 300), 200).save(tmp_path / "empty.png")
    picture("https://example.org").save(tmp_path / "other.png")
    for name in ("empty.png", "other.png"):
        said = refused("verify", tmp_path / name, "--keys", keys)
        assert "holds no QR code of a receipt or pass that can be read; take it again in good light" in said


def test_a_picture_with_two_receipts_is_refused(refused, keys, tmp_path):
    one, other = picture(TEXT), picture(CONFIRMED)
    both = Image.new("L", (one.width + other.width, max(one.height, other.height)), 255)
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    both.save(tmp_path / "both.png")
    assert "holds 2 receipts or passes" in refused("verify", tmp_path / "both.png", "--keys", keys)


def test_a_picture_that_was_cut_short_is_refused(refused, keys, tmp_path):
    picture(TEXT).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    for size in (12, 40, len(data) // 2):
        (tmp_path / "cut.png").write_bytes(data[:size])
        assert "cut.png" in refused("verify", tmp_path / "cut.png", "--keys", keys)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_small_file_that_unfolds_to_gigabytes_is_refused_before_it_does(refused, keys, tmp_path):
    """8,000 by 8,000 black pixels are 64 million, in a few kilobytes; and a header that promises far more."""
    Image.new("1", (8000, 8000)).save(tmp_path / "bomb.png", optimize=True)
    assert (tmp_path / "bomb.png").stat().st_size < 50_000
    assert "has more than 50 million pixels" in refused("verify", tmp_path / "bomb.png", "--keys", keys)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    (tmp_path / "promise.png").write_bytes(png)
    assert "has more than 50 million pixels" in refused("verify", tmp_path / "promise.png", "--keys", keys)


def test_a_file_far_too_long_is_refused_without_reading_it_all(refused, keys, tmp_path):
    with (tmp_path / "photo.jpg").open("wb") as file:
        file.write(b"\xff\xd8\xff\xe0")
        file.truncate(1 << 40)
    assert "has more than 32 MiB" in refused("verify", tmp_path / "photo.jpg", "--keys", keys)


def test_a_file_of_another_kind_is_told_from_a_folder_that_is_not_there(refused, keys, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    (tmp_path / "sound.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt ")
    for name in ("notes.txt", "sound.wav"):
        said = refused("verify", tmp_path / name, "--keys", keys)
        assert "is neither a receipt, nor a picture of one" in said
