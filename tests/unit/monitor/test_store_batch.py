"""Packing: one set of results, one digest; and only what was packed comes out."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import STATE_OF, Instant, Outcome, Reason, Rung, Sample, State
from monitor.store.batch import MAX_SAMPLES, pack, unpack

T0 = 1_593_532_800_000_000
OK = Outcome(State.ONLINE, Reason.OK, Rung.TCP)

outcomes = st.builds(
    lambda why, rung: Outcome(STATE_OF[why], why, rung), st.sampled_from(Reason), st.sampled_from(Rung)
)
samples = st.builds(
    Sample,
    point=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
    vantage=st.just("local"),
    at=st.integers(-(2**50), 2**50).map(Instant),
    outcome=outcomes,
    valid_s=st.integers(1, 86_400),
    took_us=st.integers(0, 2**40),
    camera=st.sampled_from(["", "1", "22"]),
)


@given(st.lists(samples, min_size=1, max_size=30), st.randoms())
def test_what_goes_in_comes_out_whatever_the_order(sent, chance):
    batch = pack("local", sent)
    shuffled = [*sent, chance.choice(sent)]
    chance.shuffle(shuffled)
    assert pack("local", shuffled) == batch
    found = unpack(batch.body, batch.sha256)
    assert set(found) == set(sent)
    assert len(found) == batch.n == len(set(sent))
    assert (batch.first_at, batch.last_at) == (found[0].at, found[-1].at)


def test_the_digest_is_of_version_1_for_good():
    """Agents of other versions must get the same digest for the same results."""
    sent = [Sample("P1", "local", Instant(T0), OK, 130, 20_000, "7"), Sample("点", "local", Instant(T0 + 1), OK, 70, 1)]
    assert pack("local", sent).sha256 == "71d4d22f57d52bc3b978aed9566334844921b7654863aa60162d3d8e51a56a8a"


def test_the_digest_does_not_depend_on_the_compression():
    batch = pack("local", [Sample("P1", "local", Instant(T0), OK, 130, 1)])
    other = zlib.compress(zlib.decompress(batch.body), 0)
    assert other != batch.body
    assert unpack(other, batch.sha256) == unpack(batch.body, batch.sha256)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:20] + bytes([b[20] ^ 1]) + b[21:], lambda b: b"", lambda b: b"xx" + b]
)
def test_damage_is_noticed(damage):
    batch = pack("local", [Sample(f"P{i}", "local", Instant(T0 + i), OK, 130, i) for i in range(50)])
    with pytest.raises(ValueError, match="damaged"):
        unpack(damage(batch.body), batch.sha256)


def test_bounds():
    good = Sample("P", "local", Instant(T0), OK, 130, 1)
    with pytest.raises(ValueError, match="not 0"):
        pack("local", [])
    with pytest.raises(ValueError, match="of vantage"):
        pack("elsewhere", [good])
    for valid_s in (0, 86_401):
        with pytest.raises(ValueError, match="valid_s"):
            pack("local", [Sample("P", "local", Instant(T0), OK, valid_s, 1)])
    many = [Sample("P", "local", Instant(T0 + i), OK, 130, 1) for i in range(MAX_SAMPLES + 1)]
    assert pack("local", many[1:]).n == MAX_SAMPLES
    with pytest.raises(ValueError, match=f"1 to {MAX_SAMPLES}"):
        pack("local", many)


def test_a_batch_of_two_thousand_is_small():
    sent = [Sample(f"P{i:05}", "local", Instant(T0 + i * 500), OK, 130, 20_000 + i * 37 % 9000) for i in range(2000)]
    assert len(pack("local", sent).body) < 12 * 2000
