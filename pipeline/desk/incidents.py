"""What people do with an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pipeline.desk.given import Parameter
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.figures import moment, one_line
from pipeline.judge.life import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from pipeline.store.state import State


def acknowledge(deed: Deed) -> Mapping[str, Any]:
    """Take an open incident on and tell people who has, as one; answers with the name as it is stored."""
    said = deed.given["by"]
    name = one_line(said or (deed.actor.name if deed.actor.account_id is not None else ""))
    if not name:
        msg = "nobody is named" if said is None else f"{said!r} is no name"
        raise UsageError(msg, "say who takes care of it: --by NAME")
    if deed.actor.account_id is not None and name != deed.actor.name:
        msg = f"{deed.actor.name} acknowledges for nobody else: {name}"
        raise UsageError(msg, "leave the name out: it is the account's")
    taken = deed.state.take(deed.connection, deed.number, name)
    if taken is None:
        raise _taken(show(deed.state, deed.connection, deed.number), deed.desk.zone)
    event = Event("acknowledged", taken.last_breach_minute, taken, by=name)
    deed.state.tell(deed.connection, [event])
    deed.before, deed.after = {"status": "open"}, {"status": "acknowledged", "by": name}
    return {"incident_id": deed.number, "acknowledged_by": name}


def show(state: State, connection: Connection, incident_id: int) -> Mapping[str, Any]:
    """One incident, with everything that is stored of it."""
    found = state.ask(connection, "show_incident", id=incident_id).mappings().first()
    if found is None:
        refuse_unknown("incident", incident_id)
    return dict(found)


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


ACTS: Final = (
    Act(
        name="acknowledge",
        action="handle",
        kind="incident",
        run=acknowledge,
        parameters={
            "by": Parameter(
                "text", "--by NAME, who takes care of it, where there are no accounts", longest=200
            )
        },
    ),
)
