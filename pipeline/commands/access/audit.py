"""audit: who did what, and whether all of it still stands as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import actor_of_terminal, do, open_desk
from pipeline.commands.common import TIME, json_option, report, table
from pipeline.desk.perform import require
from pipeline.desk.roles import Thing, may
from pipeline.errors import DifferencesFound
from pipeline.figures import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo


@click.group()
def audit() -> None:
    """Who did what, by which session or key, from where, and why; refused tries too."""


@audit.command("list")
@click.option("--actor", help="Only of this account.")
@click.option("--act", "name", help="Only this act.")
@click.option("--kind", help="Only on things of this kind: incident, rules, account, …")
@click.option("--thing", help="Only on the thing of this number or name.")
@click.option("--outcome", type=click.Choice(["done", "refused"]))
@click.option("--since", type=TIME)
@click.option("--until", type=TIME)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@json_option
def list_audit(  # noqa: PLR0913 - each is an option
    *,
    actor: str | None,
    name: str | None,
    kind: str | None,
    thing: str | None,
    outcome: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what people did, newest first."""
    asked = {"actor": actor, "act": name, "kind": kind, "thing": thing, "outcome": outcome}
    with open_desk() as desk:
        reader = actor_of_terminal(desk.state)
        if kind is None and not may(reader, "read_audit"):
            asked["kind"] = "rules"  # all that some roles may read
        require(desk, reader, "read_audit", Thing(asked["kind"] or "audit"))
        rows = desk.state.rows("audit_list", **asked, since=since, until=until, at_most=limit)
        zone = desk.zone
    report({"audit": rows}, as_json=as_json, text=table(rows, _columns(zone)))


@audit.command("verify")
@json_option
def verify_audit(*, as_json: bool) -> None:
    """Check every row against the hash after it and those kept elsewhere; exit 3 if one fails."""
    with open_desk() as desk:
        found = do(desk, "verify_audit")
    wrong, rows, kept = found["wrong"], found["rows"], found["kept_elsewhere"]
    text = f"{rows:,} rows follow on one another; {kept:,} hashes kept elsewhere agree"
    report(found, as_json=as_json, text="\n".join(wrong) or text)
    if wrong:
        msg = f"the audit is not as it was written: {len(wrong)} findings"
        raise DifferencesFound(
            msg, "compare it with a backup from before; somebody had the right to change it"
        )


def _columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "number": str,
        "at": lambda at: moment(at, zone, seconds=True),
        "actor": str,
        "role": str,
        "door": str,
        "act": str,
        "kind": str,
        "thing": lambda thing: thing or "-",
        "outcome": str,
        "why": lambda why: why or "-",
    }
