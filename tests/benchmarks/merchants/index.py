"""Processor time of looking up the ids of merchants, beside a cast to an Enum and a join on text.

    python -m tests.benchmarks.merchants.index [--json]

At 100,000 known merchants 49,000 are asked for, a peak minute; at 1,000,000 known ones 300,000. Then one that
is new, 300 times: the median and the longest.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from baselines.entities import EntityIndex

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES: Final = ((100_000, 49_000), (1_000_000, 300_000))
KINDS: Final[dict[str, Callable[[int], str]]] = {
    "numbers": str,
    "M00012": "M{:08}".format,
    "uuid": lambda n: str(uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
    "Korean": "가맹점-{}".format,
}
_NEW: Final = 300
NAMES: Final = (
    "ids",
    "known",
    "asked",
    "learn all",
    "look up",
    "shuffled",
    "one new",
    "longest",
    "enum",
    "join",
)


def cpu_ms(work: Callable[[], object], times: int = 7) -> float:
    """Median processor time of all threads."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - start))
    return median(taken)


def measure(kind: str, known: int, asked: int) -> dict[str, Any]:
    """One row of the table."""
    chance, named = np.random.default_rng(1), KINDS[kind]
    numbers = chance.permutation(4 * known)[:known] + 10**6
    ids = pl.Series([named(n) for n in numbers.tolist()])
    of_minute = pl.Series([named(n) for n in np.sort(chance.permutation(numbers)[:asked]).tolist()])
    index = EntityIndex()
    learn = cpu_ms(lambda: index.positions(ids), 1)
    found = cpu_ms(lambda: index.positions(of_minute))
    shuffled = of_minute.sample(fraction=1, shuffle=True, seed=1)
    disordered = cpu_ms(lambda: index.positions(shuffled))
    new = [pl.Series([named(n)]) for n in range(_NEW)]
    ones = [cpu_ms(lambda one=one: index.positions(one), 1) for one in new]  # type: ignore[misc]
    enum, frame = pl.Enum(ids), ids.to_frame("id").with_row_index()
    by_enum = cpu_ms(lambda: of_minute.cast(enum), 1)
    by_join = cpu_ms(lambda: of_minute.to_frame("id").join(frame, on="id", how="left"), 1)
    times = learn, found, disordered, median(ones), max(ones), by_enum, by_join
    return dict(zip(NAMES, (kind, known, asked, *times), strict=True))


def line(row: dict[str, Any]) -> str:
    """As text."""
    return " ".join(
        f"{value:>10.2f}" if isinstance(value, float) else f"{value:>10}" for value in row.values()
    )


def main() -> None:
    """Print them, each as soon as it is known."""
    as_json, rows = "--json" in sys.argv, []
    if not as_json:
        print(*(f"{name:>10}" for name in NAMES), f"   (ms of processor time, load {os.getloadavg()[0]:.0f})")
    for known, asked in SIZES:
        for kind in KINDS:
            rows.append(measure(kind, known, asked))
            if not as_json:
                print(line(rows[-1]), flush=True)
    if as_json:
        print(json.dumps({"load": os.getloadavg()[0], "rows": rows}))


if __name__ == "__main__":
    main()
