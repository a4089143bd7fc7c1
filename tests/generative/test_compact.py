"""However the minutes are split into files, readers and compaction give the same rows. On a real database."""

from __future__ import annotations

import itertools
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import pipeline.store.compact
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.store.compact import compact, delete_expired
from pipeline.store.lake import Lake
from pipeline.store.state import MinuteCommit, State

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy import Engine

START = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)  # an hour before the business day ends in Seoul
LENGTH = 4 * 60


def rows_of(dataset: str, minutes: dict[int, int]) -> pl.DataFrame:
    """`minutes`: rows by minutes after START; many of them tie in minute and merchant."""
    schema = PACK.datasets[dataset]
    rows: list[dict[str, Any]] = []
    for offset, size in sorted(minutes.items()):
        for n in range(size):
            row: dict[str, Any] = dict.fromkeys(schema)
            row |= {
                "minute": START + offset * MINUTE,
                "merchant_id": None if dataset == "quarantine" else "A",
            }
            if dataset == "merchant_minute":
                row |= {"merchant_id": f"M{n:03}", "approval_count": n, "cancel_count": 0}
                row |= {"approval_amount": 5 * n, "cancel_amount": 0}
                row |= {"cancel_fresh_count": 0, "cancel_older_count": n}
            elif dataset == "quarantine":
                row |= {"transaction_id": 1000 * offset + n, "reason": "merchant_missing"}
            else:
                row |= {
                    "rule": ("cancel_surge", "volume_drop")[n % 2],
                    "tier": "tail",
                    "passed": False,
                    "reason": "r",
                }
                row |= {"cancels_hour": n}
            rows.append(row)
    return pl.DataFrame(rows, schema, orient="row")


def ordered(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return sorted(frame.to_dicts(), key=str)


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    dataset=st.sampled_from(sorted(PACK.datasets)),
    minutes=st.dictionaries(st.integers(0, LENGTH - 1), st.integers(1, 40), min_size=1, max_size=25),
    cuts=st.sets(st.one_of(st.integers(1, LENGTH - 1), st.sampled_from([59, 60, 61, 120, 180])), max_size=25),
    zone=st.sampled_from([ZoneInfo("Asia/Seoul"), ZoneInfo("Asia/Kolkata")]),
    until=st.sampled_from([0, 59, 60, 61, 150, LENGTH, LENGTH + 24 * 60]),
    most=st.sampled_from([60, 150, 2_000_000]),
)
def test_any_split_into_files_gives_the_same_rows_before_and_after_compaction(  # noqa: PLR0913, PLR0917 - drawn
    tmp_path: Path,
    state_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    dataset: str,
    minutes: dict[int, int],
    cuts: set[int],
    zone: ZoneInfo,
    until: int,
    most: int,
) -> None:
    monkeypatch.setattr(pipeline.store.compact, "MOST_ROWS", most)
    shutil.rmtree(tmp_path / "lake", ignore_errors=True)
    lake = Lake(PACK, tmp_path / "lake", tmp_path / "manifest.json", tmp_path / "analyst.duckdb", zone)
    with state_engine.begin() as connection:
        connection.execute(text("TRUNCATE lake_file, watermark"))
    state = State(state_engine, "postgresql:///test", PACK.name, "KRW")
    state.epoch = 0
    rows = rows_of(dataset, minutes)
    borders = [0, *sorted(cuts), LENGTH]
    files = []
    for a, b in itertools.pairwise(borders):
        span = Span(START + a * MINUTE, START + b * MINUTE)
        inside = rows.filter((pl.col("minute") >= span.start) & (pl.col("minute") < span.end))
        files.append(lake.write(dataset, inside, span))
    state.commit(MinuteCommit([], [f for f in files if f], START + LENGTH * MINUTE))
    whole = Span(START, START + LENGTH * MINUTE)
    assert ordered(lake.read(state.publication().files, dataset, whole)) == ordered(rows)

    version = state.publication().version
    replaced = compact(lake, state, START + until * MINUTE)
    after = state.publication()
    assert ordered(lake.read(after.files, dataset, whole)) == ordered(rows)
    assert after.version - version <= replaced
    assert len(after.files) <= len(files)
    assert max(f.rows for f in after.files) <= max(most, *(f.rows for f in files if f))
    assert compact(lake, state, START + until * MINUTE) == 0, "compaction does not come to rest"
    assert delete_expired(lake, state) == 0, "a reader may still hold the old manifest"
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE lake_file SET retired_at = retired_at - interval '16 minutes'"))
    assert delete_expired(lake, state) == replaced
    on_disk = {p.relative_to(lake.folder).as_posix() for p in lake.folder.rglob("*.parquet")}
    assert on_disk == {f.path for f in after.files}
    assert ordered(lake.read(after.files, dataset, whole)) == ordered(rows)


def test_thousands_of_tied_rows_compact_without_a_false_alarm(tmp_path: Path, state_engine: Engine) -> None:
    """Rows set aside have no merchant: all of a minute tie, and a sort that moves them looks like damage."""
    lake = Lake(
        PACK,
        tmp_path / "lake",
        tmp_path / "manifest.json",
        tmp_path / "analyst.duckdb",
        ZoneInfo("Asia/Seoul"),
    )
    state = State(state_engine, "postgresql:///test", PACK.name, "KRW")
    state.epoch = 0
    files = []
    for offset in range(6):
        span = Span(START + offset * MINUTE, START + (offset + 1) * MINUTE)
        files.append(lake.write("quarantine", rows_of("quarantine", {offset: 4000}), span))
    state.commit(MinuteCommit([], [f for f in files if f], START + 6 * MINUTE))
    assert compact(lake, state, START + timedelta(hours=1)) == 6
    assert [f.rows for f in state.publication().files] == [24_000]
