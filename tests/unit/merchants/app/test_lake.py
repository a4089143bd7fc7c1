from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.door import Door
from app.merchants.lake import PACE, TREND, WINDOWS, read_pace, read_trend
from pipeline.errors import LakeDamaged
from pipeline.minute import MINUTE, Span
from pipeline.settings import Settings
from tests.app.merchants.home import minute_rows, publish, write_file, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.manifest import Manifest

END = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # 10:00 in Seoul
SEOUL = ZoneInfo("Asia/Seoul")
COUNTS = ["approval_count", "cancel_count", "approval_amount", "cancel_amount"]


def door_of(home: Path) -> Door:
    return Door(Settings(home=home, business_timezone=SEOUL))


def published(door: Door) -> Manifest:
    manifest = door.manifest()
    assert manifest is not None
    return manifest


def last(minutes: int) -> Span:
    return Span(END - minutes * MINUTE, END)


# trend


def test_a_trend_counts_one_merchant_or_all(tmp_path: Path) -> None:
    publish(tmp_path, last(200), ["a", "b"])
    door = door_of(tmp_path)
    one = read_trend(door, published(door), "a", "3h")
    assert one.schema == TREND
    assert one.height == 180
    assert one["start"][0] == END - timedelta(hours=3)
    assert one.row(-1) == (END - MINUTE, 10, 1, 10_000, 500, 0.1)
    everybody = read_trend(door, published(door), None, "3h")
    assert everybody.row(-1) == (END - MINUTE, 20, 2, 20_000, 1_000, 0.1)


def test_the_rate_is_the_ratio_of_the_sums_of_the_hour_that_ends_with_the_step(tmp_path: Path) -> None:
    span = last(300)
    rows = [(m, "a", 10 + n, n % 7, 0, 0) for n, m in enumerate(span)]
    write_manifest(tmp_path, [write_file(tmp_path, "a.parquet", span, rows)], END)
    door = door_of(tmp_path)
    for window, (_, step) in WINDOWS.items():
        for start, *_, rate in read_trend(door, published(door), "a", window).iter_rows():
            end = start + step * MINUTE
            hour = [r for r in rows if end - max(60, step) * MINUTE <= r[0] < end]
            assert rate == sum(r[3] for r in hour) / sum(r[2] for r in hour)


def test_the_rate_of_a_short_history_is_the_ratio_of_its_sums(tmp_path: Path) -> None:
    span = last(10)
    rows = [(m, "a", n, c, 0, 0) for m, n, c in zip(span, [1, 99] + [0] * 8, [1, 1] + [0] * 8, strict=True)]
    write_manifest(tmp_path, [write_file(tmp_path, "a.parquet", span, rows)], END)
    door = door_of(tmp_path)
    frame = read_trend(door, published(door), "a", "24h")
    assert frame["cancel_rate"].to_list() == [0.02]


def test_silence_is_zero_and_its_rate_is_null(tmp_path: Path) -> None:
    span = last(5)
    rows = [(span.start, "a", 3, 0, 300, 0), (END - MINUTE, "a", 0, 2, 0, 200)]
    write_manifest(tmp_path, [write_file(tmp_path, "a.parquet", span, rows)], END)
    door = door_of(tmp_path)
    frame = read_trend(door, published(door), "a", "3h")
    assert frame["approval_count"].to_list() == [3, 0, 0, 0, 0]
    assert frame["cancel_count"].to_list() == [0, 0, 0, 0, 2]
    assert frame["cancel_rate"].to_list() == [0.0, 0.0, 0.0, 0.0, 2 / 3]


def test_without_approvals_in_the_hour_there_is_no_rate(tmp_path: Path) -> None:
    span = last(90)
    rows = [(span.start, "a", 3, 1, 300, 100), (END - MINUTE, "a", 0, 2, 0, 200)]
    write_manifest(tmp_path, [write_file(tmp_path, "a.parquet", span, rows)], END)
    door = door_of(tmp_path)
    assert read_trend(door, published(door), "a", "3h")["cancel_rate"].to_list() == [1 / 3] * 60 + [None] * 30


