"""The stand-in bank on a real PostgreSQL: every payment once, and each change of it once in the outbox."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from data.commits import Writer
from data.simulator import LiveOptions, run_live
from data.transfers.bank import Bank, create_bank
from data.transfers.history import newest_arrival, write_history
from data.transfers.model import FIRST_BALANCE_KRW, REACH
from data.transfers.traffic import Traffic, TrafficConfig
from pipeline.minute import MINUTE, Span

if TYPE_CHECKING:
    from data.commits import LiveReport

NOON = datetime(2026, 11, 30, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIG = TrafficConfig(users=300, late_share=0.1).at_tps(2)


@pytest.fixture
def bank(fresh_database: str) -> str:
    name = psycopg.conninfo.conninfo_to_dict(fresh_database)["dbname"]
    return create_bank(fresh_database, str(name))


def traffic(config: TrafficConfig = CONFIG) -> Traffic:
    return Traffic(config, Bank())


def live(
    url: str, traffic: Traffic, begin: datetime, end: datetime, since: datetime | None = None
) -> LiveReport:
    """Live from `begin` to `end` as fast as it goes, half a second at a look."""
    stop, now = threading.Event(), [begin]

    def clock() -> datetime:
        now[0] += timedelta(seconds=0.5)
        if now[0] >= end:
            stop.set()
        return now[0]

    return run_live(url, traffic, clock, stop, LiveOptions(interval_s=0.0, since=since))


def statuses(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT transfer_id, status FROM transfer").fetchall())


def arrived(config: TrafficConfig, first: datetime, last: datetime) -> dict[str, str]:
    """The payments that happened since `first` as they stand at `last`."""
    rows = traffic(config).rows(Span(first, last.replace(second=0) + MINUTE))
    return dict(rows.filter(pl.col("arrives_at") <= last).select("transfer_id", "status").iter_rows())


def events(url: str) -> pl.DataFrame:
    query = (
        "SELECT event_id, account_id, payload->>'transfer_id' AS transfer_id, payload->>'status' AS status"
        " FROM transfer_events ORDER BY event_id"
    )
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchall()
    return pl.DataFrame(found, schema=["event_id", "account_id", "transfer_id", "status"], orient="row")


def test_history_and_what_follows_are_the_same_payments_as_in_one_go(bank: str) -> None:
    one = traffic()
    written = write_history(bank, one, Span(NOON - HOUR, NOON))
    assert written == len(statuses(bank)) > 6_000
    live(bank, one, NOON, NOON + 5 * MINUTE)
    assert statuses(bank) == arrived(CONFIG, NOON - HOUR, NOON + 5 * MINUTE)


def test_each_change_is_one_event_in_the_order_of_the_account(bank: str) -> None:
    live(bank, traffic(), NOON, NOON + 9 * MINUTE)
    found, looked = events(bank), NOON + timedelta(seconds=0.5)
    rows = traffic().rows(Span(NOON - REACH, NOON + 9 * MINUTE))
    came = rows.filter(pl.col("arrives_at") > looked, pl.col("arrives_at") <= NOON + 9 * MINUTE)
    # What is reversed was booked before anybody looked: nothing is there to be reversed.
    booked = came.filter(pl.col("status") != "reversed")["transfer_id"]
    came = came.filter(pl.col("transfer_id").is_in(booked.implode()))
    assert sorted(found.select("transfer_id", "status").iter_rows()) == sorted(
        came.select("transfer_id", "status").iter_rows()
    )
    assert "reversed" in set(found["status"])
    reversals = found.filter(pl.col("status") == "reversed").join(found, on="transfer_id", suffix="_before")
    assert (
        (
            reversals.filter(pl.col("status_before") == "completed").select(
                pl.col("event_id") > pl.col("event_id_before")
            )
        )
        .to_series()
        .all()
    )


def test_money_leaves_the_account_and_comes_back_with_a_reversal(bank: str) -> None:
    one = traffic()
    write_history(bank, one, Span(NOON - HOUR, NOON))
    live(bank, one, NOON, NOON + 10 * MINUTE)
    query = """
        SELECT count(*) FROM account_balance JOIN (
            SELECT account_id, sum(amount) FILTER (WHERE status = 'completed') AS paid
            FROM transfer GROUP BY account_id
        ) AS sums USING (account_id) WHERE balance <> %s - coalesce(paid, 0)
    """
    with psycopg.connect(bank) as connection:
        assert connection.execute(query, [FIRST_BALANCE_KRW]).fetchone() == (0,)


def test_another_process_goes_on_without_a_gap_or_a_twin(bank: str) -> None:
    live(bank, traffic(), NOON, NOON + 3 * MINUTE)
    before = events(bank).height
    with psycopg.connect(bank) as connection:  # as if it had been written by the clock of the test
        connection.execute("UPDATE transfer SET created_at = %s", [NOON + 3 * MINUTE])
    newest = newest_arrival(bank)
    assert newest == NOON + 3 * MINUTE
    live(bank, traffic(), NOON + 4 * MINUTE, NOON + 6 * MINUTE, newest)
    found = events(bank)
    assert found.height > before
    assert not found.select(pl.struct("transfer_id", "status").is_duplicated()).to_series().any()
    expected = arrived(CONFIG, NOON, NOON + 6 * MINUTE)
    assert {name: status for name, status in statuses(bank).items() if name in expected} == expected


def test_a_batch_whose_commit_was_not_heard_of_is_not_booked_twice(bank: str) -> None:
    rows = traffic().rows(Span(NOON, NOON + MINUTE))
    writer = Writer(bank, threading.Event(), 0.0, 1, Bank())
    writer.write(rows, NOON)
    count = events(bank).height
    writer._commit(rows, repeated=True)
    writer.close()
    assert events(bank).height == count


def test_it_is_made_once_and_keeps_what_is_there(bank: str) -> None:
    live(bank, traffic(), NOON, NOON + MINUTE)
    before = statuses(bank)
    assert before
    name = psycopg.conninfo.conninfo_to_dict(bank)["dbname"]
    assert create_bank(bank, str(name)) == bank
    assert statuses(bank) == before
    assert newest_arrival(create_bank(bank, str(name))) is not None


def test_the_reading_role_sees_the_payments_and_no_outbox(bank: str) -> None:
    live(bank, traffic(), NOON, NOON + MINUTE)
    with psycopg.connect(bank) as connection:
        connection.execute("SET ROLE minuterisk_reader")
        assert connection.execute("SELECT count(*) > 0 FROM transfer").fetchone() == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM transfer_events")
