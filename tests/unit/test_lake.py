"""Files of an earlier version, which lack the newer columns, beside new ones: for us and for analysts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from pipeline.minute import MINUTE, Span, one_minute
from pipeline.packs.merchants import PACK
from pipeline.schema import conform
from pipeline.store.lake import Lake
from pipeline.store.manifest import LakeFile
from pipeline.store.views.catalog import Shelf, catalog_statements, published_schema

if TYPE_CHECKING:
    from pathlib import Path

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NEWER = ("prior", "category", "prior_cancels_per_100k")


def signals(minute: datetime) -> pl.DataFrame:
    row = {"minute": minute, "entity_id": "a", "category": "air", "prior": "own", "evidence": 7}
    return conform(pl.DataFrame([dict.fromkeys(PACK.signal.names()) | row], PACK.signal), PACK.signal)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(PACK, tmp_path / "lake", tmp_path / "manifest.json", tmp_path / "analyst.duckdb", SEOUL)


@pytest.fixture
def old(lake: Lake) -> LakeFile:
    path = lake.folder / "signal" / "old.parquet"
    path.parent.mkdir(parents=True)
    signals(NOON).drop(NEWER).rename({"entity_id": "merchant_id"}).write_parquet(path)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return LakeFile("signal", "signal/old.parquet", one_minute(NOON), 1, len(content), digest)


def test_columns_that_a_file_lacks_are_null(lake: Lake, old: LakeFile) -> None:
    new = lake.write("signal", signals(NOON + MINUTE), one_minute(NOON + MINUTE))
    assert new is not None
    for files, categories in (([old], [None]), ([old, new], [None, "air"]), ([new, old], [None, "air"])):
        found = lake.read(files, "signal", Span(NOON, NOON + 2 * MINUTE))
        assert found.schema == PACK.signal
        assert (found["category"].to_list(), found["evidence"].to_list()) == (categories, [7] * len(files))


def test_so_they_are_for_analysts(lake: Lake, old: LakeFile) -> None:
    new = lake.write("signal", signals(NOON + MINUTE), one_minute(NOON + MINUTE))
    assert new is not None
    for files, categories in (([old], [None]), ([old, new], [None, "air"]), ([new, old], [None, "air"])):
        with duckdb.connect() as connection:
            for statement in catalog_statements([Shelf(PACK, files)], lake.folder, SEOUL):
                connection.execute(statement)
            found = connection.execute("SELECT category, evidence, passed FROM signal ORDER BY minute")
            assert found.fetchall() == [(category, 7, None) for category in categories]
            described = connection.execute("SELECT * FROM signal").description
            assert [column[0] for column in described or ()] == published_schema(PACK, "signal").names()
