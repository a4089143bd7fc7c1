"""Forget everything that came from the trade database: for a mapping that was wrong from the start.

The operational database is emptied in one transaction. Before it go the projections of the ledger, which
every start makes again; after it the files. A crash in between leaves files that no ledger row names: the
next `start-anew`, or the sweeping of orphans, deletes them, and nobody counts them meanwhile.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import text

from pipeline.errors import FencedOut
from pipeline.errors.translate import state_errors, storage_errors
from queries import sql

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.settings import Settings
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
    with state_errors(state.url), state.engine.connect() as connection:
        return Size(**connection.execute(text(sql("ops/size"))).mappings().one())


def start_anew(state: State, settings: Settings) -> None:
    """Delete ledger, incidents, messages and files; only the leader may. Settings, queries and reports stay.

    Raises FencedOut where this process does not lead any more: then only projections of the ledger are gone,
    which every start makes again.
    """
    for projection in (settings.manifest, settings.catalog):
        with storage_errors(projection):
            projection.unlink(missing_ok=True)
    _empty(state)
    if settings.lake.is_dir():
        with storage_errors(settings.lake):
            shutil.rmtree(settings.lake)
    log.info("start_anew.done", installation=state.installation())


def _empty(state: State) -> None:
    """One transaction that only the leader can commit."""
    with state_errors(state.url), state.engine.begin() as connection:
        if connection.execute(text(sql("ops/fence")), {"epoch": state.epoch}).first() is None:
            msg = f"epoch {state.epoch} no longer leads this installation"
            raise FencedOut(msg, "nothing was deleted; stop the process that leads now, then start anew")
        connection.execute(text(sql("ops/start_anew")))
