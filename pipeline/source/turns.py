"""When to ask the source: seldom for late commits, and seldom for what has failed. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipeline.source.look_back import DEEP, SHORT

if TYPE_CHECKING:
    from pipeline.source.look_back import Depth

#: No search begins when a minute is due sooner than this, or is due and not judged yet.
SPARED_S: Final = 2.0
#: A query that failed takes at most one part in so many of our time, and is tried again within a minute.
_RARELY: Final = 20
_RETRY_MOST_S: Final = 60.0


def again_at(began: float, ended: float) -> float:
    """When to ask again after a failure that took from `began` to `ended`, by the same clock."""
    return ended + min(_RARELY * (ended - began), _RETRY_MOST_S)


@dataclass(slots=True)
class Turns:
    """Decides whose turn it is; seconds of a monotonic clock."""

    short_s: float
    deep_s: float
    _began: dict[str, float] = field(default_factory=dict)

    def turn(self, now: float, due_in_s: float) -> Depth | None:
        """The search to make now, if any; it counts as made."""
        deep = now - self._began.get(DEEP.name, -math.inf)
        short = now - max(self._began.get(SHORT.name, -math.inf), self._began.get(DEEP.name, -math.inf))
        if due_in_s < SPARED_S and deep < 2 * self.deep_s:  # one that is always behind must not starve it
            return None
        depth = DEEP if deep >= self.deep_s else SHORT if short >= self.short_s else None
        if depth is not None:
            self._began[depth.name] = now
        return depth

    def again(self, depth: Depth) -> None:
        """It came to nothing: make it as soon as may be."""
        self._began.pop(depth.name, None)
