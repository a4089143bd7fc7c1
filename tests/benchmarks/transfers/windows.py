"""The windows at size: 1,000,000 accounts, 5,000 events a second, the measures of the twelve shipped rules.

    python -m tests.benchmarks.transfers.windows [--events 20000000] [--batches 120]

A restart fills the events of a day, of which the last hour is at full rate; then one batch a second, 1 % of
it late by up to 58 s, with the events whose answers these alter; then single questions. Times are of the
process (both threads of Polars), so that others on the machine do not count; memory is its whole peak.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from baselines.transfers.measure import Between, Measure, OneOf
from baselines.transfers.recent import Recent
from pipeline.packs.transfers.schema import EVENT
from tests.benchmarks.home import say

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNTS: Final = 1_000_000
A_SECOND: Final = 5_000
LATE: Final = 0.01
END: Final = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
PIECE: Final = 500_000
DAY_MS: Final = 86_400_000
MINE: Final = (("account_id", "account_id"),)
DEVICE: Final = (("device_id", "device_id"),)
TRIED: Final = (("amount", Between(0, 5000)), ("status", OneOf(("declined",))))
NEAR: Final = (("amount", Between(9_000_000, 9_999_999)),)
BACK: Final = (("account_id", "payee_id"), ("payee_id", "account_id"))
#: What the twelve rules ask (reference, section 2).
TWELVE: Final = (
    Measure("count", None, (("user_id", "user_id"),), 60_000),
    Measure("count", None, MINE, 60_000, (("kind", OneOf(("transfer",))),)),
    Measure("first_seen", None, (("account_id", "account_id"), ("payee_id", "payee_id"))),
    Measure("mean", "amount", MINE, 30 * DAY_MS),
    Measure("since_last", None, MINE, before_ms=3_600_000),
    Measure("count", None, MINE, 3_600_000),
    Measure("sum", "amount", MINE, 3_600_000),
    Measure("sum", "amount", (("payee_id", "account_id"),), 3_600_000),
    Measure("distinct", "payee_id", MINE, 3_600_000),
    Measure("count", None, MINE, DAY_MS, NEAR),
    Measure("sum", "amount", MINE, DAY_MS, NEAR),
    Measure("first_seen", None, (("account_id", "account_id"), ("device_id", "device_id"))),
    Measure("speed", "kmh", (("card_id", "card_id"),)),
    Measure("speed", "km", (("card_id", "card_id"),)),
    Measure("count", None, DEVICE, 600_000, TRIED),
    Measure("distinct", "card_id", DEVICE, 600_000, TRIED),
    Measure("count", None, BACK, DAY_MS),
    Measure("sum", "amount", BACK, DAY_MS),
)


class Made:
    """Events by chance: some accounts pay far more than others, to few payees, from one or two devices."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        numbers = pl.Series(range(ACCOUNTS))
        self.accounts = "ACC" + numbers.cast(pl.String).str.zfill(9)
        self.devices = "device-" + pl.Series(range(2 * ACCOUNTS)).cast(pl.String).str.zfill(9)
        self.cards = "9410" + numbers.cast(pl.String).str.zfill(12)
        self.made = 0

    def at(self, times: np.ndarray[Any, np.dtype[np.int64]]) -> pl.DataFrame:
        """One event for each of these times, ms since 1970."""
        n, chance = len(times), self.chance
        account = (ACCOUNTS * chance.random(n) ** 2).astype(np.int64)
        payee = (account + 1 + (12 * chance.random(n) ** 2).astype(np.int64) * 7919) % ACCOUNTS
        kind = chance.choice(3, n, p=[0.6, 0.35, 0.05])
        amount = np.minimum(np.exp(chance.normal(10.5, 1.5, n)).astype(np.int64), 10**13)
        lat, lon = 37_500_000 + account % 400_000, 126_900_000 + account % 700_000
        ids = "T" + pl.Series(np.arange(self.made, self.made + n)).cast(pl.String).str.zfill(11)
        self.made += n
        texts = {
            "kind": np.array(["transfer", "card", "cash"])[kind],
            "status": np.array(["completed", "declined", "reversed"])[
                chance.choice(3, n, p=[0.96, 0.03, 0.01])
            ],
        }
        frame = pl.DataFrame(
            {
                "transfer_id": ids,
                **texts,
                "account_id": self.accounts.gather(account),
                "user_id": self.accounts.gather(account),
                "amount": amount,
                "payee_id": self.accounts.gather(payee),
                "card_id": self.cards.gather(account),
                "device_id": self.devices.gather(account + ACCOUNTS * (chance.random(n) < 0.05)),
                "lat_e6": lat,
                "lon_e6": lon,
                "at": times,
            }
        )
        card, transfer = pl.col("kind") == "card", pl.col("kind") == "transfer"
        return frame.with_columns(
            pl.from_epoch("at", "ms").cast(EVENT["occurred_at"]).alias("occurred_at"),
            pl.lit("KRW").alias("currency"),
            pl.lit("KR").alias("country"),
            *(pl.when(card).then(name).alias(name) for name in ("card_id", "lat_e6", "lon_e6")),
            *(pl.when(transfer).then(name).alias(name) for name in ("payee_id",)),
            *(pl.lit(None).alias(name) for name in ("merchant_id", "channel", "account_opened")),
        ).select(pl.col(name).cast(kind) for name, kind in EVENT.items())


