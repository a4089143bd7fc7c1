"""Routes as people write them: what is wrong is named, with what to write instead."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import SettingsError, UsageError
from pipeline.packs.merchants import PACK
from pipeline.tell.route_texts import (
    MOST_CHANNELS,
    MOST_ROUTES,
    match_of,
    read_match,
    read_routes,
    read_toml,
    require_together,
    vocabulary_of,
)
from pipeline.tell.routes import Facts, Route, decide, fits

WORDS = vocabulary_of([PACK])
FACTS = Facts(pack="merchants", rule="cancel_surge", tier="top", severity="high", entity="A1")


def read(text: str) -> list[Route]:
    return read_toml(text, "routes.toml", WORDS, lambda name: "set it" if name == "apprise:mail" else None)


def route(more: str = "", name: str = "x", channel: str = "C0RISK") -> str:
    return f'[[route]]\nname = "{name}"\nchannel = "{channel}"\n{more}\n'


def test_a_whole_file_is_read_with_the_packs_own_words() -> None:
    found = read(
        route('match = { merchant = ["A*", "B7"], category = "travel" }\nsecond = "console"\ncontinue = true')
        + route(name="rest", channel="default")
    )
    assert found == [
        Route(
            name="x",
            channel="C0RISK",
            match={"entity": ("A*", "B7"), "fact": ("travel",)},
            second="console",
            goes_on=True,
        ),
        Route(name="rest", channel="default"),
    ]


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("route = 1", "the route is 1", r"\[\[route\]\]"),
        ("[route", "is not TOML", "routes list --toml"),
        ("[[roads]]", "no key of routes.toml 'roads'", "known are route"),
        (route("chanel = 'C0X'"), "no key of a route 'chanel'", "did you mean channel"),
        (route(name="Big Ones"), "name of a route is 'Big Ones'", "small letters"),
        (route(name="default"), "is 'default'", "not default"),
        (route(channel="#risk"), "channel of the route x is '#risk'", "C0123456789"),
        (route(channel="apprise:mail"), "is 'apprise:mail'", "set it"),
        (route("second = 'C0RISK'"), "second channel of the route x", "another one than the first"),
        (route("second = 'mail'"), "is 'mail'", "apprise:NAME"),
        (route("continue = 'yes'"), "continue of the route x is 'yes'", "true or false"),
        (route("match = 'severity'"), "the match is 'severity'", "as a table"),
        (route("match = { colour = 'red' }"), "no matcher 'colour'", "pack, rule, tier"),
        (route("match = { sevrity = 'high' }"), "no matcher 'sevrity'", "did you mean severity"),
        (route("match = { severity = 'hi' }"), "no severity 'hi'", "high"),
        (route("match = { rule = 'cancel_surges' }"), "no rule 'cancel_surges'", "did you mean cancel_surge"),
        (route("match = { pack = 'doors' }"), "no pack 'doors'", "merchants"),
        (route("match = { tier = [] }"), r"matcher tier is \[\]", "a list of 1 to"),
        (route("match = { entity = ' ' }"), "matcher entity is ' '", "letters"),
        (route('match = { entity = "a\\u0007" }'), "matcher entity is 'a", "printed"),
        (route("match = { entity = 7 }"), "matcher entity is 7", "pattern"),
        (route() + route(), "name of a route is 'x'", "a name of its own"),
        (route() + route(name="y"), "y below it is never reached", "put it last"),
    ],
)
def test_what_is_wrong_is_named_with_the_next_step(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError, match=what) as error:
        read(text)
    assert re.search(hint, error.value.hint), error.value.hint


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "9" * 5_000])
def test_a_text_beyond_all_measure_is_refused_like_any_other(text: str) -> None:
    with pytest.raises(UsageError, match="is not TOML"):
        read_toml(text, "the text", WORDS, lambda _: None)
    with pytest.raises(SettingsError, match="is not TOML"):
        PACK.read_tuned(text, "the text")


def test_many_stars_take_no_longer_than_few() -> None:
    assert not fits("*a" * 40 + "*b", "a" * 2_000)  # tried in every way, the world would end first
    assert fits("a*b?c*", "a--bxc")
    assert fits("*ab*b", "aabb")
    assert not fits("a*a", "a")


def test_a_list_has_an_end() -> None:
    many = [Route(name=str(n), channel="C1", match={"tier": ("top",)}) for n in range(MOST_ROUTES + 1)]
    with pytest.raises(UsageError, match="101 routes are more than 100"):
        require_together(many)
    wide = [Route(name=str(n), channel=f"C{n}", goes_on=True) for n in range(MOST_CHANNELS + 1)]
    with pytest.raises(UsageError, match="17 channels are more than 16"):
        require_together(wide)


def test_no_channel_is_a_channel_that_is_missing() -> None:
    with pytest.raises(UsageError, match="channel of the route x is None"):
        read_routes([{"name": "x"}], WORDS)


def test_matchers_of_the_command_line_gather_by_field() -> None:
    given = match_of(["severity=high", "severity=critical", "merchant=A=1"])
    assert read_match(given, WORDS) == {"severity": ("high", "critical"), "entity": ("A=1",)}


def test_a_decision_says_why() -> None:
    routes = [Route(name="one", channel="C1", match={"tier": ("top",)}, second="C2", goes_on=True)]
    found = decide(FACTS, routes, [])
    assert found.as_json() == {
        "reason": "route",
        "silence_id": None,
        "targets": [{"channel": "C1", "second": "C2", "route": "one"}],
    }
    assert decide(FACTS, [], []).as_json()["reason"] == "no_route"
    never = Facts(pack="merchants", rule="cancel_surge", tier="tail", severity="high", entity="A1")
    assert decide(never, routes, []).targets[0].channel == "default"


def test_what_is_not_known_of_an_entity_fits_no_pattern() -> None:
    assert decide(FACTS, [Route(name="x", channel="C1", match={"fact": ("*",)})], []).reason == "no_route"
