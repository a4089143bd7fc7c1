"""Both dialects give up a span that holds too much or takes too long, and go on with shorter ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import SourceTooSlow
from pipeline.minute import MINUTE, Span
from pipeline.source.asked import TooManyRows
from pipeline.source.pieces import Pieces

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.trade_servers import Trade

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOURS = Span(NOON, NOON + timedelta(hours=3))
TRANSACTIONS = (
    "SELECT transaction_id, merchant_id, kind, amount, occurred_at FROM transactions"
    " WHERE occurred_at >= {start} AND occurred_at < {end} AND {sleep}"
)
#: For longer than ten minutes it takes longer than the timeout.
SLOW = {
    "postgresql": TRANSACTIONS.format(
        start="$1",
        end="$2",
        sleep="(SELECT pg_sleep(CASE WHEN $2 - $1 > interval '10 minutes' THEN 9 ELSE 0 END)) IS NOT NULL",
    ),
    "mysql": TRANSACTIONS.format(
        start="%(start)s",
        end="%(end)s",
        sleep="SLEEP(IF(TIMESTAMPDIFF(MINUTE, %(start)s, %(end)s) > 10, 9, 0)) = 0",
    ),
}


@pytest.fixture
def trade(trade: Trade) -> Trade:
    trade.insert(*((n, f"M{n % 3}", "APPROVAL", 5, NOON + n * MINUTE) for n in range(1, 171)))
    return trade


def test_more_rows_than_asked_for_are_not_held_and_the_source_goes_on(trade: Trade) -> None:
    with trade.source() as source:
        assert source.extract(HOURS, at_most=170).rows.height == 170
        for most in (169, 1):
            with pytest.raises(TooManyRows):
                source.extract(HOURS, at_most=most)
        assert source.extract(HOURS, at_most=170).rows.equals(source.extract(HOURS).rows)
        assert source.extract(Span(NOON, NOON), at_most=1).rows.schema == source.extract(HOURS).rows.schema


def test_a_span_that_takes_too_long_is_read_in_shorter_pieces(trade: Trade, tmp_path: Path) -> None:
    slow = trade.queries(tmp_path / "queries", transactions=SLOW[trade.dialect])
    with trade.source(slow, timeout_s=1) as source:
        with pytest.raises(SourceTooSlow):
            source.extract(HOURS)

        def read(piece: Span) -> tuple[int, list[int]]:
            ids = source.extract(piece, at_most=1000).rows["transaction_id"].to_list()
            return len(ids), ids

        done = list(Pieces(ZoneInfo("Asia/Seoul")).work_through(HOURS, read))
    assert sorted(int(found) for _, ids in done for found in ids) == list(range(1, 171))
    assert max(piece.minutes for piece, _ in done) <= 10
