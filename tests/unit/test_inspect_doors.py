"""`check` of a pack without money, facts and words of its own: rows, ids, times and totals alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.count import count
from pipeline.inspection.plans import shapes
from pipeline.inspection.sample import Sample, sample_findings
from pipeline.inspection.source import inspect_ornaments, inspect_sample
from pipeline.minute import MINUTE, Span
from pipeline.source.asked import Changed, Extracted, Fence
from tests.doors import EVENT, PACK

if TYPE_CHECKING:
    from pipeline.finding import Finding

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SPAN = Span(NOON, NOON + 3 * MINUTE)


def events(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, EVENT, orient="row")


def at(minute: int) -> datetime:
    return NOON + minute * MINUTE


def totals(rows: pl.DataFrame) -> pl.DataFrame:
    counted = rows.group_by(minute=pl.col("occurred_at").dt.truncate("1m")).agg(rows=pl.len())
    return counted.filter(pl.col("minute").is_between(SPAN.start, SPAN.end, closed="left"))


class Building:
    """A source of doors, as far as `check` asks."""

    pack = PACK

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows = rows

    def fence(self) -> Fence:
        return Fence(7, 7, NOON + 3 * MINUTE + timedelta(seconds=5))

    def _of(self, span: Span) -> pl.DataFrame:
        return self.rows.filter(pl.col("occurred_at").is_between(span.start, span.end, closed="left"))

    def totals(self, span: Span) -> pl.DataFrame:
        minutes = self._of(span).group_by(minute=pl.col("occurred_at").dt.truncate("1m"))
        return minutes.agg(rows=pl.len().cast(pl.String))

    def changed(self, *_: object) -> Changed:
        return Changed(tuple(self.totals(SPAN)["minute"].sort()), self.fence())

    def extract(self, span: Span) -> Extracted:
        return Extracted(self._of(span), 7, self.fence().clock)

    def rows_without_time(self) -> int:
        return 2


GOOD = events((1, "front", "opened", at(0)), (2, "front", "forced", at(1)), (3, "lift", "opened", at(2)))


def test_a_sampled_hour_of_doors_is_said_in_their_words() -> None:
    source = cast("Any", Building(GOOD))
    sampled = inspect_sample(source)
    told = [*sampled.findings, *inspect_ornaments(source, sampled, ZoneInfo("UTC"))]
    said = {finding.check: finding for finding in told}
    assert list(said) == [
        *("time", "rows", "set_aside", "outside", "totals", "duplicates", "ids", "doors", "changed"),
        "without_time",
    ]
    assert said["time"].what.startswith("the newest event is of 2026-03-10T12:02Z")
    assert said["rows"].what.startswith("3 rows of 2 doors in ")
    assert said["rows"].numbers["doors"] == 2
    assert said["duplicates"].what == "none by event_id"
    assert said["doors"].what == "door_id: text of 4 to 5 characters, 2 distinct, for example front"
    assert said["without_time"].what.startswith("2 events have no time")
    assert (sampled.entities, sampled.ids) == (["front", "lift"], ["front", "lift"])
    assert {f.level for f in said.values() if f.check != "without_time"} == {"ok"}


def findings(rows: pl.DataFrame, theirs: pl.DataFrame) -> dict[str, Finding]:
    counted = count(rows, SPAN, 0, SPAN.end, PACK)
    return {f.check: f for f in sample_findings(Sample(SPAN, rows, counted, theirs), PACK)}


def test_what_is_wrong_with_doors_is_said_in_their_words() -> None:
    rows = events(
        (1, "front ", "opened", at(0)),
        (1, "front ", "opened", at(0)),
        (2, None, "opened", at(1)),
        (9, "lift", "forced", at(9)),
    )
    said = findings(rows, totals(rows).with_columns(pl.col("rows") + 1))
    assert said["set_aside"].what.startswith("1 of 4 rows (25.00 %) are set aside: door_missing 1; e.g. 2")
    assert said["set_aside"].next.startswith("they are counted in no door")
    assert said["outside"].what.startswith("events.sql, asked for ")
    assert said["outside"].what.endswith("for example event 9")
    assert "says 3 rows, the rows say 2 rows" in said["totals"].what
    assert said["totals"].next.startswith("events.sql and totals.sql must speak of the same rows")
    assert said["duplicates"].what == "1 rows have the event_id of another one, for example 1"
    assert said["duplicates"].next == "does a join multiply the rows?"
    assert said["doors"].next == "take the padding away in every query alike, trim(door_id)"


def test_the_plans_of_doors_are_those_of_their_queries() -> None:
    assert [shape.query for shape in shapes(PACK, NOON, ["front"])] == [
        *("events", "events", "totals", "changed", "arrived", "without_time")
    ]


def test_an_empty_building_is_a_warning() -> None:
    (found,) = inspect_sample(cast("Any", Building(GOOD.clear()))).findings[-1:]
    assert (found.check, found.level) == ("time", "warning")
    assert "is events.sql about the right table" in found.next


def test_a_total_of_which_nothing_is_said_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is said of the totals forced"):
        replace(PACK, totals=("forced",))
