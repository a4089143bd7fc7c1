"""What leaves as data: SQL, downloads, personal values. Who asked for what is kept, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def export(deed: Deed) -> Mapping[str, Any]:
    """Keep that data were asked for, before they are given."""
    if deed.actor.account_id is not None and not deed.given["reason"]:
        msg = "no reason is given for what leaves as data"
        raise UsageError(msg, "say why: --reason TEXT; it is kept")
    deed.after = {"what": deed.given["what"]}
    return {"exported": deed.given["what"]}


def unmask(deed: Deed) -> Mapping[str, Any]:
    """Keep that personal values are shown to somebody, before they are."""
    deed.after = {"what": deed.given["what"]}
    return {"unmasked": deed.given["what"]}


_EXPORTS: Final = tuple(
    Act(
        name=name,
        action="export",
        kind="data",
        run=export,
        parameters={
            "what": Parameter("text", what, required=True, longest=20_000),
            "reason": Parameter("text", "why; asked for where there are accounts"),
        },
        needs_id=False,
    )
    for name, what in (("query", "the question in SQL"), ("download", "what is downloaded"))
)
_UNMASK: Final = Act(
    name="unmask",
    action="unmask",
    kind="data",
    run=unmask,
    parameters={
        "what": Parameter("text", "which values are shown", required=True),
        "reason": Parameter("text", "why somebody has to see them", required=True),
    },
    needs_id=False,
)
ACTS: Final = (*_EXPORTS, _UNMASK)
