"""A minute that shards read in slices: its counts are those of one who reads all of it, whatever the cuts."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.slots import shares
from pipeline.count import count
from pipeline.minute import one_minute
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.shards.parts import added, as_bytes, as_frame, counted_slice, repeats, split
from pipeline.source.asked import Part

SEOUL = ZoneInfo("Asia/Seoul")
MINUTE = datetime(2026, 3, 11, 3, tzinfo=UTC)
SPAN = one_minute(MINUTE)
CLOCK = MINUTE + timedelta(seconds=65)
IDS = {
    "integers": st.integers(1, 40),
    "texts": st.sampled_from(["M1", "042", "42", "가맹점", "+7", "-7", "x y", "A" * 40]),
}
_second = st.integers(0, 59_999_999).map(lambda us: MINUTE + timedelta(microseconds=us))


@st.composite
def transactions(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of a minute: mostly good ones, some with a key that another has, some that cannot be counted."""
    merchant = IDS[draw(st.sampled_from(sorted(IDS)))]
    odd = draw(st.booleans())
    row = st.fixed_dictionaries(
        {
            "transaction_id": st.integers(1, 400 if odd else 10**9),
            "merchant_id": merchant,
            "kind": st.sampled_from(["APPROVAL", "CANCEL", "REFUND"] if odd else ["APPROVAL", "CANCEL"]),
            "amount": st.integers(-5 if odd else 0, 10**9),
            "occurred_at": _second,
            "approved_at": st.none() | st.integers(-3_000, 60).map(lambda m: MINUTE + timedelta(minutes=m)),
        }
    )
    rows: list[dict[str, Any]] = draw(st.lists(row, max_size=60))
    is_text = bool(rows) and isinstance(rows[0]["merchant_id"], str)
    return pl.DataFrame(rows, {**TRANSACTION, "merchant_id": pl.String if is_text else pl.Int64})


@settings(max_examples=60)
@given(transactions(), st.lists(_second, max_size=4), st.integers(1, 5))
def test_counts_of_slices_are_those_of_the_minute(
    rows: pl.DataFrame, cuts: list[datetime], number: int
) -> None:
    borders = [MINUTE, *sorted(cuts), SPAN.end]
    time = pl.col("occurred_at")
    slices = [rows.filter((time >= start) & (time < end)) for start, end in itertools.pairwise(borders)]
    found = [counted_slice(Part(part), SPAN, CLOCK, PACK, SEOUL) for part in slices]
    whole = count(rows, SPAN, 0, CLOCK, PACK, SEOUL)
    odd = repeats([said for said, _ in found]) or any(said.suspicious for said, _ in found)
    assert odd == (whole.quarantine.height > 0)
    if odd:
        return
    own: dict[str, list[pl.DataFrame]] = {PACK.dataset: [], "cancel_cohort": []}
    for name, frames in own.items():
        apart = [split(part[name], PACK.entity, shares(number)) for _, part in found]
        frames += [added([as_frame(as_bytes(part[shard])) for part in apart]) for shard in range(number)]
    keys = ["minute", "merchant_id"]
    assert added(own[PACK.dataset]).equals(whole.rows.sort(keys))
    assert added(own["cancel_cohort"]).equals(whole.beside["cancel_cohort"].sort([*keys, "approval_date"]))
    held = [set(frame["merchant_id"]) for frame in own[PACK.dataset]]
    assert sum(map(len, held)) == len(set().union(*held))  # each has one holder
