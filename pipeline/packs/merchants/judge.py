"""Verdicts: which merchants breach a rule, and what the policy makes of it. Pure.

A verdict carries a reason, not only a yes or no. Every breach of a raw condition is a row of SIGNAL with the
kind `rule`; `passed` says whether the policy lets it become an incident, `reason` names the gate that held
it back. The policy `budgeted` adds what its own windows see beyond that, as rows of other kinds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from pipeline.judge.hold import INHIBITED, PENDING
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES, MINUTE_US, WEEK_MINUTES, to_index
from pipeline.packs.merchants.platform import EVERYBODY, NOT_SUDDEN, PLATFORM_RULES, platform_rows
from pipeline.packs.merchants.surge_windows import (
    find_collapses,
    find_drops,
    find_surges,
    may_have_collapsed,
    usual_for_the_day,
)
from pipeline.schema import BUDGETED_COLUMNS, CAUSES, COHORT_COLUMNS, PRIORS, SIGNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.merchants.rules import Rules
    from baselines.merchants.slices import Integers
    from pipeline.packs.merchants.compare import (
        CohortNumbers,
        Comparison,
        DropNumbers,
        HourNumbers,
        SurgeNumbers,
    )
    from pipeline.packs.merchants.surge_windows import Found

    Flags = NDArray[np.bool_]

Numbers = TypeVar("Numbers", "SurgeNumbers", "DropNumbers", "HourNumbers")

CANCEL_SURGE = "cancel_surge"
VOLUME_DROP = "volume_drop"

FIRES = "fires"
NO_BREACH = "no_breach"
NO_BASELINE = "no_baseline"
DAY_NOT_CLOSED = "day_not_closed"
FEW_CANCELS = "few_cancels"
FEW_APPROVALS = "few_approvals_in_week"
LITTLE_EXPECTED = "little_expected_so_far"
BELOW_DAILY_AMOUNT = "below_daily_amount"
USUAL_FOR_THE_DAY = "usual_for_the_day"
HELD_BY_BUDGET = "held_by_budget"
REASONS = (
    FIRES,
    NO_BREACH,
    NO_BASELINE,
    DAY_NOT_CLOSED,
    FEW_CANCELS,
    FEW_APPROVALS,
    LITTLE_EXPECTED,
    BELOW_DAILY_AMOUNT,
    USUAL_FOR_THE_DAY,
    HELD_BY_BUDGET,
    NOT_SUDDEN,
    PENDING,
    INHIBITED,
)

#: Signals with these can change an incident: they open one or keep one open.
SETTLING = (FIRES, HELD_BY_BUDGET, NOT_SUDDEN)

_SETTLING = np.isin(REASONS, SETTLING)

#: How a signal was seen: by the brief's condition, or under `budgeted` in another window beside it.
KINDS = ("rule", "fast", "slow", "silence", "platform")

RULES = (CANCEL_SURGE, VOLUME_DROP, *PLATFORM_RULES)
TIERS = ("tail", "top")
_WINDOW_COLUMNS = BUDGETED_COLUMNS[BUDGETED_COLUMNS.index("window_minutes") :]
_NUMBERS = tuple(name for name, dtype in SIGNAL.items() if dtype == pl.Int64)
_EMPTY = SIGNAL.to_frame()


#: So much of the cancels has to name its approval before cohorts are spoken of.
_TIED_PERCENT = 90

#: Columns of signals by name, as integers: words by their place in a list, -1 for null. Shape (rows,) each.
Columns = dict[str, "Integers"]

_COLUMNS = ("position", "rule", "reason", "kind", "cause", "prior", "category", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Signals of one or more minutes before words and ids are put to them."""

    columns: Columns
    merchant_ids: pl.Series  # the id at position i
    categories: tuple[str, ...] = ()  # by code
    #: Of one minute: positions of all breaches of cancel_surge and of volume_drop, also of rows left out.
    breached: tuple[Integers, ...] = ()

    def __len__(self) -> int:
        return len(self.columns["position"])

    @property
    def settles(self) -> Flags:
        """Which of them can change an incident: those that pass, and those that keep one open."""
        return _settles(self.columns["reason"])

    def take(self, chosen: Flags) -> Verdicts:
        """Only some of the rows."""
        return replace(self, columns={name: a[chosen] for name, a in self.columns.items()})

    @staticmethod
    def joined(parts: Sequence[Verdicts]) -> Verdicts:
        """The rows of several minutes in their order; merchants have their position for ever."""
        names = parts[0].columns
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in names}
        return replace(parts[-1], columns=columns, breached=())

    def frame(self) -> pl.DataFrame:
        """As SIGNAL: by minute, top tier first, then by merchant and rule."""
        if not len(self):
            return _EMPTY
        words = {"rule": RULES, "reason": REASONS, "kind": KINDS, "cause": CAUSES}
        words |= {"prior": PRIORS, "category": self.categories}
        made: dict[str, pl.Expr] = {n: pl.when(pl.col(n) >= 0).then(pl.col(n)) for n in _NUMBERS}
        made |= {name: _word(name, list_) for name, list_ in words.items()}
        made["tier"] = _word("top", TIERS)
        made["minute"] = (pl.col("minute") * MINUTE_US).cast(SIGNAL["minute"])
        made["passed"] = pl.col("reason") == REASONS.index(FIRES)
        position = pl.when(pl.col("position") >= 0).then(pl.col("position"))
        made["merchant_id"] = pl.lit(self.merchant_ids).gather(position).fill_null(EVERYBODY)
        frame = pl.DataFrame(self.columns).lazy().select(made[name].alias(name) for name in SIGNAL)
        # One pass of the engine for all of it: its start costs more than these few rows.
        return frame.sort("minute", pl.col("tier") != "top", "merchant_id", "rule").collect()


