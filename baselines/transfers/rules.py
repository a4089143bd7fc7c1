"""The tuned numbers of the pack, read from TOML. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from baselines.rules import AtOnce, Bounds, IncidentRules, parse_sections

if TYPE_CHECKING:
    from baselines.rules import Pending


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an incident names of what was found."""

    most_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Every tuned number."""

    evidence: Evidence
    incident: IncidentRules
    pending: Pending


BOUNDS: Final = Bounds(shipped="baselines/transfers/rules.toml", largest={"most_events": 20})


def parse_rules(text: str, origin: str) -> Rules:
    """Rules from TOML text, named `origin` in errors."""
    sections = {"evidence": Evidence, "incident": IncidentRules}
    return Rules(**parse_sections(text, origin, sections, BOUNDS), pending=AtOnce())
