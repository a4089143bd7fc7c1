"""Routes and silences as people write them, checked strictly, and written out again. Pure.

Whatever is refused is named, with what to write instead. Nothing is guessed: a matcher that can never match
is an incident that nobody is told of.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.judge.verdicts import SEVERITIES, TIERS
from pipeline.tell.routes import DEFAULT, FIELDS, Match, Route, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.pack import Pack

MOST_ROUTES: Final = 100
#: A channel has a thread of its own while something waits for it.
MOST_CHANNELS: Final = 16
MOST_PATTERNS: Final = 200
LONGEST: Final = 200  # letters of a pattern or a reason
CONSOLE: Final = "console"
APPRISE: Final = "apprise:"
_KEYS: Final = ("name", "channel", "second", "match", "continue")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SLACK: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")
_APPRISE: Final = re.compile(r"apprise:[a-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What matchers may be called and may ask for, as the packs have it."""

    #: The packs' own words for a field: door for entity.
    aliases: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)


def vocabulary_of(packs: Iterable[Pack[Any, Any]]) -> Vocabulary:
    """The words of these packs."""
    listed = list(packs)
    aliases = {word: "entity" for pack in listed for word in (pack.noun, pack.entity)}
    aliases |= {pack.fact[1]: "fact" for pack in listed if pack.fact is not None}
    rules = sorted({rule.name for pack in listed for rule in pack.rules})
    known = {"pack": [p.name for p in listed], "rule": rules, "tier": TIERS, "severity": SEVERITIES}
    return Vocabulary(aliases, known)


def read_match(given: object, words: Vocabulary) -> Match:
    """Matchers of a route or a silence: a field, and a pattern or several of which one has to fit."""
    if not isinstance(given, dict):
        _refuse("match", given, 'write the matchers as a table: match.severity = "critical"')
    found: Match = {}
    for name, value in given.items():
        known = words.aliases.get(str(name), str(name))
        if known not in FIELDS:
            _refuse_unknown("matcher", str(name), [*FIELDS, *words.aliases])
        patterns = _patterns(str(name), value)
        for pattern in patterns:
            _require_possible(known, pattern, words)
        found[known] = tuple(dict.fromkeys((*found.get(known, ()), *patterns)))
    return found


def match_of(pairs: Iterable[str]) -> dict[str, list[str]]:
    """Matchers as the command line takes them: FIELD=PATTERN, a field more than once for several patterns."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, sign, pattern = pair.partition("=")
        if not (name and sign and pattern):
            msg = phrase("the matcher {pair!r} is not FIELD=PATTERN", pair=pair)
            raise UsageError(msg, "write for example severity=critical or 'entity=A*'")
        found.setdefault(name.strip(), []).append(pattern)
    return found


def read_route(
    given: object, words: Vocabulary, problem: Callable[[str], str | None] = lambda _: None
) -> Route:
    """One route. `problem` says what keeps a well-written channel from being used, if anything does."""
    if not isinstance(given, dict):
        _refuse("route", given, 'write a table: [[route]], then lines such as channel = "C0123456789"')
    for key in given:
        if key not in _KEYS:
            _refuse_unknown("key of a route", str(key), _KEYS)
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == DEFAULT:
        _refuse("name of a route", name, "use small letters, digits, - and _, at most 40, not default")
    goes_on = given.get("continue", False)
    if not isinstance(goes_on, bool):
        _refuse(phrase("continue of the route {name}", name=name), goes_on, "write true or false")
    channel = read_channel(given.get("channel"), phrase("channel of the route {name}", name=name), problem)
    second = given.get("second")
    if second is not None:
        what = phrase("second channel of the route {name}", name=name)
        second = read_channel(second, what, problem)
        if second == channel:
            _refuse(what, second, "name another one than the first")
    match = read_match(given.get("match", {}), words)
    return Route(name=name, channel=channel, match=match, second=second, goes_on=goes_on)


def read_channel(given: object, what: str, problem: Callable[[str], str | None]) -> str:
    """A channel by its name: default, console, apprise:NAME, or the id of one in Slack."""
    kinds = (DEFAULT, CONSOLE)
    if not isinstance(given, str) or not (
        given in kinds or _SLACK.fullmatch(given) or _APPRISE.fullmatch(given)
    ):
        named = phrase(
            "write default, console, apprise:NAME, or the id of a Slack channel such as C0123456789"
        )
        _refuse(what, given, named)
    found = problem(given)
    if found is not None:
        _refuse(what, given, found)
    return given


def read_routes(
    given: object, words: Vocabulary, problem: Callable[[str], str | None] = lambda _: None
) -> list[Route]:
    """All routes in their order."""
    if not isinstance(given, list):
        _refuse("route", given, "write each route as [[route]]")
    routes = [read_route(one, words, problem) for one in given]
    require_together(routes)
    return routes


def require_together(routes: Sequence[Route]) -> None:
    """Refuse a list that does not fit together: names twice, lines that are never reached, too many."""
    names = [route.name for route in routes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        _refuse("name of a route", twice[0], "give each route a name of its own")
    for route, below in pairwise(routes):
        if not route.match and not route.goes_on:
            name, hidden = route.name, below.name
            msg = phrase(
                "the route {name} matches everything: {below} below it is never reached",
                name=name,
                below=hidden,
            )
            hint = phrase("give {name} a matcher or continue = true, or put it last", name=name)
            raise UsageError(msg, hint)
    channels = {c for route in routes for c in (route.channel, route.second) if c}
    for number, most, what in (
        (len(routes), MOST_ROUTES, "routes"),
        (len(channels), MOST_CHANNELS, "channels"),
    ):
        if number > most:
            msg = phrase("{number} {what} are more than {most}", number=number, what=word(what), most=most)
            raise UsageError(msg, "let several patterns share a route, or several routes a channel")


def read_toml(text: str, where: str, words: Vocabulary, problem: Callable[[str], str | None]) -> list[Route]:
    """The routes of a file."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number or brackets beyond all measure
        msg = phrase("{where} is not TOML: {met}", where=where, met=str(error))
        raise UsageError(msg, "`minuterisk routes list --toml` shows how routes are written") from error
    for key in content:
        if key != "route":
            _refuse_unknown(phrase("key of {where}", where=where), key, ["route"])
    return read_routes(content.get("route", []), words, problem)


