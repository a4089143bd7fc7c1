"""Filters of incidents that a person keeps by a name. Each one's own: nobody sees or changes another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

#: More than a menu can show at a glance.
MOST_VIEWS: Final = 30
LONGEST_NAME: Final = 60
LONGEST_QUERY: Final = 1_000


def save_view(deed: Deed) -> Mapping[str, Any]:
    """Keep a question by a name; one of that name becomes the new one."""
    name, query = one_line(deed.given["name"]), str(deed.given["query"] or "")
    account_id = _account(deed)
    if not name:
        given = deed.given["name"]
        raise UsageError(phrase("{given!r} is no name", given=given), "give it one that can be read")
    others = deed.state.ask(deed.connection, "views_besides", account_id=account_id, name=name).scalar_one()
    if others >= MOST_VIEWS:
        msg = phrase("you keep {most} views already", most=MOST_VIEWS)
        raise UsageError(msg, "delete one that you do not need any more")
    asked = {"account_id": account_id, "name": name, "query": query}
    number = deed.state.ask(deed.connection, "save_view", **asked).scalar_one()
    deed.after = {"name": name, "query": query}
    return {"view_id": number, "name": name}


def delete_view(deed: Deed) -> Mapping[str, Any]:
    """Forget one of one's own."""
    asked = {"account_id": _account(deed), "id": deed.number}
    found = deed.state.ask(deed.connection, "delete_view", **asked).mappings().first()
    if found is None:
        refuse_unknown("view", deed.number)
    deed.before = dict(found)
    return {"deleted": found["name"]}


def _account(deed: Deed) -> int:
    if deed.actor.account_id is None:
        msg = "views are kept for accounts"
        raise UsageError(msg, "sign in first")
    return deed.actor.account_id


ACTS: Final = (
    Act(
        name="save_view",
        action="see",
        kind="view",
        run=save_view,
        needs_id=False,
        parameters={
            "name": Parameter("text", "the name it is kept by", required=True, longest=LONGEST_NAME),
            "query": Parameter(
                "text", "what the address says after its question mark", longest=LONGEST_QUERY
            ),
        },
    ),
    Act(name="delete_view", action="see", kind="view", run=delete_view),
)
