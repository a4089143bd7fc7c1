"""One rule, three ways to ask it: all events at once, one event, and with reasons. They never differ."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.packs.transfers.language import bulk, explain, parse, single
from tests.generative.transfers.made_rules import LISTS, Maker

ROWS = 20


def differences(chance: Random, rows: int) -> tuple[int, set[bool | None]]:
    """How many of so many events a random rule answers in two ways, and which answers it gave."""
    maker = Maker(chance)
    rule = maker.rule()
    assert parse(rule.canonical) == rule
    values = maker.values(rule, rows)
    at_once = values.select(answer=bulk(rule, LISTS))["answer"].to_list()
    ask, found = single(rule, LISTS), 0
    for answer, row in zip(at_once, values.iter_rows(named=True), strict=True):
        explanation = explain(rule, LISTS, row)
        found += not (ask(row) is answer is explanation["value"])
    return found, set(at_once)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32))
def test_a_rule_answers_the_same_whichever_way_it_is_asked(seed: int) -> None:
    assert differences(Random(seed), ROWS)[0] == 0


def test_random_rules_give_every_answer() -> None:
    answers = [answer for seed in range(60) for answer in differences(Random(seed), ROWS)[1]]
    assert min(answers.count(one) for one in (True, False, None)) >= 15
