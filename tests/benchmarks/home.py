"""Installations of full size for the measurements."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.count import count
from pipeline.minute import split_by_day
from pipeline.packs.merchants import PACK
from pipeline.store.state import MinuteCommit

if TYPE_CHECKING:
    from data.merchants.traffic import Traffic
    from pipeline.catch_up import Pipeline
    from pipeline.minute import Span

MERCHANTS = 100_000
PER_DAY = 3_000_000
PEAK_TPS = 5_000


def publish_history(pipeline: Pipeline, traffic: Traffic, span: Span) -> int:
    """Publish `span` without a detour through the trade database; returns how many transactions it holds."""
    settings, transactions = pipeline.settings, 0
    book = pipeline.book()
    clock = pipeline.source.clock()
    for day in split_by_day(span, settings.business_timezone):
        # Named as the extraction query names it.
        rows = traffic.rows(day).rename({"original_occurred_at": "approved_at"})
        counted = count(rows, day, 1, clock, PACK)
        transactions += counted.read(PACK)
        pipeline.state.commit(MinuteCommit(counted.ledger, book.publish(counted), day.end))
    return transactions


def say(text: str) -> None:
    """Tell a waiting person what goes on."""
    print(text, file=sys.stderr, flush=True)
