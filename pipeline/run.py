"""The whole way of one minute. Live, catch-up, replay and backtest all go through `run_minute`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.alert import AtRisk, Changes, alert, keys_to_price
from pipeline.compare import compare
from pipeline.judge import judge
from pipeline.minute import one_minute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.rules import Rules
    from baselines.windows import Windows
    from pipeline.alert import Incident, Key
    from pipeline.count import Counted
    from pipeline.minute import Span
    from pipeline.steps import Steps


class Feed(Protocol):
    """Where the counts of a minute come from: the trade database, or the lake for a replay."""

    def count(self, span: Span, steps: Steps) -> Counted:
        """Extract and aggregate `span`."""
        ...


class Book(Protocol):
    """Where results go: the operational database and the lake, or memory for a backtest."""

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved."""
        ...

    def at_risk(self, merchants: Sequence[str], minute: datetime, windows: Windows) -> Mapping[str, AtRisk]:
        """Money at risk of some merchants at the end of `minute`."""
        ...

    def record(
        self, minute: datetime, counted: Counted, signals: pl.DataFrame, changes: Changes, steps: Steps
    ) -> None:
        """Publish the files and commit everything the minute changed, as one."""
        ...


@dataclass(slots=True)
class Line:
    """What a minute needs on its way; put together in scheduler.py."""

    feed: Feed
    book: Book
    windows: Windows
    rules: Rules
    policy: str
    steps: Steps


@dataclass(frozen=True, slots=True)
class Judged:
    """What came out of one minute."""

    minute: datetime
    counted: Counted
    signals: pl.DataFrame  # SIGNAL
    changes: Changes


def run_minute(minute: datetime, line: Line) -> Judged:
    """Take one closed minute from the trade database to incidents and published files.

    Either everything of the minute is committed or nothing is. If this raises, the windows may have moved
    without the ledger: drop the line and rebuild its windows from the lake.
    """
    steps = line.steps
    counted = line.feed.count(one_minute(minute), steps)  # extract, aggregate
    with steps.time("compare"):
        line.windows.add(minute, counted.merchant_minutes)
        comparison = compare(line.windows, line.rules)
    with steps.time("judge"):
        signals = judge(comparison, line.policy, line.rules)
    with steps.time("alert"):
        unresolved = line.book.unresolved()
        at_risk = line.book.at_risk(keys_to_price(signals, unresolved), minute, line.windows)
        changes = alert(minute, signals, unresolved, at_risk, line.policy, line.rules)
    line.book.record(minute, counted, signals, changes, steps)  # publish, commit
    return Judged(minute, counted, signals, changes)
