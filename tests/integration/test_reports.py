"""What jobs did is kept for the people who run minuterisk, and nothing depends on it."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.metrics import Metrics
from pipeline.minute import MINUTE
from pipeline.service import Service
from pipeline.tell.channels import Console
from tests.integration.quiet import SEOUL, Home, failing

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def service(quiet: Home) -> Service:
    with quiet.pipeline.state.engine.begin() as connection:
        connection.execute(text("DELETE FROM job_report"))
    return Service(quiet.pipeline, lambda _: Console("ko", SEOUL), Metrics("merchants"), Event())


def reports(quiet: Home, job: str) -> list[dict[str, Any]]:
    asked = text("SELECT took_ms, result FROM job_report WHERE job = :job ORDER BY job_report_id")
    with quiet.pipeline.state.engine.connect() as connection:
        return [dict(row) for row in connection.execute(asked, {"job": job}).mappings()]


def test_each_judged_minute_says_how_long_its_steps_and_the_sources_answers_took(
    quiet: Home, service: Service
) -> None:
    first = quiet.next
    service.answers.take()
    service._judge_due(first + 2 * MINUTE)
    found = reports(quiet, "minute")
    assert [report["result"]["minute"] for report in found] == [
        minute.isoformat() for minute in (first, first + MINUTE)
    ]
    for report in found:
        said = report["result"]
        assert {"extract", "judge", "money", "settle", "publish", "commit"} <= set(said["steps_ms"])
        assert abs(report["took_ms"] - sum(said["steps_ms"].values())) < 1
        assert said["source"]["transactions"]["times"] == 1
        assert said["source"]["transactions"]["ms"] > 0
        assert said["transactions"] >= 0
        assert said["quarantined"] == 0


def test_a_report_that_cannot_be_written_keeps_no_minute_back_and_is_one_alarm(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        what = "no space left"
        raise OSError(what)

    end = quiet.next + 3 * MINUTE
    monkeypatch.setattr(quiet.pipeline.state, "record_report", refused)
    service._judge_due(end)
    service.reconcile()
    assert quiet.next == end
    assert "no space left" in failing(quiet.pipeline)["reports"]
    monkeypatch.undo()
    service._judge_due(end + MINUTE)
    assert failing(quiet.pipeline) == {}


def test_a_process_that_ends_between_commit_and_report_loses_the_report_alone(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    record = quiet.pipeline.state.record_report

    def killed(job: str, took_ms: float, result: Mapping[str, Any]) -> None:
        if job == "minute":  # a business day's first minute has a report of what was learned before
            raise Killed
        record(job, took_ms, result)

    first = quiet.next
    monkeypatch.setattr(quiet.pipeline.state, "record_report", killed)
    with pytest.raises(Killed):
        service._judge_due(first + MINUTE)
    monkeypatch.undo()
    assert quiet.next == first + MINUTE
    service._judge_due(first + 2 * MINUTE)
    assert quiet.next == first + 2 * MINUTE
    found = [report["result"]["minute"] for report in reports(quiet, "minute")]
    assert found == [(first + MINUTE).isoformat()]


def test_the_other_jobs_say_what_they_found(
    quiet: Home, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = quiet.next - 2 * MINUTE
    quiet.surge(quiet.merchant(), late)
    service.reconcile()
    (compared,) = reports(quiet, "reconcile")
    assert compared["result"]["differences"] == 1
    assert compared["result"]["to"] == quiet.next.isoformat()
    service.search()
    assert reports(quiet, "search")[-1]["result"] == {"depth": "deep"}
    service.housekeeping()
    assert {"replaced", "deleted", "orphans", "tables"} == set(reports(quiet, "compact")[-1]["result"])
    monkeypatch.setattr(service, "_have_repaired", lambda _: None)  # no tick runs beside this
    service.prove()
    (proven,) = reports(quiet, "prove")
    assert proven["result"]["differences_left"] == proven["result"]["differences_found"] >= 1
    statement = quiet.pipeline.settings.home / "reports" / proven["result"]["statement"]
    assert json.loads(statement.read_text())["differences_left"] == proven["result"]["differences_left"]


def test_reports_are_kept_for_eight_days(quiet: Home, service: Service) -> None:
    engine = quiet.pipeline.state.engine
    with engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO job_report (pack, job, at, took_ms, result)
            SELECT 'merchants', 'old', now() - make_interval(days => age), 1, '{}'
            FROM unnest(ARRAY[7, 9]) AS age""")
        )
    service.housekeeping()
    assert len(reports(quiet, "old")) == 1
