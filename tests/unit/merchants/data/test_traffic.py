"""Facts about the generated traffic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data.merchants.incidents import Label, place
from data.merchants.traffic import ROW_COLUMNS, Traffic, TrafficConfig
from pipeline.errors import UsageError
from pipeline.minute import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 11, 1, 15, tzinfo=UTC)  # a Monday, midnight in Korea
DAY = timedelta(days=1)


def incident(effect: str, strength: float, rank: int = 1, hours: int = 4) -> Label:
    kind = effect if effect in ("bankruptcy", "non_delivery", "outage") else "near_miss"
    return Label(
        label=f"{effect} {rank}",
        kind=kind,  # type: ignore[arg-type]
        effect=effect,
        merchant=rank,
        by_rank=True,
        start=timedelta(hours=10),
        duration=timedelta(hours=hours),
        strength=strength,
        expected="quiet",
        rule="cancel_surge",
    )


ALL_EFFECTS = place(
    [
        incident("bankruptcy", 0.5, 1),
        incident("non_delivery", 4, 2),
        incident("outage", 0.1, 3),
        incident("volume", 4, 4),
        incident("volume", 3, 5),
        incident("few_cancels", 3, 20),
        incident("cancel_rate", 1.5, 6),
    ],
    START,
)
SMALL = TrafficConfig(START, merchants=50, transactions_per_day=4_000, incidents=ALL_EFFECTS)


def span(first_minute: int, last_minute: int) -> Span:
    return Span(START + timedelta(minutes=first_minute), START + timedelta(minutes=last_minute))


@pytest.fixture(scope="module")
def two_days() -> pl.DataFrame:
    return Traffic(SMALL).rows(span(0, 2880))


def read_in_pieces(traffic: Traffic, cuts: Sequence[int]) -> pl.DataFrame:
    return pl.concat([traffic.rows(span(a, b)) for a, b in pairwise(cuts)])


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 2880), max_size=6).map(lambda cuts: sorted([0, *cuts, 2880])))
def test_any_chunking_gives_the_same_rows(two_days: pl.DataFrame, cuts: list[int]) -> None:
    assert_frame_equal(read_in_pieces(Traffic(SMALL), cuts), two_days, check_exact=True)


@settings(max_examples=15)
@given(first=st.integers(0, 2879), length=st.integers(0, 300))
def test_a_cold_start_anywhere_gives_the_same_rows(two_days: pl.DataFrame, first: int, length: int) -> None:
    part = span(first, min(first + length, 2880))
    expected = two_days.filter(pl.col("occurred_at") >= part.start, pl.col("occurred_at") < part.end)
    assert_frame_equal(Traffic(SMALL).rows(part), expected, check_exact=True)


def test_a_span_that_was_read_can_be_read_again(two_days: pl.DataFrame) -> None:
    traffic = Traffic(SMALL)
    traffic.rows(span(600, 700))
    assert_frame_equal(traffic.rows(span(0, 2880)), two_days, check_exact=True)


def test_blocks_do_not_change_the_rows(two_days: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.merchants.traffic._BLOCK_ROWS", 100)
    parts = list(Traffic(SMALL).chunks(span(0, 2880), 100))
    assert len(parts) > 50
    traffic = Traffic(SMALL)
    assert_frame_equal(pl.concat([traffic.rows(part) for part in parts]), two_days, check_exact=True)


def test_another_seed_gives_other_rows(two_days: pl.DataFrame) -> None:
    other = Traffic(TrafficConfig(START, 50, 4_000, seed=2)).rows(span(0, 60))
    assert not other.equals(two_days.head(other.height))


def test_rows_are_sorted_complete_and_inside_their_span(two_days: pl.DataFrame) -> None:
    assert tuple(two_days.columns) == ROW_COLUMNS
    assert two_days["occurred_at"].is_sorted()
    assert two_days["transaction_id"].is_unique().all()
    assert two_days["occurred_at"][0] >= START
    assert two_days["occurred_at"][-1] < START + 2 * DAY
    assert (
        two_days.null_count().drop("original_transaction_id", "original_occurred_at").sum_horizontal().item()
        == 0
    )
    assert (two_days["created_at"] >= two_days["occurred_at"]).all()


def test_the_id_tells_the_minute(two_days: pl.DataFrame) -> None:
    minutes = two_days["occurred_at"].dt.epoch("s") // 60
    assert (two_days["transaction_id"] // 10_000_000 == minutes).all()


def test_each_cancel_refers_to_an_earlier_approval_of_its_merchant(two_days: pl.DataFrame) -> None:
    approvals = two_days.filter(kind="APPROVAL")
    cancels = two_days.filter(kind="CANCEL")
    assert approvals["original_transaction_id"].null_count() == approvals.height
    both = cancels.join(
        approvals, left_on="original_transaction_id", right_on="transaction_id", suffix="_approved"
    )
    assert both.height == cancels.height > 300
    assert cancels["original_transaction_id"].is_unique().all()
    assert (both["merchant_id"] == both["merchant_id_approved"]).all()
    assert (both["customer_id"] == both["customer_id_approved"]).all()
    assert (both["occurred_at"] > both["occurred_at_approved"]).all()
    assert (both["original_occurred_at"] == both["occurred_at_approved"]).all()
    assert (both["amount"] <= both["amount_approved"]).all()
    assert 0.05 < (both["amount"] < both["amount_approved"]).mean() < 0.15  # type: ignore[operator]


def test_amounts_are_whole_tens_and_positive(two_days: pl.DataFrame) -> None:
    assert (two_days["amount"] > 0).all()
    assert (two_days["amount"] % 10 == 0).all()


@pytest.mark.parametrize("merchants", [500, 10_000])
def test_the_top_percent_carries_over_half_of_the_volume(merchants: int) -> None:
    rows = Traffic(TrafficConfig(START, merchants, 100_000)).rows(span(0, 1440))
    counts = rows.filter(kind="APPROVAL").group_by("merchant_id").len()["len"].sort(descending=True)
    assert 0.55 < int(counts.head(merchants // 100).sum()) / int(counts.sum()) < 0.65


@pytest.mark.parametrize("merchants", [1, 2, 3])
def test_few_merchants_work(merchants: int) -> None:
    rows = Traffic(TrafficConfig(START, merchants, 1_440)).rows(span(0, 1440))
    assert rows["merchant_id"].n_unique() == merchants


def test_the_volume_is_what_was_asked_for() -> None:
    rows = Traffic(TrafficConfig(START, 500, 20_000)).rows(span(0, 10 * 1440))
    week = rows.filter(pl.col("occurred_at") >= START + 3 * DAY)
    assert 0.98 < week.height / 7 / 20_000 < 1.02


def test_the_day_has_its_peaks_and_its_night() -> None:
    rows = Traffic(TrafficConfig(START, 500, 100_000)).rows(span(0, 1440))
    hours = (
        rows["occurred_at"].dt.convert_time_zone("Asia/Seoul").dt.hour().value_counts().sort("occurred_at")
    )
    count = hours["count"].to_list()
    assert count[12] > 5 * count[4]
    assert count[12] > count[15]
    assert count[19] > count[16]


def test_the_cancel_rate_is_the_same_by_day_and_by_night() -> None:
    config = TrafficConfig(START, 300, 60_000)
    rows = Traffic(config).rows(span(0, 5 * 1440)).filter(pl.col("occurred_at") >= START + 3 * DAY)
    local = rows.with_columns(hour=pl.col("occurred_at").dt.convert_time_zone("Asia/Seoul").dt.hour())
    night, day = (
        local.filter(pl.col("hour").is_between(1, 5)),
        local.filter(pl.col("hour").is_between(10, 20)),
    )
    assert 0.03 < cancel_rate(day) < 0.06
    assert 0.6 < cancel_rate(night) / cancel_rate(day) < 1.6


def test_a_constant_rate_has_no_rhythm() -> None:
    rows = Traffic(TrafficConfig(START, 100).at_tps(2)).rows(span(0, 1440))
    by_hour = rows.filter(kind="APPROVAL")["occurred_at"].dt.hour().value_counts()["count"]
    assert by_hour.min() > 0.9 * by_hour.max()  # type: ignore[operator]


def test_merchants_have_plausible_rates_cycles_and_ages() -> None:
    traffic = Traffic(TrafficConfig(START, 2_000))
    merchants, profile = traffic.merchants(), traffic.profile()
    assert merchants["merchant_id"].is_unique().all()
    assert merchants["settlement_cycle_days"].is_between(1, 7).all()
    assert (merchants["opened_on"] < START.date()).all()
    assert profile["cancel_rate"].is_between(0.01, 0.09).all()
    assert profile["approvals_per_day"].is_sorted(descending=True)


def test_text_ids_change_nothing_but_the_id() -> None:
    number = Traffic(TrafficConfig(START, 50, 4_000)).rows(span(0, 300))
    text = Traffic(TrafficConfig(START, 50, 4_000, merchant_id_type="TEXT")).rows(span(0, 300))
    assert text["merchant_id"].str.contains(r"^M\d{8}$").all()
    assert_frame_equal(number.drop("merchant_id"), text.drop("merchant_id"), check_exact=True)


@pytest.mark.parametrize(
    ("name", "value"), [("merchants", 0), ("transactions_per_day", 0), ("top_share", 1.0), ("seed", -1)]
)
def test_a_configuration_without_meaning_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} = {value}"):
        TrafficConfig(START, **{name: value})  # type: ignore[arg-type]


# -- incidents ---------------------------------------------------------------------------------------


def cancel_rate(rows: pl.DataFrame) -> float:
    cancels = rows.filter(kind="CANCEL").height
    return cancels / (rows.height - cancels)


def under(effect: str, strength: float, rank: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A merchant's rows from 11:00 to 13:00 of day four without and with an incident from 10:00 to 14:00."""
    plain = TrafficConfig(START, 200, 60_000)
    placed = place([incident(effect, strength, rank)], START + 3 * DAY)
    part = Span(START + 3 * DAY + timedelta(hours=11), START + 3 * DAY + timedelta(hours=13))
    merchant = Traffic(plain).merchants()["merchant_id"][rank - 1]
    changed = TrafficConfig(START, 200, 60_000, incidents=placed)
    without, with_it = Traffic(plain).rows(part), Traffic(changed).rows(part)
    mine = pl.col("merchant_id") == merchant
    columns = pl.exclude("transaction_id", "created_at")  # a cancel's number counts those before it
    assert_frame_equal(without.filter(~mine).select(columns), with_it.filter(~mine).select(columns))
    return without.filter(mine), with_it.filter(mine)


