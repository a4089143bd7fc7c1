"""What the acts of this pack share: its queries, and from when on a change counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from queries import sql

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import CursorResult

    from pipeline.desk.perform import Deed

#: So long after it was made a change counts: whoever judges reads what is in force each second.
SOON: Final = timedelta(seconds=1)
_MS: Final = timedelta(milliseconds=1)


def ask(deed: Deed, name: str, **given: Any) -> CursorResult[Any]:  # noqa: ANN401 - values
    """Run a query of queries/transfers/ops within the act."""
    return deed.connection.execute(text(sql(f"transfers/ops/{name}")), given)


def rows(deed: Deed, name: str, **given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - values
    """All rows of such a query."""
    return [dict(row) for row in ask(deed, name, **given).mappings()]


def first(deed: Deed, name: str, **given: Any) -> dict[str, Any] | None:  # noqa: ANN401 - values
    """Its first row, None where it has none."""
    return next(iter(rows(deed, name, **given)), None)


def start_of_change(deed: Deed) -> datetime:
    """Keep everybody else from changing rules and lists, and give the moment from which the change counts.

    It is a whole millisecond, as events have them, by the operational database's clock.
    """
    ask(deed, "change_rules")
    now = deed.state.now(deed.connection)
    return now - timedelta(microseconds=now.microsecond % 1000) + SOON + _MS


def actor(deed: Deed) -> dict[str, Any]:
    """Whose act it is, as the queries take it."""
    return {"actor": deed.actor.name, "actor_id": deed.actor.account_id}
