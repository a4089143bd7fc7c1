"""What the check measures of itself, for Prometheus and its own health check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from pipeline.online.transfers.check.asked import Asked

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.06, 0.1, 0.25, 1.0)


class Counts:
    """One per process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._checks = Counter(
            "minuterisk_checks",
            "Checks answered, by decision and why it was the fallback",
            ["decision", "doubt"],
            registry=self.registry,
        )
        self._took = Histogram(
            "minuterisk_check_seconds", "Question to answer", buckets=_SECONDS, registry=self.registry
        )
        self.events = Counter(
            "minuterisk_events_handed_in",
            "Events of POST /v1/events, by what became of them",
            ["became"],
            registry=self.registry,
        )
        self.stale = Gauge(
            "minuterisk_check_stale_seconds", "Age of the newest look at the events", registry=self.registry
        )
        self.held = Gauge("minuterisk_checks_held", "Checks that hold something", registry=self.registry)
        self.lookers = Gauge("minuterisk_feed_lookers", "Open live feeds", registry=self.registry)

    def answered(self, asked: Asked, seconds: float) -> None:
        """One check was answered."""
        self._checks.labels(asked.answer.get("decision", ""), asked.doubt or "").inc()
        self._took.observe(seconds)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self.registry)
