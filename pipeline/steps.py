"""How long each step of a minute takes: for the metrics, the log and the benchmark."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Steps:
    """Durations by step name, in milliseconds, in the order the steps first ran."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.ms: dict[str, float] = {}

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Add the duration of the block to step `name`, also when it raises."""
        start = self._monotonic()
        try:
            yield
        finally:
            self.ms[name] = self.ms.get(name, 0.0) + (self._monotonic() - start) * 1000

    def take(self) -> dict[str, float]:
        """The durations so far; the next ones start from zero."""
        taken, self.ms = self.ms, {}
        return taken
