"""What must hold for outages whatever the samples say (RULES.md, section 3); fast functions beside obvious ones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from fairgate.core.deadlines import Outage
from fairgate.core.outages import GAP, HEALTHY, Sample, covered, find, healthy_since, reconcile
from property import reference_outages as reference

BASE = datetime(2024, 5, 21, 15, tzinfo=UTC)
TEN = timedelta(seconds=10)

counts = st.sampled_from([(40, 0), (3, 0), (1, 0), (0, 0), (40, 1), (49, 1), (48, 1), (8, 1), (3, 1), (0, 1), (0, 30)])


@st.composite
def records(draw) -> list[Sample]:
    """Stretches of the same kind of samples, as real records have them, with gaps between, out of order."""
    at, samples = BASE, []
    for _ in range(draw(st.integers(1, 9))):
        at += TEN * draw(st.sampled_from([1, 1, 1, 2, 29, 30, 31, 60]))
        kind = draw(counts)
        for _ in range(draw(st.sampled_from([1, 1, 2, 3, 4, 6, 7, 89, 90, 91, 95]))):
            samples.append(Sample(at, *kind))
            at += TEN
    return samples


def apply(recorded: list[Outage], samples: list[Sample]) -> list[Outage]:
    """The record after one look at the samples, which is also held against the promises of `reconcile`."""
    found = find(samples)
    changes = reconcile(recorded, found, healthy_since(samples))
    after = list(recorded)
    for place, outage in changes:
        if place is None:
            after.append(outage)
        else:
            old, after[place] = after[place], outage
            assert outage.start <= old.start
            assert old.end is None or outage.end is None or outage.end >= old.end
            assert outage.notice_at is None
    for one in found:
        assert any(r.start <= one.start and (r.end is None or (one.end and one.end <= r.end)) for r in after)
    return after


@given(records())
def test_the_outages_are_those_of_the_obvious_reference(samples):
    assert find(samples) == reference.find(samples)


@given(st.lists(st.builds(lambda i, c: Sample(BASE + i * TEN, *c), st.integers(0, 40), counts), max_size=60))
def test_so_they_are_for_samples_of_any_kind(samples):
    assert find(samples) == reference.find(samples)


@given(records(), st.randoms(use_true_random=False))
def test_neither_order_nor_who_sampled_matters(samples, chance):
    split = [Sample(s.at, *part) for s in samples for part in ((s.ok // 2, s.failed), (s.ok - s.ok // 2, 0))]
    assert find(chance.sample(split, len(split))) == find(samples)


@given(records())
def test_outages_follow_each_other_with_a_quarter_of_an_hour_of_health_between(samples):
    found = find(samples)
    for one, next_one in pairwise(found):
        assert one.end + HEALTHY <= next_one.start
    assert all(outage.end is None or outage.start < outage.end for outage in found)


@given(records())
def test_health_since_is_the_end_of_the_last_outage_or_later(samples):
    since, found = healthy_since(samples), find(samples)
    if found and found[-1].end is None:
        assert since is None
    elif found and since:
        assert since >= found[-1].end


@given(records(), st.integers(0, 200), st.integers(0, 200), st.booleans())
def test_what_is_covered_is_what_the_obvious_reference_finds_known(samples, start, length, use_found):
    start_at = BASE + start * TEN
    outages = find(samples) if use_found else []
    span = (start_at, start_at + length * TEN)
    assert covered(samples, outages, *span) == reference.covered(samples, outages, *span)


@given(records())
def test_nothing_is_unknown_from_the_first_to_the_last_sample_once_outages_are_on_record(samples):
    tried = [sample.at for sample in samples if sample.ok + sample.failed]
    assume(tried)
    assert covered(samples, find(samples), tried[0], tried[-1])
    assert not covered(samples, find(samples), tried[0] - TEN, tried[-1])


@given(records(), st.data())
def test_what_is_on_record_only_grows_whenever_samples_arrive(samples, data):
    """Samples come in any order, some of them hours late, and the record is brought up to date in between."""
    arrived: list[Sample] = []
    recorded: list[Outage] = []
    for part in data.draw(parts(samples)):
        arrived += part
        recorded = apply(recorded, arrived)
    assert apply(recorded, arrived) == recorded


@given(records(), st.data())
def test_no_outage_lasts_on_record_after_a_quarter_of_an_hour_of_health(samples, data):
    arrived: list[Sample] = []
    recorded: list[Outage] = []
    for part in data.draw(parts(samples)):
        arrived += part
        recorded = apply(recorded, arrived)
    last = max(sample.at for sample in samples)
    recorded = apply(recorded, [*samples, *(Sample(last + i * TEN, 40, 0) for i in range(1, 102))])
    assert all(outage.end is not None for outage in recorded)


@st.composite
def parts(draw, samples: list[Sample]) -> list[list[Sample]]:
    order = draw(st.sampled_from(["in time", "late", "any"]))
    if order == "in time":
        arriving = list(samples)
    elif order == "late":
        cut = draw(st.integers(0, len(samples)))
        arriving = samples[cut:] + samples[:cut]
    else:
        arriving = draw(st.randoms(use_true_random=False)).sample(samples, len(samples))
    cuts = sorted(draw(st.lists(st.integers(0, len(samples)), max_size=6)))
    return [arriving[one:two] for one, two in pairwise([0, *cuts, len(samples)])]


def test_a_gap_is_longer_than_five_minutes():
    assert timedelta(minutes=5) == GAP
    assert find([Sample(BASE, 1, 0), Sample(BASE + GAP, 1, 0)]) == []
    assert find([Sample(BASE, 1, 0), Sample(BASE + GAP + TEN, 1, 0)]) == [Outage(BASE)]
