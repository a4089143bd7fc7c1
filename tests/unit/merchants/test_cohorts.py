"""Why a cancel rate rose: cancels tied to their approval's cohort tell what the calendar cannot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.minute import DAY_MINUTES, MINUTE, Span, business_day
from pipeline.packs.merchants import JUDGE, PACK
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import ADDED_COUNTS, COHORT_COLUMNS, MERCHANT_MINUTE
from pipeline.schema import conform
from pipeline.store.lake import Lake
from pipeline.store.views.catalog import Shelf, catalog_statements

if TYPE_CHECKING:
    from pipeline.store.manifest import LakeFile

SEOUL = ZoneInfo("Asia/Seoul")
RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
NOON = datetime(2026, 3, 18, 3, tzinfo=UTC)  # a Wednesday in Seoul
START = business_day(date(2026, 3, 9), SEOUL).start

#: approvals, cancels, and of these fresh and older ones, in every minute of an ordinary day.
USUAL = (20, 2, 1, 1)


def rows(span: Span, counts: tuple[int, int, int, int]) -> pl.DataFrame:
    approvals, cancels, fresh, older = counts
    frame = pl.DataFrame({"minute": pl.Series(list(span), dtype=MERCHANT_MINUTE["minute"])})
    columns = {
        "merchant_id": "A",
        "approval_count": approvals,
        "cancel_count": cancels,
        "approval_amount": 1000 * approvals,
        "cancel_amount": 1000 * cancels,
        "cancel_fresh_count": fresh,
        "cancel_older_count": older,
    }
    return conform(frame.with_columns(**{n: pl.lit(v) for n, v in columns.items()}), MERCHANT_MINUTE)


def judged(
    hour: tuple[int, int, int, int],
    day: tuple[int, int, int, int] = USUAL,
    before: tuple[int, int, int, int] = USUAL,
) -> dict[str, Any]:
    """The signal at noon, after an hour, the day before that hour and the rest with these counts a minute."""
    borders = [START, NOON - timedelta(hours=25), NOON - timedelta(hours=1), NOON]
    spans = [Span(*pair) for pair in pairwise(borders)]
    frame = pl.concat([rows(span, c) for span, c in zip(spans, (before, day, hour), strict=True)])
    windows = Windows(SEOUL, 7)
    start = START
    while start < NOON:
        end = min(start + DAY_MINUTES * MINUTE, NOON)
        inside = frame.filter((pl.col("minute") >= start) & (pl.col("minute") < end))
        windows.add_many(start, end, inside)
        start = end
    signals = JUDGE.verdicts(Situation(windows, RULES, "budgeted", Facts())).frame()
    (found,) = signals.filter(rule="cancel_surge").to_dicts()
    return found


def tied(found: dict[str, Any]) -> list[int | None]:
    return [found[name] for name in COHORT_COLUMNS]


def test_a_surge_of_cancels_is_one_by_the_cohorts_too() -> None:
    found = judged((20, 12, 8, 4))
    assert (found["passed"], found["cause"]) == (True, "more_cancels")
    assert tied(found) == [480, 240, 60, 60]


def test_when_approvals_collapse_the_older_cohorts_give_back_as_ever() -> None:
    found = judged((1, 2, 1, 1))
    assert (found["passed"], found["cause"]) == (True, "fewer_approvals")
    assert tied(found)[:2] == [60, 60]


def test_the_cancels_of_a_day_of_many_sales_are_no_surge_of_cancels() -> None:
    busy, hour = (120, 12, 6, 6), (20, 10, 9, 1)
    found = judged(hour, busy)
    assert (found["passed"], found["cause"]) == (True, "more_sales_before")
    # The same without the ties: by the calendar alone it looks as if the cancels had risen.
    blind = judged((*hour[:2], 0, 0), (*busy[:2], 0, 0), (*USUAL[:2], 0, 0))
    assert (blind["cause"], tied(blind)) == ("more_cancels", [None] * 4)


def test_the_usual_cancels_of_each_age_follow_a_plain_reading() -> None:
    busy, hour = (120, 12, 7, 5), (20, 10, 8, 1)
    found = judged(hour, busy)
    minutes_usual, minutes_busy = 6 * DAY_MINUTES, DAY_MINUTES
    approvals = minutes_usual * 20 + minutes_busy * 120
    fresh, older = minutes_usual * 1 + minutes_busy * 7, minutes_usual * 1 + minutes_busy * 5
    like = (6 * 60 * 20 + 60 * 120) / 7  # approvals of the hour to noon, over seven days
    day = ((DAY_MINUTES - 60) * 120 + 60 * 20) * 7 / approvals
    assert tied(found) == [480, 60, round(fresh / approvals * like * day), round(older / approvals * like)]


@pytest.mark.parametrize(
    ("hour", "week"),
    [
        ((20, 20, 12, 5), USUAL),  # less than nine tenths of the hour's
        ((20, 20, 12, 8), (20, 10, 6, 2)),  # or of the week's
        ((20, 20, 12, 8), (20, 0, 0, 0)),
    ],
)
def test_too_few_ties_say_nothing(hour: tuple[int, int, int, int], week: tuple[int, int, int, int]) -> None:
    assert tied(judged(hour, week, week)) == [None] * 4


def test_nine_tenths_of_the_cancels_tied_are_enough() -> None:
    found = judged((20, 50, 30, 15), (20, 10, 6, 3), (20, 10, 6, 3))
    assert tied(found)[:2] == [1800, 900]


def test_a_surge_of_cancels_that_name_no_approval_is_more_cancels() -> None:
    """Cancels made by hand: what the others say of their cohorts says nothing of these."""
    found = judged((20, 12, 2, 1))
    assert (found["cause"], tied(found)) == ("more_cancels", [None] * 4)


def lake_with_a_file_from_before(tmp_path: Path) -> tuple[Lake, LakeFile, Span]:
    lake = Lake(PACK, tmp_path / "lake", tmp_path / "manifest.json", tmp_path / "analyst.duckdb", SEOUL)
    span = Span(NOON, NOON + 3 * MINUTE)
    file = lake.write("merchant_minute", rows(span, USUAL), span)
    assert file is not None
    old = pl.read_parquet(lake.folder / file.path).drop(ADDED_COUNTS)
    old.write_parquet(lake.folder / file.path)
    return lake, file, span


def test_files_written_before_cancels_were_tied_are_read(tmp_path: Path) -> None:
    lake, old, span = lake_with_a_file_from_before(tmp_path)
    later = Span(span.end, span.end + MINUTE)
    new = lake.write("merchant_minute", rows(later, USUAL), later)
    assert new is not None
    whole = Span(span.start, later.end)
    expected = [0, 0, 0, USUAL[2]]
    assert lake.read([old, new], "merchant_minute", whole)["cancel_fresh_count"].to_list() == expected
    for files, wanted in (([old], expected[:3]), ([old, new], expected)):
        with duckdb.connect() as connection:
            for statement in catalog_statements([Shelf(PACK, files)], lake.folder, SEOUL):
                connection.execute(statement)
            asked = "SELECT cancel_fresh_count, cancel_count FROM merchant_minute ORDER BY minute"
            assert connection.execute(asked).fetchall() == [(fresh, USUAL[1]) for fresh in wanted]
