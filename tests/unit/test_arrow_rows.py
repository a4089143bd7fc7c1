"""Types of PostgreSQL as ADBC hands them over: what is certain is read, what is not is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import SourceChanged
from pipeline.source.arrow_rows import plain_frame

QUERY = Path("transactions.sql")


def table(name: str, values: list[int], kind: pa.DataType, label: str) -> pa.Table:
    field = pa.field(name, kind, metadata={b"POSTGRESQL:type": label.encode()})
    return pa.table([pa.array(values, pa.int64()).cast(kind)], schema=pa.schema([field]))


def test_money_comes_as_hundredths_of_anything_and_is_refused() -> None:
    with pytest.raises(SourceChanged, match=r"transactions\.sql gives amount as money") as caught:
        plain_frame(table("amount", [100_000], pa.int64(), "money"), QUERY)
    assert "amount::numeric" in caught.value.hint


def test_infinite_times_are_the_first_and_the_last_that_python_knows() -> None:
    stored = [-(2**63), 0, 2**63 - 1]
    frame = plain_frame(table("at", stored, pa.timestamp("us", "UTC"), "timestamptz"), QUERY)
    first, epoch, last = frame["at"]
    assert epoch == datetime(1970, 1, 1, tzinfo=UTC)
    assert (first.year, last.year) == (1, 9999)
