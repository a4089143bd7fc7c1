"""An outage of the whole platform with 100,000 merchants, through the functions of the live tick."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.count import Counted
from pipeline.judge.hold import Gates
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import MERCHANT_MINUTE, QUARANTINE
from pipeline.replay.backtest import MemoryBook
from pipeline.run import Line, run_minute
from pipeline.steps import Steps

if TYPE_CHECKING:
    from pipeline.judge.life import Changes

SEOUL = ZoneInfo("Asia/Seoul")
RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
NOON = datetime(2026, 3, 11, 3, tzinfo=UTC)  # in Seoul, a Wednesday
MERCHANTS = 100_000
APPROVALS = 200  # of each merchant, twice in each of the two hours from 11:00


def minute_rows(minute: datetime) -> pl.DataFrame:
    """Every thirtieth merchant has its minute."""
    chosen = np.arange(minute.minute % 30, MERCHANTS, 30)
    zero, some = np.zeros(len(chosen), np.int64), np.full(len(chosen), APPROVALS)
    columns = {
        "minute": pl.Series([minute], dtype=MERCHANT_MINUTE["minute"]).new_from_index(0, len(chosen)),
        "merchant_id": IDS.gather(chosen),
        "approval_count": some,
        "cancel_count": zero,
        "approval_amount": some * 100,
        "cancel_amount": zero,
        "cancel_fresh_count": zero,
        "cancel_older_count": zero,
    }
    return pl.DataFrame(columns, MERCHANT_MINUTE)


IDS = pl.Series([f"M{n:06}" for n in range(MERCHANTS)])
NOTHING = MERCHANT_MINUTE.to_frame()


class Book(MemoryBook):
    """Keeps the incidents of each minute."""

    def record(
        self,
        minute: datetime,
        counted: Counted,  # noqa: ARG002 - the protocol's
        signals: pl.DataFrame,  # noqa: ARG002 - the protocol's
        changes: Changes,
        steps: Steps,  # noqa: ARG002 - the protocol's
        judged: pl.DataFrame | None = None,  # noqa: ARG002 - the protocol's
        exposure: pl.DataFrame | None = None,  # noqa: ARG002 - the protocol's
    ) -> None:
        self.apply(minute, changes)


class Outage:
    """Feeds minutes: everybody's traffic until noon, then nothing."""

    def count(self, span: Span, steps: Steps) -> Counted:  # noqa: ARG002 - the protocol's
        rows = minute_rows(span.start) if span.start < NOON else NOTHING
        return Counted(span, rows, QUARANTINE.to_frame(), [])


@pytest.fixture(scope="module")
def before() -> Windows:
    """Windows right before 11:55."""
    windows = Windows(SEOUL, 7)
    first = NOON - timedelta(days=8, hours=12)
    end = NOON - 5 * MINUTE
    busy = [
        minute
        for day in range(8, -1, -1)
        for minute in Span(NOON - timedelta(days=day, hours=1), NOON - timedelta(days=day) + 63 * MINUTE)
        if minute < end
    ]
    windows.add_many(first, end, pl.concat([minute_rows(minute) for minute in busy]))
    return windows


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_outage_of_a_hundred_thousand_merchants_is_one_incident(before: Windows) -> None:
    book = Book()
    line = Line(Outage(), book, before.copy(), Gates(PACK, RULES, "budgeted"), Steps(time.monotonic))
    held = 0
    for minute in Span(NOON - 5 * MINUTE, NOON + 62 * MINUTE):
        judged = run_minute(minute, line)
        held = max(held, judged.signals.filter(reason="inhibited_by_platform")["entity_id"].n_unique())
    assert [(i.rule, i.entity_id, i.opened_minute) for i in book.opened] == [
        ("platform_outage", "*", NOON + 4 * MINUTE)
    ]
    assert held == MERCHANTS
    assert [i.reason["merchants_held"] for i in book.unresolved().values()] == [MERCHANTS]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_it_every_merchant_would_be_an_incident(before: Windows) -> None:
    blind = replace(RULES, platform=replace(RULES.platform, minimum_approvals=10**12, silence_minimum=10**12))
    book = Book()
    windows = before.copy()
    windows.add_many(
        NOON - 5 * MINUTE,
        NOON + 58 * MINUTE,
        pl.concat([minute_rows(NOON - n * MINUTE) for n in range(5, 0, -1)]),
    )
    line = Line(Outage(), book, windows, Gates(PACK, blind, "budgeted"), Steps(time.monotonic))
    for minute in Span(NOON + 58 * MINUTE, NOON + 62 * MINUTE):
        run_minute(minute, line)
    assert len(book.opened) == MERCHANTS
