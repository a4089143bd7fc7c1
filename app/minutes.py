"""Counted minutes, of one entity or of all together.

Those of one are kept by the file they were read from: a published file never changes. At most so many are
kept, those that were asked for last: 64 entities with 8 days of minutes each take about 50 MB. Those of all
together are the ledger's sums, so that no file is read for them.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from app.reads import published
from baselines.slots import slots_of
from pipeline.minute import MINUTE, Span
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from app.lake import Lake
    from app.reads import Page
    from pipeline.store.manifest import LakeFile, Manifest

MOST_ENTITIES: Final = 64


class Kept:
    """Rows by entity and file. Threads may share it."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._entities: OrderedDict[str, dict[str, pl.DataFrame]] = OrderedDict()
        self._lock = Lock()

    def read(self, lake: Lake, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
        """The entity's rows (`Pack.counted`) of `span`, in order; only files that are new are read."""
        (slot,) = slots_of(pl.Series([entity_id]))
        files = [
            file
            for file in manifest.datasets.get(lake.pack.dataset, ())
            if file.span.overlaps(span) and file.slots.first <= slot < file.slots.end
        ]
        held = self._held(entity_id)
        new = [file for file in files if file.path not in held]
        if new:
            rows = lake.of_entity(manifest, entity_id, _covering(new))
            fresh = {file.path: _inside(rows, file.span) for file in new}
            self._keep(entity_id, fresh, {file.path for file in manifest.files})
            held = {**held, **fresh}
        parts = [held[file.path] for file in files]
        found = pl.concat([lake.pack.counted.to_frame(), *parts])
        return _inside(found, span).sort("minute")

    def _held(self, entity_id: str) -> dict[str, pl.DataFrame]:
        with self._lock:
            held = self._entities.get(entity_id, {})
            if held:
                self._entities.move_to_end(entity_id)
            return dict(held)

    def _keep(self, entity_id: str, fresh: dict[str, pl.DataFrame], published: set[str]) -> None:
        with self._lock:
            held = {**self._entities.get(entity_id, {}), **fresh}
            self._entities[entity_id] = {path: rows for path, rows in held.items() if path in published}
            self._entities.move_to_end(entity_id)
            while len(self._entities) > self._most:
                self._entities.popitem(last=False)


def minutes_of(page: Page, manifest: Manifest, entity_id: str | None, span: Span) -> pl.DataFrame:
    """The minutes of `span` in order: `minute` and the pack's sums; of one entity all of `Pack.counted`.

    `entity_id` None: all together. A minute in which nothing happened is not among those of an entity.
    """
    if entity_id is None:
        return _all_together(page, manifest, span)
    return _kept(page.name).read(page.door.lake, manifest, entity_id, span)


def has_minutes(page: Page, entity_id: str) -> bool:
    """Is there any published minute of it?"""
    manifest = page.door.lake.manifest()
    if manifest is None or manifest.span is None:
        return False
    return not minutes_of(page, manifest, entity_id, manifest.span).is_empty()


def in_steps(minutes: pl.DataFrame, sums: Sequence[str], span: Span, step: timedelta) -> pl.DataFrame:
    """The sums in each whole step of `span`, counted from its start: `start` and the sums, no gap.

    A step in which nothing happened is 0.
    """
    starts = [span.start + step * n for n in range((span.end - span.start) // step)]
    every = pl.DataFrame({"start": pl.Series(starts, dtype=UTC_TIME)})
    length = step // MINUTE
    number = (pl.col("minute") - span.start).dt.total_minutes() // length
    start = (pl.lit(span.start) + pl.duration(minutes=number * length)).cast(UTC_TIME)
    found = minutes.group_by(start.alias("start")).agg(pl.col(sums).sum())
    return every.join(found, on="start", how="left", maintain_order="left").fill_null(0)


@published
def _all_together(page: Page, manifest: Manifest, span: Span) -> pl.DataFrame:  # noqa: ARG001 - the key of the cache
    rows = page.door.rows("ops/app_minutes", {"first": span.start, "stop": span.end})
    return of_ledger(rows, page.pack.sums)


def of_ledger(rows: Iterable[Mapping[str, Any]], sums: Sequence[str]) -> pl.DataFrame:
    """Rows of `ops/app_minutes` as `minute` and `sums`, in order; a sum that a minute does not hold is 0."""
    listed = {row["name"]: (row["minutes"], row["totals"]) for row in rows}
    found = pl.DataFrame(schema={"minute": pl.Int64()})
    for name in sums:
        minutes, totals = listed.get(name, ([], []))
        one = pl.DataFrame({"minute": minutes, name: totals}, {"minute": pl.Int64(), name: pl.Int64()})
        found = found.join(one, on="minute", how="full", coalesce=True)
    time = pl.from_epoch(pl.col("minute") * 60).dt.replace_time_zone("UTC").cast(UTC_TIME)
    return found.fill_null(0).with_columns(time.alias("minute")).sort("minute")


@st.cache_resource(show_spinner=False)
def _kept(name: str) -> Kept:  # noqa: ARG001 - the key of the cache
    return Kept()


def _covering(files: Sequence[LakeFile]) -> Span:
    return Span(min(file.span.start for file in files), max(file.span.end for file in files))


def _inside(rows: pl.DataFrame, span: Span) -> pl.DataFrame:
    return rows.filter((pl.col("minute") >= span.start) & (pl.col("minute") < span.end))
