"""What a tick costs and holds as merchants, rows and history grow: `python -m tests.benchmarks.growth`.

Processor time of a tick without extract and commit, median of five: counting the raw rows, sliding the
windows, the verdicts of the policy `budgeted`, the book of exposure with a payout of every day. Then the
windows as they stood a minute ago, for a correction. Every case is a process of its own. History of 8 and of
90 days is judged in turns by the same process; 150 ticks show whether memory stays flat.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.facts import Facts
from pipeline.count import count
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.money.schema import SETTLEMENT
from tests.benchmarks.home import say
from tests.benchmarks.speed.held import held_by_part, held_bytes
from tests.benchmarks.speed.made import FIRST, ZONE, Made
from tests.benchmarks.speed.taken import machine, resident_mb, said
from tests.benchmarks.watch import TUNED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TICKS: Final = 5
FLAT_TICKS: Final = 150
LONG_DAYS: Final = 90
_SETTLED_TICKS: Final = 25  # until then allocators take what they keep


@dataclass(frozen=True, slots=True)
class Case:
    """So many merchants with so many days of so many transactions, and how many rows a judged minute has."""

    merchants: int
    per_day: int
    days: int
    rows: tuple[int, ...]
    flat_ticks: int = 0
    long_days: int = 0  # the same traffic with a longer history, in turns with the shorter


CASES: Final = (
    Case(10_000, 300_000, 8, (3_000, 300_000)),
    Case(100_000, 3_000_000, 8, (3_000, 300_000, 1_500_000), flat_ticks=FLAT_TICKS),
    Case(100_000, 3_000_000, 8, (300_000,), long_days=LONG_DAYS),
    Case(1_000_000, 3_000_000, 8, (3_000, 300_000, 1_500_000)),
)


class Line:
    """Windows and book after some history, and what a minute takes."""

    def __init__(self, made: Made, *, book: bool = True) -> None:
        self.made, self.minute, self.facts = made, FIRST, Facts()
        self.windows = PACK.windows(ZONE, TUNED)
        exposures = PACK.exposures if book else None
        self.book = None if exposures is None else exposures.book(ZONE, TUNED, self.facts)
        self.fill_ms, self.rows = 0.0, 0
        if self.book is not None:
            self.book.begins(FIRST)

    def live(self, first_day: int, days: int, per_day: int) -> None:
        """Let days go by, from the newest minute on."""
        for number in range(first_day, first_day + days):
            span, rows = self.made.day(number, per_day)
            rows = rows.filter(pl.col("minute") >= self.minute)
            self.rows += rows.height
            self.fill_ms += _cpu(lambda: self.windows.fill(self.minute, span.end, rows))  # noqa: B023
            if self.book is not None:
                net = rows.group_by("merchant_id", maintain_order=True).agg(
                    pl.lit(span.start, pl.Datetime("us", "UTC")).alias("minute"),
                    pl.exclude("minute").sum(),
                )
                self.book.add(net.select(rows.columns), {"settlement": self.made.payouts(rows, span)})
            self.minute = span.end
        self.fill_ms += _cpu(self.windows.settle)

    def tick(self, transactions: int) -> dict[str, float]:
        """One minute with so many rows; ms of processor time by step."""
        span, raw = Span(self.minute, self.minute + MINUTE), self.made.rows(self.minute, transactions)
        counted: list[Any] = []
        nothing = {"settlement": SETTLEMENT.to_frame()}
        taken = {
            "aggregate": _cpu(lambda: counted.append(count(raw, span, 1, span.end, PACK, ZONE, nothing))),
        }
        one = counted[0]
        taken["add"] = _cpu(lambda: self.windows.add(span.start, one.rows, one.positions))
        taken["judge"] = _cpu(
            lambda: PACK.judge(self.windows, TUNED, "budgeted", self.facts, True).frame()  # noqa: FBT003
        )
        taken["tick"] = sum(taken.values())
        if self.book is not None:
            book = self.book
            taken["money"] = _cpu(lambda: book.add(one.rows, one.beside))
            taken["money"] += _cpu(lambda: book.snapshot(span.start, {}))
        self.minute = span.end
        return taken

    def before_ms(self) -> float:
        """What the windows of a minute ago take: made when they are asked for, or kept as a copy."""
        at, last = getattr(self.windows, "at", None), self.windows.last
        if at is None or last is None:
            return _cpu(self.windows.copy)
        return _cpu(lambda: at(last - 1))


def measure(case: Case) -> dict[str, Any]:
    """One case; in a process of its own."""
    line = Line(Made(case.merchants))
    line.live(0, case.days, case.per_day)
    parts, slices = held_by_part(line.windows), held_bytes(getattr(line.windows, "_slices", None))
    found: dict[str, Any] = {
        **asdict(case),
        "rows_held": line.rows,
        "slices_mb": round(slices / 2**20, 1),
        "bytes_a_row": round(slices / max(line.rows, 1), 1),
        "windows_mb": round(held_bytes(line.windows) / 2**20, 1),
        "parts_mb": {name: round(size / 2**20, 1) for name, size in parts.items() if size > 2**20},
        "rss_mb": round(resident_mb()),
        "fill_cpu_ms": round(line.fill_ms),
        "ticks": {rows: _medians([line.tick(rows) for _ in range(TICKS + 1)][1:]) for rows in case.rows},
        "before_cpu_ms": round(line.before_ms(), 1),
    }
    if case.flat_ticks:
        found["flat"] = _flat(line, case.rows[1], case.flat_ticks)
    if case.long_days:
        found["longer"] = _longer(case, line)
    return {**found, "load": round(os.getloadavg()[0], 2)}


def _flat(line: Line, rows: int, ticks: int) -> list[dict[str, float]]:
    """Memory beside what windows and book hold, as ticks go by."""
    found = list[dict[str, float]]()
    for number in range(1, ticks + 1):
        line.tick(rows)
        if number % _SETTLED_TICKS == 0:
            held = held_bytes((line.windows, line.book)) / 2**20
            rss = resident_mb()
            found.append({"tick": number, "rss_mb": round(rss), "beside_mb": round(rss - held)})
    return found


def _longer(case: Case, short: Line) -> dict[str, Any]:
    """The same ticks with many more days, in turns with those of `short`; both without the book."""
    long = Line(Made(case.merchants, seed=8), book=False)
    short.book = None
    long.live(0, case.long_days, case.per_day)
    series: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
    for number in range(2 * TICKS + 1):
        for line, taken in sorted(zip((short, long), series, strict=True), key=lambda _: number % 2):
            taken.append(line.tick(case.rows[0]))
    middles = [_medians(one[1:]) for one in series]
    return {
        "days": case.long_days,
        "short": middles[0],
        "long": middles[1],
        "ratio": round(middles[1]["tick"] / middles[0]["tick"], 3),
        "windows_mb": round(held_bytes(long.windows) / 2**20, 1),
    }


def _cpu(work: Callable[[], object]) -> float:
    """Milliseconds of the process, all threads."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def _medians(series: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(one[name] for one in series), 1) for name in series[0]}