def as_toml(routes: Sequence[Route]) -> str:
    """The same, back."""
    return "\n".join(_table(route) for route in routes)


def as_given(route: Route) -> dict[str, Any]:
    """A route in the words in which people write it."""
    return {
        "name": route.name,
        "match": {name: list(patterns) for name, patterns in route.match.items()},
        "channel": route.channel,
        "second": route.second,
        "continue": route.goes_on,
    }


def match_text(match: Mapping[str, Sequence[str]]) -> str:
    """Matchers on one line."""
    return " ".join(f"{name}={'|'.join(patterns)}" for name, patterns in match.items()) or "everything"


def _table(route: Route) -> str:
    match = ", ".join(
        f"{name} = {json.dumps(list(p), ensure_ascii=False)}" for name, p in route.match.items()
    )
    lines = ["[[route]]", f'name = "{route.name}"', f"match = {{ {match} }}", f'channel = "{route.channel}"']
    lines += [f'second = "{route.second}"'] if route.second else []
    lines += ["continue = true"] if route.goes_on else []
    return "\n".join([*lines, ""])


def _patterns(name: str, value: object) -> list[str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MOST_PATTERNS:
        most = phrase("write a pattern, or a list of 1 to {most}", most=MOST_PATTERNS)
        _refuse(phrase("matcher {name}", name=name), value, most)
    for pattern in listed:
        if not isinstance(pattern, str) or not pattern.strip() or len(pattern) > LONGEST:
            longest = phrase("write 1 to {longest} letters; * and ? stand for any", longest=LONGEST)
            _refuse(phrase("matcher {name}", name=name), pattern, longest)
        if not pattern.isprintable():
            _refuse(phrase("matcher {name}", name=name), pattern, "leave out what cannot be printed")
    return list(listed)


def _require_possible(name: str, pattern: str, words: Vocabulary) -> None:
    known = words.known.get(name)
    if known is not None and not any(fits(pattern, value) for value in known):
        _refuse_unknown(name, pattern, known)


def _refuse(what: str, value: object, hint: str) -> NoReturn:
    msg = phrase("the {what} is {value!r}", what=word(what), value=value)
    raise UsageError(msg, hint)


def _refuse_unknown(what: str, value: str, known: Sequence[str]) -> NoReturn:
    near = difflib.get_close_matches(value, known, n=1)
    msg = phrase("there is no {what} {value!r}", what=word(what), value=value)
    all_known = phrase("known are {known}", known=", ".join(known))
    raise UsageError(msg, phrase("did you mean {near}?", near=near[0]) if near else all_known)
