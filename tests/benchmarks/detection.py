"""`make bench-detection`: what each policy raises on ordinary traffic, and how soon it sees what is wrong.

The minutes go through the functions of the live tick (`tests/benchmarks/watch.py`). Minutes to detection
count from the start of the disturbance to the end of the judged minute, without the close delay.
Everything is seeded; `--seed` draws everything anew. `--flights FILE` adds a year of real departures.

The labelled surges are judged without the 100,000 ordinary merchants beside them: verdicts on a merchant
depend on the others only through the sums that divide the budget, and these are set to the expected ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.judge.verdicts import POLICIES
from pipeline.minute import DAY_MINUTES, WEEK_MINUTES, Span, to_index
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE
from pipeline.packs.merchants.rules.surge_spans import Portfolio
from tests.benchmarks.flights import PARTS, flights_report, measure_part
from tests.benchmarks.large import measure_drops
from tests.benchmarks.traffic import DAY_START, Merchants, Surge, zipf
from tests.benchmarks.watch import TUNED, Watch, delays, random_recall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

SEED = 7
MERCHANTS, PER_DAY, TOP_SHARE, DRIFT = 100_000, 3_000_000, 0.55, 0.3
WARM_DAYS = 8
QUIET_DAYS = {0.3: 3, 0.0: 1, 0.5: 1}  # judged days by drift; the first has the target, the others inform
SIZES = (20_000, 2_000, 500, 250)
TIMES = (3.0, 5.0)
CASES = 60  # merchants per size and strength
ONSET = 13 * 60
WORKERS = 2

#: What the product promises; a miss is exit code 1.
TARGETS = {
    "false_incidents_per_day": 5.0,
    "x3_median_minutes_at_20000": 15.0,
    "x5_median_minutes_at_20000": 5.0,
    "false_drops_per_1000_merchant_days": 1.0,
}


def _day(number: int) -> Span:
    return Span(DAY_START + timedelta(days=number), DAY_START + timedelta(days=number + 1))


def ordinary_merchants(drift: float, seed: int) -> Merchants:
    """100,000 merchants with nothing wrong; their cancel rates lie around 5 %."""
    random = np.random.default_rng(seed)
    rate = 1 / (1 + np.exp(-(np.log(0.045 / 0.955) + 0.5 * random.standard_normal(MERCHANTS))))
    return Merchants("M", zipf(MERCHANTS, PER_DAY, TOP_SHARE), rate, drift, seed)


def measure_quiet(drift: float, days: int, seed: int) -> dict[str, Any]:
    """False incidents a day under each policy."""
    merchants = ordinary_merchants(drift, seed)
    watch = Watch(TUNED, reversed(POLICIES))
    for number in range(WARM_DAYS):
        watch.warm(_day(number), merchants.day(number))
    for number in range(WARM_DAYS, WARM_DAYS + days):
        watch.judge(_day(number), merchants.day(number))
        _say(f"  ordinary day {number - WARM_DAYS + 1} of {days} (drift {drift})")
    opened = {policy: kept.opened() for policy, kept in watch.incidents.items()}
    return {
        "drift": drift,
        "days": days,
        "false_incidents_per_day": {p: round(len(opened[p].minutes) / days, 2) for p in POLICIES},
        "budgeted_by_kind": opened["budgeted"].by_kind(),
        "compare_and_judge_ms_median": round(float(np.median(watch.tick_ms)), 1),
    }


def surge_cases() -> tuple[NDArray[np.float64], tuple[Surge, ...], list[tuple[int, float]]]:
    """Merchants of each size, each with one labelled surge on the first judged day."""
    labels = [(size, times) for size in SIZES for times in TIMES for _ in range(CASES)]
    surges = tuple(Surge(place, WARM_DAYS, ONSET, times) for place, (_, times) in enumerate(labels))
    return np.array([float(size) for size, _ in labels]), surges, labels


def measure_surges(seed: int) -> list[dict[str, Any]]:
    """Minutes from the onset of labelled surges to the incident."""
    daily, surges, labels = surge_cases()
    sick = Merchants("S", daily, np.full(len(daily), 0.05), DRIFT, seed + 2, surges)
    watch = Watch(TUNED, POLICIES, portfolio=_portfolio())
    for number in range(WARM_DAYS):
        watch.warm(_day(number), sick.day(number))
    watch.judge(_day(WARM_DAYS), sick.day(WARM_DAYS))
    onset = to_index(_day(WARM_DAYS).start) + ONSET
    positions = [watch.windows.entities.find(name) for name in sick.ids]
    rows = []
    for size, times in dict.fromkeys(labels):
        onsets = {
            position: onset
            for position, label in zip(positions, labels, strict=True)
            if label == (size, times) and position is not None
        }
        for policy in POLICIES:
            opened = watch.incidents[policy].opened().of(CANCEL_SURGE.name)
            found = delays(opened, onsets, DAY_MINUTES - ONSET)
            rows.append({"per_day": size, "times": times, "policy": policy, **found})
    return rows


def _portfolio() -> Portfolio:
    """What 100,000 ordinary merchants add up to in a week, in expectation."""
    days = WEEK_MINUTES / DAY_MINUTES
    daily = zipf(MERCHANTS, PER_DAY, TOP_SHARE)
    known = int((1 - np.exp(-days * daily)).sum())
    return Portfolio(known, int(days * PER_DAY), int(days * PER_DAY * 0.05))


# ------------------------------------------------------------------ report


def add_control(report: Mapping[str, Any]) -> None:
    """Beside each policy's recall: what as many incidents at random merchants and minutes would hit."""
    false = report["quiet"][0]["false_incidents_per_day"]
    for row in report["surges"]:
        true = sum(r["recall"] * r["cases"] for r in report["surges"] if r["policy"] == row["policy"])
        incidents = round(false[row["policy"]] + true)
        merchants = MERCHANTS + len(SIZES) * len(TIMES) * CASES
        row["random_recall"] = random_recall(incidents, merchants, DAY_MINUTES, DAY_MINUTES - ONSET)


