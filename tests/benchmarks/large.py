"""Merchants over 1 billion KRW a day: ordinary days with a rhythm, and labelled drops of their volume."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from baselines.calendar import is_rest_day
from pipeline.judge.verdicts import POLICIES
from pipeline.minute import DAY_MINUTES, business_day, from_index, to_index
from pipeline.packs.merchants.rules.volume_drop import VOLUME_DROP
from tests.benchmarks.traffic import MINUTES, merchant_minutes
from tests.benchmarks.watch import SEOUL, Watch, delays, random_recall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.merchants.rules import Rules
    from tests.benchmarks.watch import Opened

LARGE = 150
FIRST_DAY = date(2026, 9, 1)  # Chuseok, National Foundation Day with its substitute, Hangul Day lie ahead
WARM_DAYS, DAYS = 8, 50
ONSET = 13 * 60
DROPS = (0.5, 0.2)  # what remains
#: (Saturday, Sunday or holiday) as shares of a working day, by kind of merchant.
RHYTHMS = ((1.2, 1.1), (0.9, 0.8), (0.5, 0.3), (0.6, 0.02), (0.05, 0.03), (1.0, 1.0))
DAY_WANDER = 0.15  # standard deviation of the logarithm of a day's volume
HOUR_WANDER = 0.08
TICKETS = (20_000, 50_000, 150_000)


class LargeMerchants:
    """Merchants with a rhythm of weekdays and holidays; every third has a drop."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.ids = pl.Series([f"L{n:03}" for n in range(LARGE)])
        self.rhythm = np.arange(LARGE) % len(RHYTHMS)
        self.ticket = np.array(TICKETS)[np.arange(LARGE) // len(RHYTHMS) % len(TICKETS)]
        amount = 1.3e9 * np.exp(np.abs(0.6 * self._random.standard_normal(LARGE)))
        rest = np.array([(5 + sum(r)) / 7 for r in RHYTHMS])[self.rhythm]
        self.daily = amount / self.ticket / rest
        #: Merchant place to (day number, what remains); on working days, from ONSET on.
        self.drops: dict[int, tuple[int, float]] = {}
        for n, place in enumerate(range(0, LARGE, 3)):
            day = WARM_DAYS + 1 + n % (DAYS - WARM_DAYS - 2)
            while is_rest_day(calendar_day(day), "KR"):
                day += 1
            self.drops[place] = (min(day, DAYS - 1), DROPS[n % len(DROPS)])

    def day(self, number: int) -> pl.DataFrame:
        """MERCHANT_MINUTE of business day `number`."""
        today = calendar_day(number)
        saturday = today.weekday() == 5
        rest = is_rest_day(today, "KR")
        open_share = np.array([(r[0] if saturday else r[1]) if rest else 1.0 for r in RHYTHMS])
        level = open_share[self.rhythm] * np.exp(DAY_WANDER * self._random.standard_normal(LARGE))
        hourly = np.exp(HOUR_WANDER * self._random.standard_normal((24, LARGE)))
        mean = MINUTES[:, None] * self.daily * level * hourly[np.arange(DAY_MINUTES) // 60]
        for place, (day, remains) in self.drops.items():
            if day == number:
                mean[ONSET:, place] *= remains
        counts = self._random.poisson(mean)
        minute, places = np.nonzero(counts)
        approved = counts[minute, places]
        frame = merchant_minutes(
            number, minute, self.ids.gather(places), (approved, np.zeros_like(approved)), 1
        )
        noise = 1 + 1.2 * self._random.standard_normal(len(approved)) / np.sqrt(approved)
        amounts = np.maximum(approved * self.ticket[places] * np.maximum(noise, 0.1), 1).astype(np.int64)
        start = to_index(business_day(today, SEOUL).start)
        return frame.with_columns(
            minute=pl.Series((start + minute) * 60_000_000).cast(frame.schema["minute"]),
            approval_amount=pl.Series(amounts),
        )


def calendar_day(number: int) -> date:
    """The date of day `number`."""
    return FIRST_DAY + timedelta(days=number)


def measure_drops(rules: Rules, seed: int) -> dict[str, Any]:
    """False incidents on ordinary days with rhythm, and the delay of labelled drops."""
    merchants = LargeMerchants(seed)
    watch = Watch(rules, POLICIES)
    for number in range(DAYS):
        span = business_day(calendar_day(number), SEOUL)
        (watch.judge if number >= WARM_DAYS else watch.warm)(span, merchants.day(number))
    opened = {policy: kept.opened().of(VOLUME_DROP.name) for policy, kept in watch.incidents.items()}
    sick = _labels(merchants, watch)
    days = LARGE * (DAYS - WARM_DAYS) - 2 * len(sick)
    return {
        "merchant_days": days,
        "false_per_1000": {policy: _false_per_1000(found, sick, days) for policy, found in opened.items()},
        "labelled": [_row(opened[policy], policy, remains, sick) for remains in DROPS for policy in POLICIES],
    }


def _labels(merchants: LargeMerchants, watch: Watch) -> dict[int, tuple[int, float]]:
    """Position to (day number, what remains)."""
    found = {
        watch.windows.entities.find(merchants.ids[place]): label for place, label in merchants.drops.items()
    }
    return {position: label for position, label in found.items() if position is not None}


def _false_per_1000(opened: Opened, sick: Mapping[int, tuple[int, float]], days: int) -> float:
    pairs = zip(opened.minutes.tolist(), opened.positions.tolist(), strict=True)
    false = [p for minute, p in pairs if p not in sick or _day_number(minute) - sick[p][0] not in (0, 1)]
    return round(1000 * len(false) / days, 2)


def _row(
    opened: Opened, policy: str, remains: float, sick: Mapping[int, tuple[int, float]]
) -> dict[str, Any]:
    onsets = {
        position: to_index(business_day(calendar_day(day), SEOUL).start) + ONSET
        for position, (day, left) in sick.items()
        if left == remains
    }
    # The control spreads as many incidents over all merchants and judged minutes.
    control = random_recall(len(opened.minutes), LARGE, (DAYS - WARM_DAYS) * DAY_MINUTES, DAY_MINUTES - ONSET)
    found = delays(opened, onsets, DAY_MINUTES - ONSET)
    return {"drop_percent": round(100 * (1 - remains)), "policy": policy, **found, "random_recall": control}


def _day_number(index: int) -> int:
    return (from_index(index).astimezone(SEOUL).date() - FIRST_DAY).days
