"""incidents, outbox, dashboard: what people look at and act on."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import fields, json_option, read_settings, report, table
from pipeline.desk import incidents as on_incidents
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.figures import moment
from pipeline.judge.verdicts import EVERYBODY
from pipeline.packs import load_pack
from pipeline.tell import outbox as messages
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack
    from pipeline.store.state import State


def _names(pack: Pack[Any, Any]) -> dict[str, str]:
    """The words for an entity and its money outside of the engine."""
    return {
        "entity_id": pack.entity,
        "entity_name": f"{pack.noun}_name",
        "at_risk": pack.at_risk_name,
    }


def _said(row: Mapping[str, Any], pack: Pack[Any, Any]) -> dict[str, Any]:
    """An incident, or what a message holds of one, in its pack's words; the parts of the money by name."""
    names, said = _names(pack), dict[str, Any]()
    for name, value in row.items():
        found = {part: value.get(part) for part in pack.parts} if name == "parts" else {name: value}
        said |= {names.get(key, key): known for key, known in found.items()}
    return said


def _as_stored(content: Mapping[str, Any]) -> dict[str, Any]:
    """In the order in which PostgreSQL keeps the names of a JSON object: the short ones first."""
    return dict(sorted(content.items(), key=lambda item: (len(item[0].encode()), item[0].encode())))


def _incident_columns(pack: Pack[Any, Any], zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    columns: dict[str, Callable[[Any], str]] = {
        "incident_id": str,
        "status": str,
        "severity": str,
        "rule": str,
        "entity_id": lambda entity: f"all {pack.nouns}" if entity == EVERYBODY else str(entity),
        "entity_name": lambda name: name or "-",
        "opened_minute": lambda minute: moment(minute, zone),
        "at_risk": lambda amount: "not known" if amount is None else f"{amount:,}",
        "acknowledged_by": lambda name: name or "-",
    }
    if pack.at_risk is None:
        del columns["at_risk"]
    names = _names(pack)
    return {names.get(name, name): show for name, show in columns.items()}


def _message_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "outbox_id": str,
        "status": str,
        "event": str,
        "incident_id": str,
        "minute": lambda minute: moment(minute, zone),
        "attempts": str,
        "last_error": lambda error: error or "-",
    }


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def incidents(context: click.Context, *, as_json: bool) -> None:
    """List, show and acknowledge incidents; open ones first, by money at risk."""
    _list_if_bare(context, list_incidents, as_json=as_json)


@incidents.command("list")
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones too.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_incidents(*, with_resolved: bool = False, limit: int = 50, as_json: bool = False) -> None:
    """List incidents, most money at risk first."""
    with _state() as (state, pack, zone):
        found = state.rows("list_incidents", with_resolved=with_resolved, limit=limit)
    rows = [_said(row, pack) for row in found]
    report({"incidents": rows}, as_json=as_json, text=table(rows, _incident_columns(pack, zone)))


@incidents.command("show")
@click.argument("incident_id", type=int)
@json_option
def show_incident(incident_id: int, *, as_json: bool) -> None:
    """Show one incident with the stored reason and what people were told."""
    with _state() as (state, pack, zone):
        with state.reading() as connection:
            found = on_incidents.show(state, connection, incident_id)
        told = state.rows("incident_messages", id=incident_id)
    shown = {**_said(found, pack), "messages": told}
    money = (pack.at_risk_name, *pack.parts) if pack.at_risk is not None else ()
    unknown = {name: "not known" for name in money if shown[name] is None}
    report(shown, as_json=as_json, text=fields({**shown, **unknown}, zone))


@incidents.command("ack")
@click.argument("incident_id", type=int)
@click.option("--by", help="Who takes care of it, where there are no accounts; people are told this name.")
@json_option
def acknowledge_incident(incident_id: int, by: str | None, *, as_json: bool) -> None:
    """Acknowledge an open incident; people are told by whom."""
    with open_desk() as desk:
        content = do(desk, "acknowledge", incident_id, {"by": by})
    said = f"incident {incident_id} acknowledged by {content['acknowledged_by']}"
    report(content, as_json=as_json, text=said)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def outbox(context: click.Context, *, as_json: bool) -> None:
    """List, show and requeue messages."""
    _list_if_bare(context, list_messages, as_json=as_json)


@outbox.command("list")
@click.option("--status", type=click.Choice(["pending", "sending", "sent", "dead"]))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_messages(*, status: str | None = None, limit: int = 50, as_json: bool = False) -> None:
    """List messages, newest first."""
    with _state() as (state, pack, zone):
        rows = messages.list_messages(state.engine, pack.name, status=status, at_most=limit)
    report({"messages": rows}, as_json=as_json, text=table(rows, _message_columns(zone)))


@outbox.command("show")
@click.argument("outbox_id", type=int)
@json_option
def show_message(outbox_id: int, *, as_json: bool) -> None:
    """Show one message and its delivery."""
    with _state() as (state, pack, zone):
        found = messages.show_message(state.engine, pack.name, outbox_id)
    if found is None:
        on_incidents.refuse_unknown("message", outbox_id)
    if isinstance(found["message"], dict):
        found["message"] = _as_stored(_said(found["message"], pack))
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


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MINUTERISK_DASHBOARD_PORT.")
def dashboard(address: str, port: int | None) -> None:
    """Show the dashboard until stopped. It has no login: keep it here or behind a proxy that has one."""
    from app.serve import dashboard_command, dashboard_environment  # noqa: PLC0415 - only this command needs it

    settings = read_settings()
    environment = dashboard_environment(settings, os.environ)
    command = dashboard_command(settings, address, port)
    os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter, no shell


def _list_if_bare(context: click.Context, listing: click.Command, *, as_json: bool) -> None:
    if context.invoked_subcommand is None:
        context.invoke(listing, as_json=as_json)
    elif as_json:
        name = context.invoked_subcommand
        msg = f"--json stands before {name}"
        raise UsageError(msg, f"put it behind: {context.info_name} {name} --json")


@contextmanager
def _state() -> Iterator[tuple[State, Pack[Any, Any], ZoneInfo]]:
    settings = read_settings()
    with open_state(open_urls(settings), settings) as state:
        yield state, load_pack(settings.pack), settings.business_timezone
