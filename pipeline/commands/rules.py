"""rules: versions of the tuned numbers, from a draft to the minute from which on they are in force."""

from __future__ import annotations

from contextlib import ExitStack
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from baselines.edit import numbers_of, shown
from baselines.rules import read_text
from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import TIME, fields, json_option, progress_bar, report, table
from pipeline.desk.incidents import refuse_unknown
from pipeline.errors import UsageError
from pipeline.figures import moment, one_line
from pipeline.minute import EPOCH
from pipeline.packs import load_pack
from pipeline.replay.backtest import backtest as judge_again
from pipeline.replay.candidate import Trial, measure
from pipeline.replay.labels import read_labels
from pipeline.store.rules import read_rules_file, versions_of
from scheduler import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.desk.perform import Desk

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_reason = click.option("--reason", required=True, help="Why; it is kept and shown.")
_number = click.argument("version", type=int)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def rules(context: click.Context, *, as_json: bool) -> None:
    """Tuned numbers as versions: draft, submit, approve by somebody else, in force from a minute on."""
    if context.invoked_subcommand is None:
        context.invoke(list_versions, as_json=as_json)
    elif as_json:
        name = context.invoked_subcommand
        msg = f"--json stands before {name}"
        raise UsageError(msg, f"put it behind: rules {name} --json")


@rules.command("list")
@json_option
def list_versions(*, as_json: bool = False) -> None:
    """List versions, newest first, and which rules are paused."""
    with open_desk() as desk:
        rows, at = desk.state.rows("rule_versions"), desk.state.next_minute() or EPOCH
        paused = desk.state.rows("rule_pauses", minute=at)
        number = versions_of(desk.state, desk.settings).at(at).number
    listed = [{**row, "in_force": row["version"] == number} for row in rows]
    text = table(listed, _columns(desk.zone))
    if paused:
        text = f"{text}\n\npaused\n{table(paused, _pause_columns(desk.zone))}"
    report({"versions": listed, "paused": paused}, as_json=as_json, text=text)


@rules.command("show")
@_number
@json_option
def show_version(version: int, *, as_json: bool) -> None:
    """Show a version: who, why, its backtest, and the numbers of some entities."""
    with open_desk() as desk:
        found = dict(_version(desk, version))
        zone = desk.zone
    text = found.pop("numbers")
    own = {shown(path): value for path, value in numbers_of(text).items() if path[0] == "own"}
    content, measured = {**found, "own": own}, _beside(found["backtest"])
    said = fields({name: value for name, value in content.items() if name != "backtest"}, zone)
    report({**content, "numbers": text}, as_json=as_json, text=f"{said}\n\n{measured}\n\n{text}")


@rules.command("diff")
@_number
@click.argument("other", type=int, required=False)
@json_option
def diff_versions(version: int, other: int | None, *, as_json: bool) -> None:
    """Show how a version differs from OTHER, or from what is in force."""
    with open_desk() as desk:
        state = desk.state
        at = state.next_minute() or EPOCH
        against = other or versions_of(state, desk.settings).at(at).number
        new = str(_version(desk, version)["numbers"])
        if against is None:
            old, name = read_rules_file(load_pack(state.pack), desk.settings.rules).text, "the file"
        else:
            old, name = str(_version(desk, against)["numbers"]), f"version {against}"
    before, after = numbers_of(old), numbers_of(new)
    paths = [path for path in dict.fromkeys([*before, *after]) if before.get(path) != after.get(path)]
    numbers = {shown(path): [before.get(path), after.get(path)] for path in paths}
    lines = unified_diff(old.splitlines(), new.splitlines(), name, f"version {version}", n=2, lineterm="")
    content = {"version": version, "against": against, "numbers": numbers}
    report(content, as_json=as_json, text="\n".join(lines) or "no difference")


