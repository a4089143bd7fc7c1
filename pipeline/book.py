"""Where a judged minute is written: files into the lake, everything else in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.alert import AtRisk
from pipeline.minute import MINUTE, business_date
from pipeline.state import MinuteCommit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.windows import Windows
    from pipeline.alert import Changes, Incident, Key
    from pipeline.count import Counted
    from pipeline.lake import Lake, LakeFile
    from pipeline.source import Payout, TradeSource
    from pipeline.state import State
    from pipeline.steps import Steps


class StateBook:
    """The real book: operational database and lake."""

    def __init__(
        self, state: State, lake: Lake, source: TradeSource, policy: str, cancelable_days: int
    ) -> None:
        self._state = state
        self._lake = lake
        self._source = source
        self._policy = policy
        self._cancelable_days = cancelable_days

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved, as people may have changed them a moment ago."""
        return self._state.unresolved()

    def at_risk(self, merchants: Sequence[str], minute: datetime, windows: Windows) -> Mapping[str, AtRisk]:
        """Money at risk: payouts from the source, cancels since then from our own windows."""
        if not merchants:
            return {}
        today = business_date(minute, self._lake.zone)
        payouts = self._source.payouts(merchants, today, self._cancelable_days, minute + MINUTE)
        return {merchant: price(merchant, payout, windows) for merchant, payout in payouts.items()}

    def record(
        self, minute: datetime, counted: Counted, signals: pl.DataFrame, changes: Changes, steps: Steps
    ) -> None:
        """Write the minute's files, then commit it; the commit makes the files count."""
        with steps.time("publish"):
            files = self.publish(counted)
            written = self._lake.write("signal", signals, counted.span)
            files += [written] if written else []
        with steps.time("commit"):
            minutes = self._ledger_rows(counted)
            self._state.commit(MinuteCommit(minutes, files, minute + MINUTE, changes, minute))

    def publish(self, counted: Counted) -> list[LakeFile]:
        """Write the files of a counted span; one that was read from the lake is there already."""
        if counted.published:
            return []
        written = (
            self._lake.write("merchant_minute", counted.merchant_minutes, counted.span),
            self._lake.write("quarantine", counted.quarantine, counted.span),
        )
        return [file for file in written if file]

    def _ledger_rows(self, counted: Counted) -> list[dict[str, Any]]:
        if counted.published:
            known = self._state.minutes(counted.span)
            return [_as_json(row) | {"policy": self._policy} for row in known]
        return [dict(row) | {"policy": self._policy} for row in counted.ledger]


def price(merchant: str, payout: Payout, windows: Windows) -> AtRisk:
    """Money at risk of one merchant, from its payouts and its cancels since the last settled business day.

    paid_out_cancelable = what was paid out for days inside the cancelable window and is not cancelled yet;
    cancelled_unrecovered = cancelled since the last settled day, so not yet taken off a payout. Cancels are
    taken to concern paid-out sales first. Without any payout nothing of ours is at risk.
    """
    if payout.settled_through is None:
        return AtRisk(merchant_name=payout.merchant_name)
    cancelled = windows.cancelled_since(payout.settled_through, merchant)
    return AtRisk(max(payout.paid_out - cancelled, 0), cancelled, payout.merchant_name)


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    times = ("minute", "source_clock", "judged_at")
    return dict(row) | {name: row[name] and row[name].isoformat() for name in times}
