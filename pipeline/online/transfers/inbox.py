"""Where relays deliver to: our own table of events. One that it does not take is set apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy
import structlog

from pipeline.errors.causes import Cause
from pipeline.errors.failure import driver_failure
from pipeline.online.transfers.intake import RELAY, Taken, take
from pipeline.packs.transfers.screen import screen_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.online.transfers.outbox import Waiting

log = structlog.get_logger()

#: SQLSTATE classes of what one row alone is to blame for: a value, a rule of the table.
_OF_THE_ROW: Final = ("22", "23")


@dataclass(slots=True)
class Sent:
    """What became of a batch. What is in neither list stays where it was, behind an event of its account."""

    done: list[Waiting] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)  # event_id: what stands against it
    taken: Taken = field(default_factory=Taken)


class Inbox:
    """Takes batches of events, in their order."""

    def send(self, connection: Connection, events: Sequence[Waiting], not_after: datetime) -> Sent:
        """Take events inside the caller's transaction; behind one that fails its account waits.

        Raises what the database says where that is about no single event.
        """
        sent = Sent()
        frame, why = _screened([_mapping(event.payload) for event in events], not_after)
        if not why:
            _take(connection, events, frame, sent)
            return sent
        good = [index for index in range(len(events)) if index not in why]
        ready, stuck = [], set[str]()
        for index, event in enumerate(events):
            if event.account_id in stuck:
                continue
            if index in why:
                stuck.add(event.account_id)
                sent.failed[event.event_id] = why[index]
            else:
                ready.append(index)
        place = {index: row for row, index in enumerate(good)}
        rows = frame[[place[index] for index in ready]]
        _take(connection, [events[index] for index in ready], rows, sent)
        return sent


def _screened(payloads: list[Mapping[str, Any]], not_after: datetime) -> tuple[pl.DataFrame, dict[int, str]]:
    """The good rows, in order, and what stands against the others, by their place."""
    try:
        rows, refused = screen_json(payloads, not_after)
    except Exception as error:  # noqa: BLE001 - a fault of ours that one event found holds up no other
        if len(payloads) == 1:
            log.error("relay.fault", error=repr(error))  # noqa: TRY400 - a batch has no time for a traceback
            return screen_json([], not_after)[0], {0: f"fault of minuterisk: {type(error).__name__}"}
        half = len(payloads) // 2
        first, why = _screened(payloads[:half], not_after)
        second, later = _screened(payloads[half:], not_after)
        return pl.concat([first, second]), why | {half + place: said for place, said in later.items()}
    return rows, {place: f"{reason}: {name}" if name else reason for place, reason, name in refused}


def _take(connection: Connection, events: Sequence[Waiting], rows: pl.DataFrame, sent: Sent) -> None:
    """Take all at once; where that fails because of one of them, halve until it is found."""
    if not events:
        return
    try:
        with connection.begin_nested():
            taken = take(connection, rows, RELAY)
    except sqlalchemy.exc.DBAPIError as error:
        said = _of_the_row(error)
        if said is None:
            raise
    else:
        sent.taken += taken
        sent.done += events
        return
    if len(events) == 1:
        sent.failed[events[0].event_id] = said
        return
    half = len(events) // 2
    _take(connection, events[:half], rows[:half], sent)
    stuck = {event.account_id for event in events[:half] if event.event_id in sent.failed}
    rest = [i for i in range(half, len(events)) if events[i].account_id not in stuck]
    _take(connection, [events[i] for i in rest], rows[rest], sent)


def _of_the_row(error: sqlalchemy.exc.DBAPIError) -> str | None:
    """What the database says against one row; None where it says something else."""
    failure = driver_failure(error.orig) if error.orig is not None else None
    if failure is None or not (failure.cause is Cause.VALUE or failure.code[:2] in _OF_THE_ROW):
        return None
    return failure.text


def _mapping(payload: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON of somebody else
    return payload if isinstance(payload, dict) else {}