def judge(comparison: Comparison, policy: str, rules: Rules) -> pl.DataFrame:
    """All signals of a minute (schema SIGNAL), top tier first, then by merchant and rule.

    `literal` lets every breach pass, `supported` those with enough counts, `budgeted` those that chance
    does not explain within the false-alarm budget; it also sees what stands out in other windows. But for
    `literal`, which knows the brief's two rules alone, all merchants together are judged as well.
    """
    return verdicts(comparison, policy, rules).frame()


def verdicts(comparison: Comparison, policy: str, rules: Rules, *, whole: bool = True) -> Verdicts:
    """What `judge` says, as columns of integers: a replay need not make a frame of every minute.

    Where not `whole`, only the signals that settle something: the others, nearly all, are just counted.
    """
    surge, drop = comparison.surge, comparison.drop
    surging = surge_breach(surge, rules.cancel_surge.factor)
    dropping = drop_breach(drop, rules.volume_drop.minimum_daily_amount, rules.volume_drop.divisor)
    parts = _surge_parts(comparison, surging, policy, rules, whole=whole)
    parts += _drop_parts(comparison, dropping, policy, rules)
    if policy != "literal":
        parts += _platform_parts(comparison, rules)
    borders = np.cumsum([0, *(len(part["position"]) for part in parts)]).tolist()
    columns = {name: np.full(borders[-1], 0 if name == "kind" else -1) for name in _COLUMNS}
    for part, start, end in zip(parts, borders, borders[1:], strict=False):
        for name, values in part.items():
            columns[name][start:end] = values
    # All merchants together stand at position -1, behind the last one.
    columns["top"] = np.append(comparison.top, True)[columns["position"]].astype(np.int64)
    columns["minute"] = np.full(borders[-1], to_index(comparison.minute))
    breached = surge.positions[surging], drop.positions[dropping]
    found = Verdicts(columns, comparison.merchant_ids, comparison.portfolio.categories, breached)
    return found if whole else found.take(found.settles)


def surge_breach(numbers: SurgeNumbers, factor: int) -> Flags:
    """The brief's condition, exactly, without a division.

    cancels(hour) · approvals(week) ≥ factor · cancels(week) · approvals(hour), with at least one cancel
    in the hour and one approval in the week. Counts stay below 2^31, so products fit 64 bits.
    """
    exceeds = (
        numbers.cancels_hour * numbers.approvals_week
        >= factor * numbers.cancels_week * numbers.approvals_hour
    )
    return exceeds & (numbers.cancels_hour >= 1) & (numbers.approvals_week > 0)


