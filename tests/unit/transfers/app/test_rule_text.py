"""Where a place of a rule stands in its text, how it is opened up, and what differs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.texts import texts_of
from app.transfers.event_rules.text import (
    Line,
    difference,
    difference_shown,
    line_column,
    pretty,
    shown_at,
    span_of,
)
from app.transfers.tree import NOTHING, measure_said, node_of, read, tree, written
from app.transfers.words import WORDS
from pipeline.packs.transfers import PACK

TEXT = '{"a": [1, {"b\\"": "x"}, [ ]],\n "when": {"all": [ true, {"gt": [{"field": "amount"}, 5]} ]}}'
KO, EN = (texts_of(PACK, WORDS, language) for language in ("ko", "en"))
VALUES = st.recursive(
    st.integers() | st.text() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("a", '[1, {"b\\"": "x"}, [ ]]'),
        ("a[0]", "1"),
        ("a[2]", "[ ]"),
        ("when.all[0]", "true"),
        ("when.all[1].gt[0].field", '"amount"'),
        ("when.all[1].gt[1]", "5"),
        (
            "when.all[1].lt",
            '{"gt": [{"field": "amount"}, 5]}',
        ),  # what is not there is marked where it belongs
        ("when.all[9]", '[ true, {"gt": [{"field": "amount"}, 5]} ]'),
        ("text", TEXT),
    ],
)
def test_a_place_is_found(place: str, found: str) -> None:
    span = span_of(TEXT, place)
    assert span is not None
    assert TEXT[slice(*span)] == found


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a": [1,', "[" * 5_000, '{"a": "x'])
def test_a_broken_text_has_no_place_and_ends_nothing(text: str) -> None:
    span = span_of(text, "a[0].b")
    assert span is None or 0 <= span[0] <= span[1]


@given(VALUES)
def test_every_place_of_any_value_is_found(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    span = span_of(text, "text")
    assert span is not None
    assert json.loads(text[slice(*span)]) == value


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_opened_up_says_the_same(value: dict[str, object]) -> None:
    assert json.loads(pretty(json.dumps(value))) == value


def test_the_line_and_column_of_a_sentence_are_read() -> None:
    assert line_column("is no JSON: line 3, column 12") == (3, 12)
    assert line_column("has 17000 bytes") is None


def test_a_line_is_marked_and_what_is_hostile_stays_text() -> None:
    text = '{\n "a": "<b>&"\n}'
    shown = shown_at(text, span_of(text, "a"))
    assert "<mark>&quot;&lt;b&gt;&amp;&quot;</mark>" in shown
    assert shown.count("mr-bad-line") == 1
    assert "\u202e" not in shown_at("\u202e", None)


def test_what_differs_has_a_sign() -> None:
    lines = difference('{"score":1,"rule":"A"}', '{"rule":"A","score":2}')
    assert [line for line in lines if line.sign != " "] == [
        Line("-", '  "score": 1'),
        Line("+", '  "score": 2'),
    ]
    assert 'class="mr-in"' in difference_shown(lines)


def test_a_text_has_no_answers_and_an_explanation_has_one_at_each_node() -> None:
    of_amount = {"ge": [{"times": [{"measure": "n"}, 3]}, {"minus": [{"field": "amount"}, 7]}]}
    of_texts = [{"in": [{"field": "country"}, ["KR", "US"]]}, {"listed": [{"field": "payee_id"}, "deny"]}]
    node = written({"all": [of_amount, *of_texts]})
    assert node.value is NOTHING
    shown = tree(node, KO)
    assert "mr-answer" not in shown
    assert all(words in shown for words in ("금액", "×", "−", "{KR, US}", "“deny” 목록에 있음"))
    stored = {
        "op": "gt",
        "value": None,
        "of": [{"op": "field", "name": "amount", "value": None}, {"op": "constant", "value": 5}],
    }
    assert "? unknown" in tree(node_of(stored), EN)


@pytest.mark.parametrize("stored", ["", "{}", "[]", '{"when": 1}', '{"when": {"op": 3}}', "[" * 9_000])
def test_what_is_no_explanation_is_none(stored: str) -> None:
    assert read(stored) is None


def test_a_measure_is_said_in_words() -> None:
    match = {"payee_id": "account_id", "kind": "kind"}
    where = {"status": "declined", "amount": {"between": [0, 5000]}, "country": ["KR", "US"]}
    said = measure_said({"sum": "amount", "match": match, "within": "1h", "where": where}, KO)
    assert said.split(" · ") == [
        "금액 합계", "앞 거래의 수취인 = 이 거래의 계좌", "같은 종류", "1h 안", "상태 = declined",
        "금액 0–5,000", "국가 = KR, US",
    ]  # fmt: skip
