"""How many questions a second a key may ask: a bucket that holds a second's worth and fills evenly."""

from __future__ import annotations

from typing import Final

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase

_MOST_KEYS: Final = 10_000


class TooMany(UsageError):
    """More questions than a key may ask."""

    def __init__(self, at_most: int) -> None:
        msg = phrase("more than {most} questions a second by this key", most=at_most)
        super().__init__(msg, "ask again in a second, or raise MINUTERISK_MAX_RATE")


class Rate:
    """Of every key by itself."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now_s: float) -> None:
        """One more question. Raises TooMany."""
        left, then = self._left.get(key, (float(self._at_most), now_s))
        left = min(self._at_most, left + (now_s - then) * self._at_most)
        if left < 1:
            raise TooMany(self._at_most)
        if len(self._left) >= _MOST_KEYS:
            self._left.clear()
        self._left[key] = (left - 1, now_s)
