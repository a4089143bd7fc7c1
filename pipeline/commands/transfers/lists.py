"""lists: values that decide, or that event rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do
from pipeline.commands.common import TIME, json_option, list_if_bare, report, table
from pipeline.commands.transfers.asked import open_transfers, rows_of
from pipeline.figures import moment, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def lists(context: click.Context, *, as_json: bool) -> None:
    """Values that are denied, allowed, or on a list that event rules ask."""
    list_if_bare(context, list_entries, as_json=as_json)


@lists.command("list")
@click.argument("name", required=False)
@json_option
def list_entries(name: str | None = None, *, as_json: bool = False) -> None:
    """List what stands on the lists, or on the list NAME, the newest first."""
    with open_transfers() as desk:
        rows = rows_of(desk, "list_entries", at=desk.state.clock(), list=name, value=None)
        zone = desk.zone
    report({"entries": rows}, as_json=as_json, text=table(rows, _columns(zone)))


@lists.command("add")
@click.argument("name")
@click.argument("value")
@click.option("--until", type=TIME, help="When it ends; without an end it stays until it is removed.")
@click.option("--for", "duration", metavar="DURATION", help="How long it lasts: 30m, 2h, 1d.")
@click.option("--reason", required=True, help="Why; it is kept and shown.")
@json_option
def add_entry(
    name: str, value: str, until: datetime | None, duration: str | None, reason: str, *, as_json: bool
) -> None:
    """Put VALUE on the list NAME: deny, allow, or one that event rules ask."""
    given = {"list": name, "value": value, "until": until, "for": duration, "reason": reason}
    with open_transfers() as desk:
        content = do(desk, "add_list_entry", given=given)
        start = moment(content["from_at"], desk.zone, seconds=True)
    text = f"entry {content['entry_id']}: {one_line(value)} stands on the list {name} from {start} on"
    report(content, as_json=as_json, text=text)


@lists.command("remove")
@click.argument("entry", type=int)
@click.option("--reason", required=True, help="Why; it is kept and shown.")
@json_option
def remove_entry(entry: int, reason: str, *, as_json: bool) -> None:
    """Take an entry off its list, by its number."""
    with open_transfers() as desk:
        content = do(desk, "remove_list_entry", entry, {"reason": reason})
        end = moment(content["until_at"], desk.zone, seconds=True)
    text = f"{one_line(content['value'])} is off the list {content['list']} from {end} on"
    report(content, as_json=as_json, text=text)


def _columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "entry_id": str,
        "list": str,
        "value": str,
        "until_at": lambda at: "-" if at is None else moment(at, zone, seconds=True),
        "added_by": str,
        "reason": str,
    }
