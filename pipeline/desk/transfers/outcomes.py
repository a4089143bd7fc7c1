"""What became of a transfer, as somebody reports it: the truth that rules are measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.desk.transfers.asking import ask, first

if TYPE_CHECKING:
    from collections.abc import Mapping


def report(deed: Deed) -> Mapping[str, Any]:
    """Say whether a transfer was fraud; what was said last counts."""
    found = first(deed, "known_transfer", transfer_id=deed.thing_id)
    if found is None:
        refuse_unknown("transfer", deed.thing_id)
    fraud = deed.given["fraud"]
    ask(deed, "record_outcome", transfer_id=deed.thing_id, fraud=fraud, actor=deed.actor.name)
    deed.before, deed.after = {"fraud": found["fraud"]}, {"fraud": fraud}
    return {"transfer_id": deed.thing_id, "fraud": fraud}


ACTS: Final = (
    Act(
        name="report_outcome",
        action="handle",
        kind="transfer",
        run=report,
        parameters={
            "fraud": Parameter("flag", "whether it was fraud", required=True),
            "reason": Parameter("text", "how that is known"),
        },
    ),
)
