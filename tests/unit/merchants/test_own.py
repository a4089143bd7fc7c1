"""Own numbers of merchants and categories: as if everybody had them, and only these were looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from baselines.rules import Own
from pipeline.judge.verdicts import POLICIES
from pipeline.minute import EPOCH
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.explain import explain
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.schema import FACT_CHANGE
from tests.benchmarks.traffic import DAY_START, Merchants, Surge

if TYPE_CHECKING:
    from baselines.merchants.rules import Rules

RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
AIR = [f"M{n:06}" for n in (0, 1, 2, 20, 40, 41, 42, 43)]
LOWER = (("cancel_surge", "factor", 1), ("cancel_surge", "minimum_cancels_hour", 2))
STEEP = (("volume_drop", "minimum_daily_amount", 1), ("volume_drop", "divisor", 1))
HIGH = (("cancel_surge", "factor", 50), ("budget", "drift_percent", 400))


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Eight days of 80 merchants, and a ninth until noon with surges."""
    daily = np.repeat([20_000.0, 2_000.0, 200.0], [10, 20, 50])
    surges = tuple(Surge(place, 8, 600, 6.0) for place in (0, 1, 11, 12, 41))
    merchants = Merchants("M", daily, np.full(len(daily), 0.05), 0.2, 5, surges)
    made = Windows(ZoneInfo("Asia/Seoul"), 7)
    for number in range(9):
        day = DAY_START + timedelta(days=number)
        end = day + timedelta(hours=12 if number == 8 else 24)
        made.fill(day, end, merchants.day(number).filter(pl.col("minute") < end))
    made.settle()
    return made


FACTS = Facts(pl.DataFrame([(EPOCH, name, "air") for name in AIR], FACT_CHANGE, orient="row"))


def signals(windows: Windows, rules: Rules, policy: str) -> pl.DataFrame:
    return JUDGE.verdicts(Situation(windows, rules, policy, FACTS)).frame()


@pytest.mark.parametrize("policy", POLICIES)
def test_each_merchant_has_the_verdicts_that_its_own_numbers_give_everybody(
    windows: Windows, policy: str
) -> None:
    owns = (
        Own("category", "air", LOWER),
        Own("category", "nobody's", HIGH),
        Own("merchant", "M000000", HIGH),
        Own("merchant", "M000012", STEEP),
        Own("merchant", "never seen", HIGH),
    )
    rules = replace(RULES, own=owns)
    found = signals(windows, rules, policy)
    everybody = pl.col("entity_id") == "*"
    sets = {"M000000": (*LOWER, *HIGH), "M000012": STEEP, **dict.fromkeys(AIR[1:], LOWER)}
    expected = []
    for numbers in {(), *sets.values()}:
        these = [name for name in windows.entities.ids if sets.get(name, ()) == numbers]
        judged = signals(windows, Own("", "", numbers).applied_to(RULES), policy)
        expected.append(judged.filter(pl.col("entity_id").is_in(these) | (everybody & (numbers == ()))))
    assert found.sort("rule", "entity_id").equals(pl.concat(expected).sort("rule", "entity_id"))
    assert not found.equals(signals(windows, RULES, policy))  # else this would show nothing


def test_what_settles_and_who_breached_are_the_same_whether_the_rest_is_kept_or_not(windows: Windows) -> None:
    rules = replace(RULES, own=(Own("category", "air", LOWER),))
    whole = JUDGE.verdicts(Situation(windows, rules, "budgeted", FACTS))
    few = JUDGE.verdicts(Situation(windows, rules, "budgeted", FACTS, whole=False))
    assert few.frame().equals(whole.take(whole.settles).frame())
    assert [one.tolist() for one in few.breached] == [one.tolist() for one in whole.breached]


def test_a_rule_that_looks_at_all_merchants_whatever_it_is_told_doubles_none(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = replace(RULES, own=(Own("category", "air", LOWER),))
    expected = signals(windows, rules, "budgeted")
    monkeypatch.setattr(Situation, "concerned", lambda _, positions: positions)
    assert signals(windows, rules, "budgeted").equals(expected)


def test_explain_counts_by_the_merchant_s_own_numbers(windows: Windows) -> None:
    rules = replace(RULES, own=(Own("category", "air", LOWER), Own("merchant", "M000000", HIGH)))
    who = {"M000000": 50, "M000001": 1, "M000010": 2, "never seen": 2}
    for name, factor in who.items():
        condition = explain(JUDGE, windows, name, rules, FACTS)[0].conditions[0].name
        assert f">= {factor}*" in condition
