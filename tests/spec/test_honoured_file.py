"""honoured.csv: written, read back, refused where it cannot be right, and made again from the files of a draw."""

from datetime import UTC, datetime

import pytest

from fairgate.core.bundle import entries_root
from fairgate.core.draw import draw
from fairgate.core.errors import BadInput
from fairgate.core.honoured import HEADER, Honoured, Share, again, parse_honoured, write_honoured
from sealed_rounds import a_manifest, an_entry

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
RANDOM = b"r" * 32
LISTED = [an_entry(n, size=1 + n % 3, weeks=n % 5) for n in range(12)]
OUT = [an_entry(n, size=2, weeks=n % 5) for n in range(100, 106)]
LINES = [Honoured(entry, Share("reserve", None, 1, None), n, n % 2 == 0, AT) for n, entry in enumerate(OUT)]
TEXT = write_honoured(LINES).decode()


def test_what_is_written_is_read_back() -> None:
    lines = [LINES[0], LINES[1]._replace(share=Share("offered", "SYS", 4, "lottery"))]
    assert parse_honoured(write_honoured(lines), a_manifest()) == lines
    assert write_honoured(lines).decode().splitlines()[2] == (
        f"{OUT[1].ticket},2,1,SYS,offered,SYS,4,lottery,1,no,2026-11-21T09:30:00Z"
    )


def test_made_again_each_line_says_what_the_draw_gives_it_alone_among_the_sealed() -> None:
    manifest, root = a_manifest(), entries_root(LISTED)
    made = again(LINES, manifest, root, LISTED, RANDOM)
    drawn = draw(manifest, root, LISTED, RANDOM)
    assert {line.share.outcome for line in made} == {"offered", "reserve"}
    for line in made:
        if line.share.outcome == "reserve":
            assert 1 <= line.share.order <= len(drawn.reserve) + 1
        else:
            assert line.share.port == "SYS"
    assert [line._replace(share=LINES[0].share) for line in made] == LINES
    assert again(made, manifest, root, LISTED, RANDOM) == made
    assert again(made[:1], manifest, root, LISTED, RANDOM) == made[:1]


def test_who_is_in_the_list_was_not_missing_from_it() -> None:
    line = LINES[0]._replace(entry=LISTED[0])
    with pytest.raises(BadInput, match="it was not missing"):
        again([line], a_manifest(), entries_root(LISTED), LISTED, RANDOM)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda t: t.replace(HEADER, HEADER + ",more"), "another header"),
        (lambda t: t.rstrip("\n"), "no line end"),
        (lambda t: t.replace(",yes,", ",perhaps,", 1), "line 2: is not written as such lines are"),
        (lambda t: t.replace(",reserve,,1,", ",reserve,,01,", 1), "line 2: its outcome, order or leaf"),
        (lambda t: t.replace(",reserve,", ",refused,", 1), "line 2: its outcome, order or leaf"),
        (lambda t: t.replace(",SYS,", ",XXX,", 1), 'line 2: port "XXX" is not in the manifest'),
        (lambda t: t.replace(",2,", ",9,", 1), "line 2: size 9"),
        (lambda t: t.replace("Z\n", "\n", 1), "line 2: "),
        (lambda t: t + "\n", "line 8: 1 fields where there must be 11"),
        (lambda t: t.replace("SYS", "SÝS", 1), "not lines of ASCII"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_its_line(damage, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_honoured(damage(TEXT).encode(), a_manifest())
    assert str(caught.value).startswith("honoured.csv")
    assert told in str(caught.value)
