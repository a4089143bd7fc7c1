"""Counted minutes of one entity, kept by the file they were read from: a published file never changes.

At most so many entities are kept, those that were asked for last: 64 of them with 8 days of minutes each take
about 50 MB.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from pipeline.minute import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.door import Door
    from app.reads import Page
    from pipeline.store.manifest import LakeFile, Manifest

MOST_ENTITIES: Final = 64


class Kept:
    """Rows by entity and file. Threads may share it."""

    def __init__(self, most: int = MOST_ENTITIES) -> None:
        self._most = most
        self._entities: OrderedDict[str, dict[str, pl.DataFrame]] = OrderedDict()
        self._lock = Lock()

    def read(self, door: Door, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
        """The entity's rows (`Pack.counted`) of `span`, in order; only files that are new are read."""
        files = [file for file in manifest.datasets.get(door.pack.dataset, ()) if file.span.overlaps(span)]
        held = self._held(entity_id)
        new = [file for file in files if file.path not in held]
        if new:
            rows = door.of_entity(manifest, entity_id, _covering(new))
            fresh = {file.path: _inside(rows, file.span) for file in new}
            self._keep(entity_id, fresh, {file.path for file in manifest.files})
            held = {**held, **fresh}
        parts = [held[file.path] for file in files]
        found = pl.concat([door.pack.counted.to_frame(), *parts])
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


def rows_of(page: Page, manifest: Manifest, entity_id: str, span: Span) -> pl.DataFrame:
    """The counted rows of an entity, see `Kept.read`."""
    return _kept(page.name).read(page.door, manifest, entity_id, span)


def has_rows(page: Page, entity_id: str) -> bool:
    """Is there any published row of it?"""
    manifest = page.door.manifest()
    if manifest is None or manifest.first_minute is None:
        return False
    everything = Span(min(manifest.first_minute, manifest.published_through), manifest.published_through)
    return not rows_of(page, manifest, entity_id, everything).is_empty()


@st.cache_resource(show_spinner=False)
def _kept(name: str) -> Kept:  # noqa: ARG001 - the key of the cache
    return Kept()


def _covering(files: Sequence[LakeFile]) -> Span:
    return Span(min(file.span.start for file in files), max(file.span.end for file in files))


def _inside(rows: pl.DataFrame, span: Span) -> pl.DataFrame:
    return rows.filter((pl.col("minute") >= span.start) & (pl.col("minute") < span.end))
