"""Exact window sums of labelled data sets, and how far counting in order of arrival is from them.

    python -m tests.benchmarks.transfers.facts transfers_synthfin.parquet cards_synccfd.parquet

The expected figures come from a plain loop over each file: windows of one account, itself and ties included.
Then a stream of 1,000 busy accounts of which 20 % arrive late by up to 5 s, with clocks of milliseconds and
of whole seconds: RealFDS's way counts a minute of it, beside ours.
"""

from __future__ import annotations

import argparse
import json
import operator
import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from baselines.transfers.measure import Measure
from baselines.transfers.recent import Recent
from pipeline.packs.transfers.schema import EVENT
from tests.generative.transfers.oracle import ArrivalOrder

LATE: Final = 0.2
MINE: Final = (("account_id", "account_id"),)
WIDTHS: Final = (60_000, 3_600_000, 86_400_000)
#: By file and width: sum of counts, greatest, events with at least 2, 3, 5, with more than 5, sum of amounts.
EXPECTED: Final = {
    "transfers_synthfin": (
        (127454, 3, 225, 1, 0, 0, 9967585667),
        (138541, 8, 7905, 2419, 168, 37, 11507273078),
        (378770, 45, 49809, 16709, 7912, 7745, 38587493456),
    ),
    "cards_synccfd": (
        (176115, 3, 369, 2, 0, 0, 1028738592),
        (198583, 6, 21037, 1665, 10, 1, 1176372862),
        (637671, 26, 154045, 119544, 50347, 27997, 3859039036),
    ),
}
ROUND_TRIPS: Final = {"transfers_synthfin": 7, "cards_synccfd": 0}


def events_of(path: Path) -> pl.DataFrame:
    """The file's rows as events; a card stands for an account."""
    rows = pl.read_parquet(path)
    names = {"transaction_id": "transfer_id", "card_id": "account_id"}
    rows = rows.rename({old: new for old, new in names.items() if old in rows.columns})
    return as_events(rows)


def as_events(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of an id, an account, an amount and a time, with a payee or not, as events."""
    texts = ("transfer_id", "account_id", "payee_id")
    known = rows.select(
        *(pl.col(name).cast(pl.String) for name in texts if name in rows.columns),
        pl.col("amount"),
        pl.col("occurred_at").cast(EVENT["occurred_at"]),
    ).with_columns(
        user_id=pl.col("account_id"),
        kind=pl.lit("transfer"),
        status=pl.lit("completed"),
        currency=pl.lit("KRW"),
    )
    return known.select(
        pl.col(name).cast(kind) if name in known.columns else pl.lit(None, kind).alias(name)
        for name, kind in EVENT.items()
    )


def sums(recent: Recent, events: pl.DataFrame) -> list[tuple[int, ...]]:
    """The figures of each width."""
    found = []
    for width in WIDTHS:
        count = Measure("count", None, MINE, width)
        amount = Measure("sum", "amount", MINE, width)
        answers = recent.ask(events, [count, amount])
        counts = answers[count.column]
        more = [int((counts >= least).sum()) for least in (2, 3, 5, 6)]
        values = counts.to_numpy()
        found.append((int(values.sum()), int(values.max()), *more, int(answers[amount.column].sum())))
    return found


def round_trips(events: pl.DataFrame) -> int:
    """Events whose payee paid their account within 24 hours before."""
    measure = Measure("count", None, (("account_id", "payee_id"), ("payee_id", "account_id")), WIDTHS[-1])
    recent = Recent([measure])
    recent.fill(events)
    return int((recent.ask(events, [measure])[measure.column] > 0).sum())


def busy(clock_ms: int) -> pl.DataFrame:
    """60,000 payments of ten minutes in order of their arrival."""
    chance, number = np.random.default_rng(7), 60_000
    at = chance.integers(0, 600_000, number) // clock_ms * clock_ms
    late = chance.integers(0, 5_000, number) * (chance.random(number) < LATE)
    order = np.argsort(at + late, kind="stable")
    plain = {
        "transfer_id": pl.Series(np.arange(number)).cast(pl.String),
        "account_id": pl.Series(chance.integers(0, 1_000, number)).cast(pl.String),
        "amount": np.ones(number, np.int64),
        "occurred_at": pl.from_epoch(pl.Series(at), "ms").dt.replace_time_zone("UTC"),
    }
    return as_events(pl.DataFrame(plain))[order]


def wrong_by_arrival(clock_ms: int) -> float:
    """The share of wrong counts, RealFDS's way; ours and the plain loop agree (test_recent.py)."""
    events, minute = busy(clock_ms), Measure("count", None, MINE, WIDTHS[0])
    recent, theirs = Recent([minute]), ArrivalOrder(timedelta(minutes=1))
    recent.take(events)
    truth = recent.ask(events, [minute])[minute.column].to_list()
    counted = [theirs.count(event) for event in events.iter_rows(named=True)]
    wrong: int = sum(map(operator.ne, counted, truth))
    return wrong / len(counted)


def main() -> None:
    """Compare each file; exit 1 where something differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="*", type=Path)
    differs = False
    for path in arguments.parse_args().files:
        events = events_of(path)
        asked = (("count", None), ("sum", "amount"))
        recent = Recent(Measure(of, value, MINE, width) for width in WIDTHS for of, value in asked)
        for piece in events.sample(fraction=1, shuffle=True, seed=7).iter_slices(20_000):
            recent.take(piece)  # in any order
        found = sums(recent, events)
        back = round_trips(events)
        equal = found == list(EXPECTED[path.stem]) and back == ROUND_TRIPS[path.stem]
        differs |= not equal
        print(json.dumps({"file": path.stem, "equal": equal, "found": found, "round_trips": back}))
    print(
        json.dumps({f"wrong_by_arrival_{clock}_ms": round(wrong_by_arrival(clock), 4) for clock in (1, 1000)})
    )
    sys.exit(int(differs))


if __name__ == "__main__":
    main()
