"""What is read of files and kept, and the days that are compared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from app.lake import Lake
from app.merchants.pace import PACE, pace_days, pace_of
from app.merchants.reads import parts_of, read_together
from app.merchants.series import series_of_rows, together_series
from app.minutes import Kept
from app.pages.entity.reads import newest_files
from baselines.slots import among, shares
from pipeline.errors import LakeDamaged
from pipeline.minute import MINUTE, Span, to_index
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import ADDED_COUNTS, MERCHANT_MINUTE
from pipeline.settings import Settings
from pipeline.store.manifest import LakeFile, Manifest
from tests.app.merchants.home import minute_rows, publish, write_file, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

END = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # 10:00 in Seoul
MIDNIGHT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")


class Counting(Lake):
    """Says which spans were read of the lake."""

    def __init__(self, home: Path) -> None:
        super().__init__(Settings(home=home, business_timezone=SEOUL), PACK)
        self.spans: list[Span] = []

    def of_entity(self, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
        self.spans.append(span)
        return super().of_entity(manifest, entity_id, span)


def published(lake: Lake) -> Manifest:
    manifest = lake.manifest()
    assert manifest is not None
    return manifest


def last(minutes: int) -> Span:
    return Span(END - minutes * MINUTE, END)


def read(lake: Lake, entity_id: str, span: Span, kept: Kept | None = None) -> pl.DataFrame:
    return (kept or Kept()).read(lake, published(lake), entity_id, span)


def test_one_merchants_rows_of_a_span_in_order(tmp_path: Path) -> None:
    publish(tmp_path, last(200), ["a", "b"])
    found = read(Counting(tmp_path), "a", last(3))
    assert found.schema == MERCHANT_MINUTE
    assert found["minute"].to_list() == list(last(3))
    assert found["merchant_id"].unique().to_list() == ["a"]


@pytest.mark.parametrize("unknown", ["nobody", "'; DROP TABLE x --", "\x00", ""])
def test_a_merchant_nobody_knows_is_silent(tmp_path: Path, unknown: str) -> None:
    publish(tmp_path, last(5), ["a"])
    assert read(Counting(tmp_path), unknown, last(5)).is_empty()


def test_a_file_is_read_once_and_only_what_is_new_after_that(tmp_path: Path) -> None:
    old, new = Span(last(20).start, END - MINUTE), Span(END - MINUTE, END)
    first = write_file(tmp_path, "old.parquet", old, minute_rows(old, "a"))
    write_manifest(tmp_path, [first], old.end)
    lake, kept = Counting(tmp_path), Kept()
    assert read(lake, "a", old, kept).height == 19
    assert read(lake, "a", old, kept).height == 19
    second = write_file(tmp_path, "new.parquet", new, minute_rows(new, "a"))
    write_manifest(tmp_path, [first, second], END, 2)
    assert read(lake, "a", last(20), kept).height == 20
    assert lake.spans == [old, new]


def test_a_file_that_takes_the_place_of_others_is_read_and_they_are_forgotten(tmp_path: Path) -> None:
    halves = [Span(last(20).start, END - 10 * MINUTE), last(10)]
    rows = [(f"{n}.parquet", span, minute_rows(span, "a")) for n, span in enumerate(halves)]
    files = [write_file(tmp_path, *part) for part in rows]
    write_manifest(tmp_path, files, END)
    lake, kept = Counting(tmp_path), Kept()
    assert read(lake, "a", last(20), kept).height == 20
    whole = write_file(tmp_path, "whole.parquet", last(20), minute_rows(last(20), "a", approvals=3))
    write_manifest(tmp_path, [whole], END, 2)
    assert read(lake, "a", last(20), kept)["approval_count"].sum() == 60
    assert lake.spans == [last(20)] * 2
    assert [list(held) for held in kept._entities.values()] == [["merchant_minute/whole.parquet"]]


def shared(home: Path, span: Span, merchants: Sequence[str]) -> None:
    """Two files with the same minutes, each of whose merchants have one half of the slots."""
    entries = []
    for slots in shares(2):
        mine = [name for name in merchants if among(pl.Series([name]), slots)[0]]
        assert mine
        rows = [row for name in mine for row in minute_rows(span, name)]
        entry = write_file(home, f"{span.start:%H%M}-{slots.first}.parquet", span, rows)
        entries.append(entry | {"slots": [slots.first, slots.end]})
    write_manifest(home, entries, span.end)


def test_of_files_that_share_their_minutes_the_one_with_the_merchant_is_read(tmp_path: Path) -> None:
    shared(tmp_path, last(5), ["1", "2", "3", "4"])
    lake = Counting(tmp_path)
    for merchant in ("1", "2", "3", "4"):
        assert read(lake, merchant, last(5))["approval_count"].to_list() == [10] * 5


def test_files_that_share_their_minutes_are_counted_once_in_all_together(tmp_path: Path) -> None:
    shared(tmp_path, last(70), ["1", "2", "3", "4"])
    lake = Counting(tmp_path)
    files = published(lake).datasets["merchant_minute"]
    ((_, part),) = parts_of(files)
    series = together_series([read_together(lake, published(lake), part, ["1", "2", "3", "4"])], part)
    first, stop = pl.Series([to_index(part.start)]).to_numpy(), pl.Series([to_index(END)]).to_numpy()
    assert series.between("approval_count", first, stop).tolist() == [4 * 700]
    (run,) = newest_files(published(lake), "merchant_minute")
    assert sorted(file.path for file in run) == sorted(file.path for file in files)


def test_only_so_many_merchants_are_kept(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a", "b", "c"])
    lake, kept = Counting(tmp_path), Kept(most=2)
    for merchant in ("a", "b", "a", "c", "a", "b"):
        assert read(lake, merchant, last(5), kept).height == 5
    assert len(lake.spans) == 4  # a, b, c, and b again
    assert len(kept._entities) == 2


def test_a_file_of_before_lacks_columns_and_they_are_zero(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    path = tmp_path / "lake" / "merchant_minute" / "1.parquet"
    pl.read_parquet(path).drop(*ADDED_COUNTS).write_parquet(path)
    found = read(Counting(tmp_path), "a", last(5))
    assert found.select(ADDED_COUNTS).sum().row(0) == (0,) * len(ADDED_COUNTS)


# vanished and damaged files


def test_a_vanished_file_makes_the_door_read_the_newer_manifest_once(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"], version=1)
    lake = Counting(tmp_path)
    held = published(lake)
    publish(tmp_path, last(5), ["a", "b"], version=2)
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").unlink()
    assert lake.of_entity(held, "b", last(5)).height == 5


def test_a_listed_file_that_stays_away_is_named(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").unlink()
    with pytest.raises(LakeDamaged, match=r"1\.parquet"):
        read(Counting(tmp_path), "a", last(5))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    (tmp_path / "lake" / "merchant_minute" / "1.parquet").write_bytes(b"half a file")
    with pytest.raises(LakeDamaged, match=r"1\.parquet"):
        read(Counting(tmp_path), "a", last(5))


def test_files_that_no_manifest_lists_are_never_read(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a"])
    write_file(tmp_path, "stray.parquet", last(5), minute_rows(last(5), "a"))
    assert read(Counting(tmp_path), "a", last(5)).height == 5


def test_a_path_with_glob_signs_is_only_a_path(tmp_path: Path) -> None:
    home = tmp_path / "home[1]*"
    home.mkdir()
    publish(home, last(5), ["a"])
    assert read(Counting(home), "a", last(5)).height == 5


def test_whose_rows_a_file_holds_and_how_many(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a", "b"])
    lake = Counting(tmp_path)
    assert sorted(lake.entities(published(lake), last(5)).iter_rows()) == [("a", 55), ("b", 55)]


# categories


def test_a_category_is_the_sum_of_its_merchants(tmp_path: Path) -> None:
    publish(tmp_path, last(5), ["a", "b", "c"])
    lake = Counting(tmp_path)
    series = together_series([read_together(lake, published(lake), last(5), ["a", "b"])], last(5))
    first, stop = pl.Series([to_index(last(5).start)]).to_numpy(), pl.Series([to_index(END)]).to_numpy()
    assert series.between("approval_count", first, stop).tolist() == [100]
    assert series.between("cancel_count", first, stop).tolist() == [10]


def test_short_files_after_the_long_ones_are_read_at_once() -> None:
    def file(start: int, minutes: int) -> LakeFile:
        begins = END + start * MINUTE
        return LakeFile("merchant_minute", f"{start}", Span(begins, begins + minutes * MINUTE), 1, 1, "")

    day, hour, one, two = file(0, 1440), file(1440, 60), file(1500, 1), file(1501, 1)
    assert parts_of([day, hour]) == [("0", day.span), ("1440", hour.span)]
    assert parts_of([two, day, one]) == [("0", day.span), ("1500 1501", Span(one.span.start, two.span.end))]
    assert parts_of([one, two]) == [("1500 1501", Span(one.span.start, two.span.end))]
    assert parts_of([]) == []


# pace


def pace(home: Path, span: Span) -> pl.DataFrame:
    publish(home, span, ["a"])
    lake = Counting(home)
    inside = published(lake).span
    assert inside is not None
    days = [*pace_days(date(2026, 11, 21), inside, SEOUL), date(2026, 11, 21)]
    return pace_of(series_of_rows(read(lake, "a", inside), inside), days, inside, SEOUL)


def test_today_so_far_beside_the_whole_days_before_it(tmp_path: Path) -> None:
    frame = pace(tmp_path, Span(MIDNIGHT - timedelta(days=2), END))
    assert frame.schema == PACE
    assert frame.group_by("business_date", maintain_order=True).last().rows() == [
        (date(2026, 11, 19), 1440, 14_400_000),
        (date(2026, 11, 20), 1440, 14_400_000),
        (date(2026, 11, 21), 600, 6_000_000),
    ]
    assert frame.row(0) == (date(2026, 11, 19), 10, 100_000)


def test_a_day_that_is_not_published_from_its_start_is_not_compared(tmp_path: Path) -> None:
    frame = pace(tmp_path, Span(MIDNIGHT - timedelta(minutes=1439), END))
    assert frame["business_date"].unique().to_list() == [date(2026, 11, 21)]


def test_the_last_step_of_today_ends_with_the_newest_minute(tmp_path: Path) -> None:
    assert pace(tmp_path, Span(MIDNIGHT, MIDNIGHT + 13 * MINUTE)).rows() == [
        (date(2026, 11, 21), 10, 100_000),
        (date(2026, 11, 21), 13, 130_000),
    ]


def test_a_column_of_a_dataset_that_an_old_file_lacks_is_null(tmp_path: Path) -> None:
    lake, span = Lake(Settings(home=tmp_path, business_timezone=SEOUL), PACK), Span(MIDNIGHT, END)
    path = tmp_path / "lake" / "exposure.parquet"
    path.parent.mkdir()
    pl.DataFrame({"minute": [MIDNIGHT], "merchant_id": ["M"], "unrecovered": [7]}).write_parquet(path)
    file = LakeFile("exposure", "exposure.parquet", span, 1, None, "")
    manifest = Manifest(1, END, END, {"exposure": (file,)})
    asked = {"state": None, "merchant": None, "at_most": 9, "past": 0}
    (row,) = lake.ask("merchants/analyst/app_exposure", asked, manifest, span, "exposure").to_dicts()
    assert (row["unrecovered"], row["settled_through"], row["at_risk"]) == (7, None, None)
