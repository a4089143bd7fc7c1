"""The gates between a verdict and an incident that look at more than one minute or one entity. Pure.

- pending: a breach has to last before it opens an incident; `[pending]` of the tuned numbers says how long.
- inhibition: while a rule about everybody fires, the signals that follow from it (`Rule.inhibits`) are held
  back. It fires from its first minute until it has been quiet for `resolve_after_minutes`, which is exactly
  as long as its incident lasts.
- pause: people may pause a rule until a minute. It opens nothing and holds nothing back, under every policy.
- what else people hold back (withheld.py), under every policy.

What has to be remembered is a function of the signals of the last minutes: it is read back from the published
ones after a restart, and a correction that changes them changes it too. `literal` knows neither of the first
two.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from pipeline.judge.verdicts import EXCLUDED, FIRES, INHIBITED, MAINTENANCE, NOT_SUDDEN, PAUSED, PENDING
from pipeline.judge.withheld import Withheld
from pipeline.minute import MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from baselines.rules import Tuned
    from baselines.versions import Versions
    from pipeline.pack import Pack

#: A breach with one of these reasons goes on lasting.
_LASTING: Final = (FIRES, PENDING, INHIBITED, MAINTENANCE, EXCLUDED, PAUSED)
_RULE: Final = pl.col("rule")


@dataclass(slots=True)
class Past:
    """What the gates have to know of the minutes before."""

    since: dict[tuple[str, str], datetime] = field(default_factory=dict)  # first minute of a lasting breach
    fired: dict[str, datetime] = field(default_factory=dict)  # newest minute at which each rule passed
    last: datetime | None = None

    def copy(self) -> Past:
        """The same, free to move on by itself."""
        return replace(self, since=dict(self.since), fired=dict(self.fired))

    def add(self, minute: datetime, signals: pl.DataFrame) -> None:
        """Move on to `minute`, with its signals as `hold` gave them."""
        follows = self.last is None or minute == self.last + MINUTE
        before, self.since, self.last = (self.since if follows else {}), {}, minute
        if signals.is_empty():
            return
        lasting = signals["passed"] | among(signals["reason"], _LASTING)
        for rule, entity, passed in tuples(signals, lasting, "rule", "entity_id", "passed"):
            self.since[rule, entity] = before.get((rule, entity), minute)
            if passed:
                self.fired[rule] = minute

    def lasting(self, rules: Collection[str], minute: datetime, tuned: Tuned) -> set[str]:
        """Which rules about everybody have an incident that lasts at `minute`, were there no new breach."""
        quiet = timedelta(minutes=tuned.incident.resolve_after_minutes)
        return {rule for rule in rules if rule in self.fired and minute - self.fired[rule] < quiet}


@dataclass(slots=True)
class Gates:
    """What stands between verdicts and incidents, minute by minute in order; live, corrected or replayed."""

    pack: Pack[Any, Any]
    tuned: Tuned
    policy: str
    past: Past = field(default_factory=Past)
    policies: Mapping[datetime, str] = field(default_factory=dict)  # by minute; `policy` for the others
    withheld: Withheld = field(default_factory=Withheld)
    versions: Versions[Any] | None = None  # by minute; None: `tuned` at all of them, and no rule is paused

    def policy_of(self, minute: datetime) -> str:
        """Under which policy a minute is judged."""
        return self.policies.get(minute, self.policy)

    def tuned_at(self, minute: datetime) -> Tuned:
        """By which numbers a minute is judged."""
        found: Tuned = self.tuned if self.versions is None else self.versions.tuned(minute)
        return found

    def paused_at(self, minute: datetime) -> frozenset[str]:
        """Which rules are paused at a minute."""
        return frozenset() if self.versions is None else self.versions.paused(minute)

    def hold(self, minute: datetime, signals: pl.DataFrame) -> pl.DataFrame:
        """The signals of `minute` with those held back that have to be; they are remembered."""
        signals = hold(minute, signals, self.past, self)
        self.past.add(minute, signals)
        return signals


def past_minutes(tuned: Tuned) -> int:
    """How many minutes of signals a Past is made from."""
    return max(tuned.incident.resolve_after_minutes, tuned.pending.longest) + 1


def past_of(signals: pl.DataFrame, start: datetime, end: datetime) -> Past:
    """The Past at `end`, from the published signals of [start, end)."""
    past, minute = Past(), start
    by_minute = {key[0]: rows for key, rows in signals.partition_by("minute", as_dict=True).items()}
    while minute < end:
        past.add(minute, by_minute.get(minute, signals.clear()))
        minute += MINUTE
    return past


def hold(minute: datetime, signals: pl.DataFrame, past: Past, gates: Gates) -> pl.DataFrame:
    """The pack's signals of `minute` with these gates applied; mostly they come back as they are."""
    signals = gates.withheld.hold(minute, signals)
    if signals.is_empty():
        return signals
    paused, tuned = gates.paused_at(minute), gates.tuned_at(minute)
    if gates.policy_of(minute) == "literal":
        return _pause(signals, paused)
    of_everybody = gates.pack.of_everybody
    lasting = past.lasting(of_everybody, minute, tuned)
    signals = _pause(_go_on(signals, lasting), paused)
    if not signals["passed"].any():
        return signals
    lasting -= paused
    waiting = _waiting(minute, signals, past, lasting, tuned)
    if waiting is not None:
        signals = _held(signals, waiting, PENDING)
    now = {rule for (rule,) in tuples(signals, signals["passed"], "rule")}
    follows = _follows(gates.pack, lasting | now.intersection(of_everybody))
    return signals if follows is None else _held(signals, follows, INHIBITED)


