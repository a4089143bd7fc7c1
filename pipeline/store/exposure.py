"""Money at risk of merchants: payouts from the trade database, cancels since then from our own windows.

An incident never waits for it. Whatever is wrong with the query `at_risk`, with one of its values or with an
old file of the lake, the money is not known, the alarm says why, and it is asked again later.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.errors import ConfigurationError, SourceChanged, SourceTooSlow, SourceUnavailable
from pipeline.judge.life import AtRisk
from pipeline.minute import MINUTE, Span, business_date, business_day
from pipeline.packs.merchants.at_risk import MONEY_LIMIT, read_payouts
from pipeline.source.asked import AT_RISK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date

    from baselines.merchants.windows import Windows
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.packs.merchants.at_risk import Payout
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

NAME: Final = "at_risk"
#: So many incidents without an amount are asked about beside those of a minute.
ASKED_AGAIN: Final = 50
#: A merchant whose money the query did not say is asked about again after so long.
UNANSWERED_S: Final = 300.0
#: A query that failed takes at most one part in so many of our time, and is tried again within a minute.
_RARELY, _RETRY_MOST_S = 20, 60.0
#: Looking for the merchant that makes the query fail ends after so long.
_SEARCH_S: Final = 3.0
_QUERY: Final = "at_risk.sql"
_SLOW: Final = "it has 3 s: restrict it to the merchants asked for, and give its tables an index by merchant"
#: These say that the query fails whoever is asked about.
_FOR_ALL: Final = (ConfigurationError, SourceChanged, SourceTooSlow, SourceUnavailable)


class Exposure:
    """Asks for money at risk, in the thread that judges; raises nothing but that the leadership is lost."""

    def __init__(
        self,
        source: Source,
        state: State,
        lake: Lake,
        ornaments: Ornaments,
        cancelable_days: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._state = state
        self._lake = lake
        self._ornaments = ornaments
        self._cancelable_days = cancelable_days
        self._monotonic = monotonic
        self._failed: Sequence[str] | None = None  # some of those the query failed for, to try it with
        self._retry_at = -float("inf")
        self._unanswered: dict[str, float] = {}  # merchants without an amount: when to ask again
        self._wrong: dict[str, str] = {}  # of these, why
        self._strangers = 0  # rows of merchants nobody asked for

    def check(self) -> None:
        """Prove that the query can be run at all; say so if not."""

        def asked_of_nobody() -> dict[str, AtRisk]:
            moment = datetime.now(UTC)
            self._source.payouts([], moment.date(), self._cancelable_days, moment)
            return {}

        self._tried((), asked_of_nobody)

    def at_risk(
        self,
        merchants: Sequence[str],
        minute: datetime,
        windows: Windows,
        again: Collection[str] | None = None,
    ) -> dict[str, AtRisk]:
        """Money at risk at the end of `minute` of `merchants`, and of some of `again`; no entry: not known.

        `again` are all whose incident lasts without an amount; None leaves what is known of them alone.
        """
        now = self._monotonic()
        if again is not None:
            kept = {*merchants, *again}
            self._wrong = {m: why for m, why in self._wrong.items() if m in kept}
            self._unanswered = {m: at for m, at in self._unanswered.items() if m in kept}
        if now < self._retry_at:
            return {}
        due = [m for m in sorted(again or ()) if self._unanswered.get(m, now) <= now]
        asked = sorted({*merchants, *due[:ASKED_AGAIN]}) or self._failed
        if asked:
            return self._tried(asked, lambda: self._priced(asked, minute, windows))
        if asked is None:
            self._tell()
        else:
            self.check()
        return {}

    def _tried(self, asked: Sequence[str], ask: Callable[[], dict[str, AtRisk]]) -> dict[str, AtRisk]:
        """What was asked, or nothing; a query that fails is left alone for a while, the longer it took."""
        start = self._monotonic()
        try:
            found = ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, incidents go out without an amount
            self._failed, end = asked[:ASKED_AGAIN], self._monotonic()
            self._retry_at = end + min(_RARELY * (end - start), _RETRY_MOST_S)
            hint = _SLOW if end - start >= AT_RISK_S or isinstance(error, SourceTooSlow) else ""
            self._ornaments.raised(NAME, error, _QUERY, hint)
            return {}
        self._failed = None
        self._tell()
        return found

    def _priced(self, asked: Sequence[str], minute: datetime, windows: Windows) -> dict[str, AtRisk]:
        today = business_date(minute, self._lake.zone)
        wrong: dict[str, str] = {}
        rows = self._rows(asked, today, minute + MINUTE, wrong, self._monotonic() + _SEARCH_S)
        found = read_payouts(rows, asked, today, self._lake.zone)
        payouts = found.by_merchant
        wrong |= {merchant: payout.wrong for merchant, payout in payouts.items() if payout.wrong}
        earlier = self._cancelled_before(payouts, today, windows)
        priced = {m: price(m, payout, windows, earlier.get(m, 0)) for m, payout in payouts.items()}
        self._remember(asked, priced, wrong)
        self._strangers = found.strangers
        return priced

    def _rows(
        self, asked: Sequence[str], today: date, moment: datetime, wrong: dict[str, str], until: float
    ) -> list[dict[str, Any]]:
        """The query's rows; the merchants that make it fail are found by halves and noted in `wrong`."""
        try:
            return self._source.payouts(asked, today, self._cancelable_days, moment)
        except _FOR_ALL:
            raise
        except Exception as error:
            if self._monotonic() >= until:
                raise
            if len(asked) <= 1:
                wrong |= dict.fromkeys(asked, f"the query fails: {getattr(error, 'what', error)}")
                return []
        middle = len(asked) // 2
        halves = asked[:middle], asked[middle:]
        return [row for half in halves for row in self._rows(half, today, moment, wrong, until)]

    def _remember(self, asked: Sequence[str], priced: Mapping[str, AtRisk], wrong: Mapping[str, str]) -> None:
        later = self._monotonic() + UNANSWERED_S
        for merchant in asked:
            self._wrong.pop(merchant, None)
            self._unanswered.pop(merchant, None)
            if merchant not in priced or priced[merchant].total is None:
                self._unanswered[merchant] = later
        self._wrong |= wrong

    def _tell(self) -> None:
        """Say what is wrong with the query's values, or that nothing is."""
        hint = f"correct {_QUERY} (MINUTERISK_SOURCE_QUERIES); it is read anew each time"
        if self._wrong:
            merchant, why = next(iter(self._wrong.items()))
            what = f"{_QUERY}: of {len(self._wrong)} merchants; first {merchant}: {why}"
            self._ornaments.fails(NAME, what, hint)
        elif self._strangers:
            what = f"{_QUERY} gives {self._strangers} rows of merchants that nobody asked for, or of none"
            self._ornaments.fails(NAME, what, hint)
        else:
            self._ornaments.works(NAME)

    def _cancelled_before(
        self, payouts: Mapping[str, Payout], today: date, windows: Windows
    ) -> dict[str, int]:
        """What merchants cancelled since their last payout on days that the windows no longer hold.

        Hardly anybody goes unpaid for longer than the windows reach, so this is read when it is needed.
        """
        oldest, first = windows.cancelled.oldest, today - timedelta(days=self._cancelable_days)
        if oldest is None:
            return {}
        settled = {m: p.settled_through for m, p in payouts.items() if p.settled_through is not None}
        unpaid = {m: max(day + timedelta(days=1), first) for m, day in settled.items() if day < oldest}
        zone = self._lake.zone
        starts = {m: business_day(day, zone).start for m, day in unpaid.items() if day < oldest}
        if not starts:
            return {}
        span = Span(min(starts.values()), business_day(oldest, zone).start)
        rows = self._lake.read(self._state.publication().files, "merchant_minute", span, list(starts))
        cancelled = {}
        for merchant, start in starts.items():
            since = rows.filter((pl.col("merchant_id") == merchant) & (pl.col("minute") >= start))
            cancelled[merchant] = int(since["cancel_amount"].sum())
        return cancelled


def price(merchant: str, payout: Payout, windows: Windows, earlier: int = 0) -> AtRisk:
    """Money at risk of one merchant, from its payouts and its cancels since the last settled business day.

    `earlier` is what it cancelled since then on days before those that the windows hold.

    paid_out_cancelable = what was paid out for days inside the cancelable window and is not cancelled yet;
    cancelled_unrecovered = cancelled since the last settled day, so not yet taken off a payout. Cancels are
    taken to concern paid-out sales first. Without any payout nothing of ours is at risk.
    """
    name = payout.merchant_name
    if payout.settled_through is None:  # never paid out, or not known
        return AtRisk(payout.paid_out, payout.paid_out, name)
    cancelled = earlier + windows.cancelled_since(payout.settled_through, merchant)
    if not 0 <= cancelled <= MONEY_LIMIT:
        return AtRisk(merchant_name=name)
    paid_out = None if payout.paid_out is None else max(payout.paid_out - cancelled, 0)
    return AtRisk(paid_out, cancelled, name)
