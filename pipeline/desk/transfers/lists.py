"""Lists of values that decide, or that rules ask: an account that is denied, a payee that is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import WHY, Parameter, one_end
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.desk.roles import Thing, authorize
from pipeline.desk.transfers.asking import actor, ask, first, start_of_change
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.figures import moment, one_line
from pipeline.packs.transfers.ruleset import DENY
from pipeline.packs.transfers.schema import LONGEST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def add(deed: Deed) -> Mapping[str, Any]:
    """Put a value on a list, from the next second on, until an end or until it is removed."""
    name, value = str(deed.given["list"]), str(deed.given["value"])
    _require_right(deed, name)
    if not _NAME.fullmatch(name):
        msg = phrase("{name!r} cannot be the name of a list", name=one_line(name))
        raise UsageError(msg, "use small letters, digits and _, at most 64, a letter first")
    start = start_of_change(deed)
    end = _end(deed, start)
    same = first(deed, "list_entries", at=start, list=name, value=value)
    if same is not None:
        met = {"value": one_line(value), "name": name, "number": same["entry_id"]}
        msg = phrase("{value} stands on the list {name} already: entry {number}", **met)
        hint = phrase("remove that first: `minuterisk lists remove {number}`", number=same["entry_id"])
        raise UsageError(msg, hint)
    said = {"list": name, "value": value, "reason": deed.given["reason"]}
    span = {"from_at": start, "until_at": end}
    number = ask(deed, "insert_list_entry", **said, **span, **actor(deed)).scalar_one()
    deed.thing_id = str(number)
    deed.after = {**said, **{key: at and at.isoformat() for key, at in span.items()}}
    return {"entry_id": number, **said, **span}


def remove(deed: Deed) -> Mapping[str, Any]:
    """Take a value off a list from the next second on; that it stood there stays known."""
    start = start_of_change(deed)
    found = first(deed, "list_entry", entry_id=deed.number)
    if found is None:
        refuse_unknown("list_entry", deed.number)
    _require_right(deed, found["list"])
    if found["removed_by"] is not None or (found["until_at"] is not None and found["until_at"] <= start):
        ended = moment(found["until_at"], deed.desk.zone, seconds=True)
        msg = phrase("entry {number} ends {ended} already", number=deed.number, ended=ended)
        raise UsageError(msg, "there is nothing left to do")
    end = ask(deed, "end_list_entry", entry_id=deed.number, at=start, actor=deed.actor.name).scalar_one()
    said = {name: found[name] for name in ("list", "value")}
    deed.before, deed.after = {**said, "reason": found["reason"]}, {**said, "until_at": end.isoformat()}
    return {"entry_id": deed.number, **said, "until_at": end}


def _require_right(deed: Deed, name: str) -> None:
    """Who may deny may not always allow; a list that rules ask is like a rule."""
    if name != DENY:
        authorize(deed.actor, "allow", Thing("list_entry", deed.thing_id))


def _end(deed: Deed, start: datetime) -> datetime | None:
    if deed.given["for"] is None and deed.given["until"] is None:
        return None
    end = one_end("an entry of a list", start, deed.given["for"], deed.given["until"])
    if end <= start:
        raise UsageError(phrase("{end} is over already", end=moment(end, deed.desk.zone)), "give a later end")
    return end


ACTS: Final = (
    Act(
        name="add_list_entry",
        action="deny",
        kind="list_entry",
        run=add,
        needs_id=False,
        parameters={
            "list": Parameter("text", "deny, allow, or a list that rules ask", required=True, longest=64),
            "value": Parameter("text", "the value, such as an account", required=True, longest=LONGEST_ID),
            "until": Parameter("time", "when it ends"),
            "for": Parameter("duration", "how long it lasts"),
            "reason": WHY,
        },
    ),
    Act(
        name="remove_list_entry",
        action="deny",
        kind="list_entry",
        run=remove,
        parameters={"reason": WHY},
    ),
)
