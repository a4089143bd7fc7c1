"""What becomes of an event: the twelve rules at their borders, decisions, lists; in bulk and alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.packs.transfers.decide import Decision, decide, decided
from pipeline.packs.transfers.derived import derived_one, with_derived
from pipeline.packs.transfers.judging import HITS, Answers, judge_events, judge_one
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.ruleset import SHADOW, InForce, RuleSet, Timeline
from tests.unit.transfers.made_events import NOON, RULES, Told, event, events, shipped

SEOUL = ZoneInfo("Asia/Seoul")
DAY = 86_400
#: Of each rule: an event and its measures that just fire, then what of them, changed alone, does not.
BORDERS: dict[str, tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = {
    "HIGH_VALUE": ({"amount": 1_000_001}, {}, [{"amount": 1_000_000}]),
    "FOREIGN_COUNTRY": ({"country": "US"}, {}, [{"country": "KR"}, {"country": None}]),
    "HIGH_FREQUENCY": ({}, {"n": 6}, [{"n": 5}, {"n": None}, {"kind": "cash"}]),
    "FIVE_IN_A_MINUTE": ({}, {"n": 5}, [{"n": 4}, {"kind": "card"}]),
    "NEW_PAYEE_LARGE": (
        {"amount": 3_000_000, "payee_id": "P"},
        {"age": DAY - 1, "avg": 999_999},
        [{"amount": 2_999_999}, {"age": DAY}, {"avg": 1_000_000}, {"avg": None}, {"payee_id": None}],
    ),
    "DORMANT_BURST": (
        {"account_opened": NOON - timedelta(days=90)},
        {"quiet": 90 * DAY, "n": 3, "s": 2_000_000},
        [
            {"quiet": 90 * DAY - 1},
            {"n": 2},
            {"s": 1_999_999},
            {"account_opened": NOON - timedelta(days=89)},
            {"account_opened": None},
        ],
    ),
    "MULE_IN_OUT": (
        {},
        {"in": 1_000_000, "out": 900_000, "to": 2},
        [{"in": 999_999}, {"out": 899_999}, {"to": 1}, {"to": None}],
    ),
    "STRUCTURING": ({}, {"n": 3, "s": 20_000_000}, [{"n": 2}, {"s": 19_999_999}]),
    "NIGHT_NEW_DEVICE": (
        {"occurred_at": datetime(2026, 3, 1, 20, 59, tzinfo=UTC), "amount": 500_000, "device_id": "D"},
        {"dev": DAY - 1},
        [{"occurred_at": NOON - timedelta(hours=6)}, {"amount": 499_999}, {"dev": DAY}, {"device_id": None}],
    ),
    "IMPOSSIBLE_TRAVEL": ({"kind": "card"}, {"v": 901, "d": 101}, [{"v": 900}, {"d": 100}, {"v": None}]),
    "CARD_TESTING": ({"kind": "card"}, {"n": 8, "c": 4}, [{"n": 7}, {"c": 3}, {"kind": "transfer"}]),
    "ROUND_TRIP": (
        {"amount": 1_000_000, "payee_id": "P"},
        {"k": 1, "b": 900_000},
        [{"k": 0}, {"amount": 999_999}, {"b": 899_999}],
    ),
}


def hits(name: str, told: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    """The rules that fire at such an event, of one; asked in bulk and alone."""
    one = shipped(name)
    recent = Told({one.rule.measures[key].column: value for key, value in told.items()})
    ruleset = RuleSet([one])
    row = event(0, **fields)
    many = judge_events(recent, events(row), Timeline([(NOON - timedelta(days=9), ruleset)]), SEOUL)
    alone = judge_one(recent, row, ruleset, SEOUL)
    assert pl.DataFrame(alone.hits, schema=HITS).equals(many.hits)
    assert many.log.row(0)[3:] == (alone.decision, alone.score, alone.why)
    return many.hits["rule"].to_list()


@pytest.mark.parametrize("name", BORDERS)
def test_each_rule_fires_at_its_border_and_not_a_step_before(name: str) -> None:
    fields, told, others = BORDERS[name]
    assert hits(name, told, fields) == [name]
    for other in others:
        changed = {key: other.get(key, value) for key, value in told.items()}
        moved = {**fields, **{key: value for key, value in other.items() if key not in told}}
        assert hits(name, changed, moved) == [], other


def test_every_shipped_rule_has_its_borders_here() -> None:
    assert {path.stem.upper() for path in RULES.glob("*.json")} == set(BORDERS)


@pytest.mark.parametrize(
    ("name", "told"), [("NEW_PAYEE_LARGE", {"avg": 1}), ("DORMANT_BURST", {"n": 3, "s": 2_000_000})]
)
def test_who_was_never_seen_before_is_new(name: str, told: dict[str, Any]) -> None:
    assert hits(name, told, BORDERS[name][0]) == [name]


@pytest.mark.parametrize(
    ("found", "lists", "expected"),
    [
        ([], {}, ("allow", 0, "rules")),
        ([(49, "none")], {}, ("allow", 49, "rules")),
        ([(50, "none")], {}, ("review", 50, "rules")),
        ([(40, "none"), (10, "none")], {}, ("review", 50, "rules")),
        ([(0, "review")], {}, ("review", 0, "rules")),
        ([(99, "none")], {}, ("review", 99, "rules")),
        ([(60, "none"), (60, "review")], {}, ("block", 100, "rules")),
        ([(0, "block")], {}, ("block", 0, "rules")),
        ([], {"deny": {"A1"}}, ("block", 0, "denied")),
        ([], {"deny": {"D1"}}, ("block", 0, "denied")),
        ([(50, "review")], {"deny": {"A1"}, "allow": {"A1"}}, ("block", 50, "denied")),
        ([(50, "review")], {"allow": {"A1"}}, ("allow", 50, "allowed")),
        ([(50, "review")], {"allow": {"P1"}}, ("allow", 50, "allowed")),
        ([(50, "review")], {"allow": {"D1"}}, ("review", 50, "rules")),  # no account and no payee
        ([(10, "none")], {"allow": {"P1"}}, ("allow", 10, "rules")),
        ([(10, "block")], {"allow": {"A1"}}, ("block", 10, "rules")),
        ([(100, "none")], {"allow": {"A1"}}, ("block", 100, "rules")),
    ],
)
def test_decisions_follow_their_table(
    found: list[tuple[int, str]], lists: dict[str, set[str]], expected: tuple[str, int, str]
) -> None:
    row = event(payee_id="P1", device_id="D1")
    ruleset = RuleSet((), {name: frozenset(values) for name, values in lists.items()})
    assert decide(row, ruleset, found) == Decision(*expected)
    fired = [(pl.Series([True, False]), points, action) for points, action in found]
    other = event(2, account_id="A2", user_id="A2")
    answers = events(row, other).with_columns(decided(ruleset, fired))
    assert answers.select("decision", "score", "why").rows() == [expected, ("allow", 0, "rules")]


def test_all_decisions_are_the_same_in_bulk_and_alone() -> None:
    kinds = [(points, action) for points in (0, 10, 50, 60) for action in ("none", "review", "block")]
    row = event(payee_id="P1")
    for lists in ({}, {"allow": frozenset({"P1"})}, {"deny": frozenset({"P1"}), "allow": frozenset({"A1"})}):
        ruleset = RuleSet((), lists)
        for found in product(kinds, repeat=2):
            fired = [(pl.Series([True]), points, action) for points, action in found]
            answers = events(row).with_columns(decided(ruleset, fired)).select("decision", "score", "why")
            assert answers.row(0) == decide(row, ruleset, found)


def test_a_shadow_is_a_hit_and_decides_nothing() -> None:
    row = event(amount=2_000_000)
    timeline = Timeline([(NOON, RuleSet([shipped("HIGH_VALUE", SHADOW)]))])
    answers = judge_events(Told(), events(row), timeline, SEOUL)
    assert answers.hits.select("rule", "mode").rows() == [("HIGH_VALUE", "shadow")]
    assert answers.log.row(0)[3:] == ("allow", 0, "rules")
    assert judge_one(Told(), row, timeline.at(row["occurred_at"]), SEOUL).decision == "allow"


def test_an_event_is_judged_by_what_was_in_force_at_its_own_time() -> None:
    first, second = RuleSet([shipped("HIGH_VALUE")]), RuleSet([shipped("FOREIGN_COUNTRY")])
    timeline = Timeline([(NOON + timedelta(seconds=2), first), (NOON + timedelta(seconds=4), second)])
    rows = [event(n, amount=2_000_000, country="US") for n in (4, 1, 3, 2)]
    answers = judge_events(Told(), events(*rows), timeline, SEOUL)
    found = sorted(answers.hits.select("transfer_id", "rule").rows())
    assert found == [("T2", "HIGH_VALUE"), ("T3", "HIGH_VALUE"), ("T4", "FOREIGN_COUNTRY")]
    assert sorted(answers.log["transfer_id"]) == ["T1", "T2", "T3", "T4"]


def test_what_nobody_knows_is_counted_and_is_no_hit() -> None:
    rows = [event(1, country=None), event(2), event(3, country=None)]
    timeline = Timeline([(NOON, RuleSet([shipped("FOREIGN_COUNTRY")]))])
    answers = judge_events(Told(), events(*rows), timeline, SEOUL)
    assert answers.unknown == {"FOREIGN_COUNTRY": 2}
    assert answers.hits.is_empty()


def test_a_sum_past_the_greatest_number_reads_as_that_number() -> None:
    text = (RULES / "structuring.json").read_text(encoding="utf-8")
    rule = json.loads(text)
    rule["when"] = {"eq": [{"measure": "s"}, 10**15]}
    one = InForce(parse(json.dumps(rule)), 1, "live")
    recent = Told({one.rule.measures["s"].column: 10**17, one.rule.measures["n"].column: 3})
    ruleset = RuleSet([one])
    assert judge_events(recent, events(event()), Timeline([(NOON, ruleset)]), SEOUL).hits.height == 1
    assert len(judge_one(recent, event(), ruleset, SEOUL).hits) == 1


def test_hostile_names_in_every_field_are_only_values() -> None:
    hostile = [
        "{account_id}",
        "<script>alert(1)</script>",
        "'; DROP TABLE transfers.event; --",
        "\u202e{n!r}",
        "=1+1",
    ]
    fields = (
        "transfer_id",
        "account_id",
        "user_id",
        "payee_id",
        "card_id",
        "device_id",
        "merchant_id",
        "channel",
    )
    rules = [shipped(path.stem) for path in sorted(RULES.glob("*.json"))]
    told = {measure.column: 10**9 for one in rules for measure in one.rule.measures.values()}
    ruleset = RuleSet(rules, {"deny": frozenset(hostile)})
    timeline = Timeline([(NOON, ruleset)])
    for number, name in enumerate(hostile):
        row = event(number, **dict.fromkeys(fields, name), country=name, currency=name, amount=10**13)
        answers = judge_events(Told(told), events(row), timeline, SEOUL)
        assert answers.hits.height >= 5
        assert answers.log.row(0)[3:] == ("block", 100, "denied")
        for hit in answers.hits.iter_rows(named=True):
            kept = json.loads(hit["explanation"])
            assert all(kept["fields"][key] == name for key in fields if key in kept["fields"])
            assert kept["say"]["en"] == hit["say_en"]
        assert name in " ".join(answers.hits["say_ko"])


def test_nothing_to_judge_has_its_columns() -> None:
    answers: Answers = judge_events(Told(), events(), Timeline(), SEOUL)
    assert answers.hits.schema == HITS
    assert answers.log.is_empty()
    before = judge_events(Told(), events(event()), Timeline(), SEOUL)
    assert before.log.row(0)[3:] == ("allow", 0, "rules")


def test_the_hour_and_the_age_are_the_same_in_bulk_and_alone() -> None:
    near = [timedelta(days=days, microseconds=us) for days in (-90, 0, 2) for us in (-1, 0, 1)]
    opened = [None, *(NOON + moment for moment in near)]
    rows = [
        event(n, account_opened=moment, occurred_at=NOON + timedelta(hours=5 * n))
        for n, moment in enumerate(opened)
    ]
    for zone in (SEOUL, ZoneInfo("America/New_York"), ZoneInfo("UTC")):
        many = with_derived(events(*rows), zone).select("local_hour", "account_age_days").rows(named=True)
        assert many == [derived_one(row, zone) for row in rows]
    assert derived_one(event(0, account_opened=NOON + timedelta(seconds=1)), SEOUL)["account_age_days"] == -1


def test_an_account_that_was_opened_in_the_year_1_is_of_an_age_that_nobody_knows() -> None:
    row = event(0, account_opened=datetime(1, 1, 1, tzinfo=UTC))
    assert derived_one(row, SEOUL)["account_age_days"] is None
    assert with_derived(events(row), SEOUL)["account_age_days"].to_list() == [None]
