"""event-rules: rules that judge each payment, from a draft to the second from which on they are live."""

from __future__ import annotations

import json
from datetime import timedelta
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from baselines.chance import wilson_interval
from baselines.rules import read_text
from pipeline.commands.actor import do
from pipeline.commands.common import TIME, fields, json_option, list_if_bare, report, table
from pipeline.commands.transfers.asked import VERSION, open_transfers, rows_of
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.precision import percent_of
from pipeline.errors import UsageError
from pipeline.figures import moment
from pipeline.online.transfers.backtest import measure_version
from scheduler import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.desk.perform import Desk

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_reason = click.option("--reason", required=True, help="Why; it is kept and shown.")
_rule = click.argument("rule")
_version = click.argument("version", type=VERSION)
_any_version = click.argument("version", type=VERSION, required=False)
#: So far back a rule's precision is measured.
_MEASURED: Final = timedelta(days=30)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def event_rules(context: click.Context, *, as_json: bool) -> None:
    """Rules of single payments as versions: draft, submit, shadow, approve by somebody else, pause."""
    list_if_bare(context, list_rules, as_json=as_json)


@event_rules.command("list")
@click.option("--all", "every", is_flag=True, help="Retired and withdrawn versions too.")
@json_option
def list_rules(*, every: bool = False, as_json: bool = False) -> None:
    """List versions by rule, the newest first: what judges, what warms up, what is paused."""
    with open_transfers() as desk:
        now = desk.state.clock()
        rows = rows_of(desk, "app_event_rules", at=now)
        found = rows_of(desk, "app_rule_precision", start=now - _MEASURED, stop=now)
        right = [row | _precision(row) for row in found]
        zone = desk.zone
    listed = [row for row in rows if every or row["status"] not in ("retired", "withdrawn")]
    text = table(listed, _columns(zone))
    if right:
        text = f"{text}\n\nhits of the last {_MEASURED.days} days\n{table(right, _PRECISION)}"
    report({"versions": listed, "precision": right}, as_json=as_json, text=text)


@event_rules.command("show")
@_rule
@_any_version
@json_option
def show_rule(rule: str, version: int | None, *, as_json: bool) -> None:
    """Show a version, by default the newest: who, why, its backtest, its text."""
    with open_transfers() as desk:
        found, zone = _found(desk, rule, version), desk.zone
    content = found.pop("content")
    measured = found["backtest"]
    said = fields({name: value for name, value in found.items() if name != "backtest"}, zone)
    text = f"{said}\n\n{backtest_text(measured)}\n\n{_pretty(content)}"
    report({**found, "content": json.loads(content)}, as_json=as_json, text=text)


@event_rules.command("diff")
@_rule
@_version
@click.argument("other", type=VERSION, required=False)
@json_option
def diff_rule(rule: str, version: int, other: int | None, *, as_json: bool) -> None:
    """Show how a version differs from OTHER, or from the live one."""
    with open_transfers() as desk:
        new = _pretty(_found(desk, rule, version)["content"])
        live = rows_of(desk, "live_event_rule", rule=rule)
        against = other if other is not None or not live else live[0]["version"]
        old = "" if against is None else _pretty(_found(desk, rule, against)["content"])
    before, after = (f"{rule}/{number}" for number in (against or "nothing", version))
    lines = list(unified_diff(old.splitlines(), new.splitlines(), before, after, n=2, lineterm=""))
    content = {"rule": rule, "version": version, "against": against, "lines": lines}
    report(content, as_json=as_json, text="\n".join(lines) or "no difference")


@event_rules.command("draft")
@click.argument("file", type=_FILE)
@_reason
@json_option
def draft_rule(file: Path, reason: str, *, as_json: bool) -> None:
    """Write the rule in FILE down as a new version; it judges nothing yet."""
    given = {"json": read_text(file, str(file)), "reason": reason}
    with open_transfers() as desk:
        content = do(desk, "draft_event_rule", given=given)
    named = f"{content['rule']} {content['version']}"
    text = f"{named} is a draft\nnext: minuterisk event-rules submit {named}"
    report(content, as_json=as_json, text=text)


