"""What people have done with an incident, as far as the judge goes on from it minute by minute. Pure.

A snoozed incident is not told again and not escalated. It ends by itself, and breaks through earlier when the
money at risk passes its limit or the incident turns critical. An incident that a person resolved although its
rule is still breached stays resolved until the breach has been quiet, or breaks through by the same two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.judge.verdicts import SEVERITIES
from pipeline.minute import MINUTE, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMES: Final = ("since", "until", "minute")
_WORST: Final = SEVERITIES[-1]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Comes from a JSON object and goes back into one; its times as ISO 8601."""

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """From the database's JSON."""
        if stored is None:
            return None
        names = [f.name for f in fields(cls)]
        return cls(**{n: parse_time(stored[n]) if n in _TIMES else stored[n] for n in names})

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze(_Stored):
    """An incident that people want to hear nothing of for a while, and how it stood then."""

    by: str
    since: datetime  # the minute its numbers were of
    until: datetime  # the first minute in which it is told of again
    at_risk: int | None
    severity: str
    limit: int | None  # money at risk past which it breaks through; None: only the severity does
    breaches: int = 0  # minutes since then in which its rule was breached

    def ends(self, minute: datetime, severity: str, at_risk: int | None) -> str | None:
        """The event with which it ends in `minute`, or None: it goes on."""
        if passes(at_risk, self.limit) or turns_worst(self.severity, severity):
            return "broke_through"
        return "snooze_ended" if minute >= self.until else None

    def moved(self, minute: datetime) -> dict[str, Any]:
        """What its end tells, beside how the incident stands now."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "minutes": max((minute - self.since) // MINUTE, 0),
            "at_risk": self.at_risk,
            "severity": self.severity,
            "limit": self.limit,
            "breaches": self.breaches,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal(_Stored):
    """A person resolved the incident; what was at risk then."""

    by: str
    minute: datetime  # from which on it is resolved
    at_risk: int | None
    limit: int | None  # money at risk past which it is back; None: only a new breach or the severity does

    def is_passed(self, was: str, severity: str, at_risk: int | None) -> bool:
        """Is it more than what the person called over, when it was as severe as `was`?"""
        return passes(at_risk, self.limit) or turns_worst(was, severity)


def limit_of(at_risk: int | None) -> int | None:
    """The money at risk past which people hear of it all the same: half as much again as now.

    So it is where nobody says another limit. Where the money is not known there is no limit to pass; the
    severity still breaks through.
    """
    return None if at_risk is None else at_risk + at_risk // 2


def turns_worst(was: str, severity: str) -> bool:
    """Is it as bad as can be, and was not when people last looked?"""
    return severity == _WORST != was


def passes(at_risk: int | None, limit: int | None) -> bool:
    """Is known money past a limit?"""
    return at_risk is not None and limit is not None and at_risk > limit
