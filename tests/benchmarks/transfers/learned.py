"""Learning on a labelled file: `python -m tests.benchmarks.transfers.learned FILE.parquet`.

FILE has transfer_id, account_id, payee_id, amount, occurred_at and is_fraud, or a card file's columns
(transaction_id, card_id, terminal_id). All of it goes through what `minuterisk learn` uses; the rules are the
twelve that come with the program, with amounts as the file has them. Files of generators leak: a lift here
shows that the machinery works, and promises nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from baselines.transfers.recent import Recent
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.online.transfers.learning import Examples, learn_by
from pipeline.packs.transfers.learned.features import MEASURES
from pipeline.packs.transfers.ruleset import RuleSet
from pipeline.packs.transfers.schema import EVENT
from tests.unit.transfers.made_events import RULES, shipped

ZONE = ZoneInfo("Asia/Seoul")
PIECE = 20_000


def main() -> None:
    """Learn, and print how good it is."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--label-delay", type=float, default=3.0, metavar="DAYS")
    arguments.add_argument("--frauds", type=int, help="know so many of them only")
    asked = arguments.parse_args()
    events, outcomes = read(asked.file)
    if asked.frauds:
        outcomes = outcomes.sample(asked.frauds, seed=1)
    began = time.process_time()
    ruleset = RuleSet([shipped(path.stem) for path in sorted(RULES.glob("*.json"))])
    recent = Recent((*ruleset.measures, *MEASURES.values()))
    recent.fill(events)
    examples = Examples()
    for part in events.iter_slices(PIECE):
        examples.add(recent, part, ruleset, ZONE)
    times = events["occurred_at"]
    span = Span(floor_minute(times[0]), floor_minute(times[-1]) + MINUTE)
    found = learn_by(examples, outcomes, span, timedelta(days=asked.label_delay))
    print(json.dumps({**found["measured"], "processor_s": round(time.process_time() - began, 1)}, indent=2))
    print(f"model: {len(found['model'])} characters, {found['model'].count('Tree=')} trees")


def read(file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events in the order of their times, and the outcomes of the frauds among them."""
    given = pl.read_parquet(file).rename(
        {"transaction_id": "transfer_id", "terminal_id": "payee_id"}, strict=False
    )
    if "account_id" not in given.columns:
        given = given.with_columns(account_id=pl.col("card_id"), kind=pl.lit("card"))
    made = {
        "kind": pl.lit("transfer"),
        "status": pl.lit("completed"),
        "user_id": pl.col("account_id"),
        "currency": pl.lit("KRW"),
        "country": pl.lit("KR"),
    }
    given = given.with_columns(**{name: value for name, value in made.items() if name not in given.columns})
    empty = [pl.lit(None).alias(name) for name in EVENT if name not in given.columns]
    whole = given.with_columns(empty).sort("occurred_at")
    events = whole.select(pl.col(name).cast(kind) for name, kind in EVENT.items())
    frauds = whole.filter(pl.col("is_fraud").cast(pl.Boolean))
    outcomes = frauds.select(
        pl.col("transfer_id").cast(pl.String), fraud=pl.lit(value=True), reported_at=pl.col("occurred_at")
    )
    return events, outcomes


if __name__ == "__main__":
    main()
