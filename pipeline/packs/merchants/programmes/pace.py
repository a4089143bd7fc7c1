"""How many of something there will be at the end of a month, from the days so far. Pure.

Counts of days are taken as Poisson with a rate that is not known: with n in t days and Jeffreys' prior the
rate is Gamma(n + ½, t), and the number in u further days negative binomial with r = n + ½ and p = t/(t + u)
(Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.6). Disputes come in bursts: where the days so
far scatter more than Poisson counts do, by the factor φ = variance / mean, the same is said of n/φ bursts of
φ each (quasi-Poisson: McCullagh and Nelder, Generalized Linear Models, section 6.2.3): a wider interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from baselines.chance import log_gamma

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Nine in ten months end inside of it.
_LOW, _HIGH = 0.05, 0.95
#: Scatter is measured from so many days with so many events on.
_DAYS, _EVENTS = 7, 10
#: Above this mean a normal distribution says the same to a part in a hundred.
_LARGE: Final = 100_000.0
_Z: Final = 1.6448536269514722
_FARTHEST: Final = 12.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What came over some days, and how much more it scatters than by chance alone (at least 1)."""

    events: int
    days: float
    scatter: float = 1.0

    @classmethod
    def of(cls, by_day: Sequence[int]) -> Pace:
        """Of whole days that follow each other."""
        events, days = sum(by_day), len(by_day)
        if days < _DAYS or events < _EVENTS:
            return cls(events, days)
        mean = events / days
        variance = sum((count - mean) ** 2 for count in by_day) / (days - 1)
        return cls(events, days, max(variance / mean, 1.0))

    @property
    def per_day(self) -> float:
        """The rate; 0 where no day is known."""
        return self.events / self.days if self.days else 0.0

    def ahead(self, days: float) -> tuple[int, int, int]:
        """How many come in `days` more: expected, and the ends of the 90 % interval."""
        if days <= 0 or not self.days:
            return 0, 0, 0
        shape = (self.events + 0.5) / self.scatter
        low, high = _quantiles(shape, days / self.days)
        return round(self.per_day * days), math.floor(low * self.scatter), math.ceil(high * self.scatter)


@lru_cache(maxsize=4096)  # most merchants have a few, and so the same
def _quantiles(shape: float, odds: float) -> tuple[int, int]:
    """Of the negative binomial with this shape and p = 1/(1 + odds)."""
    mean, deviation = shape * odds, math.sqrt(shape * odds * (1 + odds))
    if mean > _LARGE:
        return max(round(mean - _Z * deviation), 0), round(mean + _Z * deviation)
    k = np.arange(int(mean + _FARTHEST * deviation) + 20, dtype=np.float64)
    r = np.full_like(k, shape)
    log_p = log_gamma(k + r) - log_gamma(r) - log_gamma(k + 1)
    log_p += shape * math.log(1 / (1 + odds)) + k * math.log(odds / (1 + odds))
    below = np.cumsum(np.exp(log_p))
    return int(np.searchsorted(below, _LOW)), int(np.searchsorted(below, _HIGH))
