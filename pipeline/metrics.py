"""Numbers for Prometheus. One registry, made by the entry point; nothing is registered at import."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.pack import Budget, Pack
    from pipeline.run import Judged

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

M = TypeVar("M", Counter, Gauge, Histogram)


class _Labelled(Generic[M]):
    """A metric with labels of its own behind that of the pack."""

    def __init__(self, metric: M, pack: str) -> None:
        self._metric: M = metric
        self._pack = pack

    def labels(self, *values: str) -> M:
        """The one with these values."""
        found: M = self._metric.labels(self._pack, *values)
        return found


class Metrics:
    """Everything that is measured of a pack while it runs; `of` gives the same for another pack."""

    def __init__(self, pack: str, beside: Metrics | None = None) -> None:
        self.registry: CollectorRegistry = beside.registry if beside else CollectorRegistry()
        self._known: dict[str, Any] = beside._known if beside else {}  # noqa: SLF001 - of this very class
        self._pack = pack
        self._not_served = 0  # the port that could not be had
        self._of_minutes()
        self._of_telling()
        self._of_source()
        self._of_budget()
        self._of_looks()

    def of(self, pack: str) -> Metrics:
        """The same metrics for another pack, in the same registry."""
        return self if pack == self._pack else Metrics(pack, self)

    def _of_minutes(self) -> None:
        self.lag = self._one(Gauge, "lag_seconds", "Source clock minus the end of the newest judged minute")
        self.step = self._some(Histogram, "step_seconds", "Duration of a step of a minute", "step")
        self.tick = self._one(Histogram, "tick_seconds", "Duration of a whole minute")
        self.minutes = self._one(Counter, "minutes", "Minutes judged and committed")
        self.transactions = self._one(Counter, "transactions", "Rows counted")
        self.quarantined = self._some(Counter, "quarantined", "Rows set aside", "reason")
        self.signals = self._some(Counter, "signals", "Breaches of a raw condition", "rule", "reason")
        self.incidents = self._some(Counter, "incident_events", "Incident events", "rule", "event")
        self.errors = self._some(Counter, "errors", "Failed jobs", "job", "error")
        self.corrected = self._one(Counter, "minutes_corrected", "Published minutes that got a revision")
        self.alarms = self._some(Gauge, "alarms", "Open alarms by name", "name")
        self.leader = self._one(Gauge, "leader_epoch", "Epoch of this process's leadership")

    def _of_telling(self) -> None:
        self.delivered = self._one(Counter, "delivered", "Messages delivered")
        self.dead = self._one(Gauge, "outbox_dead", "Messages that could not be delivered")
        self.pending = self._one(Gauge, "outbox_pending", "Messages waiting")
        self.delivery_delay = self._one(
            Histogram, "delivery_delay_seconds", "Incident committed to message delivered"
        )
        self.incident_delay = self._some(
            Histogram,
            "incident_delay_seconds",
            "End of the judged minute to the incident's commit, and to its delivery",
            "tier",
            "stage",
        )

    def _of_source(self) -> None:
        self.source_up = self._one(Gauge, "source_up", "1 while the source answers, else 0")
        self.source_silent = self._one(
            Gauge, "source_silent_minutes", "Newest minutes in a row without any row"
        )
        self.differences = self._one(Gauge, "reconcile_differences", "Minutes that differ from the source")
        self.poll = self._one(Histogram, "poll_seconds", "Search for late commits")
        self.query = self._some(Histogram, "source_query_seconds", "Answer of the source to a query", "query")
        self.open_transaction = self._one(
            Gauge, "source_open_transaction_seconds", "Age of the oldest open source transaction"
        )
        self.without_time = self._one(
            Gauge,
            "rows_without_time",
            "Source rows whose time is missing or absurd: no minute counts them",
        )
        self.strays = self._some(
            Gauge,
            "stray_minutes",
            "Minutes with rows not counted: past the horizon (found within a day), or in the future",
            "reason",
        )

    def _of_budget(self) -> None:
        self.budget_allowed = self._one(
            Gauge, "budget_allowed_per_day", "False incidents a day that the budget allows"
        )
        self.budget_spent = self._one(Gauge, "budget_spent_today", "Incidents opened today under the budget")
        self.budget_null = self._some(
            Gauge,
            "budget_null_per_day",
            "False incidents a day on the permuted null: mean of the last nights, 95 % interval",
            "of",
        )

    def _of_looks(self) -> None:
        self.look = self._one(
            Histogram, "look_seconds", "Reading, judging and telling what was just committed"
        )
        self.looked_at = self._one(Counter, "rows_looked_at", "Rows read before their minute closed")
        self.seen = self._some(
            Counter,
            "rows_seen",
            "Rows judged before their minute closed, and what else became of them",
            "what",
        )

    def _one(self, kind: type[M], name: str, text: str) -> M:
        """A metric with the pack as its only label."""
        found: M = self._declared(kind, name, text).labels(self._pack)
        return found

    def _some(self, kind: type[M], name: str, text: str, *labels: str) -> _Labelled[M]:
        """A metric with further labels."""
        return _Labelled(self._declared(kind, name, text, *labels), self._pack)

    def _declared(self, kind: type[M], name: str, text: str, *labels: str) -> M:
        if name not in self._known:
            make: Any = partial(Histogram, buckets=_SECONDS) if kind is Histogram else kind
            self._known[name] = make(f"minuterisk_{name}", text, ["pack", *labels], registry=self.registry)
        known: M = self._known[name]
        return known

    def serve(self, port: int, *, or_any: bool = False) -> int | None:
        """Serve /metrics on 127.0.0.1 and give the port (0: not at all).

        Raises ConfigurationError for a taken port, unless any free one will do; see `serve_again`.
        """
        self._not_served = 0
        if not port:
            return None
        try:
            start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as error:
            if or_any:
                server, _ = start_http_server(0, addr="127.0.0.1", registry=self.registry)
                return int(server.server_port)
            self._not_served = port
            msg = f"port {port} for the metrics cannot be had: {error.strerror or error}"
            hint = "set MINUTERISK_METRICS_PORT to a free port, or to 0 for no metrics"
            raise ConfigurationError(msg, hint) from error
        return port

    def serve_again(self) -> None:
        """Try the port again that could not be had."""
        if self._not_served:
            self.serve(self._not_served)

    def observe_alarms(self, open_now: Mapping[str, int]) -> None:
        """Record how many alarms of each name are open."""
        for name, number in open_now.items():
            self.alarms.labels(name).set(number)

    def observe_query(self, name: str, seconds: float) -> None:
        """Record how long the source took to answer a query."""
        self.query.labels(name).observe(seconds)

    def observe_budget(self, found: Budget) -> None:
        """Record the budget; nothing of the null before its first measurement."""
        self.budget_spent.set(found.spent)
        if found.allowed is None or found.interval is None:
            return
        self.budget_allowed.set(found.allowed)
        values = {"mean": found.null_per_day or 0.0, "low": found.interval[0], "high": found.interval[1]}
        for name, value in values.items():
            self.budget_null.labels(name).set(value)

    def observe_look(self, rows: int, counts: Mapping[str, int], seconds: float) -> None:
        """Record one look at what was just committed."""
        self.look.observe(seconds)
        self.looked_at.inc(rows)
        for what, number in counts.items():
            self.seen.labels(what).inc(number)

    def observe_minute(self, judged: Judged, pack: Pack[Any, Any], steps_ms: Mapping[str, float]) -> None:
        """Record one judged minute and how long its steps took."""
        self.minutes.inc()
        rows = judged.counted.read(pack)
        self.transactions.inc(rows)
        if rows:
            self.source_silent.set(0)
        else:
            self.source_silent.inc()
        for step, ms in steps_ms.items():
            self.step.labels(step).observe(ms / 1000)
        self.tick.observe(sum(steps_ms.values()) / 1000)
        for reason, rows in judged.counted.quarantine["reason"].value_counts().iter_rows():
            self.quarantined.labels(reason).inc(rows)
        for rule, reason, rows in judged.signals.group_by("rule", "reason").len().iter_rows():
            self.signals.labels(rule, reason).inc(rows)
        for event in judged.changes.events:
            self.incidents.labels(event.incident.rule, event.kind).inc()
