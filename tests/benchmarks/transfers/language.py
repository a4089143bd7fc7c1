"""Random rules asked three ways, and what asking costs: `python -m tests.benchmarks.transfers.language`.

Times are those of the processor, so other programs beside it matter less. Exit code 1 where any answer
differs, or where judging costs more than it may.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.packs.transfers.language import bulk, explain, explanation_text, parse, single
from pipeline.packs.transfers.language.refused import RuleRefused
from tests.generative.transfers.made_rules import LISTS, Maker
from tests.generative.transfers.test_language import differences
from tests.unit.transfers.hostile import TEXTS
from tests.unit.transfers.made_events import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.packs.transfers.language import RuleText

CASES, ROWS = 200_000, 50
EVENTS = 5_000
#: Twelve rules on 5,000 events in bulk, and on one event alone.
MOST_BULK_MS, MOST_SINGLE_US = 20.0, 100.0


def main() -> None:
    """All of it, as text or JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=CASES, help="answers that are compared")
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    found = {**_compared(asked.cases), **_costs()}
    print(
        json.dumps(found) if asked.json else "\n".join(f"  {key:34}{value}" for key, value in found.items())
    )
    slow = found["bulk_ms"] > MOST_BULK_MS or found["single_us"] > MOST_SINGLE_US
    sys.exit(1 if found["differences"] or slow else 0)


def _compared(cases: int) -> dict[str, Any]:
    rules = -(-cases // ROWS)
    found = sum(differences(Random(seed), ROWS)[0] for seed in range(rules))
    return {"rules": rules, "answers_compared": rules * ROWS, "differences": found}


def _costs() -> dict[str, float]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.json"))]
    rules = [parse(text) for text in texts]
    values = _values(rules)
    asked = [single(rule, LISTS) for rule in rules]
    rows = values.head(500).to_dicts()
    return {
        "parse_us": _spent(lambda: [parse(text) for text in texts], 20) * 1e6 / len(texts),
        "refuse_us": _spent(lambda: [_refused(text) for _, text in TEXTS], 3) * 1e6 / len(TEXTS),
        "bulk_ms": _spent(
            lambda: values.select(bulk(r, LISTS).alias(str(n)) for n, r in enumerate(rules)), 10
        )
        * 1e3,
        "single_us": _spent(lambda: [ask(row) for row in rows for ask in asked], 5) * 1e6 / len(rows),
        "explain_us": _spent(
            lambda: [explanation_text(explain(rule, LISTS, row)) for row in rows[:50] for rule in rules], 3
        )
        * 1e6
        / (50 * len(rules)),
    }


def _values(rules: list[RuleText]) -> pl.DataFrame:
    """Events with all that the rules ask of them."""
    maker = Maker(Random(1))
    columns: dict[str, pl.Series] = {}
    for rule in rules:
        columns |= {series.name: series for series in maker.values(rule, EVENTS)}
    return pl.DataFrame(list(columns.values()))


def _refused(text: str) -> str:
    try:
        return parse(text).rule
    except RuleRefused as refused:
        return refused.place


def _spent(work: Callable[[], object], times: int) -> float:
    """Seconds of the processor that it takes, the quickest of so many times."""
    quickest = float("inf")
    for _ in range(times):
        began = time.process_time()
        work()
        quickest = min(quickest, time.process_time() - began)
    return quickest


if __name__ == "__main__":
    main()
