"""Files of set-aside transactions from before their ids could be text are read like today's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from pipeline.minute import MINUTE, Span, one_minute
from pipeline.packs.merchants import PACK
from pipeline.store.lake import Lake
from pipeline.store.manifest import LakeFile
from pipeline.store.views.catalog import Shelf, catalog_statements

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Seoul")
ROW: dict[str, Any] = {
    "minute": NOON,
    "transaction_id": "0f-1",
    "merchant_id": "A",
    "kind": "REFUND",
    "amount": 5,
    "occurred_at": NOON,
    "reason": "kind_unknown",
}


def old_file(lake: Lake) -> LakeFile:
    """As it was written when ids were integers."""
    row = {**ROW, "minute": NOON + MINUTE, "transaction_id": 7}
    frame = pl.DataFrame([row], {**PACK.datasets["quarantine"], "transaction_id": pl.Int64()}, orient="row")
    (lake.folder / "quarantine").mkdir(parents=True, exist_ok=True)
    frame.write_parquet(lake.folder / "quarantine" / "old.parquet")
    return LakeFile("quarantine", "quarantine/old.parquet", one_minute(NOON + MINUTE), 1, 1, "0" * 64)


@pytest.mark.parametrize("ages", [("new",), ("old",), ("new", "old")])
def test_old_and_new_files_are_read_alike(tmp_path: Path, ages: tuple[str, ...]) -> None:
    lake = Lake(PACK, tmp_path / "lake", tmp_path / "manifest.json", tmp_path / "analyst.duckdb", ZONE)
    files = [old_file(lake)] if "old" in ages else []
    new = lake.write(
        "quarantine", pl.DataFrame([ROW], PACK.datasets["quarantine"], orient="row"), one_minute(NOON)
    )
    if new is not None and "new" in ages:
        files.append(new)
    expected = sorted({"old": "7", "new": "0f-1"}[age] for age in ages)
    rows = lake.read(files, "quarantine", Span(NOON, NOON + 2 * MINUTE))
    assert rows.schema == PACK.datasets["quarantine"]
    assert sorted(rows["transaction_id"]) == expected
    with duckdb.connect() as analyst:
        for statement in catalog_statements([Shelf(PACK, files)], lake.folder, ZONE):
            analyst.execute(statement)
        seen = analyst.execute("SELECT transaction_id, typeof(transaction_id) FROM quarantine ORDER BY 1")
        assert seen.fetchall() == [(i, "VARCHAR") for i in expected]
