"""Forget everything that came from a pack's source: for a mapping that was wrong from the start.

The operational database is emptied in one transaction. Before it go the projections of the ledger, which
every start makes again; after it the files. A crash in between leaves files that no ledger row names: the
next `start-anew`, or the sweeping of orphans, deletes them, and nobody counts them meanwhile.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from pipeline.errors.translate import storage_errors

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Size:
    """What an installation holds."""

    minutes: int
    first_minute: datetime | None
    last_minute: datetime | None
    files: int
    incidents: int
    unresolved: int
    messages: int
    unsent: int


def size_of(state: State) -> Size:
    """How much would be deleted."""
    (row,) = state.rows("size")
    return Size(**row)


def start_anew(state: State, lake: Lake, settings: Settings) -> None:
    """Delete ledger, incidents, messages and files; only the leader may. Settings, queries and reports stay.

    Raises FencedOut where this process does not lead any more: then only projections of the ledger are gone,
    which every start makes again.
    """
    for projection in (settings.manifest, settings.catalog):
        with storage_errors(projection):
            projection.unlink(missing_ok=True)
    paths = state.own_paths()
    hint = "nothing was deleted; stop the process that leads now, then start anew"
    with state.committing(hint) as connection:
        state.ask(connection, "start_anew")
    lake.unlink(path for path in paths if not (lake.folder / path).is_relative_to(lake.own))
    if lake.own.is_dir():
        with storage_errors(lake.own):
            shutil.rmtree(lake.own)
    _remove_empty(lake.folder)
    log.info("start_anew.done", installation=state.installation())


def _remove_empty(folder: Path) -> None:
    """Remove the folders below and including `folder` that hold nothing."""
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()
