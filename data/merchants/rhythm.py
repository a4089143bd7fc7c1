"""When people buy and when they change their minds: day and week curves in Korean time.

Korea has had UTC+9 without summer time since 1988, so minutes shift by a constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from data.merchants.model import RHYTHMS
from pipeline.minute import DAY_MINUTES, HOUR_MINUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000
_KST_MINUTES: Final = 9 * HOUR_MINUTES
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday


class Rhythm:
    """The curves of RHYTHMS, by position; with `flat` every minute is like every other."""

    def __init__(self, *, flat: bool) -> None:
        curves = [np.ones(DAY_MINUTES) if flat else _by_minute(hours) for hours, _ in RHYTHMS.values()]
        weeks = [np.ones(7) if flat else np.array(days) / np.mean(days) for _, days in RHYTHMS.values()]
        self._day = np.array(curves)  # rhythms × 1440, mean 1
        self._week = np.array(weeks)  # rhythms × 7, mean 1
        summed = np.cumsum(self._day, axis=1) / DAY_MINUTES
        self._until = np.concatenate([np.zeros((len(curves), 1)), summed], axis=1)  # rhythms × 1441, 0 … 1

    def at(self, minutes: NDArray[np.int64]) -> NDArray[np.float64]:
        """The factor on the mean rate, shape (rhythms, minutes); minutes since the epoch, UTC."""
        local = minutes + _KST_MINUTES
        weekday = (local // DAY_MINUTES + _EPOCH_WEEKDAY) % 7
        return np.asarray(self._day[:, local % DAY_MINUTES] * self._week[:, weekday])

    def later(
        self, time_us: NDArray[np.int64], rhythm: NDArray[np.int64], days: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """The time at which `days` days' worth of activity has passed since `time_us`.

        Cancels that wait by activity instead of by the clock follow the day curve like the sales do:
        at night both are few, and the cancel rate of a healthy merchant is the same at every hour.
        """
        result = np.empty_like(time_us)
        for position in range(len(self._day)):
            mine = rhythm == position
            result[mine] = self._later(time_us[mine], position, days[mine])
        return result

    def _later(
        self, time_us: NDArray[np.int64], position: int, days: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        edges, until = np.arange(DAY_MINUTES + 1.0), self._until[position]
        day, in_day = np.divmod(time_us + _KST_MINUTES * _MINUTE_US, DAY_US)
        done = np.interp(in_day / _MINUTE_US, edges, until) + days
        whole = np.floor(done)
        minute = np.interp(done - whole, until, edges)
        local = (day + whole.astype(np.int64)) * DAY_US + (minute * _MINUTE_US).astype(np.int64)
        return np.asarray(local - _KST_MINUTES * _MINUTE_US)


def _by_minute(hours: tuple[float, ...]) -> NDArray[np.float64]:
    """Hourly values as a smooth curve by minute, mean 1; each value holds at the middle of its hour."""
    middles = np.arange(-0.5, 25.5) * HOUR_MINUTES  # one hour more on both sides closes the circle
    around = np.array([hours[-1], *hours, hours[0]])
    curve = np.interp(np.arange(DAY_MINUTES) + 0.5, middles, around)
    return np.asarray(curve / curve.mean())
