"""Have a pack measure itself on the last whole business day: the false-alarm budget on a permuted null, say.

In a process of its own, at low priority: half a minute of counting must not hold up a tick.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import structlog

from baselines.facts import Facts
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, business_date, business_day
from pipeline.source.pieces import pieces_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    import polars as pl

    from baselines.versions import Versions
    from pipeline.catch_up import Pipeline
    from pipeline.pack import Budget
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

log = structlog.get_logger()

WEEK = timedelta(days=7)
_PRIORITY = 10  # added to the process's own, of 19


def measure_night(pipeline: Pipeline) -> dict[str, Any] | None:
    """Measure and store the last whole business day; None where the pack measures none, or no week is."""
    next_minute, first = pipeline.state.next_minute(), pipeline.state.published().first_minute
    if pipeline.pack.nightly is None or next_minute is None or first is None:
        return None
    zone = pipeline.lake.zone
    day = business_date(next_minute, zone) - timedelta(days=1)
    judged = business_day(day, zone)
    span = Span(judged.start - WEEK - HOUR_MINUTES * MINUTE, judged.end)
    if first > judged.start - WEEK:
        why = "less than a week is published before the day"
        log.info("budget.not_measured", why=why, day=day.isoformat())
        return None
    files, facts = pipeline.state.publication().files, pipeline.state.facts()
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(_PRIORITY,)
    ) as pool:
        given = pipeline.lake, files, facts, span, judged, pipeline.versions, day
        found = pool.submit(measure_day, *given).result()
    pipeline.state.record_night(day, found)
    return found


def measure_day(
    lake: Lake,
    files: Sequence[LakeFile],
    facts: pl.DataFrame,
    span: Span,
    judged: Span,
    versions: Versions[Any],
    day: date,
) -> dict[str, Any]:
    """What the pack measures of `judged`, from the published files of `span`; `facts` are FACT_CHANGE."""
    pack = lake.pack
    if pack.nightly is None:
        return {}
    inside = [f for f in files if f.dataset == pack.dataset and f.span.overlaps(span)]
    pieces = (
        lake.read(inside, pack.dataset, piece)
        for piece in pieces_of_files(inside, pack.dataset, span, lake.zone)
    )
    rows = sum(f.rows for f in inside)
    return pack.nightly.measure(pieces, rows, judged, lake.zone, versions, day, Facts(facts))


def budget_of(state: State, lake: Lake, day_start: datetime) -> Budget | None:
    """What was spent of the budget since `day_start`, beside the last nights; None: the pack has none."""
    if lake.pack.nightly is None:
        return None
    return lake.pack.nightly.shown(state.nights(), state.opened_since(day_start))
