"""Facts over time and the prior that follows from them, against plain dictionaries and fractions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from baselines.entities import EntityIndex
from baselines.facts import UNKNOWN, Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.minute import MINUTE, to_index
from pipeline.packs.merchants.rules.cancel_surge import beside_of
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.rules.surge_windows import judge_spans
from pipeline.packs.merchants.schema import MERCHANT_MINUTE, PRIORS
from pipeline.schema import FACT, FACT_CHANGE
from pipeline.store.facts import changes_since

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 10, 3, tzinfo=UTC)
SHIPPED = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
MERCHANTS = tuple(f"M{n}" for n in range(6))
#: What one read of the source may say.
READS = st.dictionaries(st.sampled_from(MERCHANTS), st.sampled_from(("air", "bus", "car")))


def read_frame(read: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(sorted(read.items()), FACT, orient="row")


def stored_after(reads: list[tuple[int, dict[str, str]]]) -> pl.DataFrame:
    """The stored changes after some reads, each at a minute from START on, as the ledger keeps them."""
    stored = FACT_CHANGE.to_frame()
    for minute, read in reads:
        start = START + minute * MINUTE
        changes = changes_since(stored, read_frame(read), start)
        stored = pl.concat([stored.filter(pl.col("from_minute") < start), changes])
    return stored


@given(st.lists(st.tuples(st.integers(0, 6), READS), max_size=6), st.lists(st.integers(-2, 9), max_size=8))
def test_at_every_minute_the_newest_read_for_it_is_in_force(
    reads: list[tuple[int, dict[str, str]]], asked: list[int]
) -> None:
    reads.sort(key=lambda read: read[0])
    categories = Facts(stored_after(reads))
    windows, book = EntityIndex(), EntityIndex()
    for n, minute in enumerate(asked):  # in any order, while merchants become known
        windows.positions(pl.Series(MERCHANTS[: 2 + n % 5]))
        book.positions(pl.Series(MERCHANTS[::-1][: 1 + n % 4]))
        for entities in (windows, book):  # each knows them in an order of its own
            codes = categories.codes(to_index(START) + minute, entities)
            said = [None if code == UNKNOWN else categories.names[code] for code in codes.tolist()]
            newest = next((read for at, read in reversed(reads) if at <= minute), {})
            assert said == [newest.get(merchant) for merchant in entities.ids]


def test_what_did_not_change_is_not_stored_again() -> None:
    once = stored_after([(0, {"M0": "air", "M1": "bus"})])
    assert stored_after([(0, {"M0": "air", "M1": "bus"}), (5, {"M0": "air", "M1": "bus"})]).equals(once)
    assert stored_after([(0, {"M0": "air"}), (5, {})])["value"].to_list() == ["air", None]


COUNTS = st.dictionaries(
    st.sampled_from(MERCHANTS), st.tuples(st.integers(0, 900), st.integers(0, 300)), min_size=1
)


def windows_of(week: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]) -> Windows:
    """`week` happened three days before the judged minute, `now` in it: (approvals, cancels) by merchant."""
    windows, end = Windows(SEOUL, 7), START + MINUTE
    parts = [(START - timedelta(days=3), week), (START, now)]
    names = ("minute", "merchant_id", "approval_count", "cancel_count", "approval_amount", "cancel_amount")
    rows = [
        dict(zip(names, (at, merchant, a, c, 1000 * a, 1000 * c), strict=True))
        for at, counts in parts
        for merchant, (a, c) in sorted(counts.items())
        if a + c
    ]
    frame = pl.DataFrame(rows, MERCHANT_MINUTE).with_columns(pl.col(pl.Int64).fill_null(0))
    windows.add_many(START - timedelta(days=4), end, frame)
    return windows


# An example slides windows over days: a failure is shown as it was found.
@settings(max_examples=25, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(COUNTS, READS, READS, st.sampled_from((1, 500, 5000)))
def test_the_prior_is_that_of_the_oracle(
    week: dict[str, tuple[int, int]], before: dict[str, str], now: dict[str, str], category_weight: int
) -> None:
    rules = replace(SHIPPED, budget=replace(SHIPPED.budget, category_weight=category_weight))
    windows = windows_of(week, dict.fromkeys(MERCHANTS, (3, 30)))
    facts = Facts(stored_after([(-500, before), (0, now), (1, before)]))
    seen, ids = beside_of(Situation(windows, rules, "budgeted", facts)), windows.entities.ids

    approvals, cancels = Counter[str](), Counter[str]()
    for merchant, (a, c) in week.items():
        approvals[now.get(merchant, "?")] += a
        cancels[now.get(merchant, "?")] += c
    pool = Fraction(cancels.total() + 1, approvals.total() + cancels.total() + 2)
    for span in seen.spans:
        found = judge_spans([span], len(seen.spans), seen.portfolio, rules)
        for row, position in enumerate(span.positions.tolist()):
            merchant = ids[position]
            category, own = now.get(merchant), sum(week.get(merchant, (0, 0)))
            known = (approvals[category] + cancels[category]) if category else 0
            share = pool
            if category:
                share = (cancels[category] + pool * category_weight) / (known + category_weight)
            expected = int(100_000 * share / (1 - share))
            assert abs(int(found.prior_cancels_per_100k[row]) - expected) <= 1  # it is cut from a double
            said = "own" if own >= 10 else "category" if category and known >= category_weight else "all"
            if not span.local:  # the hours before a window are the merchant's own as well
                assert PRIORS[int(found.prior[row])] == said
            named = int(found.category[row])
            assert (None if named == UNKNOWN else seen.portfolio.categories[named]) == category
    looked_at = {ids[position] for position in seen.spans[0].positions.tolist()}
    assert looked_at >= {merchant for merchant in MERCHANTS if not sum(week.get(merchant, (0, 0)))}
