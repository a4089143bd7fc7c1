"""routes, silences, incidents route: where incidents are told, what is not told, and why."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do, open_desk
from pipeline.commands.common import TIME, json_option, report, table
from pipeline.errors import UsageError
from pipeline.figures import moment
from pipeline.judge.verdicts import SEVERITIES, TIERS
from pipeline.store.incidents import incident_of
from pipeline.tell.route_texts import as_given, as_toml, match_text
from pipeline.tell.routes import Facts, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.desk.perform import Desk
    from pipeline.tell.routes import Decision, Route

match_option = click.option(
    "--match",
    "matchers",
    multiple=True,
    metavar="FIELD=PATTERN",
    help="pack, rule, tier, severity, entity or fact; * and ? stand for any. All fields have to fit, "
    "of one field given more than once any.",
)
reason_option = click.option("--reason", help="Why, for those who look later.")


@click.group()
def routes() -> None:
    """Which incidents are told in which channel: the first route that matches, in order."""


@routes.command("list")
@click.option("--toml", "as_file", is_flag=True, help="As a file that `routes import` reads.")
@json_option
def list_routes(*, as_file: bool, as_json: bool) -> None:
    """List the routes in their order; what none of them matches goes to the default channel."""
    with open_desk() as desk, desk.state.reading() as connection:
        found = desk.state.routes(connection)
    text = as_toml(found) if as_file else _routes_text(found)
    report({"routes": [as_given(route) for route in found]}, as_json=as_json, text=text)


@routes.command("add")
@click.argument("name")
@match_option
@click.option("--channel", required=True, help="default, console, apprise:NAME or a Slack channel's id.")
@click.option("--second", help="Told instead where the channel refuses a message, or is away for long.")
@click.option("--continue", "goes_on", is_flag=True, help="Look at the routes below as well.")
@click.option("--place", type=click.IntRange(1), help="1 is the first; default: the end.")
@reason_option
@json_option
def add_route(  # noqa: PLR0913 - each is an option
    *,
    name: str,
    matchers: Sequence[str],
    channel: str,
    second: str | None,
    goes_on: bool,
    place: int | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Put a route on the list; it holds for what is told from now on."""
    given = {
        "match": shlex.join(matchers),
        "channel": channel,
        "second": second,
        "continue": goes_on,
        "place": place,
        "reason": reason,
    }
    with open_desk() as desk:
        content = do(desk, "add_route", name, given)
    report(content, as_json=as_json, text=f"route {name} added; {len(content['routes'])} routes")


@routes.command("remove")
@click.argument("name")
@reason_option
@json_option
def remove_route(*, name: str, reason: str | None, as_json: bool) -> None:
    """Take a route off the list."""
    with open_desk() as desk:
        content = do(desk, "remove_route", name, {"reason": reason})
    report(content, as_json=as_json, text=f"route {name} removed; {len(content['routes'])} routes left")


@routes.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@reason_option
@json_option
def import_routes(*, file: Path, reason: str | None, as_json: bool) -> None:
    """Put the routes of a TOML file in the place of all that there are."""
    try:
        toml = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {file}: {error}"
        raise UsageError(
            msg, "name a file of UTF-8 text; `minuterisk routes list --toml` makes one"
        ) from error
    with open_desk() as desk:
        content = do(desk, "set_routes", "", {"toml": toml, "reason": reason})
    report(content, as_json=as_json, text=f"{len(content['routes'])} routes")


@routes.command("test")
@click.option("--pack", help="Default: the first of MINUTERISK_PACKS.")
@click.option("--rule", default="", help="The rule that opened it.")
@click.option("--tier", type=click.Choice(TIERS), default=TIERS[0], show_default=True)
@click.option("--severity", type=click.Choice(SEVERITIES), default=SEVERITIES[0], show_default=True)
@click.option("--entity", default="", help="Its id.")
@click.option("--fact", help="What the source says of it.")
@json_option
def test_routes(*, as_json: bool, pack: str | None, **given: Any) -> None:  # noqa: ANN401 - options
    """Say where an incident would be told that looks like this; nothing is sent."""
    with open_desk() as desk, desk.state.reading() as connection:
        facts = Facts(pack=pack or desk.settings.pack, **given)
        routing = desk.state.routing(connection, [])
        found = decide(facts, routing.routes, routing.silences, routing.home)
        text = _decision_text(found, desk.zone)
    report(found.as_json(), as_json=as_json, text=text)


