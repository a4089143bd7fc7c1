"""A job that fails in its thread, rules that somebody edits: the service goes on as it was started."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import baselines
import scheduler
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from scheduler import open_pipeline, open_service, run_service
from tests.simulation.checks import differences
from tests.simulation.world import START

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from pipeline.catch_up import Pipeline
    from tests.simulation.world import World

HOUR = timedelta(hours=1)


def begin(world: World, line: Pipeline) -> None:
    world.insert([(n, "shop", "APPROVAL", 10, START - n * MINUTE) for n in range(1, 100)])
    line.backfill(Span(START - 2 * HOUR, START - 5 * MINUTE))


def test_an_exception_in_a_jobs_thread_is_counted_and_the_next_run_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "TICK_S", 0.2)
    with open_pipeline(world.settings()) as line:
        begin(world, line)
        service = open_service(line, Metrics("merchants"))
        judge = service._judge_due
        failed: list[str] = []

        def failing(until: datetime) -> None:
            if len(failed) < 3:
                failed.append(threading.current_thread().name)
                raise ZeroDivisionError
            judge(until)

        monkeypatch.setattr(service, "_judge_due", failing)
        running = threading.Thread(target=run_service, args=(service,))
        running.start()
        deadline = time.monotonic() + 30
        while line.state.next_minute() != START - MINUTE and time.monotonic() < deadline:
            time.sleep(0.2)
        service.stopped.set()
        running.join(30)
        assert len(failed) == 3
        assert threading.current_thread().name not in failed
        assert service.failure is None
        counted = service.metrics.errors.labels("tick", "ZeroDivisionError")
        assert counted._value.get() == 3
        assert differences(world, oracle_minutes=0) == []


def test_rules_edited_while_it_runs_hold_from_the_next_start(world: World, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    shutil.copy(next(Path(baselines.__file__).parent.rglob("rules.toml")), rules)
    settings = world.settings(rules=str(rules))
    calm = [(3000 + n, "shop", "APPROVAL", 5, START - 100 * MINUTE) for n in range(200)]
    surge = [(2000 + n, "shop", "CANCEL", 5, START - 4 * MINUTE) for n in range(60)]
    world.insert([*calm, *surge])
    with open_pipeline(settings) as line:
        begin(world, line)
        world.set_clock(START - 2 * MINUTE, 0)
        before = passed(line)
        text = rules.read_text()
        rules.write_text(text.replace("\nminimum_cancels_hour = 5\n", "\nminimum_cancels_hour = 90\n"))
        assert rules.read_text() != text
        world.set_clock(START, 0)
        after = passed(line)
    world.step_clock(2 * MINUTE)
    with open_pipeline(settings) as line:
        restarted = passed(line)
    assert (before[-1], after, restarted) == (1, [1, 1], [0, 0])


def passed(line: Pipeline) -> list[int]:
    """Signals that the policy let through, by minute."""
    return [int(judged.signals["passed"].sum()) for judged in line.catch_up(line.due_until())]
