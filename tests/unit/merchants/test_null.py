"""The permuted null: rhythm and rates stay, surges do not; drift is measured and put back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from baselines.chance import poisson_interval
from baselines.facts import Facts
from baselines.merchants.rules import load_rules
from baselines.versions import always
from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import null
from pipeline.packs.merchants.null import deal, measure_null, parts_for, take_part, wander
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE, cancel_surge
from pipeline.packs.merchants.schema import MERCHANT_MINUTE
from pipeline.schema import FACT_CHANGE
from tests.benchmarks.traffic import DAY_START, Merchants, Surge

if TYPE_CHECKING:
    from pipeline.packs.merchants.rules.rule import Found, Situation

RULES = load_rules(Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml")
SEOUL = ZoneInfo("Asia/Seoul")


def rows(seed: int, size: int = 400) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    events = random.integers(0, 40, size)
    return random.integers(0, 48, size), random.integers(0, 9, size), events, random.integers(0, events + 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drift", [0.0, 0.6])
def test_every_merchant_keeps_its_cancels_and_every_row_its_events(seed: int, drift: float) -> None:
    hours, merchants, events, cancels = rows(seed)
    cancels = np.where(merchants == 3, events, cancels)  # one that cancels everything
    cancels = np.where(merchants == 4, 0, cancels)
    dealt = deal(hours, merchants, events, cancels, drift, np.random.default_rng(seed))
    assert ((dealt >= 0) & (dealt <= events)).all()
    assert np.bincount(merchants, weights=dealt).tolist() == np.bincount(merchants, weights=cancels).tolist()
    assert (dealt != cancels).any()


def test_the_same_seed_deals_the_same() -> None:
    hours, merchants, events, cancels = rows(1)
    first, again = (deal(hours, merchants, events, cancels, 0.3, np.random.default_rng(9)) for _ in range(2))
    assert first.tolist() == again.tolist()


def test_a_surge_is_dealt_over_all_hours() -> None:
    hours = np.arange(100)
    merchants = np.zeros(100, np.int64)
    events = np.full(100, 100)
    cancels = np.where(hours == 50, 100, 5)
    dealt = deal(hours, merchants, events, cancels, 0.0, np.random.default_rng(3))
    assert dealt.max() < 25


def traffic(drift: float, *surges: Surge, days: int = 8) -> pl.DataFrame:
    daily = np.repeat([20_000.0, 2_000.0, 50.0], [10, 20, 100])
    merchants = Merchants("M", daily, np.full(len(daily), 0.05), drift, 5, surges)
    return pl.concat(merchants.day(number) for number in range(days))


@pytest.mark.parametrize("drift", [0.0, 0.3, 0.5])
def test_drift_is_found_again_and_a_few_surges_do_not_move_it(drift: float) -> None:
    surges = [Surge(place, 6, 600, 8.0) for place in range(5)]
    frame = traffic(drift, *surges)
    minutes = frame["minute"].dt.epoch("us").to_numpy() // 60_000_000
    codes = frame["merchant_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    events = (frame["approval_count"] + frame["cancel_count"]).to_numpy()
    found = wander(minutes, codes, events, frame["cancel_count"].to_numpy())
    assert found == pytest.approx(drift, abs=0.07)


def test_too_little_traffic_says_nothing_of_drift() -> None:
    hours, merchants, events, cancels = rows(2, 30)
    assert wander(hours * 60, merchants, events, cancels) is None


def test_a_day_full_of_surges_has_a_quiet_null() -> None:
    surges = [Surge(place, 7, 600, 8.0) for place in range(10)]
    day = Span(DAY_START + timedelta(days=7), DAY_START + timedelta(days=8))
    found = measure_null(traffic(0.3, *surges), day, SEOUL, always(RULES), 1)
    assert found.merchants == 130
    assert found.drift_measured
    assert found.incidents <= 1
    assert found == measure_null(traffic(0.3, *surges), day, SEOUL, always(RULES), 1)


def test_an_empty_history_has_no_incidents() -> None:
    empty = traffic(0.3, days=1).clear()
    day = Span(datetime(2026, 3, 9, 15, tzinfo=UTC), datetime(2026, 3, 10, 15, tzinfo=UTC))
    assert measure_null(empty, day, SEOUL, always(RULES), 1).incidents == 0


def test_the_null_is_judged_with_the_categories_that_its_merchants_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    row = {"approval_count": 5, "cancel_count": 1, "approval_amount": 5, "cancel_amount": 1}
    frame = pl.DataFrame(
        [{"minute": noon + n * MINUTE, "merchant_id": "a", **row} for n in range(2)], MERCHANT_MINUTE
    ).with_columns(pl.col(pl.Int64).fill_null(0))
    changes = pl.DataFrame(
        [(noon - MINUTE, "a", "air"), (noon + MINUTE, "a", "bus")], FACT_CHANGE, orient="row"
    )
    seen: list[str] = []

    def watched(situation: Situation) -> Found:
        facts = situation.facts
        codes = facts.codes(situation.last, situation.windows.entities)
        seen.extend(facts.names[code] for code in codes.tolist())
        return cancel_surge(situation)

    monkeypatch.setattr(null, "CANCEL_SURGE", replace(CANCEL_SURGE, find=watched))
    measure_null(frame, Span(noon, noon + 2 * MINUTE), SEOUL, always(RULES), 1, Facts(changes))
    assert seen == ["air", "bus"]


def test_a_part_holds_whole_merchants_and_the_parts_hold_all() -> None:
    frame = traffic(0.0, days=1)
    parts = [take_part(frame, 3, part) for part in range(3)]
    names = [set(part["merchant_id"]) for part in parts]
    assert sum(part.height for part in parts) == frame.height
    assert len(set.union(*names)) == sum(len(name) for name in names) == frame["merchant_id"].n_unique()
    assert [parts_for(n) for n in (0, 6_000_000, 6_000_001)] == [1, 1, 2]


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_the_interval_of_a_poisson_count_is_the_known_one(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), rel=1e-3, abs=1e-3)
