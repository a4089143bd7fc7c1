"""What a replay leaves out of a minute changes nothing that it keeps, and is counted all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.merchants.windows import Windows
from pipeline.packs.merchants import JUDGE
from pipeline.packs.merchants.rules.drop_windows import find_collapses, hours_of, may_have_collapsed
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = load_rules(ROOT / "baselines" / "merchants" / "rules.toml")
SEOUL = ZoneInfo("Asia/Seoul")
END = datetime(2026, 3, 20, 9, tzinfo=UTC)  # 18:00 of a Friday in Seoul
DAYS, MERCHANTS = 8, 60


def history(seed: int) -> Windows:
    """Merchants of all sizes, a row an hour; in the last hour some surge, some collapse, some are silent."""
    random = np.random.default_rng(seed)
    daily = np.geomspace(3, 20_000, MERCHANTS)
    hours = DAYS * 24
    approvals = random.poisson(daily / 24, (hours, MERCHANTS))
    cancels = random.poisson(daily / 24 * 0.05, (hours, MERCHANTS))
    fate = random.integers(0, 6, MERCHANTS)
    cancels[-1] = np.where(fate == 0, 8 * cancels[-1] + 3, cancels[-1])
    approvals[-1] = np.where(fate == 1, approvals[-1] // 4, np.where(fate == 2, 0, approvals[-1]))
    at = np.repeat(np.arange(hours), MERCHANTS)
    minutes = [END - timedelta(hours=int(hours - hour), minutes=-30) for hour in at]
    rows = dict.fromkeys(MERCHANT_MINUTE, [0] * len(at)) | {
        "minute": minutes,
        "merchant_id": [f"M{n:02}" for n in range(MERCHANTS)] * hours,
        "approval_count": approvals.ravel(),
        "cancel_count": cancels.ravel(),
        "approval_amount": approvals.ravel() * 300_000,
        "cancel_amount": cancels.ravel() * 300_000,
    }
    frame = pl.DataFrame(rows, MERCHANT_MINUTE).filter(pl.col("approval_count") + pl.col("cancel_count") > 0)
    windows = Windows(SEOUL, 7)
    windows.add_many(END - timedelta(days=DAYS), END, frame)
    return windows


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_without_what_settles_nothing_the_rest_is_the_same_and_every_breach_is_counted(seed: int) -> None:
    windows = history(seed)
    for policy in ("literal", "supported", "budgeted"):
        situation = Situation(windows, SHIPPED, policy, Facts())
        whole, kept = JUDGE.verdicts(situation), JUDGE.verdicts(replace(situation, whole=False))
        wanted = whole.take(whole.settles)
        assert kept.frame().equals(wanted.frame())
        breached = whole.columns["kind"] == JUDGE.kinds.index("rule")
        for rule, positions in enumerate(kept.breached):
            rows = breached & (whole.columns["rule"] == rule)
            assert positions.tolist() == whole.columns["position"][rows].tolist(), JUDGE.names[rule]
        if policy == "budgeted":
            assert len(wanted) < len(whole)
            assert set(wanted.columns["kind"].tolist()) > {JUDGE.kinds.index("rule")}


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1))
def test_an_hour_that_integers_rule_out_is_no_collapse(seed: int) -> None:
    """And none is left out of the comparison that would be one: each merchant is asked by itself."""
    windows = history(seed)
    situation = Situation(windows, SHIPPED, "budgeted", Facts())
    hours = hours_of(situation)
    found = find_collapses(hours, SHIPPED)
    assert not (found.passed & ~may_have_collapsed(hours, SHIPPED)).any()
    collapsed = []
    for position in range(windows.size):
        asked = hours_of(replace(situation, always=position))
        one = find_collapses(asked, SHIPPED)
        collapsed += one.positions[one.passed & (one.positions == position)].tolist()
    assert collapsed == found.positions[found.passed].tolist()
    assert collapsed
