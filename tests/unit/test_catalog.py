"""Macros of the analysts' file: the business day of every minute, also where the clocks are changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import pytest

from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.packs import PACKS, load_pack
from pipeline.packs.merchants import PACK
from pipeline.store.manifest import LakeFile
from pipeline.store.views.catalog import Shelf, catalog_statements, comments_of

if TYPE_CHECKING:
    from pathlib import Path

#: Clocks go forward and back, also at midnight itself, and by half an hour.
ZONES = ("Asia/Seoul", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "America/St_Johns")
START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 11, 30, tzinfo=UTC)


def opened(folder: Path, zone: ZoneInfo) -> duckdb.DuckDBPyConnection:
    file = LakeFile("signal", "a.parquet", Span(START, END), 1, 1, "")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for statement in catalog_statements([Shelf(PACK, [file])], folder, zone):
        if "MACRO" in statement:  # the file is named and not there
            connection.execute(statement)
    return connection


def days_of(zone: ZoneInfo) -> list[date]:
    """Some days, and those around each change of the clocks."""
    days = [date(2026, 2, 1) + timedelta(days=number) for number in range(320)]
    changed = [day for day in days if business_day(day, zone).minutes != 24 * 60]
    near = {day + timedelta(days=n) for day in changed for n in (-1, 0, 1)}
    return sorted({*days[::30], *near})


@pytest.mark.parametrize("name", ZONES)
def test_a_day_has_its_minutes_and_a_minute_its_day(tmp_path: Path, name: str) -> None:
    zone = ZoneInfo(name)
    with opened(tmp_path, zone) as asked:
        for day in days_of(zone):
            span = business_day(day, zone)
            ends_of = "epoch(min(minute))::BIGINT, epoch(max(minute))::BIGINT"
            days_seen = "min(business_day(minute)), max(business_day(minute))"
            asked.execute(f"SELECT count(*), {ends_of}, {days_seen} FROM minutes_of(DATE '{day}')")
            ends = (int(span.start.timestamp()), int((span.end - MINUTE).timestamp()))
            assert asked.fetchone() == (span.minutes, *ends, day, day)


@pytest.mark.parametrize("name", ZONES)
def test_the_time_of_day_is_that_of_the_wall(tmp_path: Path, name: str) -> None:
    zone = ZoneInfo(name)
    with opened(tmp_path, zone) as asked:
        for number in range(0, 24 * 270, 17):
            moment = START + timedelta(hours=number, minutes=number % 60)
            local = moment.astimezone(zone)
            given = f"TIMESTAMPTZ '{moment.isoformat()}'"
            asked.execute(f"SELECT business_day({given}), minute_of_day({given})")
            assert asked.fetchone() == (business_date(moment, zone), local.hour * 60 + local.minute)


@pytest.mark.parametrize("pack", PACKS)
def test_views_that_every_pack_has_say_what_they_are(pack: str) -> None:
    said = {text.split(" IS ")[0] for text in comments_of(load_pack(pack))}
    assert "COMMENT ON VIEW incident" in said
    assert "COMMENT ON COLUMN minute_ledger.revision" in said


def test_comments_follow_the_columns_that_a_pack_has() -> None:
    """Two builds of one name in one process: what was said of the first is not said of the other."""
    extra = {"extra": PACK.beside["cancel_cohort"]}
    more = replace(PACK, beside={**PACK.beside, **extra})
    with_extra = {text.split(" IS ")[0] for text in comments_of(more)}
    assert "COMMENT ON COLUMN extra.minute" in with_extra
    assert not any(" extra" in text for text in comments_of(PACK))


def test_a_text_with_a_quote_is_a_comment(tmp_path: Path) -> None:
    """Comments are texts of ours, in a statement: what is quoted in them stays in them."""
    with duckdb.connect() as asked:
        for statement in catalog_statements([Shelf(PACK, [])], tmp_path, ZoneInfo("Asia/Seoul")):
            asked.execute(statement)
        asked.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'settlement'")
        found = asked.fetchone()
        assert found is not None
        assert "merchant's" in found[0]
