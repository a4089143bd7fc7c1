"""Labelled disturbances judged again, and what they cost by when somebody would have acted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import polars as pl

from pipeline.errors.translate import storage_errors
from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.replay.backtest import backtest, compare_with, require_published
from pipeline.replay.regret import names_of, regrets, told_by_replay
from pipeline.replay.replay import whole_period
from pipeline.store.rules import versions_of

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.catch_up import Progress
    from pipeline.replay.regret import Regret
    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

#: Whoever was not told of a disturbance by then is taken for never told: what follows is not judged again.
WATCHED: Final = timedelta(days=1)


def relive(
    settings: Settings,
    state: State,
    lake: Lake,
    labels: pl.DataFrame,
    progress: Progress,
    jobs: int | None = None,
) -> list[Regret]:
    """What each of `labels` (LABEL) cost that expects an alarm and begins in a published minute; by start.

    Each is judged again from its start on, for WATCHED at most, by the rules that were in force; disturbances
    that overlap together. Raises UsageError where that is not published without a hole.
    """
    published = state.published()
    if published.first_minute is None or published.last_minute is None:
        return []
    end = published.last_minute + MINUTE
    begins = (pl.col("start") >= published.first_minute) & (pl.col("start") < end)
    wanted = labels.filter((pl.col("expected") == "alarm") & begins).sort("start", "entity_id", "label")
    found: list[Regret] = []
    for span, together in _overlapping(wanted, end):
        require_published(span, published, state.unpublished(span), lake.zone)
        with storage_errors(settings.home), TemporaryDirectory(dir=settings.home, prefix="regret-") as folder:
            found += _judged_again(settings, state, lake, together, span, Path(folder), progress, jobs)
    return found


def _overlapping(labels: pl.DataFrame, end: datetime) -> list[tuple[Span, pl.DataFrame]]:
    """Labels in order of their start, cut where nothing is watched in between."""
    groups: list[tuple[datetime, datetime, int, int]] = []
    for n, row in enumerate(labels.iter_rows(named=True)):
        until = min(row["end"], row["start"] + WATCHED, end - MINUTE)
        if groups and row["start"] <= groups[-1][1]:
            first, last, start, _ = groups[-1]
            groups[-1] = first, max(last, until), start, n + 1
        else:
            groups.append((row["start"], until, n, n + 1))
    return [
        (Span(floor_minute(first), floor_minute(max(last, first)) + MINUTE), labels[start:stop])
        for first, last, start, stop in groups
    ]


def _judged_again(  # noqa: PLR0913, PLR0917 - of one caller
    settings: Settings,
    state: State,
    lake: Lake,
    labels: pl.DataFrame,
    span: Span,
    folder: Path,
    progress: Progress,
    jobs: int | None,
) -> list[Regret]:
    whole = whole_period(lake, state, span, settings.policy, versions_of(state, settings), folder)
    score, _ = compare_with(labels, backtest(whole, progress, jobs), whole)
    publication = state.publication()
    through = publication.published_through or span.end
    told = told_by_replay(score, through)
    return regrets(lake, publication.files, told, names_of(state, told))
