"""The merchants' book of exposure: frames go in, prices come out. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import polars as pl

from baselines.merchants.curve import curve_at
from baselines.merchants.cycle import UNKNOWN, from_day, learned_cycles, to_day
from baselines.merchants.exposure import Exposure
from baselines.merchants.priced import STATES, Situation, cannot_pay, price
from pipeline.minute import EPOCH, MINUTE, business_date, business_day, to_index
from pipeline.money import AtRisk, Exposures
from pipeline.packs.merchants.at_risk import PARTS
from pipeline.packs.merchants.money.doubts import SetAside, doubt_of_twice
from pipeline.packs.merchants.money.measured import said_of, shares_of, state_of
from pipeline.packs.merchants.money.propose import ACTIONS, propose
from pipeline.packs.merchants.money.regret import HELD
from pipeline.packs.merchants.money.schema import EXPOSURE_ROW, FIGURES, GIVEN_BACK
from pipeline.schema import UTC_TIME, conform

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from baselines.facts import Facts
    from baselines.merchants.curve import Curve
    from baselines.merchants.exposure import Flags
    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers
    from pipeline.money import Case, Doubt

#: Beyond the cancel period days count for so long: the longest cycle of payouts, with holidays.
LONGEST_PAYOUT: Final = 21
_DAY_US: Final = 86_400 * 10**6


def reach_days(rules: Rules) -> int:
    """How many business days before today count."""
    own = [
        value
        for one in rules.own
        for section, key, value in one.numbers
        if (section, key) == ("exposure", "cancelable_days")
    ]
    return max([rules.exposure.cancelable_days, *own]) + LONGEST_PAYOUT


def reach(rules: Rules) -> timedelta:
    """The same as the engine asks for it: a business day that has begun counts whole."""
    return timedelta(days=reach_days(rules) + 1)


class MerchantBook:
    """`ExposureBook` of merchants."""

    def __init__(self, zone: ZoneInfo, rules: Rules, facts: Facts) -> None:
        self.zone, self.rules, self.facts = zone, rules, facts
        self.exposure = Exposure(reach_days(rules))
        #: By state: of how many labelled incidents the merchant could not pay, and how many there are.
        self.measured: Mapping[str, tuple[int, int]] = {}
        #: A payout of sales that are so much older never counts; of years of them each would hold an array.
        self._oldest_sales = self.exposure.reach + 1
        self._entered = 0
        self._newest: tuple[object, pl.DataFrame] | None = None
        self._order = pl.DataFrame(schema={"merchant_id": pl.String, "position": pl.Int64})  # by merchant
        self._cycles: tuple[object, Integers, Integers] | None = None
        self._curves: tuple[object, Curve | None] | None = None
        self._set_aside = SetAside()
        self._doubts: tuple[object, list[Doubt]] | None = None

    def add(self, rows: pl.DataFrame, beside: Mapping[str, pl.DataFrame], *, times: int = 1) -> None:
        """Enter MERCHANT_MINUTE, and CANCEL_COHORT and SETTLEMENT beside it; rows with `wrong` do nothing."""
        cohorts, settlements = beside.get("cancel_cohort"), beside.get("settlement")
        self._entered += 1
        for day, part in self._by_day(rows):
            positions = self._positions(part)
            amounts = (times * _integers(part, name) for name in ("approval_amount", "cancel_amount"))
            self.exposure.add_rows(day, positions, *amounts)
        for day, part in [] if cohorts is None else self._by_day(cohorts):
            amounts = (times * _integers(part, name) for name in ("cancel_amount", "cancel_count"))
            approved = _days(part["approval_date"])
            self.exposure.add_cancels(day, self._positions(part), approved, *amounts)
        if settlements is not None:
            good = pl.col("wrong").is_null()
            self._add_payouts(settlements.filter(good), times)
            self._set_aside.enter(settlements.filter(~good), times)

    def _add_payouts(self, good: pl.DataFrame, times: int) -> None:
        if good.height:
            days, at = _days(good["business_date"]), good["settled_at"].dt.epoch("us").to_numpy()
            counts = days >= at // _DAY_US - self._oldest_sales
            positions, amounts = self._positions(good), _integers(good, "amount")
            entered = days[counts], positions[counts], at[counts], amounts[counts]
            self.exposure.add_payouts(*entered, times)

    def _by_day(self, frame: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
        if not frame.height:
            return []
        first, last = frame["minute"].min(), frame["minute"].max()
        one = {business_date(cast("datetime", minute), self.zone) for minute in (first, last)}
        if len(one) == 1:
            return [(to_day(one.pop()), frame)]
        day = pl.col("minute").dt.convert_time_zone(self.zone.key).dt.date()
        parts = frame.group_by(day.alias("day"), maintain_order=True)
        return [(to_day(key[0]), part) for key, part in parts]

    def _positions(self, frame: pl.DataFrame) -> Integers:
        return self.exposure.entities.positions(frame["merchant_id"])

    def _sorted(self) -> tuple[Integers, pl.Series]:
        """The positions of all merchants in the order of their ids, and these ids."""
        ids, known = self.exposure.entities.ids, self._order.height
        if known < len(ids):  # to sort them all takes a second at a million
            new = pl.DataFrame({"merchant_id": ids[known:], "position": np.arange(known, len(ids))})
            self._order = self._order.merge_sorted(new.sort("merchant_id"), "merchant_id").rechunk()
        return self._order["position"].to_numpy(), self._order["merchant_id"]

    def know(self, tuned: Rules, facts: Facts) -> None:
        """Price by these rules and categories from now on."""
        self.rules, self.facts = tuned, facts
        self.exposure.reach = reach_days(tuned)

    def forget(self, before: date) -> None:
        """Let go of business days before this one."""
        self.exposure.forget(to_day(before))
        self._set_aside.forget(business_day(before, self.zone).start)
        self._entered += 1

    @property
    def twice(self) -> list[tuple[str, date]]:
        """Merchants and business days with more than one payout: the first by its time counts."""
        ids = self.exposure.entities.ids
        return sorted((ids[position], from_day(day)) for day, position in self.exposure.settled.twice)

    def _doubt_of_twice(self) -> Doubt | None:
        twice = self.twice
        if not twice:
            return None
        merchant, day = twice[0]
        position = self.exposure.entities.find(merchant)
        rows = [] if position is None else self.exposure.settled.payouts(to_day(day), position)
        return doubt_of_twice(len(twice), merchant, day, rows)

    def begins(self, first: datetime) -> None:
        """Of a business day that began before the first published minute not all sales are known."""
        day = business_date(first, self.zone)
        cut = business_day(day, self.zone).start < first
        self.exposure.begins = to_day(day) + cut
        self._entered += 1

    def measure(self, cases: Sequence[Case]) -> Mapping[str, Any]:
        """Count who could not pay among labelled incidents; prices use it where there are enough."""
        self.measured = shares_of(cases)
        tuned = self.rules.exposure
        return said_of(self.measured, cannot_pay(tuned, self.measured).p.tolist(), tuned.labels_needed)

    def doubts(self) -> list[Doubt]:
        """Payouts that are not entered, and business days that were paid out twice."""
        asked = self.exposure.payouts_changed, self._set_aside.changes
        if self._doubts is None or self._doubts[0] != asked:
            found = (self._set_aside.doubt(), self._doubt_of_twice())
            self._doubts = asked, [doubt for doubt in found if doubt is not None]
        return self._doubts[1]

    def of(
        self, minute: datetime, breached: Mapping[str, Collection[str]], entities: Collection[str]
    ) -> dict[str, AtRisk]:
        """The money of some merchants; nobody's where no payout is known at all."""
        if not entities:  # the whole book is priced at once, and that takes its time
            return {}
        frame = self._priced(minute, breached)
        if not frame["settled_through"].count():
            return {}
        rows = frame.filter(pl.col("merchant_id").is_in(list(entities))).iter_rows(named=True)
        return {row["merchant_id"]: _at_risk(row) for row in rows}

    def all_together(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> AtRisk:
        """The sum of all merchants whose money is known; the next payout is that of the first payday."""
        known = self.snapshot(minute, breached).filter(pl.col("settled_through").is_not_null())
        sums = {name: known[name].sum() if known[name].count() else None for name in _AMOUNTS}
        sums[GIVEN_BACK] = None  # nothing is proposed about everybody
        day = known["next_payout_date"].min()
        soonest = known.filter(pl.col("next_payout_date").eq_missing(day))["next_payout"]
        sums["next_payout"] = soonest.sum() if soonest.count() else None
        return _at_risk({**sums, "next_payout_date": day})

    def snapshot(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        """EXPOSURE_ROW of each merchant, sorted. What is not known of a merchant is null."""
        return self._priced(minute, breached).drop(GIVEN_BACK)

    def _priced(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        """The same with GIVEN_BACK, which is not published."""
        states = {merchant: state_of(rules) for merchant, rules in breached.items()}
        asked = minute, states, self._entered, self.rules, self.facts, self.measured
        if self._newest is None or self._newest[0] != asked:
            self._newest = asked, self._snapshot(minute, breached)
        return self._newest[1]

    def _snapshot(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        situation, through = self._situation(minute, breached)
        prices = price(self.exposure, situation)
        known, paid_next = through > 0, prices.next_payout_date > 0
        has_cycle = known & (situation.cycles != UNKNOWN)
        days = {"settled_through": (through, known), "next_payout_date": (prices.next_payout_date, paid_next)}
        amounts = {
            "paid_out_cancelable": (prices.paid_out_cancelable, known),
            "unrecovered": (prices.unrecovered, known),
            "pending_payout": (prices.pending_payout, known),
            "next_payout": (prices.next_payout, has_cycle),
            "expected_loss": (prices.expected_loss, known),
            "expected_loss_low": (prices.expected_loss_low, known),
            "expected_loss_high": (prices.expected_loss_high, known),
            GIVEN_BACK: (prices.given_back, known),
        }
        order, ids = self._sorted()
        all_of = {**amounts, **days}.items()
        columns = {
            name: _column(None if values is None else values[order], there[order])
            for name, (values, there) in all_of
        }
        columns |= {name: columns[name].cast(pl.Int32).cast(pl.Date) for name in days}
        given_back = columns.pop(GIVEN_BACK).alias(GIVEN_BACK)
        frame = pl.DataFrame(
            {
                "minute": pl.repeat(minute, len(ids), dtype=UTC_TIME, eager=True),
                "merchant_id": ids,
                "state": pl.Series(STATES).gather(situation.states[order]),
                **columns,
            }
        )
        return conform(frame, EXPOSURE_ROW).with_columns(given_back)

    def _situation(
        self, minute: datetime, breached: Mapping[str, Collection[str]]
    ) -> tuple[Situation, Integers]:
        """What the prices rest on, and the newest day that was paid out to each merchant (0: none)."""
        tuned, size = self.rules.exposure, self.exposure.size
        codes, day = (
            self.facts.codes(to_index(minute), self.exposure.entities),
            business_date(minute, self.zone),
        )
        periods, states = self._periods(codes), np.zeros(size, np.int64)
        places = self.exposure.entities.known(pl.Series(list(breached), dtype=pl.String))
        for place, rules in zip(places.tolist(), breached.values(), strict=True):
            if place >= 0:
                states[place] = state_of(rules)
        span, today = business_day(day, self.zone), to_day(day)
        holidays = self.rules.volume_drop.public_holidays
        cycles, through = self._paid(today, holidays)
        curve = self._curve(today, codes, int(periods.max(initial=0)) + 1)
        elapsed = (minute + MINUTE - span.start) / (span.end - span.start)
        likely, weight = cannot_pay(tuned, self.measured), tuned.curve_weight
        situation = Situation(today, elapsed, holidays, periods, codes, states, cycles, curve, likely, weight)
        return situation, through

    def _paid(self, today: int, holidays: str) -> tuple[Integers, Integers]:
        """The cycle of each merchant, and the newest day that it was paid for."""
        book = self.exposure
        asked = today, book.payouts_changed, book.size, book.reach, holidays
        if self._cycles is None or self._cycles[0] != asked:
            days = (from_day(day) for day in range(today - book.reach, today + 2))
            starts = [business_day(day, self.zone).start for day in days]
            borders = np.array([(start - EPOCH) // timedelta(microseconds=1) for start in starts])
            through = np.zeros(book.size, np.int64)
            for day in book.held_days(today):
                through[book.is_settled(day)] = day
            self._cycles = asked, learned_cycles(book, today, borders, holidays), through
        return self._cycles[1], self._cycles[2]

    def _curve(self, today: int, codes: Integers, ages: int) -> Curve | None:
        """The curve at the end of yesterday; made anew where something before today has changed."""
        book = self.exposure
        earlier = sum(count for day, count in book.changes.items() if day < today)
        before_lake = book.payouts_changed if book.lake_from(today) > today - book.reach else None
        weight, kinds = self.rules.exposure.curve_weight, len(self.facts.names)
        sized = today, ages, weight, kinds, book.reach, book.size
        known = (*sized, earlier, before_lake, hash(codes.tobytes()))
        if self._curves is None or self._curves[0] != known:
            self._curves = known, curve_at(book, today, codes, kinds, ages, weight)
        return self._curves[1]

    def _periods(self, codes: Integers) -> Integers:
        """How many days sales can be cancelled: the merchant's own number, its category's, everybody's."""
        periods = np.full(self.exposure.size, self.rules.exposure.cancelable_days, np.int64)
        own = [one for one in self.rules.own if any(section == "exposure" for section, _, _ in one.numbers)]
        for one in own:
            if one.kind == "category" and one.name in self.facts.names:
                period = self.rules.of(None, one.name).exposure.cancelable_days
                periods[codes == self.facts.names.index(one.name)] = period
        for one in own:
            position = self.exposure.entities.find(one.name) if one.kind == "merchant" else None
            if position is not None:
                periods[position] = self.rules.of(one.name, None).exposure.cancelable_days
        return periods


#: Columns of EXPOSURE_ROW that can be added up over merchants.
_AMOUNTS: Final = (
    *PARTS,
    "pending_payout",
    "expected_loss",
    "expected_loss_low",
    "expected_loss_high",
)


def _column(values: Integers | None, known: Flags) -> pl.Series:
    """Integers, null where they are not known."""
    if values is None:
        return pl.repeat(None, len(known), dtype=pl.Int64, eager=True)
    return pl.Series(values) if known.all() else pl.Series(values).set(pl.Series(~known), None)


def _at_risk(row: Mapping[str, object]) -> AtRisk:
    day = row["next_payout_date"]
    parts = {name: row[name] for name in PARTS}
    figures = {name: row[name] for name in (*FIGURES, GIVEN_BACK)} | {"next_payout_date": day and str(day)}
    return AtRisk(parts, None, figures)  # type: ignore[arg-type]


def _integers(frame: pl.DataFrame, name: str) -> Integers:
    return frame[name].to_numpy()


def _days(dates: pl.Series) -> Integers:
    return dates.cast(pl.Int32).cast(pl.Int64).to_numpy()


EXPOSURES: Final[Exposures[Rules]] = Exposures(
    schema=EXPOSURE_ROW,
    book=MerchantBook,
    reach=reach,
    actions=ACTIONS,
    propose=propose,
    held=HELD,
)
