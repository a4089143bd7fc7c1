"""An ornament never stops the main thing: whatever is wrong with it, the incident goes out and says so."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from threading import Event

import duckdb
import pytest

from pipeline.alarms.ornaments import ORNAMENTS
from pipeline.commands import work
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.service import Service
from pipeline.tell.channels import Console
from tests.integration.quiet import SEOUL, SHIPPED, Home, failing


def test_an_approval_time_of_another_type_is_not_known(quiet: Home) -> None:
    merchant = quiet.merchant()
    whole = (SHIPPED / "transactions.sql").read_text()
    assert "original_occurred_at AS approved_at" in whole
    for other in ("'soon'::text", "17", "now()::timestamp", "'{}'::jsonb"):
        quiet.ask(
            whole.replace("original_occurred_at AS approved_at", f"{other} AS approved_at"), "transactions"
        )
        quiet.judge()
        assert "approved_at" in failing(quiet.pipeline)["approved_at"]
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    assert quiet.incident(merchant)["status"] == "open"


@pytest.mark.parametrize(
    "query",
    ["SELEC", "SELECT 1 AS merchant_id", "SELECT m AS merchant_id, 5 AS category FROM unnest(ARRAY[1]) m"],
)
def test_categories_that_cannot_be_read_are_an_alarm_until_they_can(quiet: Home, query: str) -> None:
    quiet.ask(query, "categories")
    quiet.pipeline._facts_due = quiet.next
    quiet.judge()
    assert "categories" in failing(quiet.pipeline)
    shutil.copy(SHIPPED / "categories.sql", quiet.folder)
    quiet.pipeline._facts_due = quiet.next
    quiet.judge()
    assert failing(quiet.pipeline) == {}


def test_categories_that_cannot_be_stored_do_not_stop_a_minute(
    quiet: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        what = "the operational database refused a statement"
        raise ValueError(what)

    quiet.trade.execute("INSERT INTO merchants (merchant_id, category) VALUES ('m1', 'food')")
    monkeypatch.setattr(quiet.pipeline.state, "record_facts", refused)
    quiet.pipeline._facts_due = quiet.next
    before = quiet.next
    quiet.judge()
    quiet.judge()
    assert quiet.next == before + 2 * MINUTE
    assert "refused" in failing(quiet.pipeline)["categories"]
    monkeypatch.undo()
    quiet.pipeline._facts_due = quiet.next
    quiet.judge()


@pytest.fixture
def service(quiet: Home) -> Service:
    return Service(quiet.pipeline, lambda _: Console("ko", SEOUL), Metrics("merchants"), Event())


def test_rows_without_a_time_that_nobody_can_count_do_not_stop_the_comparison(
    quiet: Home, service: Service
) -> None:
    quiet.ask("SELECT 'many' AS rows", "without_time")
    late = quiet.next - 2 * MINUTE
    quiet.surge(quiet.merchant(), late)
    service.reconcile()
    assert [asked.minute for asked in quiet.pipeline.state.repair_requests()] == [late]
    assert "without_time" in failing(quiet.pipeline)
    assert find_faults(quiet.pipeline, quiet.pipeline.source, Span(late, quiet.next)).without_time is None
    Corrector(quiet.pipeline).repair()
    shutil.copy(SHIPPED / "without_time.sql", quiet.folder)
    service.reconcile()


def test_metrics_that_raise_keep_no_minute_back(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    end = quiet.next + 3 * MINUTE
    monkeypatch.setattr(service.metrics, "observe_minute", broken)
    service._judge_due(end)
    assert quiet.next == end
    assert "ZeroDivisionError" in failing(quiet.pipeline)["metrics.minute"]
    monkeypatch.undo()
    service._judge_due(end + MINUTE)
    assert failing(quiet.pipeline) == {}


def test_a_taken_port_of_the_metrics_is_an_alarm_until_it_is_free(quiet: Home, service: Service) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        work.serve_metrics(service.metrics, port)
        service.heartbeat()
        assert str(port) in failing(quiet.pipeline)["metrics"]
    service.heartbeat()
    assert failing(quiet.pipeline) == {}


@pytest.mark.parametrize(
    ("method", "error", "name"),
    [
        ("project", PermissionError(13, "denied"), "manifest"),
        ("project_catalog", duckdb.IOException("locked"), "analyst.duckdb"),
        ("project_catalog", OSError(28, "full"), "analyst.duckdb"),
    ],
)
def test_what_readers_find_files_by_is_made_after_the_commit_and_again(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception, name: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(quiet.pipeline.lake, method, broken)
    merchant = quiet.merchant()
    quiet.surge(merchant, quiet.next)
    quiet.judge()
    service.catalog()
    assert quiet.incident(merchant)["status"] == "open"
    assert name in failing(quiet.pipeline)
    monkeypatch.undo()
    service.catalog()
    assert failing(quiet.pipeline) == {}
    shown = quiet.pipeline.lake.shown()
    assert shown is not None
    assert shown.published_through == quiet.next


def test_a_budget_that_cannot_be_shown_or_measured_stops_no_other_job(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("pipeline.service.measure_night", broken)
    monkeypatch.setattr("pipeline.service.budget_of", broken)
    service.measure_budget()
    service.housekeeping()
    assert set(failing(quiet.pipeline)) == {"budget", "budget.shown"}
    monkeypatch.undo()
    monkeypatch.setattr("pipeline.service.measure_night", lambda _: None)
    service.measure_budget()


def test_the_table_of_the_room_names_every_ornament() -> None:
    told = (Path(__file__).resolve().parents[2] / "pipeline" / "README.md").read_text()
    table = told[told.index("## What may fail without stopping anything") :]
    assert [name for name in ORNAMENTS if f"`{name}`" not in table] == []