@click.command("route")
@click.option("--explain", "incident_id", type=int, required=True, metavar="ID", help="The incident.")
@json_option
def route_of_incident(*, incident_id: int, as_json: bool) -> None:
    """Say why an incident went where it went, and where it would go now."""
    with open_desk() as desk:
        told = desk.state.rows("incident_told", id=incident_id)
        now = _decide_now(desk, incident_id)
        zone = desk.zone
    content = {"incident_id": incident_id, "told": [_told(row) for row in told], "now": now.as_json()}
    lines = [f"{moment(row['minute'], zone)}  {row['event']}: {_why(row)}" for row in told]
    text = "\n".join([*(lines or ["told nowhere so far"]), f"now: {_decision_text(now, zone)}"])
    report(content, as_json=as_json, text=text)


@click.group()
def silences() -> None:
    """What is not told for a while, and why; when one ends, people are told what is still open."""


@silences.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Those that have ended, too.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@json_option
def list_silences(*, with_ended: bool, limit: int, as_json: bool) -> None:
    """List silences, newest first."""
    with open_desk() as desk:
        found = desk.state.silences(with_ended=with_ended, at_most=limit)
        columns = _silence_columns(desk.zone)
    report({"silences": found}, as_json=as_json, text=table(found, columns))


@silences.command("add")
@match_option
@click.option("--reason", required=True, help="Why nobody needs to be told.")
@click.option("--for", "lasts", help="How long: 30m, 2h, 7d; at most 90 days.")
@click.option("--until", "ends", type=TIME, help="When it ends, instead of --for.")
@click.option("--from", "starts", type=TIME, help="When it begins; default: now.")
@json_option
def add_silence(
    *,
    matchers: Sequence[str],
    reason: str,
    lasts: str | None,
    ends: datetime | None,
    starts: datetime | None,
    as_json: bool,
) -> None:
    """Keep incidents that match from being told; they are opened, judged and shown as ever."""
    given = {"reason": reason, "for": lasts, "until": ends, "from": starts}
    with open_desk() as desk:
        content = do(desk, "add_silence", "", {"match": shlex.join(matchers), **given})
        until = moment(content["ends_at"], desk.zone)
    text = f"silence {content['silence_id']} until {until}; {content['matching']} open incidents match"
    report(content, as_json=as_json, text=text)


@silences.command("end")
@click.argument("silence_id", type=int)
@reason_option
@json_option
def end_silence(*, silence_id: int, reason: str | None, as_json: bool) -> None:
    """End a silence now; people are told what is still open."""
    with open_desk() as desk:
        content = do(desk, "end_silence", silence_id, {"reason": reason})
    report(content, as_json=as_json, text=f"silence {silence_id} ended")


def _decide_now(desk: Desk, incident_id: int) -> Decision:
    with desk.state.reading() as connection:
        row = desk.state.ask(connection, "incident", id=incident_id).mappings().first()
        if row is None:
            msg = f"there is no incident {incident_id}"
            raise UsageError(msg, "see the list for the known numbers")
        incident = incident_of(dict(row))
        return desk.state.decide(incident, desk.state.routing(connection, [incident]))


def _routes_text(found: Sequence[Route]) -> str:
    rows = [
        {
            "place": place,
            "name": route.name,
            "match": match_text(route.match),
            "channel": route.channel,
            "second": route.second or "-",
            "continue": "yes" if route.goes_on else "-",
        }
        for place, route in enumerate(found, 1)
    ]
    names = ("place", "name", "match", "channel", "second", "continue")
    columns: dict[str, Callable[[Any], str]] = dict.fromkeys(names, str)
    return table(rows, columns) + "\nwhat no route matches: default"


def _silence_columns(zone: ZoneInfo) -> dict[str, Callable[[Any], str]]:
    return {
        "silence_id": str,
        "state": str,
        "match": match_text,
        "reason": str,
        "starts_at": lambda at: moment(at, zone),
        "ends_at": lambda at: moment(at, zone),
        "created_by": str,
        "silenced": str,
    }


def _decision_text(decision: Decision, zone: ZoneInfo) -> str:
    """A decision in words."""
    parts = [
        f"{target.channel} ({f'route {target.route}' if target.route else 'no route matches'}"
        f"{f', else {target.second}' if target.second else ''})"
        for target in decision.targets
    ]
    said = ", ".join(parts)
    silence = decision.silence
    if silence is None:
        return said
    until = moment(silence.ends_at, zone)
    return f"silenced until {until} by silence {silence.silence_id} ({silence.reason}); else {said}"


def _why(row: Mapping[str, Any]) -> str:
    """Why a message went where it went, in words."""
    because = {
        "route": f"route {row['route']}",
        "no_route": "no route matched",
        "told_before": "told there before",
        "second": f"second channel of {row['instead_of']}: {row['instead_because'] or 'away for long'}",
    }[row["why"]]
    state = row["status"]
    if state == "silenced":
        state = f"silenced by silence {row['silence_id']} ({row['silence_reason']})"
    elif row["last_error"] and state != "sent":
        state = f"{state} ({row['last_error']})"
    return f"{row['destination']}, {because}: {state}"


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "said": _why(row)}
