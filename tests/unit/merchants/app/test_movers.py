"""Who moved most: beyond chance, and large enough that chance alone fills no list."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from app.merchants.movers import LEAST, hours_of, movers
from pipeline.minute import Span
from pipeline.store.manifest import LakeFile, Manifest

COLUMNS = ("merchant_id", "approval_count", "cancel_count", "approval_amount")


def hour(*rows: tuple[str, int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(
        list(rows), schema=dict(zip(COLUMNS, (pl.String, *[pl.Int64] * 3), strict=True)), orient="row"
    )


def manifest(first: datetime, through: datetime) -> Manifest:
    file = LakeFile("merchant_minute", "a", Span(first, through), 1, 1, "0")
    return Manifest(1, through, through, {"merchant_minute": (file,)})


def test_a_merchant_that_is_gone_or_new_counts_as_zero_there() -> None:
    found = movers(hour(("new", 90, 0, 1)), hour(("gone", 40, 0, 1)), "approval_count")
    assert found.rows() == [("new", 90, 0), ("gone", 0, 40)]


def test_a_giant_that_wanders_comes_behind_a_small_one_that_jumps() -> None:
    now = hour(("giant", 10_100, 0, 1), ("jumps", 90, 0, 1))
    found = movers(now, hour(("giant", 10_000, 0, 1), ("jumps", 30, 0, 1)), "approval_count")
    assert found["merchant_id"].to_list() == ["jumps", "giant"]


@pytest.mark.parametrize("by", LEAST)
def test_the_small_and_the_unchanged_are_left_out(by: str) -> None:
    least = LEAST[by]
    now = hour(("small", least - 1, least - 1, 5), ("same", 100, 100, 100), ("enough", least, least, 7))
    found = movers(now, hour(("same", 100, 100, 100)), by)
    assert found["merchant_id"].to_list() == ["enough"]


def test_the_hours_are_whole_and_a_day_apart() -> None:
    first, through = datetime(2026, 11, 28, 7, 30, tzinfo=UTC), datetime(2026, 11, 29, 10, 20, tzinfo=UTC)
    hours = hours_of(manifest(first, through))
    assert hours is not None
    assert [span.start.isoformat()[:16] for span in hours] == ["2026-11-29T09:00", "2026-11-28T09:00"]
    assert hours_of(manifest(datetime(2026, 11, 28, 9, 1, tzinfo=UTC), through)) is None