def test_a_merchant_nobody_knows_is_silent(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    door = door_of(tmp_path)
    frame = read_trend(door, published(door), "'; DROP TABLE x --", "3h")
    assert frame.select(pl.sum(*COUNTS)).row(0) == (0, 0, 0, 0)


def test_steps_before_the_first_published_minute_are_left_out(tmp_path: Path) -> None:
    publish(tmp_path, last(125), ["a"])
    door = door_of(tmp_path)
    frame = read_trend(door, published(door), None, "8d")
    assert frame["start"].to_list() == [END - timedelta(hours=2), END - timedelta(hours=1)]
    assert frame["approval_count"].to_list() == [600, 600]


def test_minutes_after_the_newest_published_one_are_not_read(tmp_path: Path) -> None:
    span = last(10)
    files = [write_file(tmp_path, "a.parquet", span, minute_rows(span, "a"))]
    write_manifest(tmp_path, files, END - 4 * MINUTE)
    door = door_of(tmp_path)
    assert read_trend(door, published(door), None, "3h")["approval_count"].to_list() == [10] * 6


@pytest.mark.parametrize("window", WINDOWS)
def test_empty_datasets_give_empty_frames(tmp_path: Path, window: str) -> None:
    write_manifest(tmp_path, [], END)
    door = door_of(tmp_path)
    assert read_trend(door, published(door), None, window).schema == TREND
    assert read_trend(door, published(door), "a", window).is_empty()
    assert read_pace(door, published(door), None, SEOUL).schema == PACE


@given(counts=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=10, max_size=40))
@settings(max_examples=25, deadline=None)
def test_no_nan_and_no_infinity_ever_leaves(
    tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    span = last(len(counts))
    rows = [(m, "a", n, c, n, c) for m, (n, c) in zip(span, counts, strict=True)]
    write_manifest(home, [write_file(home, "a.parquet", span, rows)], END)
    door = door_of(home)
    for window in WINDOWS:
        frame = read_trend(door, published(door), "a", window)
        rates = frame["cancel_rate"].drop_nulls()
        assert rates.is_finite().all()
        step = WINDOWS[window][1]
        covered = counts[len(counts) % step :]
        assert frame["approval_count"].sum() == sum(n for n, _ in covered)
        seen = [n for n, _ in counts]
        ends = range(len(counts) % step + step, len(counts) + 1, step)  # a history shorter than the hour
        assert rates.len() == sum(sum(seen[:end]) > 0 for end in ends)


# vanished files


def test_a_vanished_file_makes_the_door_read_the_newer_manifest_once(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"], version=1)
    door = door_of(tmp_path)
    held = published(door)
    publish(tmp_path, last(5), ["a", "b"], version=2)
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").unlink()
    assert read_trend(door, held, None, "3h")["approval_count"].to_list() == [20] * 5


def test_a_listed_file_that_stays_away_is_named(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    door = door_of(tmp_path)
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").unlink()
    with pytest.raises(LakeDamaged, match=r"1\.parquet"):
        read_trend(door, published(door), None, "3h")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").write_bytes(b"half a file")
    door = door_of(tmp_path)
    with pytest.raises(LakeDamaged, match=r"1\.parquet"):
        read_trend(door, published(door), None, "3h")


def test_files_that_no_manifest_lists_are_never_read(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    write_file(tmp_path, "stray.parquet", last(5), minute_rows(last(5), "a"))
    door = door_of(tmp_path)
    assert read_trend(door, published(door), None, "3h")["approval_count"].to_list() == [10] * 5


def test_a_path_with_glob_signs_is_only_a_path(tmp_path: Path) -> None:
    home = tmp_path / "home[1]*"
    home.mkdir()
    publish(home, last(5), ["a"])
    door = door_of(home)
    assert read_trend(door, published(door), None, "3h")["approval_count"].to_list() == [10] * 5


# pace


def test_today_so_far_beside_the_whole_days_before_it(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 00:00 in Seoul
    publish(tmp_path, Span(midnight - timedelta(days=2), END), ["a"])
    door = door_of(tmp_path)
    frame = read_pace(door, published(door), "a", SEOUL)
    assert frame.schema == PACE
    ends = frame.group_by("business_date", maintain_order=True).last().rows()
    assert ends == [
        (date(2026, 11, 19), 1440, 14_400_000),
        (date(2026, 11, 20), 1440, 14_400_000),
        (date(2026, 11, 21), 600, 6_000_000),
    ]
    assert frame.row(0) == (date(2026, 11, 19), 10, 100_000)


def test_a_day_that_is_not_published_from_its_start_is_not_compared(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    publish(tmp_path, Span(midnight - timedelta(minutes=1439), END), ["a"])
    door = door_of(tmp_path)
    assert read_pace(door, published(door), None, SEOUL)["business_date"].unique().to_list() == [
        date(2026, 11, 21)
    ]


def test_the_last_step_of_today_ends_with_the_newest_minute(tmp_path: Path) -> None:
    midnight = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    publish(tmp_path, Span(midnight, midnight + 13 * MINUTE), ["a"])
    door = door_of(tmp_path)
    assert read_pace(door, published(door), None, SEOUL).rows() == [
        (date(2026, 11, 21), 10, 100_000),
        (date(2026, 11, 21), 13, 130_000),
    ]
