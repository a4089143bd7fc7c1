"""Where a judged minute is written: files into the lake, everything else in one commit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.alert import AtRisk
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.state import MinuteCommit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

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

    def resolved_since(self, since: datetime) -> Mapping[Key, Incident]:
        """The newest incident of each rule and merchant that has resolved after `since` and may come back."""
        return self._state.resolved_since(since)

    def at_risk(self, merchants: Sequence[str], minute: datetime, windows: Windows) -> Mapping[str, AtRisk]:
        """Money at risk: payouts from the source, cancels since then from our own windows."""
        if not merchants:
            return {}
        today = business_date(minute, self._lake.zone)
        payouts = self._source.payouts(merchants, today, self._cancelable_days, minute + MINUTE)
        earlier = self._cancelled_before(payouts, today, windows)
        return {
            merchant: price(merchant, payout, windows, earlier.get(merchant, 0))
            for merchant, payout in payouts.items()
        }

    def _cancelled_before(
        self, payouts: Mapping[str, Payout], today: date, windows: Windows
    ) -> dict[str, int]:
        """What merchants cancelled since their last payout on days that the windows no longer hold.

        Hardly anybody goes unpaid for longer than the windows reach, so this is read when it is needed.
        """
        oldest, first = windows.cancelled.oldest, today - timedelta(days=self._cancelable_days)
        if oldest is None:
            return {}
        unpaid = {
            merchant: max(payout.settled_through + timedelta(days=1), first)
            for merchant, payout in payouts.items()
            if payout.settled_through is not None
        }
        unpaid = {merchant: day for merchant, day in unpaid.items() if day < oldest}
        if not unpaid:
            return {}
        zone, files = self._lake.zone, self._state.publication().files
        end = business_day(oldest, zone).start
        cancelled = {}
        for merchant, day in unpaid.items():
            span = Span(business_day(day, zone).start, end)
            rows = self._lake.read(files, "merchant_minute", span, [merchant])
            cancelled[merchant] = int(rows["cancel_amount"].sum())
        return cancelled

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


def price(merchant: str, payout: Payout, windows: Windows, earlier: int = 0) -> AtRisk:
    """Money at risk of one merchant, from its payouts and its cancels since the last settled business day.

    `earlier` is what it cancelled since then on days before those that the windows hold.

    paid_out_cancelable = what was paid out for days inside the cancelable window and is not cancelled yet;
    cancelled_unrecovered = cancelled since the last settled day, so not yet taken off a payout. Cancels are
    taken to concern paid-out sales first. Without any payout nothing of ours is at risk.
    """
    if payout.settled_through is None:
        return AtRisk(merchant_name=payout.merchant_name)
    cancelled = earlier + windows.cancelled_since(payout.settled_through, merchant)
    return AtRisk(max(payout.paid_out - cancelled, 0), cancelled, payout.merchant_name)


def _as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    times = ("minute", "source_clock", "judged_at")
    return dict(row) | {name: row[name] and row[name].isoformat() for name in times}
