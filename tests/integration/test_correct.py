"""Late commits, deletes and updates: published minutes follow the source, incidents the minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.history import rebuild_windows
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span, floor_minute, one_minute
from pipeline.prove.corrector import Corrector
from pipeline.prove.reconcile import reconcile
from pipeline.store.compact import compact
from scheduler import open_service
from tests.integration.trade_home import pipeline_of, state_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

NOW = floor_minute(datetime.now(UTC)) - timedelta(minutes=10)
START = NOW - timedelta(minutes=12)


@pytest.fixture
def pipeline(postgres_url: str, trade: Trade, tmp_path: Path) -> Iterator[Pipeline]:
    """Twelve judged minutes of a merchant with a week of approvals behind it."""
    week = [(n, "shop", "APPROVAL", 1000, START - timedelta(hours=2, minutes=n % 600)) for n in range(1, 201)]
    minutes = [(1000 + n, "shop", "APPROVAL", 1000, START + n * MINUTE) for n in range(12)]
    trade.insert(*week, *minutes)
    with state_database(postgres_url) as state_url, pipeline_of(trade, state_url, tmp_path) as pipeline:
        pipeline.backfill(Span(START - timedelta(days=1), START))
        list(pipeline.catch_up(NOW))
        Corrector(pipeline).poll()
        yield pipeline


def whole(pipeline: Pipeline) -> Span:
    return Span(START - timedelta(days=1), NOW)


def differences(pipeline: Pipeline) -> int:
    return len(reconcile(pipeline.source, pipeline.state, whole(pipeline), pipeline.lake))


def published(pipeline: Pipeline) -> tuple[int, int]:
    rows = pipeline.lake.read(pipeline.state.publication().files, "merchant_minute", whole(pipeline))
    return int(rows["approval_count"].sum()), int(rows["cancel_count"].sum())


def strays(pipeline: Pipeline) -> list[tuple[object, ...]]:
    with pipeline.state.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT minute, reason FROM stray_minute ORDER BY 1").all()
    return [tuple(row) for row in rows]


def incidents(pipeline: Pipeline) -> list[dict[str, object]]:
    return [dict(row) for row in pipeline.state.incidents_between(START - timedelta(days=1), NOW)]


def test_a_poll_without_late_commits_changes_nothing(pipeline: Pipeline) -> None:
    version = pipeline.state.publication().version
    assert Corrector(pipeline).poll() == []
    assert pipeline.state.publication().version == version


def test_a_late_commit_corrects_its_minute_once(pipeline: Pipeline, trade: Trade) -> None:
    trade.insert((5000, "shop", "APPROVAL", 700, NOW - 3 * MINUTE))
    assert differences(pipeline) == 1
    corrector = Corrector(pipeline)
    assert corrector.poll() == [NOW - 3 * MINUTE]
    assert corrector.poll() == []
    assert differences(pipeline) == 0
    assert published(pipeline) == (213, 0)
    assert pipeline.state.minutes(Span(NOW - 3 * MINUTE, NOW - 2 * MINUTE))[0]["revision"] == 1


def test_what_commits_after_the_jobs_have_ended_is_corrected_with_the_rest(
    pipeline: Pipeline, trade: Trade
) -> None:
    service = open_service(pipeline, Metrics("merchants"))
    service._corrector.search(deep=True)  # what it finds waits for a tick that does not come
    trade.insert((5000, "shop", "APPROVAL", 700, NOW - 3 * MINUTE))
    pipeline.state.request_repairs([NOW - 5 * MINUTE], "reconciliation")
    assert differences(pipeline) == 1
    service.correct_rest()
    assert differences(pipeline) == 0
    assert pipeline.state.repair_requests(since=START) == []
    with duckdb.connect(str(pipeline.settings.catalog), read_only=True) as analyst:
        assert analyst.execute("SELECT sum(approval_count) FROM merchant_minute").fetchone() == (213,)


def test_a_transaction_that_was_open_when_its_minute_was_read_is_found(
    pipeline: Pipeline, trade: Trade
) -> None:
    corrector = Corrector(pipeline)
    with psycopg.connect(trade.owner_url) as late:
        late.execute("SAVEPOINT a")
        late.execute(
            "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at)"
            " VALUES (6000, 'shop', 'CANCEL', 1, %s)",
            [NOW - 2 * MINUTE],
        )
        late.execute("RELEASE SAVEPOINT a")
        trade.insert((6001, "other", "APPROVAL", 5, NOW - 2 * MINUTE))
        assert corrector.poll() == [NOW - 2 * MINUTE]  # only the committed row so far
        late.commit()
    assert corrector.poll() == [NOW - 2 * MINUTE]
    assert differences(pipeline) == 0
    assert published(pipeline) == (213, 1)


def test_a_late_surge_opens_its_incident_at_its_minute_and_only_once(
    pipeline: Pipeline, trade: Trade
) -> None:
    trade.insert(*((7000 + n, "shop", "CANCEL", 900, NOW - 5 * MINUTE) for n in range(20)))
    corrector = Corrector(pipeline)
    corrector.poll()
    found = incidents(pipeline)
    assert [(i["rule"], i["entity_id"], i["opened_minute"]) for i in found] == [
        ("cancel_surge", "shop", NOW - 5 * MINUTE)
    ]
    trade.insert((8000, "shop", "CANCEL", 900, NOW - 5 * MINUTE))
    corrector.poll()
    assert len(incidents(pipeline)) == 1


def test_an_incident_that_corrected_data_do_not_support_is_marked_not_deleted(
    pipeline: Pipeline, trade: Trade
) -> None:
    trade.insert(*((7000 + n, "shop", "CANCEL", 900, NOW - 5 * MINUTE) for n in range(20)))
    corrector = Corrector(pipeline)
    corrector.poll()
    trade.execute("DELETE FROM transactions WHERE transaction_id >= 7000")
    assert differences(pipeline) == 1
    assert corrector.correct([NOW - 5 * MINUTE], "reconciliation") == [NOW - 5 * MINUTE]
    assert differences(pipeline) == 0
    marked = incidents(pipeline)
    assert [i["corrected_minute"] for i in marked] == [NOW - MINUTE]
    signals = pipeline.lake.read(pipeline.state.publication().files, "signal", whole(pipeline))
    assert signals.is_empty()


def test_an_ended_episode_that_turns_up_during_a_later_incident_belongs_to_it(
    pipeline: Pipeline, trade: Trade
) -> None:
    trade.insert(*((7000 + n, "shop", "CANCEL", 900, NOW - 2 * MINUTE) for n in range(40)))
    corrector = Corrector(pipeline)
    corrector.poll()
    before = incidents(pipeline)
    trade.insert(*((8000 + n, "shop", "CANCEL", 900, NOW - 10 * MINUTE) for n in range(40)))
    corrector.poll()
    signals = pipeline.lake.read(pipeline.state.publication().files, "signal", whole(pipeline))
    assert signals["minute"].min() == NOW - 10 * MINUTE
    assert [i["opened_minute"] for i in before] == [NOW - 2 * MINUTE]
    assert [(i["incident_id"], i["opened_minute"]) for i in incidents(pipeline)] == [
        (before[0]["incident_id"], NOW - 10 * MINUTE)
    ]


def test_an_incident_marked_corrected_that_holds_after_all_is_unmarked_and_told_again(
    pipeline: Pipeline, trade: Trade
) -> None:
    surge = [(7000 + n, "shop", "CANCEL", 900, NOW - 5 * MINUTE) for n in range(20)]
    trade.insert(*surge)
    corrector = Corrector(pipeline)
    corrector.poll()
    trade.execute("DELETE FROM transactions WHERE transaction_id >= 7000")
    corrector.correct([NOW - 5 * MINUTE], "reconciliation")
    assert [i["corrected_minute"] for i in incidents(pipeline)] == [NOW - MINUTE]
    trade.insert(*surge)
    corrector.poll()
    assert [i["corrected_minute"] for i in incidents(pipeline)] == [None]
    with pipeline.state.engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT event FROM outbox ORDER BY outbox_id").scalars().all()
    assert told == ["opened", "corrected", "repeated"]


def test_an_incident_that_was_marked_corrected_counts_again_when_later_data_support_it(
    pipeline: Pipeline, trade: Trade
) -> None:
    surge = [(7000 + n, "shop", "CANCEL", 900, NOW - 5 * MINUTE) for n in range(20)]
    corrector = Corrector(pipeline)
    for _ in range(2):  # there and back within one minute, twice
        trade.insert(*surge)
        corrector.correct([NOW - 5 * MINUTE], "reconciliation")
        assert [i["corrected_minute"] for i in incidents(pipeline)] == [None]
        trade.execute("DELETE FROM transactions WHERE transaction_id >= 7000")
        corrector.correct([NOW - 5 * MINUTE], "reconciliation")
        assert [i["corrected_minute"] for i in incidents(pipeline)] == [NOW - MINUTE]
    trade.insert(*((8000 + n, "shop", "CANCEL", 900, NOW) for n in range(30)))
    list(pipeline.catch_up(NOW + MINUTE))  # a new breach while it is still open
    assert [i["corrected_minute"] for i in incidents(pipeline)] == [None]


def test_corrected_windows_equal_windows_rebuilt_from_the_lake(pipeline: Pipeline, trade: Trade) -> None:
    trade.insert(
        (9000, "shop", "CANCEL", 900, NOW - 4 * MINUTE),
        (9001, "new shop", "APPROVAL", 10, NOW - 2 * MINUTE),
        (9002, "shop", "APPROVAL", 10, START - timedelta(hours=3)),
    )
    Corrector(pipeline).poll()
    judged = list(pipeline.catch_up(NOW + MINUTE))
    rebuilt: Any = rebuild_windows(pipeline.lake, pipeline.state, NOW + MINUTE, pipeline.tuned_at(NOW))[0]
    line = pipeline._line
    assert judged
    assert line is not None
    windows: Any = line.windows
    for name in ("shop", "new shop"):
        a, b = windows.entities.find(name), rebuilt.entities.find(name)
        assert a is not None
        assert b is not None
        for mine, other in ((windows.hour, rebuilt.hour), (windows.week, rebuilt.week)):
            assert (mine.approvals[a], mine.cancels[a]) == (other.approvals[b], other.cancels[b])
        one, two = windows.pacing, rebuilt.pacing
        assert (one.today[a], one.whole[a]) == (two.today[b], two.whole[b])
        assert one.paced_at(np.array([a])) == two.paced_at(np.array([b]))
    assert int(np.sum(windows.week.approvals)) == int(np.sum(rebuilt.week.approvals))


def test_rows_older_than_the_horizon_are_recorded_not_counted(pipeline: Pipeline, trade: Trade) -> None:
    old = NOW - timedelta(days=3)
    trade.insert((9500, "shop", "APPROVAL", 10, old))
    assert Corrector(pipeline).poll() == []
    assert strays(pipeline) == [(old, "past")]
    assert pipeline.state.strays() == {"past": 1, "future": 0}


def test_rows_ahead_of_the_clock_are_recorded_and_counted_when_their_time_comes(
    pipeline: Pipeline, trade: Trade
) -> None:
    soon, far = NOW + 5 * MINUTE, floor_minute(datetime.now(UTC)) + timedelta(days=3)
    trade.insert((9700, "shop", "APPROVAL", 10, soon), (9701, "shop", "APPROVAL", 10, far))
    with capture_logs() as said:
        corrector = Corrector(pipeline)
        corrector.poll()
        corrector.poll()
    assert strays(pipeline) == [(far, "future")]
    assert pipeline.state.strays() == {"past": 0, "future": 1}
    alarms = [line for line in said if line["event"] == "minutes.stray"]
    assert [
        (line["subject"], line["alarm"], far.strftime("%Y-%m-%dT%H:%M") in line["what"]) for line in alarms
    ] == [("future", True, True)]
    list(pipeline.catch_up(soon + MINUTE))
    assert pipeline.state.minutes(one_minute(soon))[0]["sums"]["approval_count"] == 1
    with pipeline.state.engine.begin() as connection:  # its time comes
        connection.exec_driver_sql("UPDATE watermark SET next_minute = %s", (far + MINUTE,))
    assert pipeline.state.strays() == {"past": 0, "future": 0}


def test_compacted_minutes_are_corrected_inside_their_file(pipeline: Pipeline, trade: Trade) -> None:
    compact(pipeline.lake, pipeline.state, NOW)
    trade.insert((9600, "shop", "APPROVAL", 10, START + MINUTE), (9601, "shop", "REFUND", 10, START + MINUTE))
    assert Corrector(pipeline).poll() == [START + MINUTE]
    assert differences(pipeline) == 0
    assert published(pipeline) == (213, 0)
    aside = pipeline.lake.read(pipeline.state.publication().files, "quarantine", whole(pipeline))
    assert aside["reason"].to_list() == ["kind_unknown"]
