"""dead, breaker, correct: events that were given up or are wrong, and relays that shall wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do
from pipeline.commands.common import fields, json_option, list_if_bare, report, table
from pipeline.commands.transfers.asked import open_transfers, rows_of
from pipeline.desk.incidents import refuse_unknown
from pipeline.figures import moment
from pipeline.packs.transfers.schema import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def dead(context: click.Context, *, as_json: bool) -> None:
    """List, show and requeue events that relays have given up."""
    list_if_bare(context, list_dead, as_json=as_json)


@dead.command("list")
@click.option("--all", "delivered", is_flag=True, help="Also those that got through after all.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_dead(*, delivered: bool = False, limit: int = 50, as_json: bool = False) -> None:
    """List dead events, newest first. Their accounts are marked until they get through."""
    with open_transfers() as desk:
        rows = rows_of(desk, "dead_events", at_most=limit, also_delivered=delivered)
        zone = desk.zone

    def at(time: Any) -> str:  # noqa: ANN401 - a time or none
        return moment(time, zone, seconds=True) if time else "-"

    columns: dict[str, Callable[[Any], str]] = {
        "number": str,
        "event_id": str,
        "account_id": lambda account: account or "-",
        "died_at": at,
        "attempts": str,
        "error": str,
        "requeued_at": at,
        "delivered_at": at,
    }
    report({"dead": rows}, as_json=as_json, text=table(rows, columns))


@dead.command("show")
@click.argument("number", type=int)
@json_option
def show_dead(number: int, *, as_json: bool) -> None:
    """Show one dead event with what it says."""
    with open_transfers() as desk:
        found = next(iter(rows_of(desk, "dead_event", number=number)), None)
        if found is None:
            refuse_unknown("dead event", number)
        report(found, as_json=as_json, text=fields(found, desk.zone))


@dead.command("requeue")
@click.argument("number", type=int)
@click.option("--reason", help="Why it gets through this time.")
@json_option
def requeue_dead(number: int, reason: str | None, *, as_json: bool) -> None:
    """Let a dead event be tried again."""
    with open_transfers() as desk:
        content = do(desk, "requeue_dead_event", number, {"reason": reason})
    report(content, as_json=as_json, text=f"event {content['event_id']} is tried again by the next relay")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def breaker(context: click.Context, *, as_json: bool) -> None:
    """Show, open and close the breaker: while people hold it open no relay delivers."""
    list_if_bare(context, show_breaker, as_json=as_json)


@breaker.command("show")
@json_option
def show_breaker(*, as_json: bool = False) -> None:
    """Show who holds the breaker open."""
    with open_transfers() as desk:
        held = next(iter(rows_of(desk, "breaker")), None)
        said = "closed" if held is None else fields(held, desk.zone)
    report({"held": held}, as_json=as_json, text=said)


@breaker.command("open")
@click.option("--reason", required=True, help="Why nothing shall be delivered.")
@json_option
def open_breaker(reason: str, *, as_json: bool) -> None:
    """Hold the breaker open."""
    with open_transfers() as desk:
        content = do(desk, "open_breaker", "", {"reason": reason})
    report(content, as_json=as_json, text="relays deliver nothing until it is closed")


@breaker.command("close")
@click.option("--reason", help="Why relays may deliver again.")
@json_option
def close_breaker(reason: str | None, *, as_json: bool) -> None:
    """Let relays deliver again."""
    with open_transfers() as desk:
        content = do(desk, "close_breaker", "", {"reason": reason})
    report(content, as_json=as_json, text="relays deliver again")


@click.command()
@click.argument("transfer_id")
@click.option("--status", required=True, type=click.Choice(STATUSES), help="What it is now.")
@click.option("--reason", required=True, help="Why.")
@json_option
def correct(transfer_id: str, status: str, reason: str, *, as_json: bool) -> None:
    """Give an event another status; windows and hits follow."""
    with open_transfers() as desk:
        content = do(desk, "correct_event", transfer_id, {"status": status, "reason": reason})
    report(content, as_json=as_json, text=f"event {transfer_id} is {status}, and was {content['was']}")