def test_a_bankruptcy_cancels_what_was_sold_and_ends_sales() -> None:
    before, after = under("bankruptcy", 0.5)
    assert cancel_rate(after) > 10 * cancel_rate(before)
    assert 0.15 < after.filter(kind="APPROVAL").height / before.filter(kind="APPROVAL").height < 0.55


def test_non_delivery_multiplies_the_cancel_rate_only() -> None:
    before, after = under("non_delivery", 4.0)
    assert 2.2 < cancel_rate(after) / cancel_rate(before) < 4.5
    assert after.filter(kind="APPROVAL").equals(before.filter(kind="APPROVAL"))


def test_an_outage_leaves_its_share_of_the_volume_at_the_same_rate() -> None:
    before, after = under("outage", 0.2)
    assert 0.16 < after.height / before.height < 0.24
    assert cancel_rate(after) < 1.7 * cancel_rate(before)


def test_a_sale_day_multiplies_the_volume_and_not_the_rate() -> None:
    before, after = under("volume", 4.0)
    assert 3.6 < after.filter(kind="APPROVAL").height / before.filter(kind="APPROVAL").height < 4.4
    assert cancel_rate(after) < 1.3 * cancel_rate(before)


def test_a_raised_rate_stays_below_two() -> None:
    before, after = under("cancel_rate", 1.5)
    assert 1.2 < cancel_rate(after) / cancel_rate(before) < 1.9


def test_a_few_cancels_are_few() -> None:
    before, after = under("few_cancels", 4.0, rank=60)
    assert 0 <= after.filter(kind="CANCEL").height - before.filter(kind="CANCEL").height <= 12
