"""What is a rule and what is none; what it says and how it is explained."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.packs.transfers.language import (
    RuleRefused,
    RuleText,
    bulk,
    explain,
    explanation_text,
    parse,
    say,
    single,
)
from pipeline.packs.transfers.schema import EVENT
from tests.unit.transfers.hostile import AMOUNT, GOOD, TEXTS, N, nested, text, when

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = sorted((Path(__file__).resolve().parents[3] / "baselines" / "transfers" / "rules").glob("*.json"))
KNOWN_LISTS = frozenset({"allow", "deny"})


#: What Python tells of: a file, a process, code. A hook stays for ever, so it has a switch.
SEEN: list[str] = []
WATCHED = ("open", "exec", "compile", "import", "os.", "socket.", "subprocess.")
watching = False


def hook(event: str, _: object) -> None:
    if watching and event.startswith(WATCHED):
        SEEN.append(event)


sys.addaudithook(hook)


@contextmanager
def watched() -> Iterator[None]:
    global watching  # noqa: PLW0603 - the switch
    watching = True
    try:
        yield
    finally:
        watching = False


def test_each_hostile_text_is_refused_at_its_place_in_no_time_and_runs_nothing() -> None:
    assert len(set(TEXTS)) >= 200
    wrong = []
    for place, hostile in TEXTS:
        for last in (False, False, False, True):  # what others do to the processor passes
            began = time.process_time()
            with pytest.raises(RuleRefused) as refused, watched():
                parse(hostile, KNOWN_LISTS)
            slow = time.process_time() - began > 0.005
            if refused.value.place != place or (slow and last):
                wrong.append((place, refused.value.what, hostile[:80]))
            if not slow:
                break
    assert wrong == []
    assert SEEN == []


def test_a_refusal_says_where_why_and_what_to_do_in_both_languages() -> None:
    with pytest.raises(RuleRefused) as refused:
        parse(when({"all": [{"gt": [AMOUNT, 1]}, {"gt": [{"measure": "m"}, 5]}]}))
    error = refused.value
    assert error.place == "when.all[1].gt[0].measure"
    assert error.what == "when.all[1].gt[0].measure: there is no measure 'm' in the rule"
    assert error.hint == "write it under `measures`"
    korean = error.in_language("ko")
    assert korean == (
        "when.all[1].gt[0].measure 자리: 규칙에 'm'(이)라는 측정값이 없습니다",
        "`measures`에 적으세요",
    )


def test_all_refusals_can_be_read_in_korean() -> None:
    for _, hostile in TEXTS:
        with pytest.raises(RuleRefused) as refused:
            parse(hostile, KNOWN_LISTS)
        for said in refused.value.in_language("ko"):
            assert any("가" <= letter <= "힣" for letter in said), refused.value


@settings(max_examples=80, deadline=None)
@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*GOOD, "gt", "all", "field"]) | st.text(), inner)
        ),
    ).map(json.dumps)
)
def test_whatever_is_written_is_a_rule_or_refused(written: str) -> None:
    with pytest.raises(RuleRefused):
        parse(written)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_rule_with_anything_changed_is_a_rule_or_refused(data: st.DataObject) -> None:
    changed = json.loads(data.draw(st.sampled_from([path.read_text(encoding="utf-8") for path in SHIPPED])))
    place: Any = changed
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(
                st.sampled_from([0, 1, -1, 10**15, "", "KR", "n", None, True, [], {}, 1.5, AMOUNT])
            )
            break
        place = place[key]
    try:
        rule = parse(json.dumps(changed))
    except RuleRefused:
        return
    assert parse(rule.canonical) == rule


def test_the_twelve_rules_are_rules_named_like_their_files() -> None:
    rules = [parse(path.read_text(encoding="utf-8"), KNOWN_LISTS) for path in SHIPPED]
    assert [rule.rule.lower() for rule in rules] == [path.stem for path in SHIPPED]
    assert len(rules) == 12
    assert len({m.column for rule in rules for m in rule.measures.values()}) <= 64


@pytest.mark.parametrize(
    "written",
    [
        text(),
        when({"gt": [{"measure": "to"}, 31]}),
        when({"ge": [{"measure": "to"}, 32]}),
        when({"gt": [32, {"measure": "to"}]}),
        when({"in": [{"measure": "to"}, [1, 31]]}),
        when({"listed": [{"field": "payee_id"}, "deny"]}),
        when({"gt": [AMOUNT, 10**15]}),
        when({"lt": [{"minus": [-(10**15), {"times": [AMOUNT, 1000]}]}, 0]}),
        when(nested(6)),
        when({"all": [{"gt": [AMOUNT, n]} for n in range(16)]}),
        when({"in": [AMOUNT, list(range(256))]}),
        text(rule="A" * 64, score=100, action="none", severity="critical", on=["cash"]),
        text(
            measures={f"m{i}": N for i in range(8)},
            when={"gt": [AMOUNT, 1]},
            say={"ko": "가" * 200, "en": "x"},
        ),
    ],
)
def test_what_lies_at_a_limit_is_a_rule(written: str) -> None:
    assert isinstance(parse(written, KNOWN_LISTS), RuleText)


def test_the_same_rule_written_otherwise_is_the_same() -> None:
    one = parse(text())
    spaced = parse(json.dumps(dict(reversed(json.loads(text()).items())), indent=4))
    assert (one, one.sha256) == (spaced, spaced.sha256)
    other = parse(text(score=41))
    assert one != other
    assert one.sha256 != other.sha256
    assert one.measures["n"].column == other.measures["n"].column, "equal measures are answered once"


def test_an_explanation_holds_each_value_and_what_was_said() -> None:
    rule = parse(when({"any": [{"not": {"known": {"field": "payee_id"}}}, {"gt": [{"measure": "n"}, 5]}]}))
    columns = {m.column: 7 for m in rule.measures.values()}
    values: dict[str, Any] = {**dict.fromkeys(EVENT.names()), **columns}
    values |= {"kind": "card", "user_id": "{n}", "payee_id": "P", "currency": "KRW"}
    explanation = explain(rule, {}, values)
    assert explanation["value"] is True
    assert explanation["when"]["of"][0] == {
        "op": "not",
        "value": False,
        "of": [{"op": "known", "value": True, "of": [{"op": "field", "name": "payee_id", "value": "P"}]}],
    }
    assert explanation["when"]["of"][1]["of"] == [
        {"op": "measure", "name": "n", "value": 7},
        {"op": "constant", "value": 5},
    ]
    assert explanation["measures"] == {"n": 7, "to": 7}
    assert explanation["fields"] == {"currency": "KRW", "kind": "card", "payee_id": "P", "user_id": "{n}"}
    assert explanation["say"] == {"ko": "{n} 7회", "en": "7 payments of {n}"}, "a value is no template"
    assert explanation_text(explanation) == explanation_text(
        explain(rule, {}, dict(reversed(values.items())))
    )
    assert json.loads(explanation_text(explanation)) == explanation


def test_a_rule_is_about_its_kinds_alone() -> None:
    rule = parse(text(on=["card"], measures={}, when={"gt": [AMOUNT, 1]}, say={"ko": "가", "en": "x"}))
    values: dict[str, Any] = {"kind": "cash", "amount": 5, "currency": "KRW"}
    assert single(rule, {})(values) is False
    assert pl.DataFrame([values]).select(bulk(rule, {})).item() is False
    explanation = explain(rule, {}, values)
    assert (explanation["value"], explanation["when"]["value"]) == (False, True)
    assert explanation["on"] == {"op": "on", "kinds": ["card"], "value": False}


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (1_234_567, "KRW", "1,234,567"),
        (1_234_567, "USD", "12,345.67"),
        (5, "KWD", "0.005"),
        (None, "KRW", "unknown"),
    ],
)
def test_amounts_are_said_in_units_of_their_currency(amount: int | None, currency: str, said: str) -> None:
    rule = parse(
        text(measures={}, when={"gt": [AMOUNT, 1]}, say={"ko": "{amount}", "en": "{amount} {country}"})
    )
    values = {"kind": "card", "amount": amount, "currency": currency, "country": None}
    assert say(rule, "en", values) == f"{said} unknown"
    assert say(rule, "ko", values) == said.replace("unknown", "알 수 없음")
