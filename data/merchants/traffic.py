"""Seeded traffic of a Korean payment company: approvals, and cancels that refer to them.

A row is a function of the configuration and of its transaction id, and an id is made of its minute:

    minute index · 10,000,000 + k      k below 6,000,000: approvals, in the order of time
                                       from 6,000,000: approvals that an incident adds
                                       from 7,000,000: cancels, in the order of time

So history and live traffic, in whatever chunks, give the same rows. Only pending cancels are carried from
one call to the next; started anywhere else, `Traffic` draws the days before again to find them.
Amounts are KRW, times UTC. No clock is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from data.chance import Dice, pick
from data.commits import Table
from data.merchants.cancels import NEVER, Approvals, CancelModel, PendingCancels
from data.merchants.incidents import REACH, labels_frame, merchant_index, to_us
from data.merchants.model import (
    CATEGORIES,
    COUNTRIES,
    CUSTOMERS_PER_MERCHANT,
    LARGEST_TICKET_KRW,
    LONGEST_LATENCY_US,
    PARTIAL_CANCEL_SHARE,
)
from data.merchants.population import merchant_ids, merchants_frame, populate
from data.merchants.rhythm import Rhythm
from pipeline.errors import UsageError
from pipeline.minute import DAY_MINUTES, Span, from_index, require_minute, to_index
from pipeline.packs.merchants.schema import APPROVAL, CANCEL
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from data.merchants.incidents import PlacedIncident
    from data.merchants.trade import MerchantIdType

#: The columns of the table `transactions`; merchant_id is an integer or a text.
ROW_COLUMNS: Final = (
    "transaction_id",
    "merchant_id",
    "kind",
    "amount",
    "currency",
    "occurred_at",
    "created_at",
    "original_transaction_id",
    "original_occurred_at",
    "customer_id",
    "country",
)

MINUTE_US: Final = 60_000_000
_IDS_PER_MINUTE: Final = 10_000_000
_FIRST_EXTRA: Final = 6_000_000
_FIRST_CANCEL: Final = 7_000_000
_MOST_PER_DAY: Final = 30_000 * 86_400  # at twice this rate a peak minute runs out of ids
_MOST_MERCHANTS: Final = 10_000_000
_BLOCK_ROWS: Final = 400_000  # rows drawn at once: enough to vectorise, few enough to stay in memory


@dataclass(frozen=True, slots=True)
class TrafficConfig:
    """What the traffic is like; equal configurations give equal rows.

    `transactions_per_day` is the mean over a week, approvals and cancels. Nothing happens before `start`
    (aware, on a minute). Without `rhythm` every minute of the week is alike. The largest 1 % of the
    merchants carry `top_share` of the approvals.
    """

    start: datetime
    merchants: int = 2_000
    transactions_per_day: int = 200_000
    seed: int = 1
    rhythm: bool = True
    top_share: float = 0.6
    merchant_id_type: MerchantIdType = "BIGINT"
    incidents: tuple[PlacedIncident, ...] = ()

    def __post_init__(self) -> None:
        require_minute(self.start)
        count = self.merchants
        _require(1 <= count <= _MOST_MERCHANTS, "merchants", count, f"1 to {_MOST_MERCHANTS:,}")
        rate = self.transactions_per_day
        _require(1 <= rate <= _MOST_PER_DAY, "transactions_per_day", rate, f"1 to {_MOST_PER_DAY:,}")
        _require(0 < self.top_share < 1, "top_share", self.top_share, "between 0 and 1")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")

    def at_tps(self, tps: float) -> TrafficConfig:
        """The same merchants at a constant rate of `tps` transactions a second, day and night."""
        return replace(self, transactions_per_day=round(tps * 86_400), rhythm=False)


class Traffic:
    """The rows of a configuration, minute by minute. Not for use by two threads at once."""

    sink: Final = Table("transactions", "transaction_id")
    due_by: Final = "occurred_at"
    reach: Final = timedelta(0)

    def __init__(self, config: TrafficConfig) -> None:
        self.config = config
        self._dice = Dice(config.seed)
        self._population = populate(config.merchants, config.top_share, self._dice)
        self._rhythm = Rhythm(flat=not config.rhythm)
        per_minute = config.transactions_per_day / DAY_MINUTES
        self._approvals_per_minute = per_minute / (1 + self._population.mean_cancel_rate)
        text = config.merchant_id_type == "TEXT"
        self._ids = merchant_ids(self._population, text=text)
        self._incidents = self._find_merchants()
        self._cancels = CancelModel(self._population, self._rhythm, self._dice, self._cancel_incidents())
        self._pending = PendingCancels()
        self._position: datetime | None = None
        self._prepare_draw()

    @property
    def seed(self) -> int:
        """Of everything random."""
        return self.config.seed

    @property
    def position(self) -> datetime | None:
        """The minute with which `rows` goes on without drawing anything again; None before the first call."""
        return self._position

    def merchants(self) -> pl.DataFrame:
        """The columns of the table `merchants`, in order of rank (the largest first)."""
        return merchants_frame(self._population, self._ids, self.config.start.date(), self._dice)

    def profile(self) -> pl.DataFrame:
        """What is expected of each merchant, in order of rank, incidents aside.

        rank, merchant_id, category, approvals_per_day, amount_per_day (KRW), cancel_rate.
        """
        population, categories = self._population, self._population.category
        sigma = np.array([c.ticket_sigma for c in CATEGORIES])[categories]
        ticket = population.ticket_median_krw * np.exp(sigma**2 / 2)  # the mean of a lognormal
        approvals = population.weight * self._approvals_per_minute * DAY_MINUTES
        return pl.DataFrame(
            {
                "rank": np.arange(1, self.config.merchants + 1),
                "merchant_id": self._ids,
                "category": pl.Series([c.name for c in CATEGORIES])[categories],
                "approvals_per_day": approvals,
                "amount_per_day": (approvals * ticket).astype(np.int64),
                "cancel_rate": population.cancel_rate,
            }
        )

    def labels(self) -> pl.DataFrame:
        """The incidents with their merchants, schema `data.merchants.incidents.LABELS`."""
        return labels_frame(self.config.incidents, self._ids.to_frame())

    def chunks(self, span: Span, rows: int = _BLOCK_ROWS) -> Iterator[Span]:
        """Cut `span` into pieces of about `rows` rows each, at least a minute and at most a day long."""
        per_minute = self.config.transactions_per_day / DAY_MINUTES
        step = max(1, min(DAY_MINUTES, int(rows / per_minute)))
        first, last = to_index(span.start), to_index(span.end)
        for start in range(first, last, step):
            yield Span(from_index(start), from_index(min(start + step, last)))

    def rows(self, span: Span) -> pl.DataFrame:
        """Every row of the minutes of `span`, sorted by occurred_at, columns ROW_COLUMNS.

        Goes on at once where the last call ended; anywhere else it first draws the days before `span`
        again, for the cancels that reach into it.
        """
        if span.start != self._position:
            self._warm_up(span.start)
        self._position = None  # until all is drawn: half a span must not be continued
        blocks = [self._block(to_index(part.start), to_index(part.end)) for part in self.chunks(span)]
        self._position = span.end
        return pl.concat(blocks) if blocks else self._block(0, 0)

    # -- where to start ------------------------------------------------------------------------------

    def _warm_up(self, start: datetime) -> None:
        self._pending = PendingCancels()
        waves = [REACH + (p.end - p.start) for p in self.config.incidents if p.is_wave]
        first = max(self.config.start, start - max([REACH, *waves]))
        if first >= start:
            return
        for part in self.chunks(Span(first, start), 2 * _BLOCK_ROWS):
            approvals = self._approvals(to_index(part.start), to_index(part.end))
            self._plan_cancels(approvals, to_us(start))

    def _plan_cancels(self, approvals: Approvals, from_us: int) -> None:
        when = self._cancels.times(approvals)
        planned = np.flatnonzero((when != NEVER) & (when >= from_us))
        self._pending.add(
            when[planned], approvals.ids[planned], approvals.time_us[planned], approvals.merchant[planned]
        )

    # -- approvals -----------------------------------------------------------------------------------

    def _approvals(self, first: int, last: int) -> Approvals:
        """The approvals of the minutes `first` up to `last` (indexes), base ones first, then extra ones."""
        first = max(first, to_index(self.config.start))
        minutes = np.arange(first, max(first, last))
        rates = self._rates(minutes)
        counts = self._counts(minutes, rates.sum(axis=0))
        row = np.repeat(np.arange(len(minutes)), counts)
        k = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        ids = minutes[row] * _IDS_PER_MINUTE + k
        # one draw per k-th part of the minute: in the order of time without sorting
        offset = (k + self._dice.uniform("time", ids)) / counts[row] * MINUTE_US
        time_us = minutes[row] * MINUTE_US + np.minimum(offset.astype(np.int64), MINUTE_US - 1)
        base = Approvals(ids, self._draw_merchants(ids, rates, row), time_us)
        return self._with_volumes(base, minutes)

    def _rates(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Expected approvals, shape (rhythms, minutes)."""
        return self._approvals_per_minute * self._rhythm_weight[:, None] * self._rhythm.at(minutes)

    def _counts(self, minutes: NDArray[np.int64], means: NDArray[np.float64]) -> NDArray[np.int64]:
        pairs = zip(minutes.tolist(), means.tolist(), strict=True)
        return np.array([self._dice.poisson("count", *pair) for pair in pairs], dtype=np.int64)

    def _prepare_draw(self) -> None:
        """Lay the merchants of each rhythm out on the unit interval that starts at the rhythm's number."""
        population = self._population
        weights = np.bincount(
            population.rhythm, population.weight, minlength=len(self._rhythm.at(np.arange(1)))
        )
        self._rhythm_weight = weights
        self._drawn = np.argsort(population.rhythm, kind="stable")
        sorted_rhythm = population.rhythm[self._drawn]
        share = population.weight[self._drawn] / weights[sorted_rhythm]
        before = np.concatenate([[0.0], np.cumsum(share)])[np.searchsorted(sorted_rhythm, sorted_rhythm)]
        self._edges = sorted_rhythm + np.cumsum(share) - before

    def _draw_merchants(
        self, ids: NDArray[np.int64], rates: NDArray[np.float64], row: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """First the rhythm, by its share of the minute, then a merchant of it by weight."""
        borders = np.cumsum(rates, axis=0)[:-1] / rates.sum(axis=0)
        draw = self._dice.uniform("rhythm", ids)
        place = self._dice.uniform("merchant", ids)
        for border in borders:
            place += draw >= border[row]
        found = np.searchsorted(self._edges, place, side="right")
        return self._drawn[np.minimum(found, len(self._drawn) - 1)]

    # -- incidents -----------------------------------------------------------------------------------

    def _find_merchants(self) -> tuple[tuple[PlacedIncident, int], ...]:
        names = self._ids.cast(pl.String).to_list() if self.config.incidents else []
        return tuple((p, merchant_index(p.incident, names)) for p in self.config.incidents)

    def _cancel_incidents(self) -> tuple[tuple[PlacedIncident, int, float], ...]:
        """Each incident with its merchant and the share of outstanding approvals that its wave cancels."""
        per_day = self._population.weight * self._approvals_per_minute * DAY_MINUTES
        return tuple((p, m, p.wave_share(float(per_day[m]))) for p, m in self._incidents)

    def _with_volumes(self, base: Approvals, minutes: NDArray[np.int64]) -> Approvals:
        if not len(minutes):
            return base
        first_us, last_us = int(minutes[0]) * MINUTE_US, (int(minutes[-1]) + 1) * MINUTE_US
        touching = [(p, m) for p, m in self._incidents if p.start_us < last_us and p.end_us > first_us]
        keep = np.ones(len(base.ids), dtype=np.bool_)
        for placed, merchant in touching:
            mine = np.flatnonzero(base.merchant == merchant)
            draw = self._dice.uniform(f"{placed.incident.label}/volume", base.ids[mine])
            keep[mine] &= draw < placed.volume_at(base.time_us[mine])
        kept = base if keep.all() else base.take(np.flatnonzero(keep))
        extra = self._extra_approvals(touching, minutes)
        return kept.and_then(extra) if len(extra.ids) else kept

    def _extra_approvals(
        self, touching: list[tuple[PlacedIncident, int]], minutes: NDArray[np.int64]
    ) -> Approvals:
        """What incidents with a volume factor above 1 add."""
        given = np.zeros(len(minutes), dtype=np.int64)
        ids, merchants = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for placed, merchant in touching:
            more = placed.volume_at(minutes * MINUTE_US) - 1.0
            mean = self._merchant_rate(merchant, minutes) * np.maximum(more, 0.0)
            for i in np.flatnonzero(mean):
                count = self._dice.poisson(placed.incident.label, int(minutes[i]), mean[i])
                ids.append(minutes[i] * _IDS_PER_MINUTE + _FIRST_EXTRA + given[i] + np.arange(count))
                merchants.append(np.full(count, merchant))
                given[i] += count
        every = np.concatenate(ids)
        time_us = every // _IDS_PER_MINUTE * MINUTE_US
        time_us += (self._dice.uniform("time", every) * MINUTE_US).astype(np.int64)
        return Approvals(every, np.concatenate(merchants), time_us)

    def _merchant_rate(self, merchant: int, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        curve = self._rhythm.at(minutes)[self._population.rhythm[merchant]]
        return np.asarray(self._approvals_per_minute * self._population.weight[merchant] * curve)

    # -- rows ----------------------------------------------------------------------------------------

    def _block(self, first: int, last: int) -> pl.DataFrame:
        approvals = self._approvals(first, last)
        self._plan_cancels(approvals, first * MINUTE_US)
        when, original, approved_us, merchant = self._pending.take(last * MINUTE_US)
        ids = np.concatenate([approvals.ids, _cancel_ids(when)])
        time_us = np.concatenate([approvals.time_us, when])
        order = np.argsort(time_us, kind="stable")  # two sorted runs: close to one pass
        approved = np.concatenate([approvals.ids, original])[order]
        approved_us = np.concatenate([approvals.time_us, approved_us])[order]
        merchants = np.concatenate([approvals.merchant, merchant])[order]
        is_cancel = order >= len(approvals.ids)
        return self._frame(ids[order], time_us[order], (approved, approved_us), merchants, is_cancel)

    def _frame(
        self,
        ids: NDArray[np.int64],
        time_us: NDArray[np.int64],
        approval: tuple[NDArray[np.int64], NDArray[np.int64]],
        merchants: NDArray[np.int64],
        is_cancel: NDArray[np.bool_],
    ) -> pl.DataFrame:
        """The columns of `transactions`; `approval` is each row's own or the cancelled one: id and time.

        Buyer and amount of a cancel are drawn from the approval's id.
        """
        approved, approved_us = approval
        latency = (self._dice.uniform("latency", ids) * LONGEST_LATENCY_US).astype(np.int64)
        customers = self.config.merchants * CUSTOMERS_PER_MERCHANT
        customer = 1 + (self._dice.uniform("customer", approved) ** 2 * customers).astype(np.int64)
        codes, shares = zip(*COUNTRIES, strict=True)
        country = pick(self._dice.uniform("country", approved), shares)
        cancel = pl.Series(is_cancel)
        return pl.DataFrame(
            {
                "transaction_id": ids,
                "merchant_id": self._ids[merchants],
                "kind": pl.Series([APPROVAL, CANCEL])[is_cancel.astype(np.uint32)],
                "amount": self._amounts(approved, merchants, is_cancel),
                "currency": pl.repeat("KRW", len(ids), eager=True),
                "occurred_at": pl.Series(time_us).cast(UTC_TIME),
                "created_at": pl.Series(time_us + latency).cast(UTC_TIME),
                "original_transaction_id": pl.Series(approved).set(~cancel, None),
                "original_occurred_at": pl.Series(approved_us).set(~cancel, None).cast(UTC_TIME),
                "customer_id": pl.Series(customer).cast(pl.String),
                "country": pl.Series(codes)[country],
            }
        )

    def _amounts(
        self, approved: NDArray[np.int64], merchants: NDArray[np.int64], is_cancel: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Lognormal tickets in whole steps; a cancel has its approval's amount or, if partial, less."""
        category = self._population.category[merchants]
        sigma = np.array([c.ticket_sigma for c in CATEGORIES])[category]
        step = np.array([c.ticket_step_krw for c in CATEGORIES])[category]
        ticket = self._population.ticket_median_krw[merchants] * np.exp(
            sigma * self._dice.normal("ticket", approved)
        )
        amount = np.clip(np.rint(ticket / step).astype(np.int64) * step, step, LARGEST_TICKET_KRW)
        cancels = np.flatnonzero(is_cancel)
        partial = cancels[self._dice.uniform("partial", approved[cancels]) < PARTIAL_CANCEL_SHARE]
        share = 0.1 + 0.8 * self._dice.uniform("part", approved[partial])
        amount[partial] = np.maximum(10, (amount[partial] * share).astype(np.int64) // 10 * 10)
        return np.asarray(amount, dtype=np.int64)


def _cancel_ids(when: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids of cancels sorted by time, whole minutes of them: counted from the start of each minute."""
    minute = when // MINUTE_US
    position = np.arange(len(when)) - np.searchsorted(minute, minute)
    return minute * _IDS_PER_MINUTE + _FIRST_CANCEL + position


def _require(holds: bool, name: str, value: object, allowed: str) -> None:  # noqa: FBT001  # one check
    if not holds:
        msg = f"{name} = {value} is refused"
        raise UsageError(msg, f"{name} is {allowed}")
