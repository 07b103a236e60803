"""The draw gives the same bytes as the slow, obvious reference, whatever the round."""

from hypothesis import given

from fairgate.core import bundle, draw
from property import reference_draw
from sealed_rounds import Round, rounds


@given(rounds())
def test_the_draw_and_the_reference_agree_to_the_byte(world: Round) -> None:
    manifest, entries, randomness = world
    root = bundle.entries_root(entries)
    drawn = draw.draw(manifest, root, entries, randomness)
    expected = reference_draw.draw(manifest.to_json().encode(), bundle.write_entries(entries), randomness)
    assert bundle.write_results(drawn) == expected.results
    assert root.hex() == expected.root
    assert drawn.seed.hex() == expected.seed
    assert drawn.used == expected.used
    assert drawn.carry_out == expected.carry_out


@given(rounds())
def test_what_is_written_is_read_back_as_it_was(world: Round) -> None:
    manifest, entries, _ = world
    assert bundle.parse_manifest(manifest.to_json().encode()) == manifest
    assert list(bundle.parse_entries(bundle.write_entries(entries), manifest)) == sorted(entries)
