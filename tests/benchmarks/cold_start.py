"""New merchants of unusual categories, by the prior they start from: `python -m tests.benchmarks.cold_start`.

Merchants without any history among 100,000 others, judged by the policy `budgeted` from their first minute
on: once from the rate of all merchants, once from that of their category. Merchants of a category differ by a
fifth, and their odds of cancelling wander by 0.3. Tickets cancel 15 %, groceries 0.5 %, all together 4 %.
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from baselines.facts import Facts
from pipeline.minute import DAY_MINUTES, Span, to_index
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.rules.surge_spans import Portfolio
from pipeline.schema import FACT_CHANGE
from tests.benchmarks.traffic import DAY_START, Merchants, Surge
from tests.benchmarks.watch import TUNED, Opened, Watch, delays

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = {"grocery": 0.005, "tickets": 0.15}  # by name, as codes are
SIZES = (200, 2_000, 20_000)  # approvals a day
CALM, SICK = 300, 60  # merchants of a size: ordinary ones, and those with a surge
DAYS, ONSET, TIMES = 2, 780, 5.0
#: A week of everybody, of groceries and of ticket shops.
EVERYBODY = 100_000, 20_160_000, 840_000
BY_CATEGORY = np.array([9_950_000, 870_000]), np.array([50_000, 130_000])
DIFFER, DRIFT = 0.2, 0.3


def populations(seed: int) -> list[tuple[str, Merchants]]:
    """Of each category its merchants: calm ones, then sick ones, of each size in turn."""
    random, made = np.random.default_rng(seed), list[tuple[str, Merchants]]()
    daily = np.repeat(np.array(SIZES, float), CALM + SICK)
    sick = [place for place in range(len(daily)) if place % (CALM + SICK) >= CALM]
    for category, rate in RATES.items():
        rates = rate * np.exp(DIFFER * random.standard_normal(len(daily)))
        surges = tuple(Surge(place, 0, ONSET, TIMES) for place in sick)
        made.append((category, Merchants(category, daily, rates, DRIFT, seed + len(made), surges)))
    return made


def judge(days: Sequence[pl.DataFrame], categories: Facts) -> tuple[Opened, Watch]:
    watch = Watch(TUNED, ["budgeted"], portfolio=Portfolio(*EVERYBODY, categories.names, *BY_CATEGORY))
    watch.facts = categories
    for number, frame in enumerate(days):
        start = DAY_START + timedelta(days=number)
        watch.judge(Span(start, start + timedelta(days=1)), frame)
    return watch.incidents["budgeted"].opened().of(CANCEL_SURGE.name), watch


def measure(seed: int) -> list[dict[str, Any]]:
    """A row per prior, category and size."""
    made = populations(seed)
    days = [pl.concat([m.day(n) for _, m in made]).sort("minute", "merchant_id") for n in range(DAYS)]
    known = [(DAY_START - timedelta(days=9), name, category) for category, m in made for name in m.ids]
    changes = pl.DataFrame(known, FACT_CHANGE, orient="row")
    rows = []
    for prior, categories in (("all", Facts()), ("category", Facts(changes))):
        opened, watch = judge(days, categories)
        at = zip(opened.minutes.tolist(), opened.positions.tolist(), strict=True)
        incidents = [(minute, watch.windows.entities.ids[position]) for minute, position in at]
        for category, merchants in made:
            for number, size in enumerate(SIZES):
                places = range(number * (CALM + SICK), (number + 1) * (CALM + SICK))
                calm = {merchants.ids[place] for place in places[:CALM]}
                onset = to_index(DAY_START) + ONSET
                found = [watch.windows.entities.find(merchants.ids[place]) for place in places[CALM:]]
                onsets = {position: onset for position in found if position is not None}
                told = delays(opened, onsets, DAY_MINUTES - ONSET)
                false = sum(name in calm for _, name in incidents)
                counted = {"false_incidents": false, "merchant_days": CALM * DAYS}
                rows.append({"prior": prior, "category": category, "per_day": size, **counted, **told})
    return rows


def main() -> None:
    """Print a line a case and all of them as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    given = parser.parse_args()
    rows = measure(given.seed)
    if not given.json:
        for row in rows:
            print("  ".join(f"{name} {value}" for name, value in row.items()))
    print(json.dumps({"cold_start": rows}))


if __name__ == "__main__":
    main()
