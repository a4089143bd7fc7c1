"""How long each step of a minute takes, and the source's answers: for metrics, log, reports and benchmark."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
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


class Answers:
    """How often each query of the source was answered, and how long that took, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, tuple[int, float]] = {}

    def add(self, query: str, seconds: float) -> None:
        """One answer."""
        with self._lock:
            times, ms = self._found.get(query, (0, 0.0))
            self._found[query] = (times + 1, ms + seconds * 1000)

    def take(self) -> dict[str, tuple[int, float]]:
        """Times and milliseconds by query so far; the next ones start from zero."""
        with self._lock:
            taken, self._found = self._found, {}
        return taken