def history(made: Made, events: int) -> Iterator[pl.DataFrame]:
    """A day before END in order of time; nine tenths of it in the last hour."""
    end = int(END.timestamp() * 1000)
    for share, begin, stop in ((0.1, DAY_MS, 3_600_000), (0.9, 3_600_000, 0)):
        pieces = max(round(events * share / PIECE), 1)
        for number in range(pieces):
            low, high = (end - begin + (begin - stop) * n // pieces for n in (number, number + 1))
            times = made.chance.integers(low, high, round(events * share / pieces))
            yield made.at(np.sort(times))


def mib() -> int:
    """The peak of the process's memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def restart(made: Made, events: int) -> tuple[Recent, dict[str, float]]:
    """Fill a fresh one."""
    recent, worked, waited = Recent(TWELVE), 0.0, 0.0
    recent.expire(END)
    for piece in history(made, events):
        process, wall = time.process_time(), time.perf_counter()
        recent.fill(piece)
        worked, waited = worked + time.process_time() - process, waited + time.perf_counter() - wall
    process, wall = time.process_time(), time.perf_counter()
    recent.ask(piece.head(1), TWELVE)
    worked, waited = worked + time.process_time() - process, waited + time.perf_counter() - wall
    return recent, {"fill_s": waited, "fill_process_s": worked}


def batches(recent: Recent, made: Made, number: int) -> dict[str, float]:
    """A batch a second; the figures of all."""
    took: dict[str, list[float]] = {"take": [], "ask": [], "affected": [], "again": [], "whole": []}
    again, end = [], int(END.timestamp() * 1000)
    for second in range(number):
        start = end + 1000 * second
        times = np.sort(made.chance.integers(start, start + 1000, A_SECOND))
        late = made.chance.random(A_SECOND) < LATE
        times[late] -= made.chance.integers(0, 58_000, int(late.sum()))
        events = made.at(times)
        behind = events.filter(pl.Series(late))
        marks = [time.process_time()]
        recent.take(events)
        marks.append(time.process_time())
        recent.ask(events, TWELVE)
        marks.append(time.process_time())
        ids = recent.affected(behind, END + timedelta(seconds=second - 59))
        marks.append(time.process_time())
        if ids.len():  # the caller has these rows; others of that number ask the same
            recent.ask(events.head(min(ids.len(), A_SECOND)), TWELVE)
        marks.append(time.process_time())
        if second % 60 == 59:
            recent.expire(END + timedelta(seconds=second))
        again.append(ids.len())
        for name, (a, b) in zip(took, itertools.pairwise(marks), strict=False):
            took[name].append((b - a) * 1000)
        took["whole"].append((marks[-1] - marks[0]) * 1000)
    return {
        **{f"{name}_ms_p50": round(statistics.median(v), 1) for name, v in took.items()},
        **{f"{name}_ms_p99": round(float(np.quantile(v, 0.99)), 1) for name, v in took.items()},
        "whole_ms_max": round(max(took["whole"]), 1),
        "affected_p50": statistics.median(again),
    }


def alone(recent: Recent, made: Made, number: int = 2_000) -> dict[str, float]:
    """Single questions, all measures of the twelve rules each."""
    times = np.full(number, int(recent.newest.timestamp() * 1000) if recent.newest else 0)
    took = []
    for event in made.at(times).iter_rows(named=True):
        start = time.process_time()
        recent.ask_one({**event, "status": "intended"}, TWELVE)
        took.append((time.process_time() - start) * 1e6)
    return {
        "alone_us_p50": round(statistics.median(took)),
        "alone_us_p99": round(float(np.quantile(took, 0.99))),
    }


def parts(recent: Recent, made: Made, number: int = 200) -> dict[str, float]:
    """Parts of 250 events, as a check takes them between requests."""
    start, took = int(recent.newest.timestamp() * 1000) if recent.newest else 0, []
    for part in range(number):
        events = made.at(np.sort(made.chance.integers(start + 50 * part, start + 50 * part + 50, 250)))
        process = time.process_time()
        recent.take(events)
        took.append((time.process_time() - process) * 1000)
    return {
        "part_ms_p50": round(statistics.median(took), 2),
        "part_ms_p99": round(float(np.quantile(took, 0.99)), 2),
    }


def main() -> None:
    """Measure and tell."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=20_000_000)
    arguments.add_argument("--batches", type=int, default=120)
    given = arguments.parse_args()
    made = Made(7)
    before = mib()
    recent, figures = restart(made, given.events)
    say(json.dumps({"before_mib": before, "filled_mib": mib(), **figures}))
    figures |= batches(recent, made, given.batches)
    start = time.process_time()
    copy = recent.copy()
    figures["copy_ms"] = round((time.process_time() - start) * 1000, 2)
    figures |= alone(recent, made) | parts(copy, made)
    figures |= {"peak_mib": mib(), "events": made.made, "runs": max(len(x.runs) for x in recent._all())}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
