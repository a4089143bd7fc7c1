"""Which rules and lists an event is judged by: those in force at its own time, a whole set or none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest

from baselines.transfers.measure import COUNT, SUM, Measure
from pipeline.packs.transfers import ruleset
from pipeline.packs.transfers.ruleset import InForce, RuleSet, Timeline, timeline_of
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Text:
    """The least of a rule."""

    rule: str
    measures: Mapping[str, Measure] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def _texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruleset, "_understood", Text)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def span(rule: str, version: int, mode: str, start: float, end: float | None = None) -> dict[str, Any]:
    until = None if end is None else at(end)
    return {
        "rule": rule,
        "version": version,
        "mode": mode,
        "from_at": at(start),
        "until_at": until,
        "content": rule,
    }


def entry(name: str, value: str, start: float, end: float | None = None) -> dict[str, Any]:
    until = None if end is None else at(end)
    return {"list": name, "value": value, "from_at": at(start), "until_at": until}


def names(found: RuleSet) -> list[tuple[str, int, str]]:
    return [(one.rule.rule, one.version, one.mode) for one in found.rules]


def test_a_change_holds_from_its_own_millisecond_on_and_the_old_set_up_to_it() -> None:
    line = timeline_of([span("A", 1, "live", 0, 10), span("A", 2, "live", 10), span("B", 1, "shadow", 5)], [])
    assert names(line.at(at(-0.001))) == []
    assert names(line.at(at(0))) == [("A", 1, "live")]
    assert names(line.at(at(9.999))) == [("A", 1, "live"), ("B", 1, "shadow")]
    assert names(line.at(at(10))) == [("A", 2, "live"), ("B", 1, "shadow")]
    assert names(line.at(at(10**8))) == names(line.at(at(10)))


def test_a_pause_takes_a_rule_out_whichever_version_is_live_and_leaves_its_shadow() -> None:
    spans = [
        span("A", 1, "live", 0, 20),
        span("A", 2, "live", 20),
        span("A", 3, "shadow", 0),
        span("A", 1, "paused", 10, 30),
        span("A", 1, "paused", 50, 50),
    ]
    line = timeline_of(spans, [])
    found = [[version for _, version, _ in names(line.at(at(t)))] for t in (9, 10, 25, 30, 50)]
    assert found == [[1, 3], [3], [3], [2, 3], [2, 3]]


def test_lists_hold_by_the_same_times() -> None:
    line = timeline_of([], [entry("deny", "A1", 0, 10), entry("deny", "A2", 5), entry("allow", "A3", 5)])
    assert line.at(at(0)).lists == {"deny": frozenset({"A1"})}
    assert line.at(at(5)).lists == {"allow": frozenset({"A3"}), "deny": frozenset({"A1", "A2"})}
    assert line.at(at(10)).lists == {"allow": frozenset({"A3"}), "deny": frozenset({"A2"})}


def test_events_are_handed_out_by_sets_each_once_in_their_order() -> None:
    line = timeline_of([span("A", 1, "live", 0, 10), span("A", 2, "live", 10)], [])
    times = [12, 3, -1, 10, 9.999, 0]
    events = pl.DataFrame(
        {"id": range(6), "occurred_at": [at(t) for t in times]}, {"id": pl.Int64(), "occurred_at": UTC_TIME}
    )
    found = [(names(of_set), part["id"].to_list()) for of_set, part in line.parts(events)]
    assert found == [([], [2]), ([("A", 1, "live")], [1, 4, 5]), ([("A", 2, "live")], [0, 3])]
    assert list(line.parts(events.clear())) == []


def test_a_measure_is_asked_once_whichever_rules_ask_it() -> None:
    n, total = Measure(COUNT, within_ms=60_000), Measure(SUM, "amount", within_ms=60_000)
    one, two = (
        InForce(cast("Any", Text(name, asked)), 1, "live")
        for name, asked in (
            ("A", {"n": n}),
            ("B", {"k": Measure(COUNT, within_ms=60_000), "s": total}),
        )
    )
    first, both = RuleSet([one]), RuleSet([one, two])
    assert both.measures == (n, total)
    line = Timeline([(at(0), first), (at(10), both)])
    assert line.measures(at(0)) == (n, total)
    assert line.measures(at(20)) == (n, total)
    assert line.at(at(5)) is first
    assert line.at(at(-5)).rules == ()


def test_who_has_not_counted_does_not_judge_and_the_version_before_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, other = Measure(COUNT, within_ms=60_000), Measure(SUM, "amount", within_ms=60_000)
    texts = {"A": {"n": held}, "A2": {"s": other}, "B": {}, "C": {"s": other}}
    monkeypatch.setattr(ruleset, "_understood", lambda content: Text(content[0], texts[content]))
    spans = [
        span("A", 1, "live", 0, 10),
        {**span("A", 2, "live", 10), "content": "A2"},
        span("B", 1, "live", 5),
        span("C", 1, "live", 5),
        span("A", 2, "paused", 20, 30),
    ]
    line = timeline_of(spans, [entry("deny", "X", 15)]).asking_only({held})
    found = [names(line.at(at(t))) for t in (0, 5, 10, 20)]
    first, plain = ("A", 1, "live"), ("B", 1, "live")
    assert found == [[first], [first, plain], [plain, first], [plain]]
    assert line.at(at(15)).lists == {"deny": {"X"}}
    assert line.measures(at(0)) == (held,)
