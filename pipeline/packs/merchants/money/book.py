"""The merchants' book of exposure: frames go in, prices come out. Pure."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import polars as pl

from baselines.merchants.cycle import from_day, to_day
from baselines.merchants.exposure import Exposure
from pipeline.minute import business_date
from pipeline.money import AtRisk, Exposures
from pipeline.packs.merchants.at_risk import PARTS
from pipeline.packs.merchants.money.schema import EXPOSURE_ROW, FIGURES, STATES
from pipeline.schema import conform

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from baselines.facts import Facts
    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers

#: Beyond the cancel period days count for so long: the longest cycle of payouts, with holidays.
LONGEST_PAYOUT: Final = 21
#: The rules of incidents, by what they say of a merchant's state.
SURGES: Final = frozenset({"cancel_surge"})
SILENCES: Final = frozenset({"volume_drop"})


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


def state_of(breached: Collection[str]) -> int:
    """The place in STATES that the rules of a merchant's unresolved incidents say."""
    return (1 if SURGES & set(breached) else 0) + (2 if SILENCES & set(breached) else 0)


class MerchantBook:
    """`ExposureBook` of merchants."""

    def __init__(self, zone: ZoneInfo, rules: Rules, facts: Facts) -> None:
        self.zone, self.rules, self.facts = zone, rules, facts
        self.exposure = Exposure(reach_days(rules))

    def add(self, rows: pl.DataFrame, beside: Mapping[str, pl.DataFrame], *, times: int = 1) -> None:
        """Enter MERCHANT_MINUTE, and CANCEL_COHORT and SETTLEMENT beside it; rows with `wrong` do nothing."""
        cohorts, settlements = beside.get("cancel_cohort"), beside.get("settlement")
        for day, part in self._by_day(rows):
            positions = self._positions(part)
            amounts = (times * _integers(part, name) for name in ("approval_amount", "cancel_amount"))
            self.exposure.add_rows(day, positions, *amounts)
        for day, part in [] if cohorts is None else self._by_day(cohorts):
            amounts = (times * _integers(part, name) for name in ("cancel_amount", "cancel_count"))
            approved = _days(part["approval_date"])
            self.exposure.add_cancels(day, self._positions(part), approved, *amounts)
        if settlements is not None:
            self._add_payouts(settlements.filter(pl.col("wrong").is_null()), times)

    def _add_payouts(self, good: pl.DataFrame, times: int) -> None:
        if good.height:
            days, at = _days(good["business_date"]), good["settled_at"].dt.epoch("us").to_numpy()
            self.exposure.add_payouts(days, self._positions(good), at, _integers(good, "amount"), times)

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

    def forget(self, before: date) -> None:
        """Let go of business days before this one."""
        self.exposure.forget(to_day(before))

    @property
    def twice(self) -> list[tuple[str, date]]:
        """Merchants and business days with more than one payout: the first by its time counts."""
        ids = self.exposure.entities.ids
        return sorted((ids[position], from_day(day)) for day, position in self.exposure.settled.twice)

    def of(
        self, minute: datetime, breached: Mapping[str, Collection[str]], entities: Collection[str]
    ) -> dict[str, AtRisk]:
        """The money of some merchants; nobody's where no payout is known at all."""
        frame = self.snapshot(minute, breached)
        if not frame["settled_through"].count():
            return {}
        rows = frame.filter(pl.col("merchant_id").is_in(list(entities))).iter_rows(named=True)
        return {row["merchant_id"]: _at_risk(row) for row in rows}

    def all_together(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> AtRisk:
        """The sum of all merchants whose money is known; what nobody's is known of is not known."""
        known = self.snapshot(minute, breached).filter(pl.col("settled_through").is_not_null())
        next_date = known["next_payout_date"].min()
        next_payouts = known.filter(pl.col("next_payout_date").eq_missing(next_date))["next_payout"]
        row = {
            name: int(known[name].sum()) if known[name].count() else None
            for name in (*PARTS, *FIGURES)
            if name not in {"next_payout", "next_payout_date"}
        }
        row["next_payout"] = int(next_payouts.sum()) if next_payouts.count() else None
        return _at_risk({**row, "next_payout_date": next_date})

    def snapshot(self, minute: datetime, breached: Mapping[str, Collection[str]]) -> pl.DataFrame:
        """EXPOSURE_ROW of each merchant, sorted."""
        today, size = to_day(business_date(minute, self.zone)), self.exposure.size
        sums = self.exposure.sums(today, self._periods(minute))
        state = np.zeros(size, np.int64)
        for merchant, rules in breached.items():
            position = self.exposure.entities.find(merchant)
            if position is not None:
                state[position] = state_of(rules)
        known = pl.Series(sums.known)
        columns = {
            "paid_out_cancelable": np.maximum(sums.remaining - sums.unnamed, 0),
            "unrecovered": sums.unrecovered,
            "pending_payout": np.maximum(sums.pending, 0),
            "settled_through": sums.through,
        }
        frame = pl.DataFrame(
            {
                "merchant_id": self.exposure.entities.ids,
                "state": pl.Series([STATES[code] for code in state.tolist()], dtype=pl.String),
                "known": known,
                **columns,
            }
        )
        nothing = [name for name in EXPOSURE_ROW if name not in {*frame.columns, "minute"}]
        priced = frame.with_columns(
            pl.lit(minute.astimezone(UTC)).alias("minute"),
            pl.col("settled_through").cast(pl.Int32).cast(pl.Date),
            *(pl.lit(None, EXPOSURE_ROW[name]).alias(name) for name in nothing),
        ).with_columns(pl.when("known").then(pl.col(name)).alias(name) for name in columns)
        return conform(priced.sort("merchant_id"), EXPOSURE_ROW)

    def _periods(self, minute: datetime) -> Integers:
        """How many days each merchant's sales can be cancelled."""
        del minute
        return np.full(self.exposure.size, self.rules.exposure.cancelable_days, np.int64)


def _at_risk(row: Mapping[str, object]) -> AtRisk:
    day = row["next_payout_date"]
    parts = {name: row[name] for name in PARTS}
    figures = {name: row[name] for name in FIGURES} | {"next_payout_date": day and str(day)}
    return AtRisk(parts, None, figures)  # type: ignore[arg-type]


def _integers(frame: pl.DataFrame, name: str) -> Integers:
    return frame[name].to_numpy()


def _days(dates: pl.Series) -> Integers:
    return dates.cast(pl.Int32).cast(pl.Int64).to_numpy()


EXPOSURES: Final[Exposures[Rules]] = Exposures(
    schema=EXPOSURE_ROW,
    book=MerchantBook,
    reach=reach,
    actions=("hold_payout", "rolling_reserve", "shorter_cycle", "call"),
)
