"""The tuned numbers of rules.toml, read strictly into frozen values."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

#: Keys whose value is a word.
WORDS = {"mode": ("paced", "full_day"), "public_holidays": ("KR", "none")}

#: Keys that may be zero; every other number is at least 1.
MAY_BE_ZERO = ("reopen_within_minutes", "left_out")
#: A breach that has to last for longer than an hour is no alarm any more.
LONGEST_PENDING = 60

#: Largest value of a key: past it a product of counts could leave 64 bits, or a window the memory.
LIMITS = {
    "factor": 100,
    "divisor": 100,
    "baseline_days": 60,
    "resolve_after_minutes": 7 * 24 * 60,
    "reopen_within_minutes": 7 * 24 * 60,
    "repeat_after_minutes": 7 * 24 * 60,
    "outage_percent": 99,
    "cancel_factor": 100,
    "left_out": 1000,
    "surge_high": 100,
    "surge_critical": 100,
    "drop_high_percent": 100,
    "drop_critical_percent": 100,
    "cancelable_days": 3650,
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
}
LARGEST = 10**15


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
class IncidentRules:
    """When an incident ends, comes back and is told again."""

    resolve_after_minutes: int
    reopen_within_minutes: int
    repeat_after_minutes: int


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

    def minutes(self, rule: str, kind: str | None) -> int:
        """Of a signal; the platform rules know one number each."""
        plain = kind in (None, "rule") or rule.startswith("platform")
        found: int = getattr(self, rule if plain else f"{rule}_{kind}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How long a payout stays at risk."""

    cancelable_days: int


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
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{origin} is not TOML: {error}"
        raise SettingsError(msg, "start from a copy of baselines/merchants/rules.toml") from error
    _refuse_unknown(content, list(SECTIONS), origin)
    sections: dict[str, Any] = {
        name: _section(name, cls, content.get(name, {}), origin) for name, cls in SECTIONS.items()
    }
    rules = Rules(**sections)
    _refuse_contradictions(rules, origin)
    return rules


def load_rules(path: Path) -> Rules:
    """Read rules from a file; raises SettingsError when it cannot be read or understood."""
    try:
        return parse_rules(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        msg = f"cannot read the rules {path}: {error.strerror}"
        raise SettingsError(
            msg, "set MINUTERISK_RULES to a copy of baselines/merchants/rules.toml"
        ) from error
    except UnicodeDecodeError as error:
        msg = f"the rules {path} are not UTF-8 text: {error}"
        raise SettingsError(msg, "start from a copy of baselines/merchants/rules.toml") from error


def _section(name: str, cls: type[Any], content: object, origin: str) -> object:
    if not isinstance(content, dict):
        msg = f"{name} in {origin} is {content!r}; a section is needed"
        raise SettingsError(msg, f"write [{name}] and its keys below it")
    known = {f.name: f.type for f in fields(cls)}
    _refuse_unknown(content, list(known), f"[{name}] of {origin}")
    missing = [key for key in known if key not in content]
    if missing:
        msg = f"[{name}] of {origin} lacks {', '.join(missing)}"
        raise SettingsError(msg, "start from a copy of baselines/merchants/rules.toml")
    return cls(**{key: _value(key, value, f"[{name}] of {origin}") for key, value in content.items()})


def _value(key: str, value: object, where: str) -> object:
    if key in WORDS:
        if value in WORDS[key]:
            return value
        need = f"one of {', '.join(WORDS[key])}"
    else:
        section = where.partition("]")[0].removeprefix("[")
        least = 0 if section == "pending" or key in MAY_BE_ZERO else 1
        largest = LONGEST_PENDING if section == "pending" else LIMITS.get(key, LARGEST)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= largest:
            return value
        need = f"a whole number from {least} to {largest:,}"
    msg = f"{key} in {where} is {value!r}"
    raise SettingsError(msg, f"{need} is needed")


def _refuse_contradictions(rules: Rules, origin: str) -> None:
    """Borders that cannot both be meant: what is critical has to be high as well."""
    severity = rules.severity
    for lower, upper in (("surge_high", "surge_critical"), ("drop_high_percent", "drop_critical_percent")):
        low, up = getattr(severity, lower), getattr(severity, upper)
        if low > up:
            msg = f"{lower} in [severity] of {origin} is {low}, above {upper} = {up}"
            raise SettingsError(msg, f"set {lower} to {up} or less: what is critical is high as well")


def _refuse_unknown(content: dict[str, object], known: list[str], where: str) -> None:
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            msg = f"unknown name {name!r} in {where}"
            raise SettingsError(msg, f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
