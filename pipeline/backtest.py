"""Judge a published period again without telling anybody: live's functions, other hands at both ends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.errors import UsageError
from pipeline.judge import CANCEL_SURGE, VOLUME_DROP
from pipeline.minute import MINUTE
from pipeline.run import run_minute
from pipeline.schema import SIGNAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from baselines.windows import Windows
    from pipeline.alert import AtRisk, Changes, Incident, Key
    from pipeline.catch_up import Progress
    from pipeline.count import Counted
    from pipeline.minute import Span
    from pipeline.run import Line
    from pipeline.state import Published
    from pipeline.steps import Steps

#: Breaches of the raw conditions; files from before the column was added hold nothing else.
_RAW = pl.col("kind").fill_null("rule") == "rule"
_LINE_NUMBERS = {
    CANCEL_SURGE: ("approvals_hour", "cancels_hour", "approvals_week", "cancels_week"),
    VOLUME_DROP: ("amount_today", "amount_paced", "amount_days", "days"),
}


class MemoryBook:
    """Keeps incidents in memory; publishes and sends nothing. Money at risk is not known in a backtest."""

    def __init__(self) -> None:
        self._unresolved: dict[Key, Incident] = {}
        self.opened: list[Incident] = []

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved at the minute being judged."""
        return self._unresolved

    def at_risk(self, merchants: Sequence[str], minute: datetime, windows: Windows) -> Mapping[str, AtRisk]:  # noqa: ARG002 - the protocol's
        """Nothing: payouts belong to the present, not to the judged period."""
        return {}

    def record(
        self,
        minute: datetime,  # noqa: ARG002 - the protocol's
        counted: Counted,  # noqa: ARG002 - the protocol's
        signals: pl.DataFrame,  # noqa: ARG002 - the protocol's
        changes: Changes,
        steps: Steps,  # noqa: ARG002 - the protocol's
    ) -> None:
        """Apply the changes to the incidents in memory."""
        for incident in changes.opened:
            self.opened.append(incident)
            self._unresolved[incident.key] = replace(incident, incident_id=len(self.opened))
        for incident in changes.continued:
            self._unresolved[incident.key] = incident
        for incident in changes.resolved:
            del self._unresolved[incident.key]


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a policy would have done over a period."""

    span: Span
    policy: str
    signals: pl.DataFrame  # SIGNAL, every minute of the period
    opened: Sequence[Incident] = field(default=())
    merchants: int = 0  # known at the end

    def lines(self) -> pl.Series:
        """One text line per signal, sorted; see `signal_lines`."""
        return signal_lines(self.signals)

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        raw = self.signals.filter(_RAW)
        rules = dict(raw.group_by("rule").len().iter_rows())
        beside = self.signals.filter(~_RAW)
        return {
            "from": self.span.start.isoformat(),
            "to": self.span.end.isoformat(),
            "policy": self.policy,
            "minutes": self.span.minutes,
            "signals": raw.height,
            "signals_by_rule": {rule: rules.get(rule, 0) for rule in (CANCEL_SURGE, VOLUME_DROP)},
            "signal_merchants": raw["merchant_id"].n_unique(),
            "signals_beside": dict(beside["kind"].value_counts(sort=True).iter_rows()),
            "signals_sha256": hashlib.sha256("\n".join(self.lines()).encode()).hexdigest(),
            "incidents_opened": len(self.opened),
            "incident_merchants": len({incident.merchant_id for incident in self.opened}),
        }


def backtest(line: Line, book: MemoryBook, span: Span, progress: Progress) -> Backtest:
    """Run every minute of `span` through `run_minute`; the line's windows stand right before it."""
    signals = [SIGNAL.to_frame()]
    for done, minute in enumerate(span, start=1):
        signals.append(run_minute(minute, line).signals)
        progress(done, span.minutes, minute.isoformat())
    return Backtest(span, line.policy, pl.concat(signals), book.opened, line.windows.size)


def signal_lines(signals: pl.DataFrame) -> pl.Series:
    """Breaches of the raw conditions as sorted text lines, to compare two judgements byte by byte.

    They are the same under every policy: what `budgeted` sees beside them has another kind and no line.

    `merchant minute approvals(hour) cancels(hour) approvals(week) cancels(week)` for cancel_surge, and
    `merchant minute volume_drop amount(today) amount(paced) amount(days) days` for volume_drop.
    """
    signals = signals.filter(_RAW)
    head = [pl.col("merchant_id"), pl.col("minute").dt.strftime("%Y-%m-%dT%H:%M")]
    surge = signals.filter(pl.col("rule") == CANCEL_SURGE).select(_line(head, CANCEL_SURGE))
    drop = signals.filter(pl.col("rule") == VOLUME_DROP).select(
        _line([*head, pl.lit(VOLUME_DROP)], VOLUME_DROP)
    )
    return pl.concat([surge, drop])["line"].sort()


def require_published(span: Span, published: Published, missing: Sequence[datetime] = ()) -> None:
    """Refuse a period that is not published as a whole; `missing` are the unpublished minutes inside it."""
    first, last = published.first_minute, published.last_minute
    if first is None or last is None or span.start < first or span.end > last + MINUTE:
        found = f"{first.isoformat()} to {(last + MINUTE).isoformat()}" if first and last else "nothing"
        msg = f"{span} is not published as a whole; published is {found}"
        raise UsageError(msg, "choose a period inside it, or `minuterisk backfill` it first")
    if missing:
        first_missing = missing[0].isoformat()
        msg = f"{span} has a hole: {len(missing)} minutes are not published, the first is {first_missing}"
        raise UsageError(msg, "`minuterisk backfill` it first; a missing minute would be judged as silence")


def _line(head: Sequence[pl.Expr], rule: str) -> pl.Expr:
    return pl.concat_str([*head, *(pl.col(name) for name in _LINE_NUMBERS[rule])], separator=" ").alias(
        "line"
    )
