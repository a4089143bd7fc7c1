"""incidents: list them, show one, and everything that people do with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import (
    TIME,
    OfPack,
    entity_option,
    fields,
    for_option,
    json_option,
    list_if_bare,
    open_pack_state,
    report,
    table,
    until_option,
)
from pipeline.commands.money.action import action
from pipeline.commands.routes import route_of_incident
from pipeline.desk import incidents as on_incidents
from pipeline.figures import moment
from pipeline.judge.verdicts import EVERYBODY, SEVERITIES
from pipeline.minute import parse_time
from pipeline.money import EXPECTED_LOSS, TRUE_ALARM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.pack import Pack

_STATES = ("open", "acknowledged", "snoozed", "resolved")
_by_option = click.option("--by", help="Who does it, where there are no accounts; people are told this name.")
_number = click.argument("incident_id", type=int)
_limit_option = click.option(
    "--limit",
    "money",
    help="Money at risk past which people hear of it all the same; default: half as much again as now.",
)


def _names(pack: Pack[Any, Any]) -> dict[str, str]:
    """The words for an entity and its money outside of the engine."""
    return {
        "entity_id": pack.entity,
        "entity_name": f"{pack.noun}_name",
        "at_risk": pack.at_risk_name,
    }


def said_of(row: Mapping[str, Any], pack: Pack[Any, Any]) -> dict[str, Any]:
    """An incident, or what a message holds of one, in its pack's words; the parts of the money by name."""
    names, said = _names(pack), dict[str, Any]()
    for name, value in row.items():
        inside = {"parts": pack.parts, "figures": pack.figures}.get(name)
        found = {name: value} if inside is None else {key: value.get(key) for key in inside}
        said |= {names.get(key, key): known for key, known in found.items()}
    return said


def _amount(amount: int | None) -> str:
    return "not known" if amount is None else f"{amount:,}"