def table(content: dict[str, Any]) -> str:
    """The same for people."""
    head = ("rows", "aggregate", "add", "judge", "tick", "money")
    lines = [f"{'ms of processor time':<34}" + "".join(f"{name:>11}" for name in head)]
    for case in content["cases"]:
        name = f"{case['merchants']:,} merchants, {case['days']} x {case['per_day']:,}"
        for rows, taken in case["ticks"].items():
            cells = "".join(f"{taken.get(step, 0.0):>11.1f}" for step in head[1:])
            lines.append(f"{name:<34}{int(rows):>11,}{cells}")
            name = ""
        lines.append(
            f"  {case['rows_held']:,} merchant-minutes: {case['slices_mb']} MB, {case['bytes_a_row']} bytes "
            f"each; windows {case['windows_mb']} MB, process {case['rss_mb']} MB; filled in "
            f"{case['fill_cpu_ms']:,} ms; windows of a minute ago {case['before_cpu_ms']} ms; "
            f"load {case['load']}"
        )
        if "longer" in case:
            longer = case["longer"]
            lines.append(
                f"  {longer['days']} days: tick {longer['long']['tick']} ms beside {longer['short']['tick']}"
                f" in turns, ratio {longer['ratio']}; windows {longer['windows_mb']} MB"
            )
        lines += [
            f"  tick {one['tick']:>4}: {one['rss_mb']} MB, {one['beside_mb']} beside windows and book"
            for one in case.get("flat", ())
        ]
    return "\n".join([*lines, said(content["machine"])])


def _shrunk(case: Case, by: int, ticks: int | None) -> Case:
    """A smaller one, to try the benchmark itself."""
    flat, long = (ticks if ticks is not None and n else n for n in (case.flat_ticks, case.long_days))
    rows = tuple(rows // by for rows in case.rows)
    return Case(case.merchants // by, case.per_day // by, case.days, rows, flat, min(long, LONG_DAYS))


def main() -> None:
    """Each case in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--divide", type=int, default=1, help="everything so many times smaller")
    parser.add_argument("--ticks", type=int, help="of the flat line, and days of the longer history")
    given = parser.parse_args()
    begun, cases = datetime.now(UTC), []
    for case in (_shrunk(case, given.divide, given.ticks) for case in CASES):
        say(f"  {case.merchants:,} merchants, {case.days} days of {case.per_day:,} …")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            cases.append(pool.submit(measure, case).result())
    seconds = round((datetime.now(UTC) - begun) / timedelta(seconds=1))
    content = {"cases": cases, "seconds": seconds, "machine": machine()}
    print(json.dumps(content) if given.json else table(content))


if __name__ == "__main__":
    main()
