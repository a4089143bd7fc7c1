"""Minutes made so that one measure of them is what is asked for, and the verdict on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from baselines.facts import Facts
from baselines.merchants.rules import Rules, load_rules
from baselines.merchants.windows import Windows
from pipeline.judge.life import Known, changes_of
from pipeline.minute import MINUTE
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.rules.cancel_surge import beside_of, surge_reasons
from pipeline.packs.merchants.rules.drop_windows import find_collapses, find_drops, may_have_collapsed
from pipeline.packs.merchants.rules.platform import SameMinutes
from pipeline.packs.merchants.rules.rule import Situation
from pipeline.packs.merchants.rules.surge_cause import CauseNumbers, cause_columns
from pipeline.packs.merchants.rules.surge_spans import Portfolio, WindowNumbers
from pipeline.packs.merchants.rules.surge_windows import find_surges
from pipeline.packs.merchants.rules.volume_drop import numbers_of
from pipeline.packs.merchants.schema import CAUSES, MERCHANT_MINUTE, PRIORS
from pipeline.settings import PROJECT
from tests.unit.merchants.test_budget import drop as large_day
from tests.unit.merchants.test_budget import hour
from tests.unit.merchants.test_judge import surge
from tests.unit.one_shard import PlatformNumbers, cancels_among, outages_among
from tests.unit.test_hold import DROP, OUTAGE, play, reasons, rules
from tests.unit.test_life import GATES, NOON, breached, incident

if TYPE_CHECKING:
    from pipeline.packs.merchants.rules.strongest import Strongest

FILE: Final = PROJECT / "baselines" / "merchants" / "rules.toml"

RULES: Final = load_rules(FILE)

BILLION: Final = 1_000_000_000

ONE: Final = np.array([1], np.int64)

NONE: Final = ONE * 0


def tuned(section: str, **numbers: int) -> Rules:
    """The shipped numbers with some of one section changed."""
    return replace(RULES, **{section: replace(getattr(RULES, section), **numbers)})


def windows_of(*rows: tuple[timedelta, int, int, int]) -> Situation:
    """One merchant: how long before noon, approvals, cancels, approved amount; noon is judged."""
    columns = dict.fromkeys(MERCHANT_MINUTE.names(), 0)
    counts = [{"approval_count": a, "cancel_count": c, "approval_amount": amount} for _, a, c, amount in rows]
    heads = [{"minute": NOON - ago, "merchant_id": "A"} for ago, *_ in rows]
    given = [columns | head | count for head, count in zip(heads, counts, strict=True)]
    windows = Windows(ZoneInfo("UTC"), RULES.volume_drop.baseline_days)
    frame = pl.DataFrame(given, MERCHANT_MINUTE, orient="row")
    windows.add_many(NOON - rows[0][0], NOON + MINUTE, frame)
    return Situation(windows, RULES, "budgeted", Facts())


def supported(*counts: *tuple[int, int, int, int]) -> bool:
    return surge_reasons(surge(counts), "supported", RULES) == ["fires"]


def cause(approvals: int, cancels: int, tied: int = 0) -> str:
    """Of an hour that usually has 100 approvals and 5 cancels; `tied` of the cancels name an old approval."""
    of_all = CauseNumbers(np.full((7, 1), 100), NONE, ONE * tied, NONE, ONE * (50 if tied else 0), ONE * 1000)
    columns = cause_columns(surge((approvals, cancels, 1000, 50)), of_all, RULES.cancel_surge.factor)
    return CAUSES[int(columns["cause"][0])]


def looked_at(cancels: int) -> bool:
    spans = beside_of(windows_of((timedelta(0), 10, cancels, 10))).spans
    return any(len(span.positions) for span in spans)


PORTFOLIO: Final = Portfolio(100_000, 21_000_000, 1_050_000)


def span(cancels: int, odd_block: int = 250, *, local: bool = False) -> WindowNumbers:
    """An hour of a merchant with 20,000 approvals a day and 5 % cancels in its week; one block may be odd."""
    block = np.full((28, 1), 5_000, np.int64)
    gone = block // 20
    gone[3] = odd_block
    around = (ONE * 1_700, ONE * 85) if local else (NONE, NONE)
    counts = NONE, ONE * 830, ONE * cancels, block, gone, *around, ONE * 140_000, -ONE
    return WindowNumbers(60, local, *counts)


def found(window: WindowNumbers, given: Rules, portfolio: Portfolio = PORTFOLIO) -> Strongest:
    return find_surges([window], portfolio, given)


def passes(window: WindowNumbers, **budget: int) -> bool:
    return bool(found(window, tuned("budget", **budget)).passed[0])


def left_out(odd_block: int, evidence: int) -> bool:
    """Without the odd block 41 cancels are usual in the hour, with it 42 or more."""
    seen = found(span(100, odd_block), tuned("budget", quarantine_evidence=evidence))
    return bool(seen.expected_window[0] == 41)


def rests_on(own: int, of_category: int) -> str:
    """A merchant with so many transactions in its week, of a category with so many."""
    none = np.zeros((28, 1), np.int64)
    sold = none.copy()
    sold[20] = own
    counts = NONE, ONE * 225, ONE * 75, sold, none, NONE, NONE, ONE * own, NONE
    window = WindowNumbers(1440, False, *counts)  # noqa: FBT003 - against the week
    sums = np.array([of_category - 100]), np.array([100])
    portfolio = Portfolio(100_000, 21_000_000, 1_050_000, ("air",), *sums)
    return PRIORS[int(found(window, RULES, portfolio).prior[0])]


def collapsed(approvals: int, usual: int = 1_000, **budget: int) -> bool:
    return bool(find_collapses(hour(approvals, 5 * [usual]), tuned("budget", **budget)).passed[0])


def low_hour(approvals: int, usual: int) -> bool:
    return bool(may_have_collapsed(hour(approvals, 5 * [usual]), RULES)[0])


def low_day(today: int, **budget: int) -> bool:
    return bool(find_drops(large_day(today, 5 * [2 * BILLION]), tuned("budget", **budget)).passed[0])


def in_baseline(days_ago: int) -> bool:
    """Is an amount of that day among the baseline's?"""
    day = timedelta(days=1)
    situation = windows_of((10 * day, 1, 0, 0), (days_ago * day, 1, 0, 5 * BILLION), (0 * day, 1, 0, 1))
    return bool(situation.windows.pacing.whole[0])


