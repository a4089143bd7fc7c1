"""incidents action: what is done about an incident's money: list, show, propose, approve and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import (
    TIME,
    fields,
    json_option,
    list_if_bare,
    open_pack_state,
    report,
    table,
)
from pipeline.desk import money as on_money
from pipeline.figures import moment
from pipeline.store.actions import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack

_by_option = click.option("--by", help="Who does it, where there are no accounts; people are told this name.")
_number = click.argument("action_id", type=int)


def _of_pack(row: Mapping[str, Any], pack: Pack[Any, Any]) -> dict[str, Any]:
    """An action in its pack's words."""
    names = {"entity_id": pack.entity, "entity_name": f"{pack.noun}_name"}
    return {names.get(name, name): value for name, value in row.items()}


def _columns(pack: Pack[Any, Any], zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "action_id": str,
        "incident_id": str,
        pack.entity: str,
        "kind": str,
        "percent": lambda share: "-" if share is None else f"{share} %",
        "amount": lambda amount: "not known" if amount is None else f"{amount:,}",
        "helps_until": lambda at: "-" if at is None else moment(at, zone),
        "status": str,
        "proposed_by": str,
        "approved_by": lambda name: name or "-",
        "call_status": lambda status: status or "-",
        "recall_status": lambda status: status or "-",
    }


@click.group("action", invoke_without_command=True)
@json_option
@click.pass_context
def action(context: click.Context, *, as_json: bool) -> None:
    """What is done about the money of incidents: propose, approve, decline; without a command, list."""
    list_if_bare(context, list_actions, as_json=as_json)


@action.command("list")
@click.option("--incident", "incident_id", type=int, help="Of one incident alone.")
@click.option("--status", type=click.Choice(STATUSES), multiple=True)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_actions(
    *,
    incident_id: int | None = None,
    status: tuple[str, ...] = (),
    limit: int = 50,
    as_json: bool = False,
) -> None:
    """List actions, newest first, with what each would keep and how it stands."""
    asked = {"incident_id": incident_id, "statuses": list(status) or None, "limit": limit}
    with open_pack_state() as (state, pack, zone):
        rows = [_of_pack(row, pack) for row in state.rows("actions_list", **asked)]
    report({"actions": rows}, as_json=as_json, text=table(rows, _columns(pack, zone)))


@action.command("show")
@_number
@json_option
def show_action(action_id: int, *, as_json: bool) -> None:
    """Show one action: its money, who decided, what the company was told, what came of it."""
    with open_pack_state() as (state, pack, zone), state.reading() as connection:
        shown = _of_pack(on_money.show(state, connection, action_id), pack)
    unknown = {"amount": "not known"} if shown["amount"] is None else {}
    report(shown, as_json=as_json, text=fields({**shown, **unknown}, zone))


@action.command("propose")
@click.argument("incident_id", type=int)
@click.argument("kind")
@click.option("--percent", help="The share, of what has one.")
@click.option("--amount", help="What it would keep; default: by the incident's money of now.")
@click.option("--until", type=TIME, help="From when on it helps no more; default: by the incident's money.")
@click.option("--reason", required=True, help="Why.")
@_by_option
@json_option
def propose_action(  # noqa: PLR0913 - one parameter an option
    incident_id: int,
    kind: str,
    percent: str | None,
    amount: str | None,
    until: datetime | None,
    reason: str,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    """Propose what is to be done about an incident's money; somebody else has to approve it."""
    given = {"kind": kind, "percent": percent, "amount": amount, "until": until, "reason": reason, "by": by}
    with open_desk() as desk:
        content = do(desk, "propose_action", incident_id, given)
    said = f"action {content['action_id']} proposed: {kind}"
    report(content, as_json=as_json, text=said)


@action.command("approve")
@_number
@click.option("--reason", help="Why.")
@_by_option
@json_option
def approve_action(action_id: int, reason: str | None, by: str | None, *, as_json: bool) -> None:
    """Approve what somebody else proposed: people and the company's systems are told."""
    with open_desk() as desk:
        content = do(desk, "approve_action", action_id, {"reason": reason, "by": by})
    report(content, as_json=as_json, text=f"action {action_id} approved")


def _ending(name: str, done: str, text: str) -> click.Command:
    """A command that ends an action, with its reason."""

    def end(action_id: int, reason: str, by: str | None, *, as_json: bool) -> None:
        with open_desk() as desk:
            content = do(desk, f"{name}_action", action_id, {"reason": reason, "by": by})
        report(content, as_json=as_json, text=f"action {action_id} {done}")

    said = click.option("--reason", required=True, help="Why.")
    return click.command(name, help=text)(_number(said(_by_option(json_option(end)))))


for _command in (
    _ending("decline", "declined", "Say no to what is proposed."),
    _ending("withdraw", "withdrawn", "Take a proposal back that nobody has decided on."),
    _ending("recall", "recalled", "Call an approved action off; the company's systems are told of that too."),
    _ending("confirm", "confirmed", "Say that something was done that nothing in the source shows."),
    _ending("retell", "is told again", "Tell the company's systems again what they did not take."),
):
    action.add_command(_command)
