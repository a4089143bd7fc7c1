"""Routes against a plain reading of what they say, on lists that nobody would write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.tell.route_texts import as_toml, read_toml, vocabulary_of
from pipeline.tell.routes import DEFAULT, FIELDS, Facts, Route, Silence, decide, fits
from tests.doors import PACK as DOORS

LETTERS = "ab*?.[\n가"
VALUES = st.text(LETTERS.replace("*", "").replace("?", ""), max_size=5)
PATTERNS = st.text(LETTERS, min_size=1, max_size=5)
MATCHES = st.dictionaries(st.sampled_from(FIELDS), st.lists(PATTERNS, min_size=1, max_size=2), max_size=2)
CHANNELS = st.sampled_from(["C1", "C2", "C3", DEFAULT, "HOME"])
FACTS = st.builds(
    Facts, **dict.fromkeys(("pack", "rule", "tier", "severity", "entity"), VALUES), fact=st.none() | VALUES
)
ROUTES = st.lists(
    st.builds(
        Route,
        name=st.uuids().map(str),
        channel=CHANNELS,
        match=MATCHES,
        second=st.none() | CHANNELS,
        goes_on=st.booleans(),
    ),
    max_size=5,
)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def plainly_fits(pattern: str, value: str) -> bool:
    """Letter by letter, without a regular expression."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(plainly_fits(pattern[1:], value[at:]) for at in range(len(value) + 1))
    return bool(value) and pattern[0] in ("?", value[0]) and plainly_fits(pattern[1:], value[1:])


def plainly_matches(match: dict[str, list[str]], facts: Facts) -> bool:
    for name, patterns in match.items():
        value = getattr(facts, name)
        if value is None or not any(plainly_fits(p, value) for p in patterns):
            return False
    return True


def plainly_told(facts: Facts, routes: list[Route], home: str) -> list[str]:
    """Down the list: take each that matches, stop behind one that does not go on."""
    told: list[str] = []
    for route in routes:
        if plainly_matches(dict(route.match), facts):  # type: ignore[arg-type]
            channel = DEFAULT if route.channel == home else route.channel
            if channel not in told:
                told.append(channel)
            if not route.goes_on:
                return told
    return told or [DEFAULT]


@given(PATTERNS, VALUES)
def test_a_pattern_fits_what_it_fits_letter_by_letter(pattern: str, value: str) -> None:
    assert fits(pattern, value) == plainly_fits(pattern, value)


@given(FACTS, ROUTES)
def test_a_decision_is_what_the_list_says_read_from_above(facts: Facts, routes: list[Route]) -> None:
    found = decide(facts, routes, [], "HOME")
    assert [target.channel for target in found.targets] == plainly_told(facts, routes, "HOME")
    assert (found.reason == "no_route") == (found.targets[0].route is None)
    assert all(target.channel != target.second for target in found.targets)


@given(FACTS, ROUTES, st.lists(MATCHES, max_size=3))
def test_a_silence_changes_nothing_of_where_it_would_go(
    facts: Facts, routes: list[Route], silenced: list[dict[str, list[str]]]
) -> None:
    silences = [
        Silence(silence_id=n, match=m, reason="x", starts_at=NOON, ends_at=NOON + timedelta(hours=1))
        for n, m in enumerate(silenced)
    ]
    found = decide(facts, routes, silences)
    assert found.targets == decide(facts, routes, []).targets
    held = [n for n, match in enumerate(silenced) if plainly_matches(match, facts)]
    assert (found.silence and found.silence.silence_id) == (held[0] if held else None)


@given(
    st.permutations(["tier", "severity", "entity"]), st.text("ab \"'\\#[]{}가*", min_size=1).map(str.strip)
)
def test_routes_are_written_as_they_are_read(order: list[str], pattern: str) -> None:
    match = {"tier": ("t?p", "tail"), "severity": ("*",), "entity": (pattern or "a",)}
    routes = [
        Route(name="one", channel="C123", match={name: match[name] for name in order}, second="console"),
        Route(name="two", channel=DEFAULT, goes_on=True),
    ]
    assert read_toml(as_toml(routes), "the text", vocabulary_of([DOORS]), lambda _: None) == routes
