"""How often ordinary days look like a failure of the platform: `python -m tests.benchmarks.platform`.

Totals of all merchants, Poisson around a day curve. Each day is larger or smaller as a whole, and approvals
and cancel rate drift by the hour (correlated over six hours) for everybody together: the worst case, because
what merchants do independently averages out. The five days before are like days. Rules and gates are live.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from baselines.merchants.rules import Rules, load_rules
from pipeline.judge.hold import Gates, Past, hold
from pipeline.judge.verdicts import EVERYBODY
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.rules.platform import SameMinutes
from pipeline.packs.merchants.schema import SIGNAL
from pipeline.settings import PROJECT
from tests.benchmarks.traffic import CORRELATION_HOURS, DAY_START, MINUTES
from tests.unit.one_shard import PlatformNumbers, cancels_among, outages_among

if TYPE_CHECKING:
    from baselines.chance import Floats
    from baselines.merchants.slices import Integers

LIKE_DAYS = 5
DAY = 1440
MERCHANTS = 40  # of one size each: what a giant does alone is another test
RATE = 0.05
#: Transactions a day; how far whole days and hours wander (standard deviations of the logarithm).
CASES = tuple((per_day, *sd) for per_day in (3_000_000, 200_000) for sd in ((0.15, 0.1), (0.15, 0.2)))


@dataclass(frozen=True)
class Sums:
    """Sums of any stretch of minutes in constant time."""

    upto: Integers

    def of(self, end: int, minutes: int) -> int:
        return int(self.upto[end + 1] - self.upto[end + 1 - minutes])


def drift(rng: np.random.Generator, days: int, sd: float) -> Floats:
    keep, state, hours = np.exp(-1 / CORRELATION_HOURS), 0.0, []
    for step in sd * np.sqrt(1 - keep**2) * rng.standard_normal(24 * days):
        state = keep * state + step
        hours.append(state)
    drifted: Floats = np.exp(np.interp(np.arange(days * DAY) / 60, np.arange(24 * days), hours))
    return drifted


def traffic(
    days: int, per_day: int, day_sd: float, hour_sd: float, rng: np.random.Generator
) -> tuple[Sums, Sums]:
    whole = np.repeat(np.exp(day_sd * rng.standard_normal(days)), DAY)
    mean = per_day * np.tile(MINUTES, days) * whole * drift(rng, days, hour_sd)
    counts = rng.poisson(mean), rng.poisson(mean * RATE * drift(rng, days, hour_sd))
    approvals, cancels = (Sums(np.concatenate([[0], np.cumsum(one)])) for one in counts)
    return approvals, cancels


def same(approvals: Sums, cancels: Sums, end: int, minutes: int) -> SameMinutes:
    like = [end - ago * DAY for ago in range(1, LIKE_DAYS + 1)]
    return SameMinutes(
        minutes,
        approvals.of(end, minutes),
        cancels.of(end, minutes),
        tuple(approvals.of(at, minutes) for at in like),
        tuple(cancels.of(at, minutes) for at in like),
    )


def openings(approvals: Sums, cancels: Sums, days: int, rules: Rules) -> dict[str, int]:
    """How many incidents of each platform rule would open."""
    found, past, week = dict.fromkeys(PACK.of_everybody, 0), Past(), np.full(MERCHANTS, 1000)
    for index in range(LIKE_DAYS * DAY + 200, days * DAY):
        newest = same(approvals, cancels, index, 5)
        if 2 * newest.approvals > min(newest.approvals_like) and newest.cancels < max(newest.cancels_like):
            continue  # nothing stands out, and nothing is built for it
        numbers = PlatformNumbers(
            (newest,),
            same(approvals, cancels, index - 5, 180),
            np.full(MERCHANTS, newest.approvals // MERCHANTS),
            np.full(MERCHANTS, newest.cancels // MERCHANTS),
            week,
            week // 20,
        )
        by_rule = {
            "platform_outage": outages_among(numbers, rules.platform),
            "platform_cancels": cancels_among(numbers, rules.platform),
        }
        rows = [{"rule": rule, **row} for rule, found_rows in by_rule.items() for row in found_rows]
        if not rows:
            continue
        minute = DAY_START + timedelta(minutes=index)
        head = {"minute": minute, "entity_id": EVERYBODY, "tier": "top"}
        full = [{**head, **row, "passed": row["reason"] == "fires"} for row in rows]
        signals = pl.DataFrame(full, SIGNAL, orient="row")
        before = past.lasting(PACK.of_everybody, minute, rules)
        signals = hold(minute, signals, past, Gates(PACK, rules, "budgeted"))
        past.add(minute, signals)
        for rule in signals.filter("passed")["rule"]:
            found[rule] += rule not in before
    return found


def main() -> None:
    """Print a line a case and all of them as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    given = parser.parse_args()
    rules, rng, results = (
        load_rules(PROJECT / "baselines" / "merchants" / "rules.toml"),
        np.random.default_rng(5),
        [],
    )
    for per_day, day_sd, hour_sd in CASES:
        approvals, cancels = traffic(given.days, per_day, day_sd, hour_sd, rng)
        found = openings(approvals, cancels, given.days, rules)
        result = {"per_day": per_day, "day_sd": day_sd, "hour_sd": hour_sd, "days": given.days, **found}
        results.append(result)
        if not given.json:
            print("  ".join(f"{name} {value:,}" for name, value in result.items()), flush=True)
    print(json.dumps({"platform": results}))


if __name__ == "__main__":
    main()
