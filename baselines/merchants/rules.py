"""The tuned numbers of rules.toml as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from baselines.rules import Bounds, IncidentRules, Own, longest_of, parse_own, parse_sections, read_text
from pipeline.errors import SettingsError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from pathlib import Path

#: Numbers that a merchant, or a category of them, may have of its own, by section. Not those that the windows
#: hold, that are of all merchants together, or that share out the false-alarm budget.
_OWN_NUMBERS: Final = {
    "cancel_surge": ("factor", "minimum_cancels_hour", "minimum_approvals_week"),
    "volume_drop": (
        "minimum_daily_amount",
        "divisor",
        "minimum_expected_amount",
        "lowest_day_percent",
        "collapse_percent",
    ),
    "budget": (
        "drift_percent",
        "short_drift_percent",
        "drop_drift_percent",
        "hour_drift_percent",
        "minimum_expected_hour",
    ),
    "exposure": ("cancelable_days",),
}

#: Largest values: past them a product of counts could leave 64 bits, or a window the memory.
BOUNDS: Final = Bounds(
    shipped="baselines/merchants/rules.toml",
    words={"mode": ("paced", "full_day"), "public_holidays": ("KR", "none")},
    may_be_zero=("left_out",),
    own_kinds=("merchant", "category"),
    own_numbers=_OWN_NUMBERS,
    largest={
        "factor": 100,
        "divisor": 100,
        "baseline_days": 60,
        "outage_percent": 99,
        "cancel_factor": 100,
        "left_out": 1000,
        "surge_high": 100,
        "surge_critical": 100,
        "drop_high_percent": 100,
        "drop_critical_percent": 100,
        "cancelable_days": 3650,
        "curve_weight": 10_000,
        **dict.fromkeys(
            ("cannot_pay_healthy", "cannot_pay_surge", "cannot_pay_silent", "cannot_pay_both"), 10_000
        ),
        "cannot_pay_spread": 1000,
        "reserve_up_to_percent": 100,
        "lowest_day_percent": 100,
        "collapse_percent": 100,
        "traffic_percent": 100,
        "drift_percent": 500,
        "short_drift_percent": 500,
        "drop_drift_percent": 500,
        "hour_drift_percent": 500,
        "false_incidents_per_day": 100_000,
        "false_drops_per_1000_days": 1000,
        "quarantine_evidence": 100_000,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSurge:
    """Numbers of the rule `cancel_surge`."""

    factor: int
    minimum_cancels_hour: int
    minimum_approvals_week: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDrop:
    """Numbers of the rule `volume_drop`; amounts in the currency's minor unit."""

    minimum_daily_amount: int
    divisor: int
    baseline_days: int
    mode: str
    minimum_expected_amount: int
    public_holidays: str
    lowest_day_percent: int
    collapse_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many false incidents the policy `budgeted` may raise, and what it takes for ordinary."""

    false_incidents_per_day: int  # per 100,000 merchants
    traffic_percent: int
    looks: int
    drift_percent: int
    short_drift_percent: int
    portfolio_weight: int
    category_weight: int
    quarantine_evidence: int
    false_drops_per_1000_days: int
    drop_drift_percent: int
    hour_drift_percent: int
    minimum_expected_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """How many minutes a breach has to last before it opens an incident, by rule and kind."""

    cancel_surge: int
    cancel_surge_fast: int
    cancel_surge_slow: int
    volume_drop: int
    volume_drop_fast: int
    volume_drop_silence: int
    platform_outage: int
    platform_cancels: int

    @property
    def longest(self) -> int:
        """The most of them."""
        return longest_of(self)

    def minutes(self, rule: str, kind: str | None) -> int:
        """Of a signal; a kind without a number of its own waits as long as its rule."""
        found: int = getattr(self, f"{rule}_{kind}", getattr(self, rule))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """When all merchants together are one incident."""

    outage_percent: int
    minimum_approvals: int
    silence_minimum: int
    cancel_factor: int
    minimum_cancels: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """Borders between medium, high and critical."""

    surge_high: int
    surge_critical: int
    drop_high_percent: int
    drop_critical_percent: int
    critical_krw_at_risk: int
    critical_expected_loss: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How long a payout stays at risk, and how likely it is lost; probabilities per 10,000."""

    cancelable_days: int
    curve_weight: int
    cannot_pay_healthy: int
    cannot_pay_surge: int
    cannot_pay_silent: int
    cannot_pay_both: int
    cannot_pay_spread: int
    labels_needed: int
    reserve_up_to_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All numbers; one object is used for the whole judgement of a minute."""

    cancel_surge: CancelSurge
    volume_drop: VolumeDrop
    budget: Budget
    incident: IncidentRules
    pending: Pending
    platform: Platform
    severity: Severity
    exposure: Exposure
    own: tuple[Own, ...] = ()  # of some merchants

    def of(self, merchant_id: str | None, category: str | None) -> Rules:
        """The numbers of one merchant: its own, else those of its category, else everybody's."""
        rules = replace(self, own=())
        for wanted in (("category", category), ("merchant", merchant_id)):
            for own in self.own:
                if (own.kind, own.name) == wanted:
                    rules = own.applied_to(rules)
        return rules


SECTIONS: dict[str, type[Any]] = {
    "cancel_surge": CancelSurge,
    "volume_drop": VolumeDrop,
    "budget": Budget,
    "incident": IncidentRules,
    "pending": Pending,
    "platform": Platform,
    "severity": Severity,
    "exposure": Exposure,
}


def parse_rules(text: str, origin: str) -> Rules:
    """Read rules from TOML text, named `origin` in errors; refuses unknown, missing and malformed keys."""
    sections = parse_sections(text, origin, SECTIONS, BOUNDS, own=True)
    rules = Rules(**sections, own=parse_own(text, origin, BOUNDS))
    _refuse_contradictions(rules, origin)
    return rules


def load_rules(path: Path) -> Rules:
    """Read rules from a file; raises SettingsError when it cannot be read or understood."""
    return parse_rules(read_text(path, BOUNDS.shipped), str(path))


def _refuse_contradictions(rules: Rules, origin: str) -> None:
    """Borders that cannot both be meant: what is critical has to be high as well."""
    severity = rules.severity
    for lower, upper in (("surge_high", "surge_critical"), ("drop_high_percent", "drop_critical_percent")):
        low, up = getattr(severity, lower), getattr(severity, upper)
        if low > up:
            met = {"lower": lower, "low": low, "upper": upper, "up": up}
            msg = phrase(
                "{lower} in [severity] of {origin} is {low}, above {upper} = {up}", **met, origin=origin
            )
            hint = phrase("set {lower} to {up} or less: what is critical is high as well", lower=lower, up=up)
            raise SettingsError(msg, hint)
