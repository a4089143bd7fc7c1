"""Where an incident is told: an ordered list of routes, and silences that keep it from being told. Pure.

    facts of the incident ──silences──> silenced: recorded, told by nobody until the silence ends
                              └─ no ──> routes, in order: the first that matches, and on from it while it says
                                        `continue`; none: the default channel

A decision holds its reason. What is written down is checked in route_texts.py, and stored as it stands here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: The channel of everything that no route names: Slack's as the settings say, or the console.
DEFAULT: Final = "default"

#: What a matcher may ask of an incident.
FIELDS: Final = ("pack", "rule", "tier", "severity", "entity", "fact")

Match = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What routes and silences see of an incident; `fact` is what the source says of its entity."""

    pack: str
    rule: str
    tier: str
    severity: str
    entity: str
    fact: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A line of the list: who matches is told in `channel`; in `second` where that cannot be."""

    name: str
    channel: str
    match: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)  # of nothing: everybody
    second: str | None = None
    goes_on: bool = False  # look at the routes below as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What is not told for a while, and why; the database says whether it is in force."""

    silence_id: int
    match: Mapping[str, Sequence[str]] = field(hash=False)
    reason: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The channels that a process has been given the keys of."""

    home_channel: str  # what the default one is called by its own name
    slack: bool
    apprise: Sequence[str]


@dataclass(frozen=True, slots=True)
class Target:
    """A channel that is told, and because of which route; None: no route matched."""

    channel: str
    second: str | None = None
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an incident goes and why: `reason` is route, no_route or silence."""

    targets: tuple[Target, ...]
    reason: str
    silence: Silence | None = None

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "reason": self.reason,
            "silence_id": self.silence and self.silence.silence_id,
            "targets": [{"channel": t.channel, "second": t.second, "route": t.route} for t in self.targets],
        }


def decide(facts: Facts, routes: Sequence[Route], silences: Sequence[Silence], home: str = "") -> Decision:
    """Where this is told. `home` is what the default channel is called: a route that names it means the same.

    A silenced incident has its targets, too: that is where it would be told.
    """
    targets: dict[str, Target] = {}
    for route in routes:
        if not matches(route.match, facts):
            continue
        target = _target(route, home)
        targets.setdefault(target.channel, target)  # told once in a channel, however many routes name it
        if not route.goes_on:
            break
    reason = "route" if targets else "no_route"
    found = tuple(targets.values()) or (Target(DEFAULT),)
    silence = next((s for s in silences if matches(s.match, facts)), None)
    return Decision(found, "silence" if silence else reason, silence)


def matches(match: Mapping[str, Sequence[str]], facts: Facts) -> bool:
    """Does every named fact fit one of its patterns? What is not known fits none."""
    return all(
        any(fits(pattern, value) for pattern in patterns)
        for name, patterns in match.items()
        for value in [getattr(facts, name)]
    )


def fits(pattern: str, value: str | None) -> bool:
    """Is the value the pattern, in which * stands for any letters and ? for one?"""
    return value is not None and _expression(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1_000)
def _expression(pattern: str) -> re.Pattern[str]:
    """The pattern as an expression whose time cannot explode: what a star took is never given back.

    Between two stars the first place that fits leaves most for the rest, so no other one has to be tried.
    """
    first, *rest = (_letters(part) for part in re.sub(r"\*+", "*", pattern).split("*"))
    if not rest:
        return re.compile(first, re.DOTALL)
    *between, last = rest
    middle = "".join(f"(?>.*?{part})" for part in between)
    return re.compile(f"{first}{middle}.*{last}", re.DOTALL)


def _letters(part: str) -> str:
    return "".join("." if c == "?" else re.escape(c) for c in part)


def _target(route: Route, home: str) -> Target:
    channel, second = (DEFAULT if name == home else name for name in (route.channel, route.second))
    return Target(channel or DEFAULT, None if second == channel else second, route.name)
