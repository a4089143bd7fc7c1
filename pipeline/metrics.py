"""Numbers for Prometheus. One registry object, made by the entry point; nothing is registered at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.packs.merchants.spent import Spent
    from pipeline.run import Judged

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Everything that is measured while running."""

    def __init__(self) -> None:
        r = self.registry = CollectorRegistry()
        self._not_served = 0  # the port that could not be had
        self.lag = Gauge(
            "minuterisk_lag_seconds", "Source clock minus the end of the newest judged minute", registry=r
        )
        self.step = Histogram(
            "minuterisk_step_seconds",
            "Duration of a step of a minute",
            ["step"],
            buckets=_SECONDS,
            registry=r,
        )
        self.tick = Histogram(
            "minuterisk_tick_seconds", "Duration of a whole minute", buckets=_SECONDS, registry=r
        )
        self.minutes = Counter("minuterisk_minutes", "Minutes judged and committed", registry=r)
        self.transactions = Counter("minuterisk_transactions", "Transactions counted", registry=r)
        self.quarantined = Counter("minuterisk_quarantined", "Transactions set aside", ["reason"], registry=r)
        self.signals = Counter(
            "minuterisk_signals", "Breaches of a raw condition", ["rule", "reason"], registry=r
        )
        self.incidents = Counter(
            "minuterisk_incident_events", "Incident events", ["rule", "event"], registry=r
        )
        self.errors = Counter("minuterisk_errors", "Failed jobs", ["job", "error"], registry=r)
        self.delivered = Counter("minuterisk_delivered", "Messages delivered", registry=r)
        self.dead = Gauge("minuterisk_outbox_dead", "Messages that could not be delivered", registry=r)
        self.pending = Gauge("minuterisk_outbox_pending", "Messages waiting", registry=r)
        self.delivery_delay = Histogram(
            "minuterisk_delivery_delay_seconds",
            "Incident committed to message delivered",
            buckets=_SECONDS,
            registry=r,
        )
        self.incident_delay = Histogram(
            "minuterisk_incident_delay_seconds",
            "End of the judged minute to the incident's commit, and to its delivery",
            ["tier", "stage"],
            buckets=_SECONDS,
            registry=r,
        )
        self.source_up = Gauge(
            "minuterisk_source_up", "1 while the trade database answers, else 0", registry=r
        )
        self.source_silent = Gauge(
            "minuterisk_source_silent_minutes", "Newest minutes in a row without any transaction", registry=r
        )
        self.differences = Gauge(
            "minuterisk_reconcile_differences", "Minutes that differ from the source", registry=r
        )
        self.poll = Histogram(
            "minuterisk_poll_seconds",
            "Search for late commits",
            buckets=_SECONDS,
            registry=r,
        )
        self.query = Histogram(
            "minuterisk_source_query_seconds",
            "Answer of the trade database to a query",
            ["query"],
            buckets=_SECONDS,
            registry=r,
        )
        self.corrected = Counter(
            "minuterisk_minutes_corrected", "Published minutes that got a revision", registry=r
        )
        self.open_transaction = Gauge(
            "minuterisk_source_open_transaction_seconds",
            "Age of the oldest open source transaction",
            registry=r,
        )
        self.without_time = Gauge(
            "minuterisk_rows_without_time",
            "Source rows whose time is missing or absurd: no minute counts them",
            registry=r,
        )
        self.strays = Gauge(
            "minuterisk_stray_minutes",
            "Minutes with rows not counted: past the horizon (found within a day), or in the future",
            ["reason"],
            registry=r,
        )
        self.budget_allowed = Gauge(
            "minuterisk_budget_allowed_per_day",
            "False cancel surges a day that the budget allows",
            registry=r,
        )
        self.budget_spent = Gauge(
            "minuterisk_budget_spent_today", "Cancel surges opened today under the budget", registry=r
        )
        self.budget_null = Gauge(
            "minuterisk_budget_null_per_day",
            "False cancel surges a day on the permuted null: mean of the last nights, 95 % interval",
            ["of"],
            registry=r,
        )
        self.alarms = Gauge("minuterisk_alarms", "Open alarms by name", ["name"], registry=r)
        self.leader = Gauge("minuterisk_leader_epoch", "Epoch of this process's leadership", registry=r)

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
        """Record how long the trade database took to answer a query."""
        self.query.labels(name).observe(seconds)

    def observe_budget(self, found: Spent) -> None:
        """Record the budget; nothing of the null before its first measurement."""
        self.budget_spent.set(found.spent)
        if found.allowed is None or found.interval is None:
            return
        self.budget_allowed.set(found.allowed)
        values = {"mean": found.null_per_day or 0.0, "low": found.interval[0], "high": found.interval[1]}
        for name, value in values.items():
            self.budget_null.labels(name).set(value)

    def observe_minute(self, judged: Judged, steps_ms: Mapping[str, float]) -> None:
        """Record one judged minute and how long its steps took."""
        self.minutes.inc()
        self.transactions.inc(judged.counted.transactions)
        if judged.counted.transactions:
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
