"""Regret of a toy pack: the three lines and the curve, minute by minute, from published files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.judge.life import Incident
from pipeline.minute import MINUTE, Span
from pipeline.money import AtRisk, Exposures, Held
from pipeline.replay.regret import Told, regrets, told_by_replay
from pipeline.replay.score import LABEL, score
from pipeline.store.lake import Lake
from tests.doors import DOOR_MINUTE, PACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
END = START + timedelta(hours=3)
REACH = timedelta(minutes=30)


def losses(
    rows: pl.DataFrame,
    beside: Mapping[str, pl.DataFrame],
    moments: Sequence[datetime],
    until: datetime,
    zone: ZoneInfo,
) -> list[int | None]:
    """Each forced door costs 100; each opened one pays 30 out, unless that is held."""
    del beside, zone
    assert set(rows["door_id"]) <= {"d"}
    assert rows.filter((pl.col("minute") >= until) | (pl.col("minute") < START - REACH)).is_empty()
    cost = 100 * int(rows["forced_count"].sum())
    held = [int(rows.filter(pl.col("minute") >= moment)["opened_count"].sum()) for moment in moments]
    return [max(cost - 30 * opened, 0) for opened in held]


def lake_of(path: Path, exposures: Exposures[Any] | None) -> Lake:
    pack = replace(PACK, exposures=exposures)
    return Lake(pack, path / "lake", path / "manifest.json", path / "analyst.duckdb", ZoneInfo("Asia/Seoul"))


def exposures() -> Exposures[Any]:
    return Exposures(
        schema=DOOR_MINUTE,
        book=lambda *_: pytest.fail("no book is needed"),
        reach=lambda _: REACH,
        held=Held(reach=REACH, losses=losses),
    )


def door_rows() -> pl.DataFrame:
    """Forced 3 times; opened half an hour before, 10, 70 and 130 minutes after the start, and too early."""
    at = [(-31, 5, 0), (-20, 1, 0), (10, 1, 3), (70, 1, 0), (130, 1, 0), (180, 9, 9)]
    rows = [(START + n * MINUTE, "d", opened, forced) for n, opened, forced in at]
    others = [(minute, "other", 7, 7) for minute, *_ in rows]
    return pl.DataFrame(rows + others, DOOR_MINUTE, orient="row")


def told(at: datetime | None, until: datetime = END) -> Told:
    return Told(entity_id="d", label="forced", start=START, told_at=at, until=until)


def test_three_lines_and_where_the_loss_grows(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, exposures())
    span = Span(START - timedelta(hours=1), END + timedelta(hours=1))
    file = lake.write(PACK.dataset, door_rows(), span)
    assert file is not None
    [found] = regrets(lake, [file], [told(START + 11 * MINUTE + timedelta(seconds=5))], {"d": "Front"})
    assert (found.entity_name, found.label, found.told_at) == (
        "Front",
        "forced",
        START + timedelta(seconds=665),
    )
    assert (found.without, found.at_once, found.hour_later, found.kept) == (300, 240, 270, 60)
    assert found.curve == [
        (START, 210),
        (START + 11 * MINUTE, 240),
        (START + 71 * MINUTE, 270),
        (START + 131 * MINUTE, 300),
        (END, 300),
    ]


def test_nobody_was_told_and_told_at_the_very_end(tmp_path: Path) -> None:
    lake = lake_of(tmp_path, exposures())
    file = lake.write(PACK.dataset, door_rows(), Span(START - timedelta(hours=1), END + timedelta(hours=1)))
    assert file is not None
    never, late = regrets(lake, [file], [told(None), told(END + MINUTE)])
    assert (never.without, never.at_once, never.hour_later, never.kept) == (300, None, None, None)
    assert (late.without, late.at_once, late.hour_later) == (300, 300, 300)


def test_without_a_book_nothing_is_known(tmp_path: Path) -> None:
    [found] = regrets(lake_of(tmp_path, None), [], [told(START)])
    assert (found.without, found.at_once, found.hour_later, found.curve) == (None, None, None, [])


def test_a_replay_tells_when_the_minute_has_closed() -> None:
    row = {"label": "x", "rule": "forced_entry", "entity_id": "d", "start": START, "end": END}
    labels = pl.DataFrame(
        [{**row, "expected": "alarm"}, {**row, "entity_id": "e", "expected": "alarm"}], LABEL
    )
    incident = Incident(
        incident_id=None,
        status="open",
        rule="forced_entry",
        entity_id="d",
        tier="tail",
        severity="high",
        policy="supported",
        opened_minute=START + 4 * MINUTE,
        last_breach_minute=START + 4 * MINUTE,
        reason={},
        at_risk=AtRisk(),
    )
    found = score([incident], labels, Span(START, END), 2, PACK)
    through = END - timedelta(minutes=30)
    assert told_by_replay(found, through) == [
        Told(entity_id="d", label="x", start=START, told_at=START + 5 * MINUTE, until=through),
        Told(entity_id="e", label="x", start=START, told_at=None, until=through),
    ]
