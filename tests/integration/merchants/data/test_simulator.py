"""The simulator on a real PostgreSQL: nothing missing, nothing twice, whatever happens to the server."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from data.commits import Table, Writer
from data.merchants.history import pay_out, run_live, write_history
from data.merchants.payout import ZONE
from data.merchants.trade import create_trade_database, insert_transactions
from data.merchants.traffic import Traffic, TrafficConfig
from data.simulator import LiveOptions
from pipeline.minute import MINUTE, Span, floor_minute

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.commits import LiveReport

START = datetime(2026, 11, 1, 15, tzinfo=UTC)
NOON = START + timedelta(hours=12)
MOMENT = timedelta(microseconds=1)
TABLE = Table("transactions", "transaction_id")
CONFIG = TrafficConfig(START, merchants=100, transactions_per_day=50_000)


@pytest.fixture
def trade(fresh_database: str) -> str:
    name = psycopg.conninfo.conninfo_to_dict(fresh_database)["dbname"]
    return create_trade_database(fresh_database, str(name))


def ids_in(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT transaction_id FROM transactions ORDER BY occurred_at, transaction_id"
        )
        return [row[0] for row in found]


def ids_of(config: TrafficConfig, first: datetime, last: datetime) -> list[int]:
    """Ids of the rows after `first` and up to `last`, by time."""
    part = Span(floor_minute(first), floor_minute(last) + MINUTE)
    rows = Traffic(config).rows(part).filter(pl.col("occurred_at") > first, pl.col("occurred_at") <= last)
    return rows.sort("occurred_at", "transaction_id")["transaction_id"].to_list()


class FastClock:
    """A clock that goes on by a step at each look, and sets `stop` at its end."""

    def __init__(self, start: datetime, end: datetime, stop: threading.Event, step_s: float = 0.5) -> None:
        self.now, self.end, self.stop, self.step = start, end, stop, timedelta(seconds=step_s)

    def __call__(self) -> datetime:
        self.now += self.step
        if self.now >= self.end:
            self.stop.set()
        return self.now


def live(
    url: str,
    traffic: Traffic,
    begin: datetime,
    end: datetime,
    options: LiveOptions | None = None,
    on_batch: Callable[[LiveReport], None] | None = None,
) -> tuple[LiveReport, datetime]:
    """Run live from `begin` to `end` as fast as it goes; also the moment up to which rows were due."""
    stop = threading.Event()
    clock = FastClock(begin, end, stop)
    seen = [begin]

    def looked() -> datetime:
        seen.append(clock())
        return seen[-1]

    report = run_live(url, traffic, looked, stop, options or LiveOptions(interval_s=0.0), on_batch)
    return report, seen[-1]


def test_history_writes_every_row_and_the_payouts(trade: str) -> None:
    steps: list[tuple[int, int]] = []
    span = Span(START, START + timedelta(days=2, hours=11))
    traffic = Traffic(CONFIG)
    written = write_history(trade, traffic, span, lambda done, of: steps.append((done, of)))
    expected = Traffic(CONFIG).rows(span)
    assert written == expected.height
    assert ids_in(trade) == expected.sort("occurred_at", "transaction_id")["transaction_id"].to_list()
    assert steps[-1] == (span.minutes, span.minutes)
    assert traffic.position == span.end
    with psycopg.connect(trade) as connection:
        found = connection.execute("SELECT count(*), max(settled_at) FROM settlements").fetchone()
        assert found is not None
        assert found[0] > 0
        assert found[1] <= span.end
        net = connection.execute(
            "SELECT amount FROM settlements WHERE business_date >= %s"
            " ORDER BY merchant_id, business_date LIMIT 1",
            [START.astimezone(ZONE).date()],
        ).fetchone()
        same = connection.execute(
            "SELECT sum(CASE kind WHEN 'APPROVAL' THEN amount ELSE -amount END)::bigint FROM transactions"
            " WHERE merchant_id = (SELECT min(merchant_id) FROM settlements WHERE business_date >= %s)"
            " AND occurred_at < %s",
            [START.astimezone(ZONE).date(), START + timedelta(days=1)],
        ).fetchone()
    assert net == same


def test_payouts_can_be_repeated_and_go_on(trade: str) -> None:
    span = Span(START, START + timedelta(days=2))
    traffic = Traffic(CONFIG)
    write_history(trade, traffic, span)
    merchants = traffic.merchants()
    assert pay_out(trade, merchants, span.end) == 0
    assert pay_out(trade, merchants, span.end + timedelta(days=1)) > 0


def test_payouts_of_an_empty_server_are_none(trade: str) -> None:
    assert pay_out(trade, Traffic(CONFIG).merchants(), START) == 0


def test_live_goes_on_where_history_ended(trade: str) -> None:
    traffic = Traffic(CONFIG)
    write_history(trade, traffic, Span(NOON - timedelta(hours=1), NOON))
    report, until = live(trade, traffic, NOON + timedelta(seconds=30), NOON + timedelta(minutes=3))
    expected = ids_of(CONFIG, NOON - timedelta(hours=1), until - timedelta(seconds=1))
    assert ids_in(trade)[: len(expected)] == expected
    assert report.rows + Traffic(CONFIG).rows(Span(NOON - timedelta(hours=1), NOON)).height == len(
        ids_in(trade)
    )


def test_live_alone_begins_with_what_comes_now(trade: str) -> None:
    begin = NOON + timedelta(seconds=20)
    live(trade, Traffic(CONFIG), begin, NOON + timedelta(minutes=2))
    found = ids_in(trade)
    expected = ids_of(CONFIG, begin + timedelta(seconds=0.5), NOON + timedelta(minutes=3))
    assert found == expected[: len(found)]
    assert len(found) > 10


def test_live_alone_enters_the_merchants_too(trade: str) -> None:
    live(trade, Traffic(CONFIG), NOON, NOON + timedelta(seconds=5))
    with psycopg.connect(trade) as connection:
        assert connection.execute("SELECT count(*) FROM merchants").fetchone() == (CONFIG.merchants,)


def test_live_goes_on_after_another_process(trade: str) -> None:
    middle = NOON + timedelta(seconds=95)
    live(trade, Traffic(CONFIG), NOON, middle)
    with psycopg.connect(trade) as connection:
        row = connection.execute("SELECT max(occurred_at) FROM transactions").fetchone()
    assert row is not None
    live(
        trade,
        Traffic(CONFIG),
        middle + MINUTE,
        middle + 3 * MINUTE,
        LiveOptions(interval_s=0.0, since=row[0]),
    )
    found = ids_in(trade)
    assert found == ids_of(CONFIG, NOON + timedelta(seconds=0.5), NOON + timedelta(minutes=6))[: len(found)]


def test_live_goes_on_after_a_process_that_drew_the_minute_otherwise(trade: str) -> None:
    """Two starts place incidents by their own clocks, so the minute in between has other cancels in each."""
    middle = NOON + timedelta(seconds=95)
    quieter = replace(CONFIG, transactions_per_day=CONFIG.transactions_per_day // 3)
    live(trade, Traffic(CONFIG), NOON, middle)
    before = ids_in(trade)
    with psycopg.connect(trade) as connection:
        row = connection.execute("SELECT max(occurred_at) FROM transactions").fetchone()
    assert row is not None
    options = LiveOptions(interval_s=0.0, since=row[0])
    report, _ = live(trade, Traffic(quieter), middle + MINUTE, middle + 3 * MINUTE, options)
    after = ids_in(trade)
    assert len(after) == len(set(after)) == len(before) + report.rows
    drawn = ids_of(quieter, row[0].astimezone(UTC) + timedelta(microseconds=1), NOON + timedelta(minutes=6))
    assert sorted(set(drawn) & set(before))  # the case this test is for
    assert set(after) - set(before) <= set(drawn) - set(before)


def test_late_rows_are_all_there_in_the_end(trade: str) -> None:
    traffic = Traffic(CONFIG)
    traffic.rows(Span(NOON, NOON))
    options = LiveOptions(interval_s=0.0, late_share=0.2)
    report, _ = live(trade, traffic, NOON, NOON + timedelta(minutes=2), options)
    found = ids_in(trade)
    assert found == ids_of(CONFIG, NOON - MOMENT, NOON + timedelta(minutes=3))[: len(found)]
    assert report.rows == len(found)
    assert 0.1 < report.late_rows / report.rows < 0.3


def test_late_rows_stay_invisible_until_their_commit(trade: str) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    writer = Writer(trade, threading.Event(), 1.0, 1, TABLE)
    writer.write(rows, NOON)
    writer.commit_late(NOON + timedelta(seconds=0.9))
    assert ids_in(trade) == []
    writer.commit_late(NOON + timedelta(seconds=4.1))
    assert len(ids_in(trade)) == rows.height
    writer.close()


def end_connections(admin_url: str, url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def test_late_rows_whose_open_transaction_was_lost_are_written_again(trade: str, postgres_url: str) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    writer = Writer(trade, threading.Event(), 1.0, 1, TABLE)
    writer.write(rows, NOON)
    end_connections(postgres_url, trade)
    writer.commit_late(NOON + timedelta(seconds=5))
    writer.close()
    assert len(ids_in(trade)) == rows.height == writer.report.rows == writer.report.late_rows


def test_late_rows_that_met_no_server_are_written_later(trade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    writer = Writer(trade, threading.Event(), 1.0, 1, TABLE)

    def refuse(*_: object) -> None:
        message = "the database system is starting up"
        raise psycopg.OperationalError(message)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg, "connect", refuse)
        writer.write(rows[:5], NOON)
    writer.write(rows[5:], NOON + timedelta(seconds=2))
    writer.commit_late(NOON + timedelta(seconds=7))
    assert len(ids_in(trade)) == rows.height
    writer.close()


def test_a_lost_server_is_awaited_and_nothing_is_lost(trade: str, postgres_url: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(trade)["dbname"]
    reports = []

    def shut_out(report: LiveReport) -> None:
        reports.append(report.batches)
        if len(reports) == 5:
            with psycopg.connect(postgres_url, autocommit=True) as admin:
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
                )
            threading.Timer(1.0, let_in).start()

    def let_in() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    traffic = Traffic(CONFIG)
    traffic.rows(Span(NOON, NOON))
    options = LiveOptions(interval_s=0.0, late_share=0.3)
    report, _ = live(trade, traffic, NOON, NOON + timedelta(minutes=1), options, shut_out)
    found = ids_in(trade)
    assert report.reconnections >= 1
    assert found == ids_of(CONFIG, NOON - MOMENT, NOON + timedelta(minutes=2))[: len(found)]
    assert report.rows == len(found)


def test_a_commit_whose_answer_is_lost_is_not_repeated(trade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    writer = Writer(trade, threading.Event(), 0.0, 1, TABLE)
    commit = psycopg.Connection.commit
    lost: list[bool] = []

    def commit_and_lose(connection: psycopg.Connection) -> None:
        commit(connection)
        if not lost:
            lost.append(True)
            message = "server closed the connection unexpectedly"
            raise psycopg.OperationalError(message)

    monkeypatch.setattr(psycopg.Connection, "commit", commit_and_lose)
    writer.write(rows, NOON)
    writer.close()
    assert lost
    assert ids_in(trade) == rows.sort("occurred_at", "transaction_id")["transaction_id"].to_list()
    assert writer.report.rows == rows.height


def test_rows_given_up_at_the_end_are_counted(trade: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    stop = threading.Event()
    writer = Writer(trade, stop, 0.0, 1, TABLE)
    stop.set()

    def fail(_: psycopg.Connection) -> None:
        message = "server closed the connection unexpectedly"
        raise psycopg.OperationalError(message)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "commit", fail)
        writer.write(rows, NOON)
    writer.close()
    assert (writer.report.rows, writer.report.unwritten) == (0, rows.height)
    assert ids_in(trade) == []


def test_an_id_that_somebody_else_took_is_an_error(trade: str) -> None:
    rows = Traffic(CONFIG).rows(Span(NOON, NOON + MINUTE)).drop("created_at")
    insert_transactions(trade, rows[3:4])
    writer = Writer(trade, threading.Event(), 0.0, 1, TABLE)
    with pytest.raises(psycopg.errors.UniqueViolation):
        writer.write(rows, NOON)
    writer.close()


def test_a_wrong_url_is_not_awaited(trade: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run_live(f"{trade}&dbname=nowhere", Traffic(CONFIG), lambda: NOON, threading.Event())
