"""How long steps of a minute and answers of the source take, and what a run has done: for log and reports."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.pack import Pack
    from pipeline.run import Judged
    from pipeline.tell.deliver import Delay


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


@dataclass(slots=True)
class Tally:
    """What a run has done so far; the demo's summary and the screen at its end."""

    pack: Pack[Any, Any]
    minutes_processed: int = 0
    transactions: int = 0
    signals: int = 0
    incidents_opened: int = 0
    messages_delivered: int = 0
    entities: set[str] = field(default_factory=set)
    minute_ms: list[float] = field(default_factory=list)
    delays_s: dict[tuple[str, str], list[float]] = field(default_factory=dict)  # by stage and tier

    def add(self, judged: Judged, ms: float) -> None:
        """Count one judged minute."""
        self.minutes_processed += 1
        self.transactions += judged.counted.read(self.pack)
        self.signals += judged.signals.height
        self.incidents_opened += len(judged.changes.opened)
        self.entities.update(judged.counted.rows[self.pack.entity])
        self.minute_ms.append(ms)

    def as_json(self) -> dict[str, Any]:
        """The summary for machines."""
        return {
            "minutes_processed": self.minutes_processed,
            "transactions": self.transactions,
            self.pack.nouns: len(self.entities),
            "signals": self.signals,
            "incidents_opened": self.incidents_opened,
            "messages_delivered": self.messages_delivered,
            "tick_ms_p95": round(_p95(self.minute_ms), 1),
            # From the end of the minute, of incidents in minutes that closed while we ran; null: none.
            **{
                f"{stage}_s_p95_{tier}": round(_p95(found), 3) if found else None
                for stage in ("committed", "delivered")
                for tier in ("top", "tail")
                for found in [self.delays_s.get((stage, tier))]
            },
        }

    def add_delay(self, delay: Delay) -> None:
        """Count how long one incident took to reach people."""
        for stage, seconds in (("committed", delay.committed_s), ("delivered", delay.delivered_s)):
            self.delays_s.setdefault((stage, delay.tier), []).append(seconds)


def _p95(values: list[float]) -> float:
    """The value that 95 % do not exceed (nearest rank); 0 for none."""
    return sorted(values)[-(-95 * len(values) // 100) - 1] if values else 0.0
