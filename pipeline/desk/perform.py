"""The one door through which people change anything: role, change, audit and message in one transaction.

Page, command line, API and Slack all call `perform`. A refused try changes nothing and stands in the audit
all the same.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import storable
from pipeline.desk.roles import SUPER_ADMIN, Actor, Thing, authorize
from pipeline.errors import NotAllowed, UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import one_line
from pipeline.store import audit

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from pipeline.desk.given import Parameter
    from pipeline.settings import Settings
    from pipeline.store.state import State


@dataclass(frozen=True, slots=True)
class Desk:
    """What every act may use: the operational database of a pack, and the settings."""

    state: State
    settings: Settings
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the business day."""
        return self.settings.business_timezone


@dataclass(slots=True)
class Deed:
    """One act while it is done. It says what changed: `before` and `after`, plain JSON for the audit."""

    desk: Desk
    connection: Connection
    actor: Actor
    thing_id: str
    given: Mapping[str, Any] = field(default_factory=dict)  # there once the actor is known to be allowed
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    @property
    def state(self) -> State:
        """The operational database; ask it with `connection`, so that all is one transaction."""
        return self.desk.state

    @property
    def number(self) -> int:
        """The thing's number. Raises UsageError where it is none."""
        if not _NUMBER.fullmatch(self.thing_id):  # one way to write each, so that the audit finds it
            msg = phrase("{name!r} is no number", name=self.thing_id)
            raise UsageError(msg, "see the list for the known numbers")
        return int(self.thing_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that people do: which action of the table it is, on what, and what it needs to be told."""

    name: str
    action: str  # a row of roles.TABLE
    kind: str  # of the thing
    run: Callable[[Deed], Mapping[str, Any]]  # gives what the person is answered; raises UsageError
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs_id: bool = True  # of a thing that is there already
    own: Callable[[Deed], bool] = lambda _: False  # is it the actor's own, which everybody may?
    proposed_by: Callable[[Deed], int | None] = lambda _: None  # the account that asks to approve it
    refused: Callable[[Deed, UsageError], None] = lambda *_: None  # what a refusal leaves beside the audit


_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
#: No thing has a longer name.
_LONGEST_ID: Final = 200
#: What is done first in the transaction and may refuse by raising: a press that was taken already.
Guard = Callable[["Connection"], None]


def perform(
    desk: Desk,
    acts: Mapping[str, Act],
    actor: Actor,
    name: str,
    thing_id: str | int = "",
    given: Mapping[str, Any] | None = None,
    guard: Guard = lambda _: None,
) -> dict[str, Any]:
    """Do an act for the actor and give its answer; all of it or nothing.

    Raises NotAllowed, or UsageError with what stands in the way and the next step. What raises something else
    is a fault and leaves nothing.
    """
    act = _known(acts, name)
    thing = Thing(act.kind, str(thing_id))
    try:
        with desk.state.changing() as connection:
            guard(connection)
            _require_id(thing)
            now = as_it_stands(desk, connection, actor)
            deed = Deed(desk, connection, now, thing.id)
            if not act.own(deed):  # before anything is said of what was given
                authorize(now, act.action, replace(thing, proposed_by=act.proposed_by(deed)))
            deed.given = _checked(act, thing, given or {})
            answer = dict(act.run(deed))
            _write(connection, desk, now, act.name, thing, deed, _why(deed.given))
    except UsageError as error:
        with desk.state.changing() as connection:
            guard(connection)
            act.refused(Deed(desk, connection, actor, thing.id), error)
            _write(connection, desk, actor, act.name, thing, None, error.what)
        raise
    return answer


def require(desk: Desk, actor: Actor, action: str, thing: Thing) -> None:
    """Let the actor read what is no act, or raise NotAllowed; a refused try stands in the audit as well."""
    try:
        authorize(actor, action, thing)
    except NotAllowed as error:
        with desk.state.changing() as connection:
            _write(connection, desk, actor, action, thing, None, error.what)
        raise


def record(desk: Desk, actor: Actor, name: str, thing: Thing, before: Mapping[str, Any]) -> None:
    """Keep in the audit what a command does next that is too large for one transaction of the desk."""
    with desk.state.changing() as connection:
        deed = Deed(desk, connection, actor, thing.id, before=before)
        _write(connection, desk, actor, name, thing, deed, "")


def as_it_stands(desk: Desk, connection: Connection, actor: Actor) -> Actor:
    """The actor with the role of this moment: an account may have been changed since the door let it in."""
    if actor.account_id is None:
        if actor.role == SUPER_ADMIN and desk.state.ask(connection, "count_accounts").scalar_one():
            name = actor.name
            msg = phrase("there are accounts now, and {name} is none of them", name=name)
            link = phrase("an administrator links it: minuterisk users link NAME --os-user {name}", name=name)
            raise NotAllowed(msg, link)
        return actor
    row = desk.state.ask(connection, "account_now", account_id=actor.account_id).first()
    if row is None or row.disabled:
        msg = phrase("the account {name} is disabled", name=actor.name)
        raise NotAllowed(msg, "ask an administrator")
    return replace(actor, name=row.name, role=row.role)


def _known(acts: Mapping[str, Act], name: str) -> Act:
    if name not in acts:
        near = difflib.get_close_matches(name, acts, 1)
        msg = phrase("there is no act {name!r}", name=name)
        known = phrase("known are {known}", known=", ".join(sorted(acts)))
        raise UsageError(msg, phrase("did you mean {near}?", near=near[0]) if near else known)
    return acts[name]


def _require_id(thing: Thing) -> None:
    """Refuse what can be the name of nothing, before a database is asked for it."""
    if len(thing.id) > _LONGEST_ID or not storable(thing.id):
        met = {"name": one_line(thing.id), "kind": word(thing.kind)}
        msg = phrase("{name!r} cannot be the name of a thing of the kind {kind}", **met)
        raise UsageError(msg, phrase("at most {most} letters, and no control characters", most=_LONGEST_ID))


def _checked(act: Act, thing: Thing, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, each of its kind. Raises UsageError."""
    strange = [name for name in given if name not in act.parameters]
    if strange:
        msg = phrase("{act} knows no {strange}", act=act.name, strange=", ".join(strange))
        takes = ", ".join(act.parameters) or word("nothing")
        raise UsageError(msg, phrase("it takes {parameters}", parameters=takes))
    if act.needs_id and not thing.id:
        msg = phrase("{act} needs the {kind} it is about", act=act.name, kind=word(act.kind))
        raise UsageError(msg, "give its number or name")
    return {name: parameter.read(name, given.get(name)) for name, parameter in act.parameters.items()}


def _why(given: Mapping[str, Any]) -> str:
    return str(given.get("reason") or "")


def _write(
    connection: Connection, desk: Desk, actor: Actor, act: str, thing: Thing, deed: Deed | None, why: str
) -> None:
    entry = audit.Entry(
        account_id=actor.account_id,
        actor=actor.name,
        role=actor.role,
        door=actor.door,
        credential=actor.credential,
        origin=actor.origin,
        act=act,
        kind=thing.kind,
        thing=(deed.thing_id if deed else "") or thing.id,
        pack=desk.state.pack,
        outcome="refused" if deed is None else "done",
        before=deed.before if deed else None,
        after=deed.after if deed else None,
        why=why,
    )
    audit.write(connection, entry)