def targets_met(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each promise with what was measured."""
    at_large = {
        row["times"]: row["median_minutes"]
        for row in report["surges"]
        if row["per_day"] == SIZES[0] and row["policy"] == "budgeted"
    }
    measured = {
        "false_incidents_per_day": report["quiet"][0]["false_incidents_per_day"]["budgeted"],
        "x3_median_minutes_at_20000": at_large[3.0],
        "x5_median_minutes_at_20000": at_large[5.0],
        "false_drops_per_1000_merchant_days": report["drops"]["false_per_1000"]["budgeted"],
    }
    return {
        name: {"target": target, "measured": measured[name], "met": _within(measured[name], target)}
        for name, target in TARGETS.items()
    }


def _within(measured: float | None, target: float) -> bool:
    return measured is not None and measured <= target


def _table(report: Mapping[str, Any]) -> str:
    lines = [f"false incidents a day, {MERCHANTS:,} ordinary merchants"]
    for quiet in report["quiet"]:
        counts = quiet["false_incidents_per_day"]
        shown = "".join(f"{policy:>12} {counts[policy]:>10,.1f}" for policy in POLICIES)
        lines.append(f"  drift {quiet['drift']:<4} {quiet['days']} days {shown}")
    lines += ["", "cancel surges: minutes to the incident", _head(f"{'per day':>10}{'times':>7}")]
    for row in report["surges"]:
        lines.append(f"{row['per_day']:>10,}{row['times']:>7.0f}{_delay_columns(row)}")
    drops = report["drops"]
    false = ", ".join(f"{policy} {n}" for policy, n in drops["false_per_1000"].items())
    lines += ["", f"volume drops: false per 1,000 of {drops['merchant_days']:,} merchant-days: {false}"]
    lines.append(_head(f"{'drop':>17}"))
    lines += [f"{row['drop_percent']:>15} %{_delay_columns(row)}" for row in drops["labelled"]]
    lines += _flight_lines(report.get("flights", {}))
    lines += ["", f"{'target':<38}{'at most':>10}{'measured':>10}"]
    for name, row in report["targets"].items():
        shown = "missed" if row["measured"] is None else f"{row['measured']:,.2f}"
        lines.append(f"{name:<38}{row['target']:>10,.0f}{shown:>10}  {'met' if row['met'] else 'NOT MET'}")
    return "\n".join(lines)


def _head(left: str) -> str:
    return f"{left}{'policy':>12}{'cases':>7}{'recall':>8}{'random':>8}{'median':>8}{'p95':>8}"


def _delay_columns(row: Mapping[str, Any]) -> str:
    shown = ["-" if row[name] is None else f"{row[name]:,}" for name in ("median_minutes", "p95_minutes")]
    recalls = f"{row['recall']:>8.0%}{row['random_recall']:>8.1%}"
    return f"{row['policy']:>12}{row['cases']:>7}{recalls}{shown[0]:>8}{shown[1]:>8}"


def _flight_lines(flights: Mapping[str, Any]) -> list[str]:
    if not flights:
        return []
    head = f"departures, {flights['days']} days, {flights['merchants']} merchants: cancel surges"
    rows = [
        f"{row['policy']:>12} {row['incidents']:>6,} incidents, {row['on_worst_days']:,} on the worst days, "
        f"{row['worst_days_seen']} of {len(flights['worst_days'])} worst days seen"
        for row in flights["policies"]
    ]
    return ["", head, *rows]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(seed: int, flights: Path | None) -> dict[str, Any]:
    """All parts, two at a time."""
    start = time.monotonic()
    parts: dict[str, Callable[[], Any]] = {
        f"quiet {drift}": partial(measure_quiet, drift, days, seed) for drift, days in QUIET_DAYS.items()
    }
    parts |= {"surges": partial(measure_surges, seed), "drops": partial(measure_drops, TUNED, seed + 3)}
    if flights is not None:
        parts |= {f"flights {part}": partial(measure_part, flights, part) for part in range(PARTS)}
    with ProcessPoolExecutor(WORKERS) as pool:
        running = {name: pool.submit(part) for name, part in parts.items()}
        done = {name: future.result() for name, future in running.items()}
    quiet = [done[f"quiet {drift}"] for drift in QUIET_DAYS]
    report = {"seed": seed, "quiet": quiet, "surges": done["surges"], "drops": done["drops"]}
    if flights is not None:
        report["flights"] = flights_report(flights, [done[f"flights {part}"] for part in range(PARTS)])
    add_control(report)
    report["targets"] = targets_met(report)
    report["seconds"] = round(time.monotonic() - start)
    return report


def main() -> None:
    """Run all parts and report them; exit 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--seed", type=int, default=SEED, help="draw everything anew")
    parser.add_argument("--flights", type=Path, help="transactions in Parquet: a year of real departures")
    given = parser.parse_args()
    report = measure(given.seed, given.flights)
    print(_table(report))
    if given.json:
        print(json.dumps(report))
    sys.exit(0 if all(row["met"] for row in report["targets"].values()) else 1)


if __name__ == "__main__":
    main()
