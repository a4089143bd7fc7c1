"""explain TRANSFER RULE: why a rule fired at a payment, or why not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pipeline.commands.common import report
from pipeline.commands.transfers.asked import open_transfers
from pipeline.figures import moment
from pipeline.online.transfers.explain import explain_at
from pipeline.packs.transfers.tree_text import tree_text
from scheduler import open_lake

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pipeline.online.transfers.explain import Why

#: A rule's name, perhaps with a version: HIGH_VALUE, HIGH_VALUE/2. No time is written so.
RULE: Final = re.compile(r"([A-Z][A-Z0-9_]{0,63})(?:/([1-9][0-9]{0,8}))?")


def explain_transfer(transfer_id: str, rule: str, *, as_json: bool) -> None:
    """Say why the rule fired at the payment, or why not."""
    named = RULE.fullmatch(rule)
    assert named is not None  # noqa: S101 - whoever calls has looked
    version = None if named[2] is None else int(named[2])
    with open_transfers() as desk:
        why = explain_at(desk.state, open_lake(desk.settings), transfer_id, named[1], version)
        zone = desk.zone
    report(
        why.as_json(),
        as_json=as_json,
        text="\n".join([_head(why, zone), tree_text(json.loads(why.explanation))]),
    )


def _head(why: Why, zone: ZoneInfo) -> str:
    head = f"{why.rule} {why.version} at {why.transfer_id}"
    if why.hit is None:
        then = f"which was {why.mode} then" if why.mode else "which did not judge then"
        return f"{head}, {then}; no hit is stored, so it is judged again by what is known now"
    late = ", once a late payment had come" if why.hit["late"] else ""
    corrected = why.hit["corrected_at"]
    wrong = (
        f"; corrected {moment(corrected, zone, seconds=True)} by {why.hit['corrected_by']}"
        if corrected
        else ""
    )
    return f"{head}, as it was stored when it was found ({why.mode}{late}{wrong})"
