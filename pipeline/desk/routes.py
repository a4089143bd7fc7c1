"""What people do with routes and silences: where incidents are told, and what is not told for a while."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pipeline.desk.given import Parameter, one_end
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import moment
from pipeline.packs import PACKS, load_pack
from pipeline.store.incidents import incident_of
from pipeline.tell.destinations import problem_of, reach_of
from pipeline.tell.route_texts import (
    LONGEST,
    as_given,
    match_of,
    read_match,
    read_route,
    read_toml,
    require_together,
    vocabulary_of,
)
from pipeline.tell.routes import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.tell.route_texts import Vocabulary
    from pipeline.tell.routes import Match, Route

#: A silence that lasts longer is a rule that nobody has approved.
LONGEST_SILENCE: Final = timedelta(days=90)
_TOML_LENGTH: Final = 200_000
_MATCHERS: Final = "FIELD=PATTERN, several with blanks between: severity=critical entity=A*|B7"


def known_words() -> Vocabulary:
    """What matchers may be called and ask for: the words of every pack."""
    return vocabulary_of(load_pack(name) for name in PACKS)


def add_route(deed: Deed) -> Mapping[str, Any]:
    """Put a route on the list, at a place or at its end; answers with the list."""
    given = {
        "name": deed.thing_id,
        "match": _matchers(deed.given["match"]),
        "channel": deed.given["channel"],
        "second": deed.given["second"],
        "continue": deed.given["continue"] or False,
    }
    route = read_route(given, known_words(), _problem(deed))
    before = deed.state.lock_routes(deed.connection)
    place = deed.given["place"] or len(before) + 1
    if not 1 <= place <= len(before) + 1:
        msg = phrase("place is {place}, and there are {count} routes", place=place, count=len(before))
        raise UsageError(msg, phrase("say a place from 1 to {last}, or none: the end", last=len(before) + 1))
    after = [*before[: place - 1], route, *before[place - 1 :]]
    require_together(after)
    deed.state.put_route(deed.connection, route, place, deed.actor.name)
    return _changed(deed, before, after)


def remove_route(deed: Deed) -> Mapping[str, Any]:
    """Take a route off the list; answers with what is left."""
    before = deed.state.lock_routes(deed.connection)
    if deed.state.take_route(deed.connection, deed.thing_id) is None:
        msg = phrase("there is no route {name!r}", name=deed.thing_id)
        known = ", ".join(route.name for route in before) or word("none")
        raise UsageError(msg, phrase("known are {known}", known=known))
    return _changed(deed, before, [route for route in before if route.name != deed.thing_id])


def set_routes(deed: Deed) -> Mapping[str, Any]:
    """Put the routes of a TOML text in the place of all that there are; answers with the list."""
    after = read_toml(deed.given["toml"], word("the text"), known_words(), _problem(deed))
    before = deed.state.lock_routes(deed.connection)
    for route in before:
        deed.state.take_route(deed.connection, route.name)
    for place, route in enumerate(after, 1):
        deed.state.put_route(deed.connection, route, place, deed.actor.name)
    return _changed(deed, before, after)


def add_silence(deed: Deed) -> Mapping[str, Any]:
    """Keep incidents that match from being told until an end; answers with how many match now."""
    match = read_match(_matchers(deed.given["match"]), known_words())
    if not match:
        msg = "a silence without a matcher would keep everything from people"
        raise UsageError(msg, phrase("say what it is about: {matchers}", matchers=word(_MATCHERS)))
    reason: str = deed.given["reason"]
    if not reason.isprintable():
        msg = "the reason holds what cannot be printed"
        raise UsageError(msg, "write it on one line")
    starts, ends = _period(deed)
    made = deed.state.begin_silence(deed.connection, match, reason, deed.given["from"], ends, deed.actor.name)
    deed.thing_id = str(made["silence_id"])
    deed.after = {"match": match, "reason": reason, "starts": starts.isoformat(), "ends": ends.isoformat()}
    return {**made, "matching": _matching(deed, match)}


def end_silence(deed: Deed) -> Mapping[str, Any]:
    """End a silence now; people are told what is still open."""
    ended = deed.state.end_silence(deed.connection, deed.number, deed.actor.name)
    if ended is None:
        _refuse_ended(deed)
    deed.before, deed.after = {"ends": ended["ends_at"].isoformat()}, {"ends": ended["ended_at"].isoformat()}
    return {"silence_id": deed.number, "ended_at": ended["ended_at"]}


def _problem(deed: Deed) -> Callable[[str], str | None]:
    """What keeps a channel from being used: neither this process has its key nor the one that delivers."""
    ours, theirs = reach_of(deed.desk.settings), deed.state.reach(deed.connection)

    def problem(name: str) -> str | None:
        found = problem_of(name, ours)
        return found and problem_of(name, theirs or ours)

    return problem


def _changed(deed: Deed, before: Sequence[Route], after: Sequence[Route]) -> dict[str, Any]:
    deed.before = {"routes": [as_given(route) for route in before]}
    deed.after = {"routes": [as_given(route) for route in after]}
    return dict(deed.after)


def _matchers(text: str | None) -> dict[str, list[str]]:
    """Matchers from one text; | stands between patterns of which one has to fit."""
    try:
        pairs = shlex.split(text or "")
    except ValueError as error:
        msg = phrase("the matchers {text!r} cannot be read: {error}", text=text, error=str(error))
        hint = phrase("close each quote; write for example {matchers}", matchers=word(_MATCHERS))
        raise UsageError(msg, hint) from error
    return {
        name: [one for pattern in patterns for one in pattern.split("|")]
        for name, patterns in match_of(pairs).items()
    }


def _period(deed: Deed) -> tuple[datetime, datetime]:
    """From when to when a silence holds."""
    now, zone = deed.desk.clock(), deed.desk.zone
    starts = deed.given["from"] or now
    ends = one_end("a silence", starts, deed.given["for"], deed.given["until"])
    if ends <= max(now, starts):
        msg = phrase("the silence would end at {end}, before it begins", end=moment(ends, zone))
        raise UsageError(msg, phrase("it is {now}: say a later end", now=moment(now, zone)))
    if ends - starts > LONGEST_SILENCE:
        msg = phrase("the silence would last {days} days", days=(ends - starts).days)
        most = LONGEST_SILENCE.days
        hint = phrase("at most {most}; a rule that is wrong has to be changed itself", most=most)
        raise UsageError(msg, hint)
    return starts, ends


def _matching(deed: Deed, match: Match) -> int:
    """How many incidents that are there now the matchers are about."""
    rows = deed.state.ask(deed.connection, "unresolved_incidents", entities=None).mappings()
    incidents = [incident_of(dict(row)) for row in rows]
    routing = deed.state.routing(deed.connection, incidents, with_facts=True)
    return sum(matches(match, deed.state.facts_of(incident, routing)) for incident in incidents)


def _refuse_ended(deed: Deed) -> NoReturn:
    found = [s for s in deed.state.silences(with_ended=True) if s["silence_id"] == deed.number]
    if not found:
        msg = phrase("there is no silence {number}", number=deed.number)
        raise UsageError(msg, "see `minuterisk silences list`")
    at = moment(found[0]["ended_at"] or found[0]["ends_at"], deed.desk.zone)
    msg = phrase("silence {number} has ended already, at {at}", number=deed.number, at=at)
    raise UsageError(msg, "there is nothing left to end")


_REASON: Final = Parameter("text", "why, for those who look later", longest=LONGEST)
_CHANNEL: Final = "default, console, apprise:NAME, or the id of a Slack channel"

ACTS: Final = (
    Act(
        name="add_route",
        action="deliver",
        kind="route",
        run=add_route,
        parameters={
            "match": Parameter("text", _MATCHERS + "; nothing: everything", longest=10_000),
            "channel": Parameter("text", _CHANNEL, required=True, longest=LONGEST),
            "second": Parameter("text", "where it is told if that cannot be: " + _CHANNEL, longest=LONGEST),
            "continue": Parameter("flag", "look at the routes below as well"),
            "place": Parameter(
                "integer", "its place in the list, 1 is the first; the end where none is said"
            ),
            "reason": _REASON,
        },
    ),
    Act(
        name="remove_route", action="deliver", kind="route", run=remove_route, parameters={"reason": _REASON}
    ),
    Act(
        name="set_routes",
        action="deliver",
        kind="route",
        run=set_routes,
        needs_id=False,
        parameters={
            "toml": Parameter("text", "all routes as TOML", required=True, longest=_TOML_LENGTH),
            "reason": _REASON,
        },
    ),
    Act(
        name="add_silence",
        action="deliver",
        kind="silence",
        run=add_silence,
        needs_id=False,
        parameters={
            "match": Parameter("text", _MATCHERS, required=True, longest=10_000),
            "reason": Parameter("text", "why nobody needs to be told", required=True, longest=LONGEST),
            "from": Parameter("time", "when it begins; now where none is said"),
            "until": Parameter("time", "when it ends"),
            "for": Parameter("duration", "how long it lasts"),
        },
    ),
    Act(
        name="end_silence", action="deliver", kind="silence", run=end_silence, parameters={"reason": _REASON}
    ),
)
