"""Maintenance windows and exclusions: whose signals they hold back, against the plain question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from baselines.merchants.rules import load_rules
from pipeline.judge.hold import Gates, Past, hold
from pipeline.judge.life import Known, changes_of
from pipeline.judge.withheld import HeldSpan, Withheld
from pipeline.minute import MINUTE
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import SIGNAL
from tests.unit.test_life import NOON, REASON, incident

RULES = load_rules(Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml")
START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("cancel_surge", "volume_drop")
WHO = ("A", "B", "*")

spans = st.builds(
    lambda reason, rule, who, start, length: HeldSpan(
        reason=reason,
        rule=rule,
        entity_id=who,
        start=START + start * MINUTE,
        end=None if length is None else START + (start + length) * MINUTE,
    ),
    st.sampled_from(["maintenance", "excluded", "paused"]),
    st.sampled_from([None, *NAMES]),
    st.sampled_from([None, *WHO]),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 3)),
)
rows = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(WHO),
        st.sampled_from(["fires", "held_by_budget", "few_cancels"]),
    ),
    unique_by=lambda row: row[:2],
    max_size=6,
)


def signals(minute: datetime, found: list[tuple[str, str, str]]) -> pl.DataFrame:
    given: list[dict[str, Any]] = [
        {"minute": minute, "rule": r, "entity_id": e, "tier": "tail", "passed": why == "fires", "reason": why}
        for r, e, why in found
    ]
    return pl.DataFrame(given, SIGNAL, orient="row")


@given(held=st.lists(spans, max_size=5), found=rows, at=st.integers(0, 5))
def test_each_signal_has_the_first_reason_that_concerns_it(
    held: list[HeldSpan], found: list[tuple[str, str, str]], at: int
) -> None:
    minute = START + at * MINUTE
    given = Withheld(held).hold(minute, signals(minute, found))
    for row, (rule, who, why) in zip(given.to_dicts(), found, strict=True):
        reasons = [
            span.reason
            for span in held
            if span.start <= minute
            and (span.end is None or minute < span.end)
            and span.rule in (None, rule)
            and span.entity_id in (None, who)
        ]
        expected = min(reasons, key=("excluded", "maintenance", "paused").index, default=why)
        if why == "few_cancels":  # it changes nothing anyway
            expected = why
        assert (row["reason"], row["passed"]) == (expected, expected == "fires")


def test_people_hold_back_under_every_policy() -> None:
    for policy in ("literal", "supported", "budgeted"):
        everybody = Withheld([HeldSpan(reason="maintenance", start=START)])
        gates = Gates(PACK, RULES, policy, withheld=everybody)
        found = hold(START, signals(START, [("cancel_surge", "A", "fires")]), Past(), gates)
        assert found["passed"].to_list() == [False], policy


def test_an_open_incident_goes_on_through_planned_work_and_ends_for_a_shop_that_is_excluded() -> None:
    one = incident(1, last_breach_minute=NOON - MINUTE)
    quiet = RULES.incident.resolve_after_minutes * MINUTE
    for reason, goes_on in (("maintenance", True), ("excluded", False)):
        held = signals(NOON, [("cancel_surge", "M1", "fires")]).with_columns(
            passed=False, reason=pl.lit(reason), **{n: pl.lit(v) for n, v in REASON.items()}
        )
        known = Known({one.key: one})
        gates = Gates(PACK, RULES, "budgeted")
        changed = {i.key: i.last_breach_minute for i in changes_of(NOON, held, known, gates).continued}
        assert (changed.get(one.key) == NOON) is goes_on
        later = changes_of(NOON - MINUTE + quiet, held.clear(), known, gates)
        assert [i.key for i in later.resolved] == [one.key]


def test_a_breach_that_lasts_through_a_window_need_not_last_again() -> None:
    numbers = dict.fromkeys(RULES.pending.__slots__, 0)
    tuned = replace(RULES, pending=replace(RULES.pending, **{**numbers, "volume_drop": 3}))
    window = Withheld([HeldSpan(reason="maintenance", start=START, end=START + 3 * MINUTE)])
    past, gates, reasons = Past(), Gates(PACK, tuned, "budgeted", withheld=window), []
    for n in range(4):
        minute = START + n * MINUTE
        drop = signals(minute, [("volume_drop", "A", "fires")]).with_columns(kind=pl.lit("rule"))
        found = hold(minute, drop, past, gates)
        past.add(minute, found)
        reasons += found["reason"].to_list()
    assert reasons == ["maintenance"] * 3 + ["fires"]
