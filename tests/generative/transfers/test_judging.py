"""A payment gets one answer: asked about before it happens, and judged with others after it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from baselines.transfers.recent import Recent
from pipeline.packs.transfers.judging import HITS, judge_events, judge_one
from pipeline.packs.transfers.ruleset import RuleSet, Timeline
from tests.unit.transfers.made_events import NOON, RULES, event, events, shipped
from tests.unit.transfers.test_learned import learned

SEOUL = ZoneInfo("Asia/Seoul")
#: Trees of another past, with steps so low that they give points here too.
LEARNED = replace(learned(), cuts=tuple(n * 0.2 - 9 for n in range(30)))
RULESET = RuleSet([shipped(path.stem) for path in sorted(RULES.glob("*.json"))], {}, LEARNED)
TIMELINE = Timeline([(NOON - timedelta(days=4000), RULESET)])
AMOUNTS = (100, 5_000, 5_001, 900_000, 1_000_000, 1_000_001, 3_000_000, 9_000_000, 9_999_999)
PLACES = ((37_566_000, 126_978_000), (35_179_000, 129_075_000), (40_712_000, -74_006_000), (None, None))
#: What goes on for a while: some fields are the same, and payments come so fast (milliseconds).
MOODS: tuple[tuple[dict[str, Any], tuple[int, ...]], ...] = (
    ({}, (0, 1, 60_000, 3_600_000, 12 * 3_600_000)),
    ({"account_id": "A", "kind": "transfer", "status": "completed"}, (0, 0, 1, 1_000, 5_000)),
    ({"account_id": "B", "kind": "transfer", "amount": 9_900_000}, (600_000, 3_600_000)),
    ({"kind": "card", "status": "declined", "amount": 5_000, "device_id": "d1"}, (0, 1_000, 10_000)),
    ({}, (100 * 86_400_000, 1_000, 1_000)),
)
A_WHILE = 12


def payments(chance: Random, many: int) -> list[dict[str, Any]]:
    """Few people who pay each other, often at once; some fields unknown."""
    at, made, (same, steps_ms) = NOON - timedelta(days=2000), [], MOODS[0]
    for number in range(many):
        if number % A_WHILE == 0:
            same, steps_ms = chance.choice(MOODS)
        at += timedelta(milliseconds=chance.choice(steps_ms))
        place = chance.choice(PLACES)
        drawn: dict[str, Any] = {
            "kind": chance.choice(["transfer", "transfer", "card", "cash"]),
            "status": chance.choice(["completed", "completed", "declined", "reversed"]),
            "account_id": chance.choice(["A", "B", "C"]),
            "amount": chance.choice(AMOUNTS),
            "country": chance.choice(["KR", "KR", "US", None]),
            "device_id": chance.choice(["d1", None]),
            "card_id": chance.choice(["c1", "c2", "c3", "c4", None]),
            **same,
        }
        account = drawn["account_id"]
        payee = chance.choice([one for one in ("A", "B", "C", "D", None) if one != account])
        opened = chance.choice([None, NOON - timedelta(days=4000)])
        where = {"lat_e6": place[0], "lon_e6": place[1], "occurred_at": at}
        made.append(event(number, user_id=account, payee_id=payee, account_opened=opened, **drawn, **where))
    return made


def same_in_both_ways(chance: Random, many: int) -> None:
    """Judge a stream, each payment before and after it happens."""
    rows, recent = payments(chance, many), Recent(RULESET.measures)
    for row in rows:
        asked = {**row, "status": "intended"} if row["status"] == "completed" else row
        alone = judge_one(recent, asked, RULESET, SEOUL)
        recent.take(events(row))
        answers = judge_events(recent, events(row), TIMELINE, SEOUL)
        assert answers.log.row(0)[3:] == (alone.decision, alone.score, alone.why)
        assert pl.DataFrame(alone.hits, HITS).equals(answers.hits)


#: An example costs half a second: a failure is shown as it was found.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=4, deadline=None, phases=PHASES)
@given(st.integers(0, 2**32))
def test_a_payment_is_judged_the_same_before_and_after_it_happens(seed: int) -> None:
    same_in_both_ways(Random(seed), 24)


def test_such_streams_make_every_rule_fire_and_a_batch_is_judged_as_each_alone_is() -> None:
    rows = payments(Random(5), 900)
    recent = Recent(RULESET.measures)
    recent.take(events(*rows))
    at_once = judge_events(recent, events(*rows), TIMELINE, SEOUL)
    assert {*(one.rule.rule for one in RULESET.rules), "LEARNED_SCORE"} == set(at_once.hits["rule"])
    some = rows[::18]
    one_by_one = [judge_events(recent, events(row), TIMELINE, SEOUL) for row in some]
    names, order = [row["transfer_id"] for row in some], ["transfer_id", "rule"]
    logs, hits = (pl.concat([getattr(one, name) for one in one_by_one]) for name in ("log", "hits"))
    assert at_once.log.filter(pl.col("transfer_id").is_in(names)).equals(logs)
    assert at_once.hits.filter(pl.col("transfer_id").is_in(names)).sort(order).equals(hits.sort(order))
