"""Each number of rules.toml that decides a verdict: what is below it, at it and above it.

A row of the table says what is measured, how the minute is built that measures so much, where the border is,
and the verdict on its three sides. A number that only enters a probability is itself what is measured: the
minute stays as it is.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import pytest

from baselines.merchants.priced import STATES, cannot_pay
from pipeline.money import AtRisk
from pipeline.packs.merchants.money.propose import RESERVE, propose
from pipeline.packs.merchants.rules.drop_windows import find_collapses, find_drops, usual_for_the_day
from pipeline.packs.merchants.rules.volume_drop import drop_reasons
from tests.unit.merchants.made import (
    BILLION,
    FILE,
    RULES,
    before,
    cancels,
    cause,
    collapsed,
    comes_back,
    found,
    held_back,
    in_baseline,
    large_enough,
    left_out,
    looked_at,
    low_day,
    low_hour,
    of_drop,
    of_surge,
    opens,
    outage,
    passes,
    resolves,
    rests_on,
    severity,
    span,
    spread,
    supported,
    told,
    tuned,
    without_giants,
)
from tests.unit.merchants.test_budget import drop as large_day
from tests.unit.merchants.test_budget import hour
from tests.unit.merchants.test_judge import drop
from tests.unit.merchants.test_outage import platform
from tests.unit.test_life import NOON

if TYPE_CHECKING:
    from collections.abc import Callable


#: Numbers that decide no verdict, and what they decide.
OTHERS: Final = {
    "exposure.cancelable_days": "which payouts are money at risk",
    "exposure.curve_weight": "how soon a merchant's own cancels are its curve: a price",
    "exposure.cannot_pay_healthy": "the expected loss: a price",
    "exposure.cannot_pay_surge": "the same",
    "exposure.cannot_pay_silent": "the same",
    "exposure.cannot_pay_both": "the same",
    "exposure.cannot_pay_spread": "how wide the interval of that price is",
}

SEOUL: Final = ZoneInfo("Asia/Seoul")

#: The verdict below, at and above the border.
REACHED: Final = (False, True, True)  # >=
PAST: Final = (False, False, True)  # >
WITHIN: Final = (True, True, False)  # <=
BEFORE: Final = (True, False, False)  # <


@dataclass(frozen=True)
class Border:
    """A number of rules.toml, what is measured against it, the verdict on so much, and where that turns."""

    number: str
    measured: str
    verdict: Callable[[int], bool]
    at: int
    sides: tuple[bool, bool, bool]


# ------------------------------------------------------------------ cancel_surge and its windows


SURGES: Final = [
    Border(
        "cancel_surge.factor",
        "cancels of an hour that usually has 5",
        lambda x: supported(100, x, 1000, 50),
        10,
        REACHED,
    ),
    Border(
        "cancel_surge.factor",
        "cancels, as the cause",
        lambda x: cause(50, x) == "more_cancels",
        10,
        REACHED,
    ),
    Border(
        "cancel_surge.factor",
        "cancels by their cohorts, as the cause",
        lambda x: cause(50, x, x) == "more_cancels",
        10,
        REACHED,
    ),
    Border(
        "cancel_surge.factor",
        "approvals, as the cause",
        lambda x: cause(x, 9) == "fewer_approvals",
        50,
        WITHIN,
    ),
    Border(
        "cancel_surge.factor",
        "cancels of six hours that are left out",
        lambda x: left_out(x, 1),
        500,
        REACHED,
    ),
    Border(
        "cancel_surge.factor",
        "cancels of a window, whatever chance says",
        lambda x: passes(span(x), drift_percent=1, false_incidents_per_day=100_000),
        84,
        REACHED,
    ),
    Border(
        "cancel_surge.minimum_cancels_hour",
        "cancels in the hour",
        lambda x: supported(100, x, 100, 0),
        5,
        REACHED,
    ),
    Border("cancel_surge.minimum_cancels_hour", "cancels in the windows", looked_at, 5, REACHED),
    Border(
        "cancel_surge.minimum_approvals_week",
        "approvals in the week",
        lambda x: supported(100, 5, x, 0),
        100,
        REACHED,
    ),
    Border(
        "budget.false_incidents_per_day",
        "itself",
        lambda x: passes(span(84), drift_percent=100, false_incidents_per_day=x),
        704,
        REACHED,
    ),
    Border(
        "budget.traffic_percent",
        "itself, of a large merchant",
        lambda x: passes(span(120), traffic_percent=x),
        86,
        REACHED,
    ),
    Border("budget.looks", "itself", lambda x: passes(span(130), looks=x), 2, WITHIN),
    Border("budget.drift_percent", "itself", lambda x: passes(span(130), drift_percent=x), 43, WITHIN),
    Border(
        "budget.short_drift_percent",
        "itself",
        lambda x: passes(span(110, local=True), short_drift_percent=x),
        33,
        WITHIN,
    ),
    Border(
        "budget.portfolio_weight",
        "a merchant's own transactions",
        lambda x: rests_on(x, 1_000) == "own",
        10,
        REACHED,
    ),
    Border(
        "budget.category_weight",
        "transactions of its category",
        lambda x: rests_on(0, x) == "category",
        500,
        REACHED,
    ),
    Border("budget.quarantine_evidence", "itself", lambda x: left_out(700, x), 2976, WITHIN),
]


# ------------------------------------------------------------------ volume_drop and its windows


DROPS: Final = [
    Border(
        "volume_drop.minimum_daily_amount",
        "amount of seven days",
        lambda x: drop_reasons(drop((0, 7000, x)), "literal", RULES) == ["fires"],
        7 * BILLION,
        REACHED,
    ),
    Border(
        "volume_drop.minimum_daily_amount", "amount of the one day before", large_enough, BILLION, REACHED
    ),
    Border(
        "volume_drop.divisor",
        "amount today, of usually 1,000",
        lambda x: drop_reasons(drop((x, 7000, 7 * BILLION)), "literal", RULES) == ["fires"],
        500,
        WITHIN,
    ),
    Border("volume_drop.baseline_days", "age of an amount in days", in_baseline, 7, WITHIN),
    Border(
        "volume_drop.minimum_expected_amount",
        "amount of seven days by now",
        lambda x: drop_reasons(drop((0, x, 7 * BILLION)), "supported", RULES) == ["fires"],
        7 * BILLION // 10,
        REACHED,
    ),
    Border(
        "volume_drop.lowest_day_percent",
        "amount today, of 1,000 on the lowest day: usual",
        lambda x: bool(usual_for_the_day(large_day(x, 5 * [1_000]), RULES)[0]),
        700,
        PAST,
    ),
    Border(
        "volume_drop.lowest_day_percent",
        "approvals of an hour, of 1,000",
        lambda x: low_hour(x, 1_000),
        700,
        WITHIN,
    ),
    Border(
        "volume_drop.collapse_percent",
        "approvals of an hour, of 1,000",
        lambda x: collapsed(x, hour_drift_percent=1),
        650,
        WITHIN,
    ),
    Border("budget.minimum_expected_hour", "approvals that are usual", lambda x: low_hour(0, x), 50, REACHED),
    Border(
        "budget.false_drops_per_1000_days",
        "itself",
        lambda x: low_day(1_270_000_000, false_drops_per_1000_days=x),
        495,
        REACHED,
    ),
    Border(
        "budget.false_drops_per_1000_days",
        "itself, of an hour",
        lambda x: collapsed(600, hour_drift_percent=17, false_drops_per_1000_days=x),
        623,
        REACHED,
    ),
    Border(
        "budget.drop_drift_percent",
        "itself",
        lambda x: low_day(800_000_000, drop_drift_percent=x),
        16,
        WITHIN,
    ),
    Border("budget.hour_drift_percent", "itself", lambda x: collapsed(500, hour_drift_percent=x), 12, WITHIN),
]


# ------------------------------------------------------------------ all merchants together


PLATFORM: Final = [
    Border(
        "platform.outage_percent",
        "approvals, of 400",
        lambda x: bool(outage(platform(spread(x)))),
        200,
        WITHIN,
    ),
    Border(
        "platform.outage_percent",
        "approvals without ten that have none, of 300",
        lambda x: bool(outage(platform([0] * 10 + spread(x, 30)))),
        150,
        WITHIN,
    ),
    Border(
        "platform.outage_percent",
        "approvals of the hours before, 160 now: sudden",
        lambda x: outage(platform(spread(160), before=before(x, 0))) == ["platform fires"],
        11_520,
        REACHED,
    ),
    Border(
        "platform.minimum_approvals",
        "approvals that are usual",
        lambda x: bool(outage(platform(spread(1), like=(x,) * 5))),
        100,
        REACHED,
    ),
    Border(
        "platform.silence_minimum",
        "approvals that are usual, and nothing came",
        lambda x: outage(platform(spread(0), like=(x,) * 5)) == ["silence fires"],
        20,
        REACHED,
    ),
    Border(
        "platform.cancel_factor",
        "cancels, of 60, of few approvals",
        lambda x: bool(cancels(platform(spread(200), cancels=spread(x)))),
        120,
        REACHED,
    ),
    Border(
        "platform.cancel_factor",
        "cancels, of 60, of a tenth more approvals than usual",
        lambda x: bool(cancels(platform(spread(440), cancels=spread(x)))),
        132,
        REACHED,
    ),
    Border(
        "platform.cancel_factor",
        "cancels without ten that have 100 each, of 45",
        lambda x: bool(cancels(platform(spread(400), cancels=[100] * 10 + spread(x, 30)))),
        90,
        REACHED,
    ),
    Border(
        "platform.cancel_factor",
        "cancels of the hours before, 160 now: sudden",
        lambda x: cancels(platform(spread(400), cancels=spread(160), before=before(14_400, x))) == ["fires"],
        2_880,
        WITHIN,
    ),
    Border(
        "platform.minimum_cancels",
        "cancels that are usual",
        lambda x: bool(cancels(platform(spread(400), cancels=spread(200), cancels_like=(x,) * 5))),
        50,
        REACHED,
    ),
    Border("platform.left_out", "giants that fail", without_giants, 10, PAST),
]


# ------------------------------------------------------------------ from a signal to an incident


PENDING: Final = [
    Border(f"pending.{f.name}", "minutes", partial(opens, f.name), 2, REACHED) for f in fields(RULES.pending)
]


INCIDENTS: Final = [
    Border("incident.resolve_after_minutes", "quiet minutes", resolves, 60, REACHED),
    Border("incident.resolve_after_minutes", "minutes since the platform failed", held_back, 60, BEFORE),
    Border("incident.reopen_within_minutes", "minutes since it was resolved", comes_back, 180, BEFORE),
    Border("incident.repeat_after_minutes", "minutes since it was told", told, 240, REACHED),
    Border("severity.surge_high", "cancels, of 5", lambda x: of_surge(x) != "medium", 15, REACHED),
    Border("severity.surge_critical", "cancels, of 5", lambda x: of_surge(x) == "critical", 25, REACHED),
    Border("severity.drop_high_percent", "amount, of 1,000", lambda x: of_drop(x) != "medium", 350, WITHIN),
    Border(
        "severity.drop_critical_percent", "amount, of 1,000", lambda x: of_drop(x) == "critical", 200, WITHIN
    ),
    Border(
        "severity.critical_krw_at_risk",
        "money at risk",
        lambda x: severity("cancel_surge", 100, 10, 1000, 50, krw=x) == "critical",
        BILLION,
        REACHED,
    ),
    Border(
        "severity.critical_expected_loss",
        "expected loss",
        lambda x: severity("cancel_surge", 100, 10, 1000, 50, loss=x) == "critical",
        50_000_000,
        REACHED,
    ),
]


# ------------------------------------------------------------------ money


def measured(labelled: int) -> bool:
    """Whether so many labelled incidents, in which everybody failed, stand instead of the tuned number."""
    return bool(cannot_pay(RULES.exposure, {"surge": (labelled, labelled)}).p[STATES.index("surge")] == 1)


def reserve(percent: int) -> bool:
    """Whether a reserve is proposed for a surge of which that share of the coming payouts is given back."""
    given_back, pending = 10_000 * percent, 1_000_000
    figures: dict[str, int | str | None] = {
        "expected_loss": given_back * RULES.exposure.cannot_pay_surge // 10_000,
        "expected_loss_whole": given_back,
        "pending_payout": pending,
        "next_payout": pending,
        "next_payout_date": "2026-03-11",
    }
    found = propose("cancel_surge", {}, AtRisk({"unrecovered": pending}, "A", figures), NOON, SEOUL, RULES)
    return found is not None and found.kind == RESERVE


MONEY: Final = [
    Border("exposure.labels_needed", "labelled incidents of a state", measured, 20, REACHED),
    Border("exposure.reserve_up_to_percent", "share of the payouts that covers", reserve, 50, WITHIN),
]

BORDERS: Final = [*SURGES, *DROPS, *PLATFORM, *PENDING, *INCIDENTS, *MONEY]


@pytest.mark.parametrize("side", [-1, 0, 1], ids=["below", "at", "above"])
@pytest.mark.parametrize("border", BORDERS, ids=[f"{b.number}: {b.measured}" for b in BORDERS])
def test_the_verdict_turns_exactly_at_the_number(border: Border, side: int) -> None:
    assert border.verdict(border.at + side) == border.sides[side + 1]


def test_every_number_has_its_borders_here() -> None:
    sections = tomllib.loads(FILE.read_text(encoding="utf-8")).items()
    numbers = {
        f"{section}.{key}"
        for section, keys in sections
        for key, value in keys.items()
        if isinstance(value, int)
    }
    assert {border.number for border in BORDERS} | set(OTHERS) == numbers


def test_evidence_that_is_exactly_what_is_needed_is_enough() -> None:
    """So the borders of both budgets above are those of `>=`."""
    cancelled = found(span(84), tuned("budget", drift_percent=100, false_incidents_per_day=704))
    fallen = find_drops(
        large_day(1_270_000_000, 5 * [2 * BILLION]), tuned("budget", false_drops_per_1000_days=495)
    )
    less = tuned("budget", hour_drift_percent=17, false_drops_per_1000_days=623)
    for seen in (cancelled, fallen, find_collapses(hour(600, 5 * [1_000]), less)):
        assert seen.evidence.tolist() == seen.evidence_needed.tolist()
        assert seen.passed.tolist() == [True]
