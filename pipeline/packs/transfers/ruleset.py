"""The rules and lists in force, by the time of the events: a whole set or none. Pure.

An event is judged by the set in force at its own time, so any way to judge it again (a closed minute, a
late event, a backtest, an explanation) comes to the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

LIVE: Final = "live"
SHADOW: Final = "shadow"  # judges, tells nobody, and counts for no decision
ALLOW: Final = "allow"
DENY: Final = "deny"


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of a rule that judges."""

    rule: Any  # language.rule.RuleText
    version: int
    mode: str  # LIVE or SHADOW


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force at a moment, and the values on the lists."""

    rules: Sequence[InForce] = ()
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which set is in force from when on: moments in order, each with its set; nothing before the first."""

    sets: Sequence[tuple[datetime, RuleSet]] = ()
