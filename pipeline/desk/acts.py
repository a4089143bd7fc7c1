"""The one door through which people change anything, from the command line as from anywhere else.

Each act is refused with a UsageError that says who or what stands in its way.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline.errors import UsageError
from pipeline.figures import moment, one_line
from pipeline.judge.life import Event
from pipeline.tell import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from pipeline.store.state import State


def acknowledge(state: State, incident_id: int, by: str, zone: ZoneInfo) -> str:
    """Take an open incident on and tell people who has, as one; gives the name as it is stored."""
    name = one_line(by)
    if not name:
        msg = f"{by!r} is no name"
        raise UsageError(msg, "say who takes care of it: --by NAME")
    with state.changing() as connection:
        taken = state.take(connection, incident_id, name)
        if taken is not None:
            event = Event("acknowledged", taken.last_breach_minute, taken, by=name)
            state.tell(connection, [event])
            return name
    raise _taken(show(state, incident_id), zone)


def show(state: State, incident_id: int) -> Mapping[str, Any]:
    """One incident, with everything that is stored of it."""
    found = state.rows("show_incident", id=incident_id)
    if not found:
        refuse_unknown("incident", incident_id)
    return found[0]


def requeue(state: State, outbox_id: int | None) -> list[int]:
    """Send dead messages again: one, or all (None); gives the ids that wait again."""
    ids = outbox.requeue(state.engine, state.pack, datetime.now(UTC), outbox_id)
    if outbox_id is not None and not ids:
        refuse_unknown("dead message", outbox_id)
    return ids


def refuse_unknown(what: str, number: int) -> NoReturn:
    """There is no such thing."""
    msg = f"there is no {what} {number}"
    raise UsageError(msg, "see the list for the known numbers")


def _taken(incident: Mapping[str, Any], zone: ZoneInfo) -> UsageError:
    """Why an incident that is there cannot be acknowledged."""
    number, by, at = (incident[name] for name in ("incident_id", "acknowledged_by", "acknowledged_at"))
    taken = f"acknowledged by {one_line(by)} at {moment(at, zone)}" if by and at else ""
    if incident["status"] == "resolved":
        msg = f"incident {number} is resolved since {moment(incident['resolved_minute'], zone)}"
        return UsageError(f"{msg}; it was {taken}" if taken else msg, "there is nothing left to take care of")
    msg = f"incident {number} is already {taken}"
    return UsageError(msg, f"agree with them; see `minuterisk incidents show {number}`")
