"""The whole way of one minute: `run_minute`, live and in a catch-up; a backtest takes its two halves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from pipeline.judge.hold import Past, hold
from pipeline.judge.life import AtRisk, Changes, Known, alert, keys_to_open, merchants_to_price, unpriced
from pipeline.minute import one_minute
from pipeline.packs.merchants.compare import compare
from pipeline.packs.merchants.judge import verdicts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.merchants.rules import Rules
    from baselines.merchants.windows import Windows
    from pipeline.count import Counted
    from pipeline.judge.life import Incident, Key
    from pipeline.minute import Span
    from pipeline.packs.merchants.judge import Verdicts
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

    def resolved_since(self, since: datetime) -> Mapping[Key, Incident]:
        """The newest incident of each rule and merchant that has resolved after `since` and may come back."""
        ...

    def at_risk(
        self,
        merchants: Sequence[str],
        minute: datetime,
        windows: Windows,
        again: Collection[str] | None = None,
    ) -> Mapping[str, AtRisk]:
        """Money at risk at the end of `minute` of `merchants`, and some of `again`; no entry: not known."""
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
    past: Past = field(default_factory=Past)  # what the gates of pipeline/judge/hold.py remember


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
    counted, found = judge_minute(minute, line)  # extract, aggregate, compare, judge
    with line.steps.time("judge"):
        signals = found.frame()
    signals, changes = settle_minute(minute, signals, line)  # hold back, alert
    line.book.record(minute, counted, signals, changes, line.steps)  # publish, commit
    return Judged(minute, counted, signals, changes)


def judge_minute(minute: datetime, line: Line, *, whole: bool = True) -> tuple[Counted, Verdicts]:
    """The first half: what happened in the minute, and which merchants it makes stand out.

    Where not `whole`, a merchant whose verdict can change no incident is counted and left out.
    """
    steps = line.steps
    counted = line.feed.count(one_minute(minute), steps)
    with steps.time("compare"):
        line.windows.add(minute, counted.merchant_minutes)
        comparison = compare(line.windows, line.rules)
    with steps.time("judge"):
        return counted, verdicts(comparison, line.policy, line.rules, whole=whole)


def settle_minute(minute: datetime, signals: pl.DataFrame, line: Line) -> tuple[pl.DataFrame, Changes]:
    """The second half: which signals (SIGNAL) are held back, and what the others do to the incidents."""
    with line.steps.time("alert"):
        signals = hold(minute, signals, line.past, line.policy, line.rules)
        line.past.add(minute, signals)
        unresolved = line.book.unresolved()
        opening = keys_to_open(signals, unresolved)
        since = minute - timedelta(minutes=line.rules.incident.reopen_within_minutes)
        resolved = line.book.resolved_since(since) if opening else {}
        wanted, again = merchants_to_price(opening), unpriced(unresolved)
        at_risk = line.book.at_risk(wanted, minute, line.windows, again)
        known = Known(unresolved, resolved, at_risk)
        return signals, alert(minute, signals, known, line.policy, line.rules)
