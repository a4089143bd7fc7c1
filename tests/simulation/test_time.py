"""Clocks that step, hosts that sleep, zones that change: every minute once, oldest first, nothing lost."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from structlog.testing import capture_logs

from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from scheduler import open_pipeline
from tests.simulation.checks import differences
from tests.simulation.world import START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def pipeline(world: World) -> Iterator[Pipeline]:
    """Judged up to ten minutes before START."""
    world.set_clock(START - 10 * MINUTE, 0)
    world.insert([(n, "shop", "APPROVAL", 10, START - n * MINUTE) for n in range(1, 100)])
    with open_pipeline(world.settings()) as pipeline:
        pipeline.backfill(Span(START - 2 * HOUR, START - 30 * MINUTE))
        list(pipeline.catch_up(pipeline.due_until()))
        Corrector(pipeline).poll()
        yield pipeline


def judged(pipeline: Pipeline) -> list[datetime]:
    return [one.minute for one in pipeline.catch_up(pipeline.due_until())]


def test_a_clock_that_steps_back_an_hour_judges_nothing_twice_and_loses_nothing(
    world: World, pipeline: Pipeline
) -> None:
    world.step_clock(-HOUR)
    assert judged(pipeline) == []
    world.insert([(1000, "shop", "CANCEL", 5, START - 20 * MINUTE)])  # a late row, an hour in the future now
    Corrector(pipeline).poll()
    world.step_clock(HOUR + 5 * MINUTE)
    assert judged(pipeline) == [START + n * MINUTE for n in range(-11, -6)]
    Corrector(pipeline).poll()
    assert differences(world, oracle_minutes=0) == []


def test_a_clock_that_steps_forward_an_hour_and_back_leaves_no_hole_and_no_wrong_minute(
    world: World, pipeline: Pipeline
) -> None:
    world.step_clock(HOUR)
    minutes = judged(pipeline)
    assert minutes == [START + n * MINUTE for n in range(-11, 49)]
    world.step_clock(-HOUR)
    assert judged(pipeline) == []
    corrector = Corrector(pipeline)
    for n in range(1, 60):  # the hour that was judged as silence happens now
        world.step_clock(MINUTE)
        world.insert([(2000 + n, "shop", "APPROVAL", 5, START + (n - 11) * MINUTE)])
        if n % 20 == 0:
            corrector.poll()
    corrector.poll()
    assert differences(world, oracle_minutes=0) == []


def test_a_host_that_slept_for_half_an_hour_judges_every_minute_oldest_first(
    world: World, pipeline: Pipeline
) -> None:
    world.set_clock(START + 20 * MINUTE, 0)
    minutes = judged(pipeline)
    assert minutes == [START + n * MINUTE for n in range(-11, 19)]
    assert differences(world, oracle_minutes=1) == []


def test_the_zone_of_the_process_changes_nothing(
    world: World, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, zone in enumerate(("America/St_Johns", "Australia/Lord_Howe", "Asia/Seoul", "UTC"), start=1):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        world.step_clock(2 * MINUTE)
        world.insert([(3000 + n, "shop", "CANCEL", 5, START - 40 * MINUTE)])
        assert len(judged(pipeline)) == 2
        Corrector(pipeline).poll()
    monkeypatch.undo()
    time.tzset()
    assert differences(world, oracle_minutes=1) == []


def test_a_slow_clock_of_the_source_is_followed_not_ours(world: World, pipeline: Pipeline) -> None:
    world.set_clock(START - 10 * MINUTE + timedelta(seconds=0.5), 0)
    assert judged(pipeline) == []
    world.step_clock(timedelta(seconds=0.5))  # the close delay of this world is one second
    assert judged(pipeline) == [START - 11 * MINUTE]


def test_a_transaction_open_for_long_raises_an_alarm_and_its_row_is_found_also_after_a_restart(
    world: World, pipeline: Pipeline
) -> None:
    corrector = Corrector(pipeline)
    corrector.poll()
    with psycopg.connect(world.trade_url) as late:
        late.execute(
            "INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at)"
            " VALUES (1000, 'shop', 'CANCEL', 5, %s)",
            [START - 12 * MINUTE],
        )
        alarms, open_for = [], []
        for _ in range(20):
            with capture_logs() as said:
                corrector.poll()
            alarms.append([line["event"] for line in said if line.get("alarm")])
            open_for.append(corrector.open_for)
            world.step_clock(MINUTE)
        assert open_for == [n * MINUTE for n in range(20)]
        assert alarms == [[]] * 6 + [["source.transaction_open"]] + [[]] * 13  # said once
        assert pipeline.alarms.counts()["source.transaction_open"] == 1
        corrector = Corrector(pipeline)  # another process takes over
        corrector.poll()
        assert corrector.open_for == 20 * MINUTE
        world.step_clock(MINUTE)
        corrector.poll()
        late.commit()
    assert corrector.poll() == [START - 12 * MINUTE]
    assert corrector.open_for == timedelta(0)
    assert pipeline.alarms.counts()["source.transaction_open"] == 0
    judged(pipeline)
    assert differences(world, oracle_minutes=0) == []
