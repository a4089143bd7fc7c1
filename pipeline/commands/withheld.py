"""windows, exclusions: signals that people hold back, each with its reason and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import (
    TIME,
    OfPack,
    entity_option,
    for_option,
    json_option,
    list_if_bare,
    open_pack_state,
    report,
    table,
    until_option,
)
from pipeline.desk.holds import NOUNS
from pipeline.figures import moment
from pipeline.judge.verdicts import EXCLUDED, MAINTENANCE
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

_number = click.argument("number", type=int)
_all_option = click.option("--all", "with_past", is_flag=True, help="Those that are over too.")
_rule_option = click.option("--rule", help="Only this rule; default: every rule.")
_start_option = click.option("--from", "start", type=TIME, help="From when on; default: from now on.")
_reason_option = click.option("--reason", required=True, help="Why.")
_why_ended_option = click.option("--reason", help="Why.")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def windows(context: click.Context, *, as_json: bool) -> None:
    """Maintenance windows: signals of a rule, an entity or everybody that open nothing for a while."""
    list_if_bare(context, list_windows, as_json=as_json)


@windows.command("list")
@_all_option
@json_option
def list_windows(*, with_past: bool = False, as_json: bool = False) -> None:
    """List maintenance windows that are or will be in force, the newest first."""
    _list(MAINTENANCE, "windows", with_past=with_past, as_json=as_json)


@windows.command("add", cls=OfPack)
@_rule_option
@entity_option
@click.option("--everybody", is_flag=True, help="All signals of everybody.")
@_start_option
@until_option
@for_option
@_reason_option
@json_option
def add_window(*, everybody: bool, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - values of options
    """Hold back the signals of a rule, an entity, both, or everybody until a time."""
    _add("add_window", MAINTENANCE, {**given, "everybody": everybody or None}, as_json=as_json)


@windows.command("end")
@_number
@_why_ended_option
@json_option
def end_window(number: int, reason: str | None, *, as_json: bool) -> None:
    """End a maintenance window before its time; one that has not begun never does."""
    _end("end_window", MAINTENANCE, number, reason, as_json=as_json)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def exclusions(context: click.Context, *, as_json: bool) -> None:
    """Exclusions: entities whose signals open nothing, such as test shops."""
    list_if_bare(context, list_exclusions, as_json=as_json)


@exclusions.command("list")
@_all_option
@json_option
def list_exclusions(*, with_past: bool = False, as_json: bool = False) -> None:
    """List exclusions that are or will be in force, the newest first."""
    _list(EXCLUDED, "exclusions", with_past=with_past, as_json=as_json)


@exclusions.command("add")
@click.argument("entity")
@_rule_option
@_start_option
@until_option
@for_option
@_reason_option
@json_option
def add_exclusion(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - values of options
    """Hold back what ENTITY does until a time, at most for 366 days."""
    _add("add_exclusion", EXCLUDED, given, as_json=as_json)


@exclusions.command("end")
@_number
@_why_ended_option
@json_option
def end_exclusion(number: int, reason: str | None, *, as_json: bool) -> None:
    """End an exclusion: what the entity does counts again."""
    _end("end_exclusion", EXCLUDED, number, reason, as_json=as_json)


def _add(act: str, kind: str, options: Mapping[str, Any], *, as_json: bool) -> None:
    names = {"start": "from", "for_": "for"}
    given = {names.get(name, name): value for name, value in options.items() if value is not None}
    with open_desk() as desk:
        content = do(desk, act, given=given)
        span = _span(content, desk.zone)
    report(content, as_json=as_json, text=f"{NOUNS[kind]} {content['withheld_id']}: {span}")


def _end(act: str, kind: str, number: int, reason: str | None, *, as_json: bool) -> None:
    with open_desk() as desk:
        content = do(desk, act, number, {"reason": reason})
        span = _span(content, desk.zone)
    report(content, as_json=as_json, text=f"{NOUNS[kind]} {number}: {span}")


def _span(content: Mapping[str, Any], zone: ZoneInfo) -> str:
    start, end = (content[name] and moment(parse_time(content[name]), zone) for name in ("start", "end"))
    if start == end:
        return "it never was in force"
    return f"from {start} to {end}" if end else f"from {start} until it is ended"


def _list(kind: str, name: str, *, with_past: bool, as_json: bool) -> None:
    with open_pack_state() as (state, _, zone):
        rows = state.rows("list_withheld", kind=kind, with_past=with_past)
    report({name: rows}, as_json=as_json, text=table(rows, _columns(zone)))


def _columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    def time(minute: datetime | None) -> str:
        return "-" if minute is None else moment(minute, zone)

    return {
        "withheld_id": str,
        "rule": lambda rule: rule or "every rule",
        "entity_id": lambda entity: entity or "everybody",
        "start_minute": time,
        "end_minute": time,
        "reason": str,
        "by": str,
        "ended_by": lambda name: name or "-",
    }
