"""A hot standby as the source: everything that only reads works there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from pipeline.minute import Span, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.at_risk import parameters_of
from pipeline.settings import load_settings
from pipeline.source.postgresql import PostgresSource
from pipeline.source.streams import slices

if TYPE_CHECKING:
    from tests.integration.trade_home import Trade
    from tests.servers import Standby


@pytest.fixture
def minute() -> datetime:
    return floor_minute(datetime.now(UTC) - timedelta(minutes=3))


def test_what_is_committed_at_the_primary_is_read_at_the_standby(
    trade: Trade, standby: Standby, minute: datetime
) -> None:
    trade.insert((1, "A", "APPROVAL", 100, minute), (2, "A", "CANCEL", 100, minute))
    standby.catch_up()
    url = standby.of(trade.source_url)
    with PostgresSource(PACK, url, load_settings({}).source_queries, timedelta(seconds=20)) as source:
        source.check()
        fence = source.fence()
        read = source.extract(Span(minute, minute + timedelta(minutes=1)))
        assert read.rows.height == 2
        trade.insert((3, "A", "APPROVAL", 100, minute))
        standby.catch_up()
        changed = source.changed(fence, lambda _: minute, {})
        assert changed.minutes == (minute,)
        assert source.totals(Span(minute, minute + timedelta(minutes=1)))["rows"].to_list() == [3]
        assert source.rows_without_time() == 0
        assert source.ask("at_risk", parameters_of(["A"], minute.date(), 30, minute)) == []


def test_a_standby_shares_its_snapshot(
    trade: Trade, standby: Standby, minute: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade.insert(*((n, "A", "APPROVAL", 100, minute + timedelta(seconds=n)) for n in range(60)))
    standby.catch_up()
    url, span = standby.of(trade.source_url), Span(minute, minute + timedelta(minutes=1))
    monkeypatch.setattr(slices, "MANY_ROWS", 10)

    def opened() -> PostgresSource:
        return PostgresSource(PACK, url, load_settings({}).source_queries, timedelta(seconds=20))

    with opened() as source, opened() as other:
        whole = source.extract(span).rows
        assert whole.height == 60
        assert source.extract(span).rows.sort("transaction_id").equals(whole.sort("transaction_id"))
        assert not source._slices.alone
        with source.shared() as shared:
            assert shared.name is not None
            assert other.part(shared.name, minute, span.end).rows.height == 60


def test_a_paused_standby_does_not_see_what_the_primary_commits(
    trade: Trade, standby: Standby, minute: datetime
) -> None:
    trade.insert((1, "A", "APPROVAL", 100, minute))
    standby.catch_up()
    standby.pause()
    trade.insert((2, "A", "APPROVAL", 100, minute))
    with psycopg.connect(standby.of(trade.owner_url)) as connection:
        assert connection.execute("SELECT count(*) FROM transactions").fetchone() == (1,)
    standby.resume()
    standby.catch_up()
    with psycopg.connect(standby.of(trade.owner_url)) as connection:
        assert connection.execute("SELECT count(*) FROM transactions").fetchone() == (2,)