@event_rules.command("submit")
@_rule
@_version
@json_option
def submit_rule(rule: str, version: int, *, as_json: bool) -> None:
    """Hand a draft in, with what it would have done in the last 30 days; somebody else approves it."""
    with open_transfers() as desk:
        content = do(desk, "submit_event_rule", f"{rule}/{version}")
        content["backtest"] = _found(desk, rule, version)["backtest"] or _measure(desk, rule, version)
    text = f"{rule} {version} is handed in\n{backtest_text(content['backtest'])}"
    text = f"{text}\nnext: somebody else runs minuterisk event-rules approve {rule} {version}"
    report(content, as_json=as_json, text=text)


@event_rules.command("backtest")
@_rule
@_version
@json_option
def backtest_rule(rule: str, version: int, *, as_json: bool) -> None:
    """Judge the last 30 days by a version and by the live one; the answer is kept beside it."""
    with open_transfers() as desk:
        content = do(desk, "backtest_event_rule", f"{rule}/{version}")
        content["backtest"] = _measure(desk, rule, version)
    report(content, as_json=as_json, text=backtest_text(content["backtest"]))


@event_rules.command("shadow")
@_rule
@_version
@json_option
def shadow_rule(rule: str, version: int, *, as_json: bool) -> None:
    """Let a version judge without telling anybody and without deciding anything."""
    _changed("shadow_event_rule", rule, version, "judges in the shadow", as_json=as_json)


@event_rules.command("approve")
@_rule
@_version
@click.option("--sha256", help="The hash of the text that you have seen.")
@click.option("--backtest-sha256", help="The hash of the backtest that you have seen.")
@json_option
def approve_rule(
    rule: str, version: int, sha256: str | None, backtest_sha256: str | None, *, as_json: bool
) -> None:
    """Let a version that somebody else wrote be live; text and backtest are signed by their hashes."""
    given = {"sha256": sha256, "backtest_sha256": backtest_sha256}
    _changed("approve_event_rule", rule, version, "is live", given, as_json=as_json)


@event_rules.command("retire")
@_rule
@_version
@_reason
@json_option
def retire_rule(rule: str, version: int, reason: str, *, as_json: bool) -> None:
    """Let a version judge no longer; its hits stay."""
    _changed("retire_event_rule", rule, version, "is retired", {"reason": reason}, as_json=as_json)


@event_rules.command("withdraw")
@_rule
@_version
@json_option
def withdraw_rule(rule: str, version: int, *, as_json: bool) -> None:
    """Take back a version that has judged nothing."""
    _changed("withdraw_event_rule", rule, version, "is withdrawn", as_json=as_json)


@event_rules.command("pause")
@_rule
@click.option("--until", type=TIME, help="When the pause ends.")
@click.option("--for", "duration", metavar="DURATION", help="How long it lasts: 30m, 2h, 1d; 7 days at most.")
@_reason
@json_option
def pause_rule(
    rule: str, until: datetime | None, duration: str | None, reason: str, *, as_json: bool
) -> None:
    """Let a rule find nothing for a while; its shadow goes on. Nobody has to approve it."""
    given = {"until": until, "for": duration, "reason": reason}
    with open_transfers() as desk:
        content = do(desk, "pause_event_rule", rule, given)
        ends = [moment(content[name], desk.zone, seconds=True) for name in ("from_at", "until_at")]
    report(content, as_json=as_json, text=f"{rule} is paused from {ends[0]} until {ends[1]}")


@event_rules.command("resume")
@_rule
@json_option
def resume_rule(rule: str, *, as_json: bool) -> None:
    """End the pause of a rule before its time."""
    with open_transfers() as desk:
        content = do(desk, "resume_event_rule", rule)
        said = f"{rule} judges again from {moment(content['from_at'], desk.zone, seconds=True)} on"
    report(content, as_json=as_json, text=said)


@event_rules.command("outcome")
@click.argument("transfer")
@click.argument("became", type=click.Choice(["fraud", "genuine"]))
@click.option("--reason", help="How that is known.")
@json_option
def report_outcome(transfer: str, became: str, reason: str | None, *, as_json: bool) -> None:
    """Say what became of a transfer: rules are measured by it."""
    with open_transfers() as desk:
        content = do(desk, "report_outcome", transfer, {"fraud": became == "fraud", "reason": reason})
    report(content, as_json=as_json, text=f"{transfer} is known to be {became}")