def _incident_columns(pack: Pack[Any, Any], zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    columns: dict[str, Callable[[Any], str]] = {
        "incident_id": str,
        "status": str,
        "severity": str,
        "rule": str,
        "entity_id": lambda entity: f"all {pack.nouns}" if entity == EVERYBODY else str(entity),
        "entity_name": lambda name: name or "-",
        "opened_minute": lambda minute: moment(minute, zone),
        "at_risk": _amount,
        EXPECTED_LOSS: _amount,
        "acknowledged_by": lambda name: name or "-",
        "owner": lambda name: name or "-",
        "snoozed_until": lambda minute: "-" if minute is None else moment(minute, zone),
    }
    if not pack.has_money:
        del columns["at_risk"]
    if EXPECTED_LOSS not in pack.figures:
        del columns[EXPECTED_LOSS]
    names = _names(pack)
    return {names.get(name, name): show for name, show in columns.items()}


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def incidents(context: click.Context, *, as_json: bool) -> None:
    """List incidents, show one, and act on it; open ones first, by what may be lost."""
    list_if_bare(context, list_incidents, as_json=as_json)


@incidents.command("list", cls=OfPack)
@click.option("--all", "with_resolved", is_flag=True, help="Resolved ones too.")
@entity_option
@click.option("--from", "start", type=TIME, help="Opened at this minute or later.")
@click.option("--to", "end", type=TIME, help="Opened before this minute.")
@click.option("--severity", type=click.Choice(SEVERITIES), multiple=True)
@click.option("--state", type=click.Choice(_STATES), multiple=True)
@click.option("--rule", multiple=True)
@click.option("--owner", help="To whom they are assigned.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_incidents(  # noqa: PLR0913 - one parameter an option
    *,
    with_resolved: bool = False,
    entity: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    severity: tuple[str, ...] = (),
    state: tuple[str, ...] = (),
    rule: tuple[str, ...] = (),
    owner: str | None = None,
    limit: int = 50,
    as_json: bool = False,
) -> None:
    """List incidents, highest expected loss or money at risk first; each option narrows them down."""
    asked: dict[str, Any] = {"entity_id": entity, "start": start, "end": end, "owner": owner, "limit": limit}
    several = {"severities": severity, "states": state, "rules": rule}
    asked |= {name: list(words) or None for name, words in several.items()}
    with open_pack_state() as (found, pack, zone):
        listed = found.rows("list_incidents", with_resolved=with_resolved, **asked)
    rows = [said_of(row, pack) for row in listed]
    report({"incidents": rows}, as_json=as_json, text=table(rows, _incident_columns(pack, zone)))


@incidents.command("show")
@_number
@json_option
def show_incident(incident_id: int, *, as_json: bool) -> None:
    """Show one incident with the stored reason, what people were told, and what they did."""
    with open_pack_state() as (state, pack, zone):
        with state.reading() as connection:
            found = on_incidents.show(state, connection, incident_id)
        told = state.rows("incident_messages", id=incident_id)
        timeline = [dict(row) for row in state.rows("incident_timeline", id=incident_id)]
    notes = [
        {"at": r["at"], "by": r["by"], "text": r["said"]["text"]} for r in timeline if r["what"] == "note"
    ]
    shown = {**said_of(found, pack), "notes": notes, "timeline": timeline, "messages": told}
    money = (pack.at_risk_name, *pack.parts, *pack.figures) if pack.has_money else ()
    unknown = {name: "not known" for name in money if shown[name] is None}
    report(shown, as_json=as_json, text=fields({**shown, **unknown}, zone))


@incidents.command("ack")
@_number
@_by_option
@json_option
def acknowledge_incident(incident_id: int, by: str | None, *, as_json: bool) -> None:
    """Acknowledge an open incident; people are told by whom."""
    with open_desk() as desk:
        content = do(desk, "acknowledge", incident_id, {"by": by})
    said = f"incident {incident_id} acknowledged by {content['acknowledged_by']}"
    report(content, as_json=as_json, text=said)


@incidents.command("assign")
@_number
@click.option("--to", help="The account that takes care of it; default: yourself.")
@_by_option
@json_option
def assign_incident(incident_id: int, to: str | None, by: str | None, *, as_json: bool) -> None:
    """Give an incident to somebody; people are told."""
    with open_desk() as desk:
        content = do(desk, "assign", incident_id, {"to": to, "by": by})
    said = f"incident {incident_id} assigned to {content['owner']}"
    report(content, as_json=as_json, text=said)


@incidents.command("note")
@_number
@click.argument("text")
@_by_option
@json_option
def note_incident(incident_id: int, text: str, by: str | None, *, as_json: bool) -> None:
    """Write something down beside an incident; people are told."""
    with open_desk() as desk:
        content = do(desk, "note", incident_id, {"text": text, "by": by})
    report(content, as_json=as_json, text=f"noted beside incident {incident_id}")


@incidents.command("snooze")
@_number
@for_option
@until_option
@_limit_option
@_by_option
@json_option
def snooze_incident(
    incident_id: int,
    for_: str | None,
    until: datetime | None,
    money: str | None,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    """Tell nobody of an incident for a while, unless more money is at risk or it turns critical.

    Its end says what has moved meanwhile.
    """
    given = {"for": for_, "until": until, "limit": money, "by": by}
    with open_desk() as desk:
        content = do(desk, "snooze", incident_id, given)
        end = moment(parse_time(content["snoozed_until"]), desk.zone)
    report(content, as_json=as_json, text=f"incident {incident_id} snoozed until {end}")


@incidents.command("resolve")
@_number
@click.option("--reason", required=True, help="Why it is over.")
@_limit_option
@_by_option
@json_option
def resolve_incident(
    incident_id: int, reason: str, money: str | None, by: str | None, *, as_json: bool
) -> None:
    """Call an incident over; while breached it stays so until more is at risk or it turns critical."""
    with open_desk() as desk:
        content = do(desk, "resolve", incident_id, {"reason": reason, "limit": money, "by": by})
    report(content, as_json=as_json, text=f"incident {incident_id} resolved by {content['resolved_by']}")


@incidents.command("reopen")
@_number
@click.option("--reason", required=True, help="Why it is not over.")
@_by_option
@json_option
def reopen_incident(incident_id: int, reason: str, by: str | None, *, as_json: bool) -> None:
    """Take back that an incident is over."""
    with open_desk() as desk:
        content = do(desk, "reopen", incident_id, {"reason": reason, "by": by})
    report(content, as_json=as_json, text=f"incident {incident_id} opened again by {content['reopened_by']}")


@incidents.command("label")
@_number
@click.argument("label", type=click.Choice([TRUE_ALARM, on_incidents.FALSE_ALARM]))
@click.option("--reason", required=True, help="Why.")
@_by_option
@json_option
def label_incident(incident_id: int, label: str, reason: str, by: str | None, *, as_json: bool) -> None:
    """Say whether the alarm was a true one: it counts for the precision of its rule (`budget`)."""
    with open_desk() as desk:
        content = do(desk, "label", incident_id, {"label": label, "reason": reason, "by": by})
    report(content, as_json=as_json, text=f"incident {incident_id} labelled {label}")


incidents.add_command(route_of_incident)
incidents.add_command(action)
