"""The false-alarm budget as people are shown it: allowed, spent, and what chance alone would open. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baselines.chance import poisson_interval
from pipeline.packs.merchants.rules.cancel_surge import CANCEL_SURGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

#: Nothing is drawn up for an installation that has not been measured yet.
NOT_MEASURED = "not measured yet: the first measurement is made in the night after the first whole day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent, and what the nights showed; the null's values are None before the first measurement."""

    spent: int  # cancel surges opened today under `budgeted`, true or false
    nights: int
    days: float  # merchant-days of the null, as days of all merchants
    incidents: int
    business_day: date | None  # the newest night's
    merchants: int | None
    allowed: float | None  # false incidents a day, for that many merchants
    drift_percent: int | None
    drift_measured: bool | None

    @property
    def null_per_day(self) -> float | None:
        """False incidents a day that the permuted null showed over the last nights."""
        return self.incidents / self.days if self.days else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        if not self.days:
            return None
        low, high = poisson_interval(self.incidents)
        return low / self.days, high / self.days

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        interval = self.interval
        return {
            "allowed_per_day": self.allowed,
            "spent_today": self.spent,
            "null": None
            if interval is None
            else {
                "false_incidents_per_day": round(self.null_per_day or 0.0, 2),
                "low": round(interval[0], 2),
                "high": round(interval[1], 2),
                "nights": self.nights,
                "newest_day": self.business_day,
                "merchants": self.merchants,
                "drift_percent": self.drift_percent,
                "drift_measured": self.drift_measured,
            },
        }

    def as_text(self) -> str:
        """For people."""
        lines = [f"{'spent today':<14}{self.spent} cancel surges"]
        if self.interval is None or self.allowed is None:
            return "\n".join([*lines, f"{'null':<14}{NOT_MEASURED}"])
        low, high = self.interval
        known = "measured" if self.drift_measured else "assumed"
        rows = {
            "budget": f"{self.allowed:,.2f} false cancel surges a day for {self.merchants:,} merchants",
            "null": f"{self.null_per_day:,.2f} a day (95 %: {low:,.2f} to {high:,.2f}), {self.nights} nights",
            "newest day": f"{self.business_day}, drift {self.drift_percent} % ({known})",
        }
        return "\n".join([*lines, *(f"{name:<14}{value}" for name, value in rows.items())])


def spent_of(nights: Sequence[Mapping[str, Any]], opened: Mapping[str, int]) -> Spent:
    """From the last nights' results (see null.py), newest first, and the incidents opened today by rule."""
    newest: Mapping[str, Any] = nights[0]["result"] if nights else {}
    results = [night["result"] for night in nights]
    return Spent(
        spent=opened.get(CANCEL_SURGE.name, 0),
        nights=len(nights),
        days=sum(1 / result["parts"] for result in results),
        incidents=sum(result["incidents"] for result in results),
        business_day=nights[0]["day"] if nights else None,
        merchants=newest["merchants"] * newest["parts"] if newest else None,
        allowed=newest.get("allowed"),
        drift_percent=newest.get("drift_percent"),
        drift_measured=newest.get("drift_measured"),
    )
