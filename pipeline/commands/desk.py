"""incidents, outbox, dashboard: what people look at and act on."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click
from sqlalchemy import text

from pipeline.commands.common import fields, json_option, read_settings, report, table
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from pipeline.figures import moment, one_line
from pipeline.packs.merchants.platform import EVERYBODY
from pipeline.tell import outbox as messages
from queries import sql
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from pipeline.store.state import State

_MONEY = ("krw_at_risk", "paid_out_cancelable", "cancelled_unrecovered")


def _incident_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "incident_id": str,
        "status": str,
        "severity": str,
        "rule": str,
        "merchant_id": lambda merchant: "all merchants" if merchant == EVERYBODY else str(merchant),
        "merchant_name": lambda name: name or "-",
        "opened_minute": lambda minute: moment(minute, zone),
        "krw_at_risk": lambda amount: "not known" if amount is None else f"{amount:,}",
        "acknowledged_by": lambda name: name or "-",
    }


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
    with _state() as (state, zone), state.engine.connect() as connection:
        given = {"with_resolved": with_resolved, "limit": limit}
        rows = [dict(r) for r in connection.execute(text(sql("ops/list_incidents")), given).mappings()]
    report({"incidents": rows}, as_json=as_json, text=table(rows, _incident_columns(zone)))


@incidents.command("show")
@click.argument("incident_id", type=int)
@json_option
def show_incident(incident_id: int, *, as_json: bool) -> None:
    """Show one incident with the stored reason and what people were told."""
    with _state() as (state, zone), state.engine.connect() as connection:
        found = _incident(connection, incident_id)
        told = connection.execute(text(sql("ops/incident_messages")), {"id": incident_id}).mappings()
        shown = {**found, "messages": [dict(row) for row in told]}
    unknown = {name: "not known" for name in _MONEY if shown[name] is None}
    report(shown, as_json=as_json, text=fields({**shown, **unknown}, zone))


@incidents.command("ack")
@click.argument("incident_id", type=int)
@click.option("--by", required=True, help="Who takes care of it; people are told this name.")
@json_option
def acknowledge_incident(incident_id: int, by: str, *, as_json: bool) -> None:
    """Acknowledge an open incident; people are told by whom."""
    name = one_line(by)
    if not name:
        msg = f"{by!r} is no name"
        raise UsageError(msg, "say who takes care of it: --by NAME")
    with _state() as (state, zone), state.engine.begin() as connection:
        given = {"id": incident_id, "by": name}
        if connection.execute(text(sql("ops/acknowledge_incident")), given).first() is None:
            raise _taken(_incident(connection, incident_id), zone)
    content = {"incident_id": incident_id, "acknowledged_by": name}
    report(content, as_json=as_json, text=f"incident {incident_id} acknowledged by {name}")


def _incident(connection: Connection, incident_id: int) -> dict[str, Any]:
    found = connection.execute(text(sql("ops/show_incident")), {"id": incident_id}).mappings().one_or_none()
    if found is None:
        _refuse("incident", incident_id)
    return {str(name): value for name, value in found.items()}


def _taken(incident: Mapping[str, Any], zone: ZoneInfo) -> UsageError:
    """Why an incident that is there cannot be acknowledged."""
    number, by, at = (incident[name] for name in ("incident_id", "acknowledged_by", "acknowledged_at"))
    taken = f"acknowledged by {one_line(by)} at {moment(at, zone)}" if by and at else ""
    if incident["status"] == "resolved":
        msg = f"incident {number} is resolved since {moment(incident['resolved_minute'], zone)}"
        return UsageError(f"{msg}; it was {taken}" if taken else msg, "there is nothing left to take care of")
    msg = f"incident {number} is already {taken}"
    return UsageError(msg, f"agree with them; see `minuterisk incidents show {number}`")


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
    with _state() as (state, zone):
        rows = messages.list_messages(state.engine, status=status, at_most=limit)
    report({"messages": rows}, as_json=as_json, text=table(rows, _message_columns(zone)))


@outbox.command("show")
@click.argument("outbox_id", type=int)
@json_option
def show_message(outbox_id: int, *, as_json: bool) -> None:
    """Show one message and its delivery."""
    with _state() as (state, zone):
        found = messages.show_message(state.engine, outbox_id)
    if found is None:
        _refuse("message", outbox_id)
    report(found, as_json=as_json, text=fields(found, zone))


@outbox.command("requeue")
@click.argument("outbox_id", type=int, required=False)
@json_option
def requeue(outbox_id: int | None, *, as_json: bool) -> None:
    """Send dead messages again: one, or all."""
    with _state() as (state, _zone):
        ids = messages.requeue(state.engine, datetime.now(UTC), outbox_id)
    if outbox_id is not None and not ids:
        _refuse("dead message", outbox_id)
    report({"requeued": ids}, as_json=as_json, text=f"{len(ids)} messages wait for delivery again")


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
def _state() -> Iterator[tuple[State, ZoneInfo]]:
    settings = read_settings()
    with open_state(open_urls(settings)) as state:
        yield state, settings.business_timezone


def _refuse(what: str, number: int) -> NoReturn:
    msg = f"there is no {what} {number}"
    raise UsageError(msg, "see the list for the known numbers")
