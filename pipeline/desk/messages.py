"""What people do with messages that wait or died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed

if TYPE_CHECKING:
    from collections.abc import Mapping


def requeue(deed: Deed) -> Mapping[str, Any]:
    """Send dead messages again: one, or all where no number is given; answers with those that wait again."""
    number = deed.number if deed.thing_id else None
    given = {"now": deed.desk.clock(), "outbox_id": number}
    ids = sorted(deed.state.ask(deed.connection, "outbox_requeue", **given).scalars())
    if number is not None and not ids:
        refuse_unknown("dead message", number)
    deed.before, deed.after = {"dead": ids}, {"pending": ids}
    return {"requeued": ids}


ACTS: Final = (Act(name="requeue", action="deliver", kind="message", run=requeue, needs_id=False),)
