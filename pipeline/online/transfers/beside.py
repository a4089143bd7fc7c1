"""What the leader does beside the minute: event rules measured, said to be warm, a look at the ways in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

from pipeline.online.beside import Job
from pipeline.online.transfers.backtest import measure_waiting
from pipeline.online.transfers.leases import Pace
from pipeline.online.transfers.outbox import Outbox, outbox_queries
from pipeline.online.transfers.watchman import Watchman
from pipeline.packs.transfers.windows import EventWindows
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.catch_up import Pipeline

log = structlog.get_logger()


def measure(pipeline: Pipeline) -> None:
    """Measure the version that was asked about first, if any."""
    measure_waiting(pipeline.state, pipeline.lake)


def say_warm(pipeline: Pipeline) -> None:
    """Say of the versions whose windows are full by now that they warm up no longer.

    The newest windows hold all that the rules they know ask about: before that the minute is not judged.
    """
    windows = pipeline.newest_windows()
    if not isinstance(windows, EventWindows):
        return
    known = {(one.rule.rule, one.version) for _, of_set in windows.timeline.sets for one in of_set.rules}
    given = {"rules": [rule for rule, _ in known], "versions": [version for _, version in known]}
    with pipeline.state.changing() as connection:
        at = pipeline.state.now(connection)
        warm = connection.execute(text(sql("transfers/ops/mark_filled")), {**given, "at": at}).all()
    for rule, version in warm:
        log.info("event_rules.warm", rule=rule, version=version)


def look_at_ways_in(pipeline: Pipeline) -> None:
    """Tell operators what is wrong with the ways in, also where no relay runs that could."""
    settings, state = pipeline.settings, pipeline.state
    url = settings.event_outbox_url
    outbox = Outbox(url, outbox_queries(settings.event_outbox_queries), Pace()) if url else None
    try:
        Watchman(state.engine, state.url, pipeline.alarms, outbox, time.monotonic).look()
    finally:
        if outbox:
            outbox.close()


JOBS: Final[Mapping[str, Job]] = {
    "trials": Job(measure, 2),
    "warmth": Job(say_warm, 1),
    "ways_in": Job(look_at_ways_in, 30),
}