def large_enough(amount: int) -> bool:
    day = timedelta(days=1)
    return bool(
        len(numbers_of(windows_of((2 * day, 1, 0, 0), (day, 1, 0, amount), (0 * day, 1, 0, 1))).positions)
    )


def spread(total: int, size: int = 40) -> list[int]:
    """`total` over so many merchants, as evenly as whole numbers allow."""
    return [total // size + (place < total % size) for place in range(size)]


def outage(numbers: PlatformNumbers) -> list[str]:
    """Kind and reason, where there is one."""
    return [f"{row['kind']} {row['reason']}" for row in outages_among(numbers, RULES.platform)]


def cancels(numbers: PlatformNumbers) -> list[str]:
    return [str(row["reason"]) for row in cancels_among(numbers, RULES.platform)]


def before(approvals: int, cancelled: int) -> SameMinutes:
    """Three hours in which 14,400 approvals and 2,160 cancels are usual."""
    return SameMinutes(180, approvals, cancelled, (36 * 400,) * 5, (36 * 60,) * 5)


def without_giants(failing: int) -> bool:
    """So many giants sell nothing, another sells as ever where fewer than 11 fail; 40 small ones as well."""
    week = np.array([1000] * max(failing, 11) + [10] * 40)
    now = np.where(np.arange(len(week)) < failing, 0, week)
    newest = SameMinutes(5, int(now.sum()), 0, (int(week.sum()),) * 5, (60,) * 5)
    hours = SameMinutes(180, 36 * int(week.sum()), 0, (36 * int(week.sum()),) * 5, (60,) * 5)
    return bool(outage(PlatformNumbers((newest,), hours, now, now * 0, week, week // 10)))


def opens(key: str, minutes: int) -> bool:
    """Does a signal fire that has lasted so long, where two minutes are asked for?"""
    rule, kind = next(
        (name, key.removeprefix(name).removeprefix("_")) for name in NAMES if key.startswith(name)
    )
    row = rule, "*" if rule in PACK.of_everybody else "A", kind or PACK.rule(rule).kinds[0], None
    held = play([[row]] * (minutes + 1), rules(**{key: 2}))
    return reasons(held, row)[-1] == "fires"


NAMES: Final = [rule.name for rule in PACK.rules]


def told(minutes: int) -> bool:
    known = incident(1, told_minute=NOON - minutes * MINUTE, last_breach_minute=NOON - MINUTE)
    changes = changes_of(NOON, breached(range(1, 2)), Known({known.key: known}), GATES)
    return [event.kind for event in changes.events] == ["repeated"]


def resolves(minutes: int) -> bool:
    known = incident(1, last_breach_minute=NOON - minutes * MINUTE)
    return bool(changes_of(NOON, breached(range(0)), Known({known.key: known}), GATES).resolved)


def comes_back(minutes: int) -> bool:
    known = incident(1, status="resolved", resolved_minute=NOON - minutes * MINUTE)
    return bool(changes_of(NOON, breached(range(1, 2)), Known({}, {known.key: known}), GATES).reopened)


def held_back(minutes: int) -> bool:
    played = play([[OUTAGE], *[[]] * (minutes - 1), [DROP]], rules(RULES.incident.resolve_after_minutes))
    return reasons(played, DROP)[-1] == "inhibited_by_platform"


def severity(rule: str, *numbers: int, krw: int = 0, loss: int | None = None) -> str:
    reason = dict(zip(PACK.rule(rule).numbers, numbers, strict=True))
    return PACK.severity(rule, reason, AtRisk({"one": krw}, figures={"expected_loss": loss}), RULES)


def of_surge(cancels_hour: int) -> str:
    return severity("cancel_surge", 100, cancels_hour, 1000, 50)


def of_drop(today: int) -> str:
    return severity("volume_drop", today, 7000, 7 * BILLION, 7)
