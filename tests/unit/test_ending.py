"""A service ends although a look tells something just then."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

import scheduler as root


def test_a_look_that_told_something_does_not_wait_for_the_end_that_waits_for_it() -> None:
    jobs, looking, ending = (
        BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}),
        Event(),
        Event(),
    )
    metrics = SimpleNamespace(observe_look=lambda *_: None)
    service = cast("Any", SimpleNamespace(metrics=metrics, ending=False))

    def look() -> SimpleNamespace:
        looking.set()
        ending.wait(10)
        time.sleep(0.1)  # the end has begun: it holds the scheduler's lock
        return SimpleNamespace(rows=1, seen=SimpleNamespace(counts={}), opened=1)

    told = cast("Any", SimpleNamespace(look=look))
    now = datetime.now(UTC)
    jobs.add_job(lambda: root._look(jobs, service, told), "interval", hours=1, next_run_time=now)
    jobs.add_job(lambda: None, "interval", hours=1, id="deliver")
    jobs.start()
    assert looking.wait(10)
    end = Thread(target=jobs.shutdown, daemon=True)
    end.start()
    ending.set()
    end.join(10)
    assert not end.is_alive()