def _go_on(signals: pl.DataFrame, lasting: set[str]) -> pl.DataFrame:
    """What fails as a whole and goes on need not be sudden again."""
    if not lasting:
        return signals
    goes_on = _RULE.is_in(list(lasting)) & (pl.col("reason") == NOT_SUDDEN)
    reason = pl.when(goes_on).then(pl.lit(FIRES)).otherwise(pl.col("reason"))
    return signals.with_columns(passed=pl.col("passed") | goes_on, reason=reason)


def _pause(signals: pl.DataFrame, paused: Collection[str]) -> pl.DataFrame:
    """What a paused rule has found opens nothing."""
    return _held(signals, _RULE.is_in(list(paused)), PAUSED) if paused else signals


def _waiting(
    minute: datetime, signals: pl.DataFrame, past: Past, lasting: set[str], tuned: Tuned
) -> pl.Series | None:
    """Which of the passed signals have not lasted long enough; None where none has to."""
    chosen = []
    for passed, rule, kind, entity in tuples(signals, None, "passed", "rule", "kind", "entity_id"):
        needed = tuned.pending.minutes(rule, kind) if passed and rule not in lasting else 0
        chosen.append(needed > 0 and minute - past.since.get((rule, entity), minute) < needed * MINUTE)
    return pl.Series(chosen, dtype=pl.Boolean) if any(chosen) else None


def _follows(pack: Pack[Any, Any], lasting: Collection[str]) -> pl.Expr | None:
    """Which signals follow from these rules about everybody; None: none can."""
    parts = []
    for inhibited in (inhibits for name in lasting for inhibits in pack.rule(name).inhibits):
        same: pl.Expr = pl.lit(inhibited.rule) == _RULE
        if inhibited.unless is not None:
            column, value = inhibited.unless
            same &= pl.lit(value) != pl.col(column).fill_null("")
        parts.append(same)
    return pl.any_horizontal(parts) if parts else None


def among(column: pl.Series, words: Sequence[str]) -> pl.Series:
    """Which places of a small column hold one of these words."""
    return reduce(or_, (column == word for word in words))


def tuples(frame: pl.DataFrame, chosen: pl.Series | None, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of the chosen rows (None: of all). To start the engine costs more than these few rows."""
    if chosen is None or chosen.all():
        columns = [frame[name] for name in names]
    elif chosen.any():
        rows = np.flatnonzero(chosen.to_numpy())
        columns = [frame[name][rows] for name in names]
    else:
        return []
    return list(zip(*(column.to_list() for column in columns), strict=True))


def _held(signals: pl.DataFrame, which: pl.Expr | pl.Series, reason: str) -> pl.DataFrame:
    held = which & pl.col("passed")
    return signals.with_columns(
        passed=pl.col("passed") & ~held,
        reason=pl.when(held).then(pl.lit(reason)).otherwise(pl.col("reason")),
    )