@rules.command("draft")
@click.option("--file", type=_FILE, help="A whole rules.toml.")
@click.option("--set", "changes", multiple=True, metavar="SECTION.KEY=VALUE", help="Change one number.")
@click.option("--own", metavar="KIND=NAME", help="Numbers of one entity or group alone.")
@click.option("--from", "parent", type=int, help="The version to start from; without it the newest.")
@_reason
@json_option
def draft_version(
    file: Path | None,
    changes: tuple[str, ...],
    own: str | None,
    parent: int | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Write a version down; it judges nothing yet. An empty VALUE takes an own number away."""
    given: dict[str, Any] = {"changes": "\n".join(changes), "own": own, "parent": parent, "reason": reason}
    with open_desk() as desk:
        if file is not None:
            given["numbers"] = read_text(file, f"baselines/{desk.state.pack}/rules.toml")
        content = do(desk, "draft_rules", given=given)
    after, before = content["after"], content["before"]
    lines = [f"  {n}: {before.get(n, '-')} -> {after.get(n, '-')}" for n in dict.fromkeys([*before, *after])]
    said = [f"version {content['version']} is a draft, made from {content['parent']}", *lines]
    said.append(f"next: minuterisk rules submit {content['version']}")
    report(content, as_json=as_json, text="\n".join(said))


@rules.command("backtest")
@_number
@click.option("--labels", type=_FILE, help="What was really wrong, as `backtest --labels` takes it.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes; default: the cores, at most 4.")
@json_option
def backtest_version(version: int, labels: Path | None, jobs: int | None, *, as_json: bool) -> None:
    """Judge the last 7 days by a version and by the one in force; the answer is kept beside it."""
    with open_desk() as desk:
        do(desk, "backtest_rules", version)
        content: dict[str, Any] = {
            "version": version,
            "backtest": _measure(desk, version, labels, jobs),
        }
    report(content, as_json=as_json, text=_beside(content["backtest"]))


@rules.command("submit")
@_number
@click.option("--labels", type=_FILE, help="What was really wrong, as `backtest --labels` takes it.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes; default: the cores, at most 4.")
@json_option
def submit_version(version: int, labels: Path | None, jobs: int | None, *, as_json: bool) -> None:
    """Hand a draft in, with what it would have done in the last 7 days; somebody else approves it."""
    with open_desk() as desk:
        content = do(desk, "submit_rules", version)
        kept = _version(desk, version)["backtest"]
        content["backtest"] = kept or _measure(desk, version, labels, jobs)
    said = f"version {version} is handed in\n{_beside(content['backtest'])}"
    text = f"{said}\nnext: somebody else runs minuterisk rules approve {version}"
    report(content, as_json=as_json, text=text)


@rules.command("approve")
@_number
@click.option(
    "--from", "start", type=TIME, help="The minute from which on it is in force; default: the next."
)
@json_option
def approve_version(version: int, start: datetime | None, *, as_json: bool) -> None:
    """Let a version that somebody else handed in be in force from a minute on."""
    with open_desk() as desk:
        content = do(desk, "approve_rules", version, {"from_minute": start})
    said = f"version {version} is in force from {moment(content['in_force_from'], desk.zone)} on"
    report(content, as_json=as_json, text=said)


@rules.command("withdraw")
@_number
@json_option
def withdraw_version(version: int, *, as_json: bool) -> None:
    """Take back a version by which no minute was judged."""
    with open_desk() as desk:
        content = do(desk, "withdraw_rules", version)
    report(content, as_json=as_json, text=f"version {version} is withdrawn")


@rules.command("pause")
@click.argument("rule")
@click.option("--until", type=TIME, help="When the pause ends.")
@click.option("--for", "duration", metavar="DURATION", help="How long it lasts: 30m, 2h, 1d; 7 days at most.")
@_reason
@json_option
def pause(rule: str, until: datetime | None, duration: str | None, reason: str, *, as_json: bool) -> None:
    """Let a rule open no incident for a while; what is open goes on."""
    given = {"until": until, "for": duration, "reason": reason}
    with open_desk() as desk:
        content = do(desk, "pause_rule", rule, given)
    ends = [moment(content[name], desk.zone) for name in ("from_minute", "until_minute")]
    report(content, as_json=as_json, text=f"{rule} is paused from {ends[0]} until {ends[1]}")


@rules.command("resume")
@click.argument("rule")
@json_option
def resume(rule: str, *, as_json: bool) -> None:
    """End the pause of a rule before its time."""
    with open_desk() as desk:
        content = do(desk, "resume_rule", rule)
    said = f"{rule} opens incidents again from {moment(content['from_minute'], desk.zone)} on"
    report(content, as_json=as_json, text=said)


@rules.command("export")
@click.argument("version", type=int, required=False)
def export(version: int | None) -> None:
    """Print a version as a rules.toml, by default the one in force."""
    with open_desk() as desk:
        at = desk.state.next_minute() or EPOCH
        number = version or versions_of(desk.state, desk.settings).at(at).number
        if number is None:
            msg = "no version of the rules is kept yet"
            raise UsageError(msg, f"what counts is the file {desk.settings.rules}")
        click.echo(_version(desk, number)["numbers"], nl=False)


def _version(desk: Desk, version: int) -> Mapping[str, Any]:
    found = desk.state.rule_version(version)
    if found is None:
        refuse_unknown("version", version)
    return found


def _measure(desk: Desk, version: int, labels: Path | None, jobs: int | None) -> dict[str, Any]:
    """What a version would have done, kept beside it."""
    state, settings, pack = desk.state, desk.settings, load_pack(desk.settings.pack)
    known = read_labels(labels, pack) if labels else None
    tuned = pack.read_tuned(str(_version(desk, version)["numbers"]), f"version {version}")
    newest = versions_of(state, settings).versions[-1]
    trial = Trial(open_lake(settings), state, settings.policy, newest, tuned, known)
    with ExitStack() as stack:
        progress = stack.enter_context(progress_bar(f"version {version}"))
        found = measure(trial, settings.home, lambda whole: judge_again(whole, progress, jobs))
    state.store_backtest(version, found)
    return found


def _beside(found: Mapping[str, Any] | None) -> str:
    """What both would have done, for people: a line a number."""
    if not found or "candidate" not in found:
        return "not measured" + (f": {found['not_measured']}" if found else " yet")
    old, new = found["in_force"], found["candidate"]
    lines = [f"{'':<28}{'version ' + str(found['version_in_force']):>20}{'this one':>20}"]
    for name in new:
        one, other = ("-" if side.get(name) in (None, {}) else side[name] for side in (old, new))
        both = [str(sum(v.values()) if isinstance(v, dict) else v) for v in (one, other)]
        lines.append(f"{name:<28}{both[0]:>20}{both[1]:>20}")
    names = [f"only {key}: {' '.join(map(one_line, pair))}" for key, pair in _alone(found)]
    return "\n".join([f"judged again from {found['from']} to {found['to']}", *lines, *names])


def _alone(found: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    sides = {"only_in_force": f"version {found['version_in_force']}", "only_candidate": "this one"}
    return [(said, pair) for name, said in sides.items() for pair in found[name]]


def _columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "version": str,
        "status": str,
        "in_force": lambda now: "now" if now else "-",
        "in_force_from": lambda at: "-" if at is None else "always" if at == EPOCH else moment(at, zone),
        "author": str,
        "submitted_by": lambda name: name or "-",
        "approved_by": lambda name: name or "-",
        "reason": str,
    }


def _pause_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "rule": str,
        "from_minute": lambda at: moment(at, zone),
        "until_minute": lambda at: moment(at, zone),
        "paused_by": str,
        "reason": str,
    }
