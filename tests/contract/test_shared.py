"""One snapshot that several connections read at once, wherever the dialect has such a thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipeline.errors import SourceValueWrong
from pipeline.minute import MINUTE, Span
from pipeline.source.asked import NotShared

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SPAN = Span(NOON, NOON + MINUTE)
PARTS = [NOON + n * timedelta(seconds=20) for n in range(4)]
#: Gives a text where the time should be, and no number for the row M1.
ODD = """SELECT transaction_id, merchant_id, kind, occurred_at, 'x' AS approved_at,
  (CASE WHEN merchant_id = 'M1' THEN {wrong} ELSE '5' END)::bigint AS amount
FROM transactions WHERE occurred_at >= $1 AND occurred_at < $2"""


def fill(trade: Trade) -> None:
    trade.insert(*((n, f"M{n % 3}", "APPROVAL", n, NOON + timedelta(seconds=n)) for n in range(1, 60)))


def test_every_part_is_of_the_same_snapshot(trade: Trade) -> None:
    fill(trade)
    with trade.source() as source, trade.source() as second, trade.source() as third:
        whole = source.extract(SPAN)
        with source.shared() as shared:
            fence = shared.fence()
            trade.insert((1000, "M0", "APPROVAL", 7, NOON))
            parts = [shared.rows(PARTS[0], PARTS[1])]
            if shared.name is None:
                assert trade.dialect == "mysql"
                parts += [shared.rows(*PARTS[1:3]), shared.rows(*PARTS[2:4])]
            else:
                parts += [second.part(shared.name, *PARTS[1:3]), third.part(shared.name, *PARTS[2:4])]
            assert shared.beside(SPAN).frames.keys() == whole.beside.frames.keys()
        read = pl.concat(part.rows for part in parts)
        assert read.sort("transaction_id").equals(whole.rows.sort("transaction_id"))
        assert fence.xmin >= whole.xmin
        assert [dict(part.not_known) for part in parts] == [{}, {}, {}]
        assert source.extract(SPAN).rows.height == whole.rows.height + 1
        assert second.extract(SPAN).rows.height == whole.rows.height + 1


def test_a_snapshot_that_has_ended_is_read_by_nobody(trade: Trade) -> None:
    fill(trade)
    with trade.source() as source, trade.source() as other:
        with source.shared() as shared:
            name = shared.name or "00000003-0000001B-1"
        for wrong in (name, "x", "'; DROP TABLE transactions; --"):
            with pytest.raises(NotShared):
                other.part(wrong, NOON, SPAN.end)
        assert other.extract(SPAN).rows.height == 59


def test_what_a_part_cannot_read_is_said_as_of_the_whole(postgresql: Trade, tmp_path: Path) -> None:
    fill(postgresql)
    queries = postgresql.queries(tmp_path / "queries", transactions=ODD.format(wrong="'5'"))
    with postgresql.source(queries) as source, postgresql.source(queries) as other, source.shared() as shared:
        assert shared.name is not None
        of_both = [shared.rows(NOON, PARTS[1]), other.part(shared.name, PARTS[1], SPAN.end)]
        assert [list(part.not_known) for part in of_both] == [["approved_at"]] * 2
    queries = postgresql.queries(tmp_path / "queries", transactions=ODD.format(wrong="'many'"))
    with postgresql.source(queries) as source, postgresql.source(queries) as other, source.shared() as shared:
        assert shared.name is not None
        with pytest.raises(SourceValueWrong, match="many"):
            other.part(shared.name, PARTS[1], SPAN.end)
        with pytest.raises(SourceValueWrong, match="many"):
            shared.rows(NOON, PARTS[1])
