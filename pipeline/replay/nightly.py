"""Measure the false-alarm budget on the permuted null of the last whole business day.

In a process of its own, at low priority: half a minute of counting must not hold up a tick.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

import polars as pl
import structlog

from baselines.facts import Categories
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, business_date, business_day
from pipeline.packs.merchants.null import measure_null, parts_for, take_part
from pipeline.source.pieces import pieces_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from baselines.merchants.rules import Rules
    from pipeline.catch_up import Pipeline
    from pipeline.packs.merchants.null import NullDay
    from pipeline.store.lake import Lake, LakeFile

log = structlog.get_logger()

WEEK = timedelta(days=7)
_PRIORITY = 10  # added to the process's own, of 19


def measure_budget(pipeline: Pipeline) -> NullDay | None:
    """Measure and store the null of the last whole business day; None where its week is not published."""
    next_minute, first = pipeline.state.next_minute(), pipeline.state.published().first_minute
    if next_minute is None or first is None:
        return None
    zone = pipeline.lake.zone
    day = business_date(next_minute, zone) - timedelta(days=1)
    judged = business_day(day, zone)
    span = Span(judged.start - WEEK - HOUR_MINUTES * MINUTE, judged.end)
    if first > judged.start - WEEK:
        log.info(
            "budget.not_measured", why="less than a week is published before the day", day=day.isoformat()
        )
        return None
    files, categories = pipeline.state.publication().files, pipeline.state.categories()
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(_PRIORITY,)
    ) as pool:
        given = pipeline.lake, files, categories, span, judged, pipeline.rules, day
        found = pool.submit(measure_day, *given).result()
    pipeline.state.record_null_day(day, found, allowed(found.merchants * found.parts, pipeline.rules))
    return found


def measure_day(
    lake: Lake,
    files: Sequence[LakeFile],
    categories: pl.DataFrame,
    span: Span,
    judged: Span,
    rules: Rules,
    day: date,
) -> NullDay:
    """The null of `judged` from the published files; the day's number seeds it and chooses the merchants.

    `categories` are CATEGORY_CHANGE: each merchant's at every minute.
    """
    inside = [
        f
        for f in files
        if f.dataset == "merchant_minute" and f.span.start < span.end and span.start < f.span.end
    ]
    parts, seed = parts_for(sum(f.rows for f in inside)), day.toordinal()
    pieces = [
        take_part(lake.read(inside, "merchant_minute", piece), parts, seed)
        for piece in pieces_of_files(inside, "merchant_minute", span, lake.zone)
    ]
    found = measure_null(pl.concat(pieces), judged, lake.zone, rules, seed, Categories(categories))
    return replace(found, parts=parts)


def allowed(merchants: int, rules: Rules) -> float:
    """False incidents a day that the budget allows so many merchants."""
    return rules.budget.false_incidents_per_day * merchants / 100_000
