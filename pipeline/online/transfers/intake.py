"""The one place that writes events: new ones, corrections of a status, and conflicts, which change nothing.

Every way in ends here, so the same event may come any number of times, by any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from sqlalchemy import text

from pipeline.packs.transfers.schema import EVENT
from queries import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Ways in, as correction_log names them; beside them there are `source` and `desk`.
RELAY: Final = "relay"
HTTP: Final = "http"
#: They deliver messages, perhaps twice and an older one last; the others say how a payment is now.
_MESSAGES: Final = frozenset({RELAY, HTTP})
_TIMES: Final = tuple(name for name, dtype in EVENT.items() if dtype.is_temporal())


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of events that were handed in, by their transfer_id."""

    new: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()  # known, and nothing has changed
    corrected: tuple[str, ...] = ()  # known, with another status from now on
    conflicts: tuple[str, ...] = ()  # known, and different: the first stays

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.new + other.new,
            self.equal + other.equal,
            self.corrected + other.corrected,
            self.conflicts + other.conflicts,
        )


def take(connection: Connection, events: pl.DataFrame, origin: str) -> Taken:
    """Write events (rows of EVENT) inside the caller's transaction, in their order.

    One transfer_id may stand there several times: its first row is taken first.
    """
    if events["transfer_id"].n_unique() == events.height:
        return _take_once(connection, events, origin) if events.height else Taken()
    taken, rest = Taken(), events
    while rest.height:
        numbered = rest.with_columns(again=pl.int_range(pl.len()).over("transfer_id"))
        first = numbered.filter(pl.col("again") == 0).drop("again")
        rest = numbered.filter(pl.col("again") > 0).drop("again")
        taken += _take_once(connection, first, origin)
    return taken


def _take_once(connection: Connection, events: pl.DataFrame, origin: str) -> Taken:
    """The same for events of which each has an id of its own."""
    given = {"events": _as_json(events)}
    new = tuple(connection.execute(text(sql("transfers/ops/intake_new")), given).scalars())
    if len(new) == events.height:
        return Taken(new)
    known = events.filter(~pl.col("transfer_id").is_in(new))
    forward = {"origin": origin, "forward": origin in _MESSAGES}
    found: dict[str, list[str]] = {"equal": [], "correction": [], "conflict": []}
    query = text(sql("transfers/ops/intake_known"))
    for transfer_id, said in connection.execute(query, {"events": _as_json(known), **forward}):
        found[said].append(transfer_id)
    return Taken(new, *(tuple(ids) for ids in found.values()))


def _as_json(events: pl.DataFrame) -> str:
    return (
        events.select(EVENT.names())
        .with_columns(pl.col(name).dt.epoch("ms") for name in _TIMES)
        .with_row_index("place")
        .write_json()
    )