def _changed(
    act: str,
    rule: str,
    version: int,
    said: str,
    given: Mapping[str, Any] | None = None,
    *,
    as_json: bool,
) -> None:
    with open_transfers() as desk:
        content = do(desk, act, f"{rule}/{version}", given)
        zone = desk.zone
    start = content.get("from_at")
    since = f" from {moment(start, zone, seconds=True)} on" if start else ""
    report(content, as_json=as_json, text=f"{rule} {version} {said}{since}")


def _found(desk: Desk, rule: str, version: int | None) -> dict[str, Any]:
    found = next(iter(rows_of(desk, "event_rule", rule=rule, version=version)), None)
    if found is None:
        refuse_unknown("version", f"{rule}/{version}" if version else rule)
    return found


def _measure(desk: Desk, rule: str, version: int) -> dict[str, Any]:
    asked = {"rule": rule, "version": version, "content": _found(desk, rule, version)["content"]}
    found = measure_version(desk.state, open_lake(desk.settings), asked)
    if found is None:
        msg = f"{rule} {version} was approved or withdrawn meanwhile"
        raise UsageError(msg, f"see `minuterisk event-rules show {rule} {version}`")
    return found


def _pretty(content: str) -> str:
    return json.dumps(json.loads(content), ensure_ascii=False, indent=2)


#: Lines of a backtest for people, by their names in it.
_LINES: Final = (
    "hits",
    "hits_per_day",
    "accounts",
    "money",
    "true_hits",
    "false_hits",
    "precision",
    "precision_low",
    "precision_high",
)


def backtest_text(found: Mapping[str, Any] | None) -> str:
    """What a version would have done beside the live one, for people: a line a number."""
    if not found or "candidate" not in found:
        return "not measured" + (f": {found['not_measured']}" if found else " yet")
    live = found["live"] or {}
    beside = f"live {found['version_live']}" if live else ""
    head = f"judged again from {found['from']} to {found['to']}: {found['events']} payments"
    lines = [f"{'':<20}{'this one':>24}{beside:>24}"]
    for name in _LINES:
        cells = [_cell(side[name]) if name in side else "" for side in (found["candidate"], live)]
        lines.append(f"{name:<20}{cells[0]:>24}{cells[1]:>24}".rstrip())
    lines += [f"{'alone':<20}{found['only_candidate']:>24}"] if live else []
    missing = found["missing_minutes"]
    lines += [f"{missing} minutes of this time are not published"] if missing else []
    return "\n".join([head, *lines, f"{found['frauds_known']} payments of this time are known to be fraud"])


def _cell(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return ", ".join(f"{amount} {currency}" for currency, amount in value.items()) or "-"
    return "-" if value is None else str(value)


def _columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "rule": str,
        "version": str,
        "status": str,
        "mode": lambda mode: mode or "-",
        "from_at": lambda at: "-" if at is None else moment(at, zone, seconds=True),
        "warming": lambda warming: "warming" if warming else "-",
        "paused_until": lambda at: "-" if at is None else moment(at, zone, seconds=True),
        "author": str,
        "approved_by": lambda name: name or "-",
        "reason": str,
    }


def _precision(row: Mapping[str, Any]) -> dict[str, float | None]:
    """The share of true hits among those of which somebody said something, and its 95 % interval."""
    names, labels = ("precision", "precision_low", "precision_high"), row["true_hits"] + row["false_hits"]
    if not labels:
        return dict.fromkeys(names)
    return dict(
        zip(names, (row["true_hits"] / labels, *wilson_interval(row["true_hits"], labels)), strict=True)
    )


_PRECISION: Final[Mapping[str, Callable[[Any], str]]] = {
    "rule": str,
    "mode": str,
    "hits": str,
    "true_hits": str,
    "false_hits": str,
    "precision": percent_of,
    "precision_low": percent_of,
    "precision_high": percent_of,
}
