"""The labelled cases through the engine: told in a second, the late as late, confirmed by the minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from data.transfers.bank import Bank as Sink
from data.transfers.cases import place, read_cases, rows_of
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.watch.watcher import Watcher
from tests.integration.transfers.bank import bank_of

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from data.transfers.cases import PlacedCase
    from tests.integration.transfers.bank import Bank

SECOND = timedelta(seconds=1)
PIECE = "10s"
"""Rows that arrive within so long are seen by one look."""


@pytest.fixture
def bank(postgres_url: str, state_url: str, tmp_path: Path) -> Bank:
    return bank_of(postgres_url, state_url, tmp_path / "home")


def at_three(now: datetime) -> str:
    """A zone in which it is three in the morning."""
    ahead = (3 - now.hour + 9) % 24 - 9
    return f"Etc/GMT{-ahead:+d}"


def cases_at(start: datetime) -> tuple[PlacedCase, ...]:
    """All cases but that of the morning; that of the night happens now, where it is night."""
    cases = [case for case in read_cases() if case.name != "new_device_in_the_morning"]
    return place(
        [c if c.local_time is None else replace(c, local_time=None, start=SECOND) for c in cases], start
    )


def fired(bank: Bank, case: PlacedCase) -> list[dict[str, Any]]:
    query = "SELECT transfer_id, late, corrected_by FROM transfers.risk_rule_hit"
    where = "WHERE rule = %s AND mode = 'live' AND starts_with(transfer_id, %s) ORDER BY number"
    return bank.ours(f"{query} {where}", case.case.rule, f"{case.stamp}.")


def expected(case: PlacedCase) -> list[dict[str, Any]]:
    """The hits of a case: late where its last payment to come was late, taken back where one was reversed."""
    rows = list(case.rows())
    late = any(row["arrives_at"] > row["occurred_at"] and row["status"] == "completed" for row in rows)
    back = next((row["transfer_id"] for row in rows if row["status"] == "reversed"), None)
    return [{"transfer_id": name, "late": late, "corrected_by": back} for name in case.label()["fires_at"]]


def book(bank: Bank, rows: pl.DataFrame) -> None:
    with psycopg.connect(bank.url) as connection:
        Sink().put(connection, rows)


@pytest.mark.slow
def test_each_case_fires_where_it_says_within_the_second_and_in_its_minute(bank: Bank) -> None:
    now = datetime.now(UTC)
    start = floor_minute(now) - 3 * MINUTE
    cases = cases_at(start)
    rows = rows_of(cases).sort("arrives_at")
    book(bank, rows.filter(rows["arrives_at"] < start))
    with bank.at_work(business_timezone=at_three(now)) as pipeline:
        pipeline.backfill(Span(start - 12 * MINUTE, start))
        pipeline.prepare()
        assert pipeline.pack.watch is not None
        watcher = Watcher(pipeline, pipeline.pack.watch)
        watcher.look()
        coming = rows.filter(rows["arrives_at"] >= start)
        for _, piece in coming.group_by(coming["arrives_at"].dt.truncate(PIECE), maintain_order=True):
            book(bank, piece)
            assert watcher.look() is not None
        told = {case.case.name: fired(bank, case) for case in cases}
        list(pipeline.catch_up(start + 3 * MINUTE))
        watcher.close()
        unresolved = {(key[0], key[1]) for key in pipeline.state.unresolved()}
    assert told == {case.case.name: expected(case) for case in cases}
    assert {case.case.name: fired(bank, case) for case in cases} == told
    rule_of = {"block": "blocked", "review": "to_review"}
    wanted = {
        (rule_of[case.case.decision], case.label()["account_id"])
        for case in cases
        if case.case.expected == "alarm"
    }
    assert wanted <= unresolved
