"""Everything that people can do, by name: the acts of all rooms of the desk. Each door offers just these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk import audits, exports, holds, incidents, messages, money, routes, rules, views
from pipeline.desk.people import accounts, keys, own, sessions
from pipeline.desk.perform import Act, Desk, perform
from pipeline.desk.transfers.acts import ACTS as OF_TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.desk.perform import Guard
    from pipeline.desk.roles import Actor

_ALL: Final = (
    *incidents.ACTS,
    *money.ACTS,
    *holds.ACTS,
    *messages.ACTS,
    *exports.ACTS,
    *audits.ACTS,
    *accounts.ACTS,
    *own.ACTS,
    *sessions.ACTS,
    *keys.ACTS,
    *routes.ACTS,
    *rules.ACTS,
    *views.ACTS,
    *OF_TRANSFERS,
)
ACTS: Final[Mapping[str, Act]] = {act.name: act for act in _ALL}


def act(
    desk: Desk,
    actor: Actor,
    name: str,
    thing_id: str | int = "",
    given: Mapping[str, Any] | None = None,
    guard: Guard = lambda _: None,
) -> dict[str, Any]:
    """Do one of ACTS for the actor; see `perform`."""
    return perform(desk, ACTS, actor, name, thing_id, given, guard)
