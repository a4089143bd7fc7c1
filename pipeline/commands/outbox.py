"""outbox: the messages, and sending dead ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import (
    fields,
    json_option,
    list_if_bare,
    open_pack_state,
    report,
    table,
)
from pipeline.commands.incidents import said_of
from pipeline.desk import incidents as on_incidents
from pipeline.figures import moment
from pipeline.tell import outbox as messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo


def _message_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "outbox_id": str,
        "status": str,
        "event": str,
        "incident_id": str,
        "destination": str,
        "minute": lambda minute: moment(minute, zone),
        "attempts": str,
        "last_error": lambda error: error or "-",
    }


def _as_stored(content: Mapping[str, Any]) -> dict[str, Any]:
    """In the order in which PostgreSQL keeps the names of a JSON object: the short ones first."""
    return dict(sorted(content.items(), key=lambda item: (len(item[0].encode()), item[0].encode())))


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def outbox(context: click.Context, *, as_json: bool) -> None:
    """List, show and requeue messages."""
    list_if_bare(context, list_messages, as_json=as_json)


@outbox.command("list")
@click.option("--status", type=click.Choice(["pending", "sending", "sent", "dead", "silenced"]))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_messages(*, status: str | None = None, limit: int = 50, as_json: bool = False) -> None:
    """List messages, newest first."""
    with open_pack_state() as (state, pack, zone):
        rows = messages.list_messages(state.engine, pack.name, status=status, at_most=limit)
    report({"messages": rows}, as_json=as_json, text=table(rows, _message_columns(zone)))


@outbox.command("show")
@click.argument("outbox_id", type=int)
@json_option
def show_message(outbox_id: int, *, as_json: bool) -> None:
    """Show one message and its delivery."""
    with open_pack_state() as (state, pack, zone):
        found = messages.show_message(state.engine, pack.name, outbox_id)
    if found is None:
        on_incidents.refuse_unknown("message", outbox_id)
    if isinstance(found["message"], dict):
        found["message"] = _as_stored(said_of(found["message"], pack))
    report(found, as_json=as_json, text=fields(found, zone))


@outbox.command("requeue")
@click.argument("outbox_id", type=int, required=False)
@json_option
def requeue(outbox_id: int | None, *, as_json: bool) -> None:
    """Send dead messages again: one, or all."""
    with open_desk() as desk:
        content = do(desk, "requeue", "" if outbox_id is None else outbox_id)
    waiting = f"{len(content['requeued'])} messages wait for delivery again"
    report(content, as_json=as_json, text=waiting)
