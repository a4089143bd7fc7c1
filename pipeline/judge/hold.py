"""The gates between a verdict and an incident that look at more than one minute or one merchant. Pure.

- pending: a breach has to last before it opens an incident; `[pending]` in rules.toml says how long.
- inhibition: while the whole platform fails, the merchants' incidents that follow from it are held back. The
  platform fails from the first minute of a platform rule until it has been quiet for `resolve_after_minutes`,
  which is exactly as long as its incident lasts.

What has to be remembered is a function of the signals of the last minutes: it is read back from the published
ones after a restart, and a correction that changes them changes it too. `literal` knows neither gate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from pipeline.minute import MINUTE
from pipeline.packs.merchants.platform import NOT_SUDDEN, PLATFORM_CANCELS, PLATFORM_OUTAGE, PLATFORM_RULES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from baselines.merchants.rules import Rules

PENDING: Final = "pending"
INHIBITED: Final = "inhibited_by_platform"
#: A breach with one of these reasons goes on lasting.
_LASTING: Final = ("fires", PENDING, INHIBITED)
_RULE: Final = pl.col("rule")


@dataclass(slots=True)
class Past:
    """What the gates have to know of the minutes before."""

    since: dict[tuple[str, str], datetime] = field(default_factory=dict)  # first minute of a lasting breach
    failed: dict[str, datetime] = field(default_factory=dict)  # newest minute of each platform rule
    last: datetime | None = None

    def copy(self) -> Past:
        """The same, free to move on by itself."""
        return replace(self, since=dict(self.since), failed=dict(self.failed))

    def add(self, minute: datetime, signals: pl.DataFrame) -> None:
        """Move on to `minute`, with its signals as `hold` gave them."""
        follows = self.last is None or minute == self.last + MINUTE
        before, self.since, self.last = (self.since if follows else {}), {}, minute
        if signals.is_empty():
            return
        lasting = signals["passed"] | among(signals["reason"], _LASTING)
        for rule, merchant, passed in tuples(signals, lasting, "rule", "merchant_id", "passed"):
            self.since[rule, merchant] = before.get((rule, merchant), minute)
            if passed and rule in PLATFORM_RULES:
                self.failed[rule] = minute

    def failing(self, minute: datetime, rules: Rules) -> set[str]:
        """The platform rules whose incident still lasts at `minute`, were there no new breach."""
        quiet = timedelta(minutes=rules.incident.resolve_after_minutes)
        return {rule for rule, at in self.failed.items() if minute - at < quiet}


def past_minutes(rules: Rules) -> int:
    """How many minutes of signals a Past is made from."""
    longest: int = max(asdict(rules.pending).values())
    return max(rules.incident.resolve_after_minutes, longest) + 1


def past_of(signals: pl.DataFrame, start: datetime, end: datetime) -> Past:
    """The Past at `end`, from the published signals of [start, end)."""
    past, minute = Past(), start
    by_minute = {key[0]: rows for key, rows in signals.partition_by("minute", as_dict=True).items()}
    while minute < end:
        past.add(minute, by_minute.get(minute, signals.clear()))
        minute += MINUTE
    return past


def hold(minute: datetime, signals: pl.DataFrame, past: Past, policy: str, rules: Rules) -> pl.DataFrame:
    """The signals (schema SIGNAL) of `minute` with these gates applied; mostly they come back as they are."""
    if policy == "literal" or signals.is_empty():
        return signals
    signals = _lasting(signals, past.failing(minute, rules))
    if not signals["passed"].any():
        return signals
    waiting = _waiting(minute, signals, past, rules)
    if waiting is not None:
        signals = _held(signals, waiting, PENDING)
    now = {rule for (rule,) in tuples(signals, signals["passed"], "rule")}
    failing = past.failing(minute, rules) | now.intersection(PLATFORM_RULES)
    return _held(signals, _follows(failing), INHIBITED) if failing else signals


def _lasting(signals: pl.DataFrame, failing: set[str]) -> pl.DataFrame:
    """A failure of the platform that goes on need not be sudden again."""
    if not failing:
        return signals
    goes_on = _RULE.is_in(list(failing)) & (pl.col("reason") == NOT_SUDDEN)
    reason = pl.when(goes_on).then(pl.lit("fires")).otherwise(pl.col("reason"))
    return signals.with_columns(passed=pl.col("passed") | goes_on, reason=reason)


def _waiting(minute: datetime, signals: pl.DataFrame, past: Past, rules: Rules) -> pl.Series | None:
    """Which of the passed signals have not lasted long enough; None where none has to."""
    chosen = []
    failing = past.failing(minute, rules)  # a failure that goes on does not wait again
    for passed, rule, kind, merchant in tuples(signals, None, "passed", "rule", "kind", "merchant_id"):
        needed = rules.pending.minutes(rule, kind) if passed and rule not in failing else 0
        chosen.append(needed > 0 and minute - past.since.get((rule, merchant), minute) < needed * MINUTE)
    return pl.Series(chosen, dtype=pl.Boolean) if any(chosen) else None


def _follows(failing: set[str]) -> pl.Expr:
    """Which merchants' signals follow from these failures of the platform."""
    parts = []
    if PLATFORM_OUTAGE in failing:
        # A rate also doubles where approvals are missing; cancels that really rose are another matter.
        more = pl.col("cause").fill_null("") == "more_cancels"
        parts.append((_RULE == "volume_drop") | ((_RULE == "cancel_surge") & ~more))
    if PLATFORM_CANCELS in failing:
        parts.append(_RULE == "cancel_surge")
    return pl.any_horizontal(parts)


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
