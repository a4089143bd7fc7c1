"""What a rule may ask about the events around one event: a measure, as a frozen value. Pure.

An earlier event x *matches* an event e when each field of `match` is the same in both, x fits every
condition of `where`, and its time lies in the window. Fields that are missing in either match nothing.

- Window of `within_ms` w: t(e) - w < t(x) <= t(e). e itself and ties count. Over 24 h the window begins at
  the full UTC hour of t(e) - w, and is open there as well. Without one it reaches back as far as events are
  held.
- `before_ms` b moves its end: t(x) <= t(e) - b.
- A measure whose `where` does not name `status` takes completed events only, and such as are intended.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final

#: How many whole milliseconds a window may have before it begins at a full hour.
EXACT_MS: Final = 24 * 3600 * 1000
LONGEST_MS: Final = 90 * EXACT_MS
#: So many different values are told apart; a rule may not ask beyond.
MOST_DISTINCT: Final = 32
#: What a measure gives. Those about other events leave e itself out, and are unknown where there is none.
COUNT: Final = "count"  # events in the window
SUM: Final = "sum"  # of an integer field
MEAN: Final = "mean"  # its floor; unknown without an event
DISTINCT: Final = "distinct"  # different known values of a text field
SINCE_LAST: Final = "since_last"  # whole seconds since the latest other event
FIRST_SEEN: Final = "first_seen"  # whole seconds since the first other event
PREVIOUS: Final = "previous"  # the field's value in the latest other event; of ties the greatest
SPEED: Final = (
    "speed"  # from the latest other event with a place: "km" or "kmh", floors; within one second as of one
)
ABOUT_OTHERS: Final = (SINCE_LAST, FIRST_SEEN, PREVIOUS, SPEED)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A condition: the field has one of these values."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A condition: low <= field <= high."""

    low: int
    high: int


@dataclass(frozen=True)
class Measure:
    """One question about earlier events; equal ones are answered once, whichever rules ask."""

    of: str  # COUNT, SUM, …
    value: str | None = None  # the field that is summed up, told apart or taken; of SPEED: "km" or "kmh"
    match: tuple[tuple[str, str], ...] = ()  # (field of earlier events, field of this event), sorted
    within_ms: int | None = None
    where: tuple[tuple[str, OneOf | Between], ...] = ()  # sorted by field
    before_ms: int = 0

    @cached_property
    def column(self) -> str:
        """The column of its answers: its content, so that equal measures share one."""
        where = {
            name: list(c.values) if isinstance(c, OneOf) else {"between": [c.low, c.high]}
            for name, c in self.where
        }
        said = {
            self.of: self.value or "*",
            "match": dict(self.match),
            "where": where,
            "within_ms": self.within_ms,
            "before_ms": self.before_ms,
        }
        return "m:" + json.dumps(said, sort_keys=True, separators=(",", ":"))
