"""What is known of entities beside their rows: read once a day, kept as changes in our own database.

Their names too, as they are now: nothing is judged by a name.

A verdict must follow from what is stored, so what was read holds from the next minute to judge on and never
for minutes judged before. Two exceptions keep that true: the very first read, before anything was judged,
holds for all of the past as well; and what was read for minutes that then were not judged is replaced. A
backtest, `explain` and a correction therefore use the facts that were in force at each minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import structlog

from baselines.facts import in_force
from pipeline.minute import EPOCH
from pipeline.schema import FACT, FACT_CHANGE
from pipeline.store.database import Database, as_json

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.alarms.ornaments import Ornaments
    from pipeline.source.asked import Source
    from pipeline.store.state import State

log = structlog.get_logger()


class StoredFacts(Database):
    """What was read of entities so far."""

    def facts(self) -> pl.DataFrame:
        """What is known of entities over time (FACT_CHANGE), oldest first."""
        with self.reading() as connection:
            rows = self.ask(connection, "facts").all()
        return pl.DataFrame([tuple(row) for row in rows], FACT_CHANGE, orient="row")

    def record_facts(self, from_minute: datetime, changes: pl.DataFrame) -> None:
        """Store changes (FACT_CHANGE) from that minute on, instead of those known from it on."""
        rows = changes.with_columns(pl.col("from_minute").dt.to_string("iso:strict")).to_dicts()
        with self.committing() as connection:
            self.ask(connection, "forget_facts", from_minute=from_minute)
            self.ask(connection, "record_facts", changes=as_json(rows))
            self.ask(connection, "known_anew")

    def names(self) -> pl.DataFrame:
        """The names of entities (FACT), as they were last read."""
        with self.reading() as connection:
            rows = self.ask(connection, "names").all()
        return pl.DataFrame([tuple(row) for row in rows], FACT, orient="row")

    def record_names(self, read: pl.DataFrame) -> int:
        """Let the names be those that were read (FACT); says of how many entities they changed."""
        stored = self.names()
        new = read.join(stored, on=["entity_id", "value"], how="anti")
        gone = stored.join(read, on="entity_id", how="anti")["entity_id"]
        if new.is_empty() and gone.is_empty():
            return 0
        with self.committing() as connection:
            self.ask(connection, "forget_names", entities=gone.to_list())
            self.ask(connection, "record_names", names=as_json(new.to_dicts()))
            self.ask(connection, "known_anew")
        return new.height + gone.len()


def changes_since(stored: pl.DataFrame, read: pl.DataFrame, from_minute: datetime) -> pl.DataFrame:
    """What has to be stored (FACT_CHANGE) so that `read` (FACT) is in force from a minute on.

    `stored` are the changes known so far; those from that minute on do not count.
    """
    before = in_force(stored.filter(pl.col("from_minute") < from_minute))
    both = before.join(read, on="entity_id", how="full", coalesce=True, suffix="_read")
    other = both.filter(pl.col("value").ne_missing(pl.col("value_read")))
    return other.select(
        pl.lit(from_minute, FACT_CHANGE["from_minute"]).alias("from_minute"),
        "entity_id",
        pl.col("value_read").alias("value"),
    ).sort("entity_id")


def refresh_facts(
    source: Source, state: State, next_minute: datetime, ornaments: Ornaments, name: str
) -> bool:
    """Read the facts and store what changed, in force from `next_minute` on; says whether they were read.

    `name` is their query. Where the source does not give them now, the last known ones go on, and an alarm
    says so. Where there is no query for them (any more), none are in force.
    """
    try:
        read = source.known()
    except Exception as error:  # noqa: BLE001 - whatever an optional query gives, no minute may wait for it
        log.warning("facts.not_read", query=name, error=str(error))
        ornaments.raised(name, error)
        return False
    ornaments.works(name)
    if renamed := state.record_names(FACT.to_frame() if read is None else read.names):
        log.info("names.changed", query=name, entities=renamed)
    stored = state.facts()
    if read is None and stored.is_empty():
        return True
    start = next_minute
    if stored.is_empty() and state.published().last_judged is None:
        start = EPOCH
    changes = changes_since(stored, FACT.to_frame() if read is None else read.facts, start)
    if not changes.equals(stored.filter(pl.col("from_minute") >= start)):
        state.record_facts(start, changes)
        log.info("facts.changed", query=name, entities=changes.height, from_minute=start.isoformat())
    return True
