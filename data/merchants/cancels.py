"""Which approvals are cancelled, and when: decided from the approval alone, so it can be decided twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from data.merchants.incidents import REACH
from data.merchants.model import QUICK_CANCEL_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.chance import Dice
    from data.merchants.incidents import PlacedIncident
    from data.merchants.population import Population
    from data.merchants.rhythm import Rhythm

NEVER: Final = np.iinfo(np.int64).max

_SECOND_US: Final = 1_000_000
_HOUR_US: Final = 3600 * _SECOND_US
_REACH_US: Final = REACH.days * 24 * _HOUR_US
_SHORTEST_US: Final = 30 * _SECOND_US
_SHORTEST_SLOW_DAYS: Final = 1 / 24


@dataclass(frozen=True, slots=True)
class Approvals:
    """Approvals as arrays of one length: id, merchant (position by rank), microseconds since the epoch."""

    ids: NDArray[np.int64]
    merchant: NDArray[np.int64]
    time_us: NDArray[np.int64]

    def take(self, positions: NDArray[np.int64]) -> Approvals:
        """The approvals at `positions`."""
        return Approvals(self.ids[positions], self.merchant[positions], self.time_us[positions])

    def and_then(self, more: Approvals) -> Approvals:
        """These and `more`, in this order."""
        pairs = zip(
            (self.ids, self.merchant, self.time_us), (more.ids, more.merchant, more.time_us), strict=True
        )
        return Approvals(*(np.concatenate(pair) for pair in pairs))


class CancelModel:
    """When each approval is cancelled, given the merchants' rates and the incidents.

    `incidents` are (incident, its merchant, the share of outstanding approvals that its wave cancels).
    """

    def __init__(
        self,
        population: Population,
        rhythm: Rhythm,
        dice: Dice,
        incidents: tuple[tuple[PlacedIncident, int, float], ...],
    ) -> None:
        self._population = population
        self._rhythm = rhythm
        self._dice = dice
        self._incidents = incidents

    def times(self, approvals: Approvals) -> NDArray[np.int64]:
        """Microseconds since the epoch of each approval's cancel, always after it, or NEVER."""
        when = np.full(len(approvals.ids), NEVER)
        if not len(when):
            return when
        rate = self._population.cancel_rate[approvals.merchant]
        chosen = np.flatnonzero(self._dice.uniform("cancel", approvals.ids) < rate)
        when[chosen] = self._delayed(approvals.take(chosen), "cancel")
        earliest, latest = int(approvals.time_us.min()), int(approvals.time_us.max())
        for placed, merchant, share in self._incidents:
            if placed.start_us - _REACH_US <= latest and placed.end_us > earliest:
                mine = np.flatnonzero(approvals.merchant == merchant)
                when[mine] = self._under(placed, share, approvals.take(mine), when[mine])
        return when

    def _delayed(self, approvals: Approvals, attribute: str) -> NDArray[np.int64]:
        """Quick cancels wait by the clock, up to an hour; slow ones by activity, up to three days."""
        quick = self._dice.uniform(f"{attribute}/quick", approvals.ids) < QUICK_CANCEL_SHARE
        draw = self._dice.uniform(f"{attribute}/delay", approvals.ids)
        by_clock = approvals.time_us + _SHORTEST_US + (draw * (_HOUR_US - _SHORTEST_US)).astype(np.int64)
        days = _SHORTEST_SLOW_DAYS + (REACH.days - _SHORTEST_SLOW_DAYS) * draw**2
        rhythm = self._population.rhythm[approvals.merchant]
        return np.where(quick, by_clock, self._rhythm.later(approvals.time_us, rhythm, days))

    def _under(
        self, placed: PlacedIncident, share: float, approvals: Approvals, when: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """What the incident makes of the cancel times of its merchant's approvals."""
        label = placed.incident.label
        prevented = self._dice.uniform(f"{label}/prevented", approvals.ids) >= placed.cancels_at(when)
        when = np.where(prevented, NEVER, when)
        if placed.most_cancels > 1:
            when = np.minimum(when, self._further(placed, approvals))
        if share > 0:
            when = np.minimum(when, self._wave(placed, share, approvals))
        return when

    def _further(self, placed: PlacedIncident, approvals: Approvals) -> NDArray[np.int64]:
        """A second chance to be cancelled, thinned so that the rate at each time is the factor's.

        An approval that gets both is cancelled once, so a factor of 5 on a rate of 8 % gives a little less.
        """
        label, more = placed.incident.label, placed.most_cancels - 1
        rate = self._population.cancel_rate[approvals.merchant] * more
        when = self._delayed(approvals, label)
        chosen = self._dice.uniform(f"{label}/chosen", approvals.ids) < rate
        accepted = self._dice.uniform(f"{label}/accepted", approvals.ids) * more < placed.cancels_at(when) - 1
        return np.where(chosen & accepted, when, NEVER)

    def _wave(self, placed: PlacedIncident, share: float, approvals: Approvals) -> NDArray[np.int64]:
        """Buyers of the last days rush to cancel, most of them at the incident's beginning."""
        label = placed.incident.label
        within = (approvals.time_us >= placed.start_us - _REACH_US) & (approvals.time_us < placed.end_us)
        chosen = self._dice.uniform(f"{label}/chosen", approvals.ids) < share
        begin = np.maximum(approvals.time_us, placed.start_us)
        rush = self._dice.uniform(f"{label}/delay", approvals.ids) ** 2
        when = begin + _SECOND_US + (rush * (placed.end_us - begin)).astype(np.int64)
        return np.where(within & chosen, when, NEVER)


class PendingCancels:
    """Cancels that are decided and have not happened yet, kept by hour so that a minute touches few."""

    def __init__(self) -> None:
        self._hours: dict[int, list[NDArray[np.int64]]] = {}

    def add(
        self,
        when: NDArray[np.int64],
        original: NDArray[np.int64],
        approved_us: NDArray[np.int64],
        merchant: NDArray[np.int64],
    ) -> None:
        """Keep cancels: their time, their approval's id and time, their merchant."""
        order = np.argsort(when, kind="stable")
        cancels = np.stack([when, original, approved_us, merchant])[:, order]
        hours, starts = np.unique(cancels[0] // _HOUR_US, return_index=True)
        for hour, part in zip(hours.tolist(), np.split(cancels, starts[1:], axis=1), strict=False):
            self._hours.setdefault(hour, []).append(part)

    def take(self, before_us: int) -> NDArray[np.int64]:
        """Remove and return what happens before `before_us`, by time; the rows are those that `add` takes."""
        due = [np.empty((4, 0), np.int64)]
        for hour in [h for h in self._hours if h * _HOUR_US < before_us]:
            cancels = np.concatenate(self._hours.pop(hour), axis=1)
            now = cancels[0] < before_us
            due.append(cancels[:, now])
            if not now.all():
                self._hours[hour] = [cancels[:, ~now]]
        every = np.concatenate(due, axis=1)
        return every[:, np.lexsort((every[1], every[0]))]