def drop_breach(numbers: DropNumbers, minimum_daily_amount: int, divisor: int) -> Flags:
    """The brief's condition, paced and exact: Σa(d,24:00) ≥ N·minimum and divisor·N·a(today,t) ≤ Σa(d,t)."""
    if not numbers.days or not numbers.judged:
        return np.zeros(len(numbers.positions), np.bool_)
    large = numbers.amount_days >= numbers.days * minimum_daily_amount
    # Divided on the side of the sum (floor is exact here: integers x <= y/k and x <= y//k agree).
    return large & (numbers.amount_today <= numbers.amount_paced // (divisor * numbers.days))


def surge_reasons(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back.

    `passes` says for which merchants chance is no explanation; `budgeted` lets only those through.
    """
    return [REASONS[code] for code in _surge_codes(numbers, policy, rules, passes)]


def _surge_codes(numbers: SurgeNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
    rule, size = rules.cancel_surge, len(numbers.positions)
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, numbers.approvals_week == 0),
        (NO_BREACH, ~surge_breach(numbers, rule.factor)),
    ]
    few_cancels = numbers.cancels_hour < rule.minimum_cancels_hour
    if policy == "supported":
        gates.append((FEW_CANCELS, few_cancels))
        gates.append((FEW_APPROVALS, numbers.approvals_week < rule.minimum_approvals_week))
    if policy == "budgeted":
        passed = np.zeros(size, np.bool_) if passes is None else passes
        gates.append((FEW_CANCELS, few_cancels & ~passed))  # a longer window may hold enough of them
        gates.append((HELD_BY_BUDGET, ~passed))
    return _first_gate(gates, size)


def drop_reasons(numbers: DropNumbers, policy: str, rules: Rules) -> list[str]:
    """For each merchant the reason of its verdict: "fires" or what held it back."""
    passes = find_drops(numbers, rules).passed if policy == "budgeted" else None
    return [REASONS[code] for code in _drop_codes(numbers, policy, rules, passes)]


def _drop_codes(numbers: DropNumbers, policy: str, rules: Rules, passes: Flags | None = None) -> Integers:
    size = len(numbers.positions)
    drop = rules.volume_drop
    gates: list[tuple[str, Flags]] = [
        (NO_BASELINE, np.full(size, fill_value=not numbers.days)),
        (DAY_NOT_CLOSED, np.full(size, fill_value=not numbers.judged)),
        (BELOW_DAILY_AMOUNT, numbers.amount_days < numbers.days * drop.minimum_daily_amount),
        (NO_BREACH, ~drop_breach(numbers, drop.minimum_daily_amount, drop.divisor)),
    ]
    if policy != "literal":
        gates.append((LITTLE_EXPECTED, numbers.amount_paced < numbers.days * drop.minimum_expected_amount))
    if policy == "budgeted" and passes is not None:
        gates.append((USUAL_FOR_THE_DAY, usual_for_the_day(numbers, rules)))
        gates.append((HELD_BY_BUDGET, ~passes))
    return _first_gate(gates, size)


def _first_gate(gates: list[tuple[str, Flags]], size: int) -> Integers:
    """The place in REASONS of the first gate that is closed."""
    codes = np.zeros(size, np.int64)
    for name, closed in reversed(gates):
        codes[closed] = REASONS.index(name)
    return codes


def _settles(codes: Integers) -> Flags:
    """Which places in REASONS are among SETTLING."""
    return _SETTLING[codes]


def _surge_parts(
    comparison: Comparison, breach: Flags, policy: str, rules: Rules, *, whole: bool
) -> list[Columns]:
    every = comparison.surge
    numbers = _select(every, breach)
    if policy != "budgeted":
        return [_surge_columns(numbers, _surge_codes(numbers, policy, rules))]
    found = find_surges(comparison, rules)
    rows, held = found.at(numbers.positions)
    passes = held.copy()
    passes[held] = found.passed[rows[held]]
    codes = _surge_codes(numbers, policy, rules, passes)
    if not whole:  # one breach in fifty settles something
        kept = _settles(codes)
        numbers, codes, rows, held = _select(numbers, kept), codes[kept], rows[kept], held[kept]
    cause = _cause(numbers, comparison, rules)
    raw = _surge_columns(numbers, codes) | cause | _window(found, rows, held)
    beside, at = _beside(every, found.only_passed(), breach)
    slow = (at.window_minutes > HOUR_MINUTES).astype(np.int64)
    fires = np.zeros(len(slow), np.int64)
    seen = (
        _surge_columns(beside, fires) | _cause(beside, comparison, rules) | _window(at) | {"kind": 1 + slow}
    )
    return [raw, seen]


def _drop_parts(comparison: Comparison, breach: Flags, policy: str, rules: Rules) -> list[Columns]:
    every, drop, hours = comparison.drop, rules.volume_drop, comparison.hours
    numbers = _select(every, breach)
    if policy != "budgeted":
        return [_drop_columns(numbers, numbers.days, _drop_codes(numbers, policy, rules))]
    found = find_drops(numbers, rules)
    codes = _drop_codes(numbers, policy, rules, found.passed)
    if hours is None or drop.mode == "full_day":
        return [_drop_columns(numbers, numbers.days, codes) | _window(found)]
    hours = _select(hours, may_have_collapsed(hours, rules))
    collapses = find_collapses(hours, rules).only_passed()
    if not len(collapses.positions):
        return [_drop_columns(numbers, numbers.days, codes) | _window(found)]
    rows, held = collapses.at(numbers.positions)
    held &= codes != REASONS.index(FIRES)  # the hour fires where the day does not yet, and is the reason
    codes[held] = REASONS.index(FIRES)
    day, hour = _window(found), _window(collapses, rows, held)
    window = {name: np.where(held, hour[name], day[name]) for name in day}
    raw = _drop_columns(numbers, numbers.days, codes) | window
    alone = ~np.isin(collapses.positions, numbers.positions)
    places = np.flatnonzero(np.isin(hours.positions, collapses.positions[alone]))
    beside, at = _select(hours, places), collapses.take(alone)
    kind = np.where(at.approvals_window == 0, KINDS.index("silence"), KINDS.index("fast"))
    fires = np.zeros(len(kind), np.int64)
    return [raw, _drop_columns(beside, every.days, fires) | _window(at) | {"kind": kind}]


def _platform_parts(comparison: Comparison, rules: Rules) -> list[Columns]:
    """Of all merchants together: they have no position."""
    found = platform_rows(comparison.platform, rules.platform)
    words = {"rule": RULES, "kind": KINDS, "reason": REASONS}
    return [
        {
            "position": np.array([-1]),
            **{
                name: np.array([words[name].index(str(value)) if name in words else int(value)])
                for name, value in row.items()
            },
        }
        for row in found
    ]


def _beside(numbers: SurgeNumbers, passed: Found, breach: Flags) -> tuple[SurgeNumbers, Found]:
    """What passed without a breach of the raw condition, among merchants with a cancel in the hour."""
    rows, held = passed.at(numbers.positions)
    chosen = held & ~breach
    return _select(numbers, chosen), passed.take(rows[chosen])


def _surge_columns(numbers: SurgeNumbers, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "rule": np.full(len(codes), RULES.index(CANCEL_SURGE)),
        "reason": codes,
        "approvals_hour": numbers.approvals_hour,
        "cancels_hour": numbers.cancels_hour,
        "approvals_week": numbers.approvals_week,
        "cancels_week": numbers.cancels_week,
    }


def _drop_columns(numbers: DropNumbers | HourNumbers, days: int, codes: Integers) -> Columns:
    return {
        "position": numbers.positions,
        "rule": np.full(len(codes), RULES.index(VOLUME_DROP)),
        "reason": codes,
        "amount_today": numbers.amount_today,
        "amount_paced": numbers.amount_paced,
        "amount_days": numbers.amount_days,
        "days": np.full(len(codes), days),
    }


def _cause(numbers: SurgeNumbers, comparison: Comparison, rules: Rules) -> Columns:
    """Did the cancels rise, or the approvals fall, or do the cancels belong to more sales than usual?

    Usual cancels are the week's rate of the approvals in the same hour on the 7 days before. Where cancels
    are tied to their approval's cohort they are compared with what such cohorts usually give back.
    """
    if comparison.same_hour is None:
        return {}
    days, like = len(comparison.same_hour), comparison.same_hour.take(numbers.positions, axis=1).sum(axis=0)
    factor = rules.cancel_surge.factor
    more = days * numbers.cancels_hour * numbers.approvals_week >= factor * numbers.cancels_week * like
    fewer = days * factor * numbers.approvals_hour <= like
    tied = _tied(numbers, comparison.cohorts, like, days)
    known = tied["cancels_fresh"] >= 0
    counted, usual = (tied[f"{name}_fresh"] + tied[f"{name}_older"] for name in ("cancels", "expected"))
    more_tied = np.where(known, counted >= factor * usual, more)
    cause = np.select(
        [more_tied, fewer, more],
        [CAUSES.index("more_cancels"), CAUSES.index("fewer_approvals"), CAUSES.index("more_sales_before")],
        CAUSES.index("more_cancels"),
    )
    return {"cause": cause, **tied}


def _tied(numbers: SurgeNumbers, cohorts: CohortNumbers | None, like: Integers, days: int) -> Columns:
    """The hour's cancels by the age of their approval, and how many of each age are usual; -1: not known.

    Usual are the week's cancels of that age per approval, times the approvals of such an hour, `like` / days;
    for the fresh ones as much more or less as the newest 24 hours had approvals beside a day of the week. The
    older ones belong to sales that nothing of today has changed.
    """
    if cohorts is None:
        return dict.fromkeys(COHORT_COLUMNS, np.full(len(numbers.positions), -1))
    at = numbers.positions
    fresh, older = cohorts.fresh_hour[at], cohorts.older_hour[at]
    week = cohorts.fresh_week[at], cohorts.older_week[at]
    # What is tied has to stand for all of them, in the hour as in the week: the two are compared.
    known = 100 * (fresh + older) >= _TIED_PERCENT * numbers.cancels_hour
    known &= (100 * sum(week) >= _TIED_PERCENT * numbers.cancels_week) & (sum(week) > 0)
    approvals = np.maximum(numbers.approvals_week, 1)
    share = like / (days * approvals)  # of the week's approvals, in such an hour
    level = cohorts.approvals_day[at] * (WEEK_MINUTES // DAY_MINUTES) / approvals
    usual = np.rint(week[0] * share * level), np.rint(week[1] * share)
    columns = dict(zip(COHORT_COLUMNS, (fresh, older, *usual), strict=True))
    return {name: np.where(known, values, -1).astype(np.int64) for name, values in columns.items()}


def _window(found: Found, rows: Integers | None = None, held: Flags | None = None) -> Columns:
    """The strongest window's columns; null where no window looked at the merchant."""
    columns: Columns = {}
    for name in _WINDOW_COLUMNS:
        values = getattr(found, name)
        if rows is not None and held is not None:
            values, every = np.full(len(rows), -1), values
            values[held] = every[rows[held]]
        columns[name] = values
    return columns


def _select(numbers: Numbers, chosen: Flags | Integers) -> Numbers:
    rows = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    given = ((f.name, getattr(numbers, f.name)) for f in fields(numbers))
    arrays: dict[str, Any] = {name: a.take(rows, axis=-1) for name, a in given if isinstance(a, np.ndarray)}
    return replace(numbers, **arrays)


def _word(name: str, words: tuple[str, ...]) -> pl.Expr:
    """The word at each place, null for -1."""
    place = pl.col(name)
    return pl.lit(pl.Series(words, dtype=pl.String)).gather(pl.when(place >= 0).then(place))
