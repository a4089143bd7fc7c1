"""Numbers of a version as the screen of the rules reads them, and what a candidate is compared by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.merchants import tuned_words
from app.pages.rules.compare import BETTER, SAME, UNKNOWN, WORSE, compared
from app.pages.rules.numbers import choice_of, comments_in, differences, groups, numbers_in, own_in
from baselines.edit import numbers_of, with_number
from pipeline.errors import SettingsError
from pipeline.packs.merchants import PACK

SHIPPED = (Path(__file__).resolve().parents[3] / "baselines" / "merchants" / "rules.toml").read_text("utf-8")
RULES = [rule.name for rule in PACK.rules]
NUMBERS = numbers_in(SHIPPED)


def test_every_number_of_the_file_is_there_once() -> None:
    assert [number.path for number in NUMBERS] == [".".join(path) for path in numbers_of(SHIPPED)]
    shown = [number for group in groups(NUMBERS, RULES) for number in group.numbers]
    assert sorted(n.path for n in shown) == sorted(n.path for n in NUMBERS)


def test_a_rule_has_its_own_section_and_how_long_its_breaches_last() -> None:
    found = {group.name: [number.path for number in group.numbers] for group in groups(NUMBERS, RULES)}
    assert list(found)[: len(RULES)] == RULES
    assert found["cancel_surge"][-3:] == [
        "pending.cancel_surge",
        "pending.cancel_surge_fast",
        "pending.cancel_surge_slow",
    ]
    assert found["platform_outage"] == ["pending.platform_outage"]
    assert "pending" not in found


def test_a_reason_is_what_is_written_above_a_key() -> None:
    text = "# head\n\n[a]\n# one\n# two\nx = 1\ny = 2\n# other\nw = 4\n# of nothing\n\nz = 3\n"
    assert [number.why for number in numbers_in(text)] == ["one two", "one two", "other", ""]
    assert comments_in("[a]\n# x\n[b]\nx = 1") == {("b", "x"): ""}


def refusal(path: tuple[str, str], value: int) -> str:
    """What the reader says of this value; borders that contradict each other are another matter."""
    try:
        PACK.read_tuned(with_number(SHIPPED, path, value), "text")
    except SettingsError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.path)
def test_the_bounds_that_are_offered_are_those_of_the_strict_reader(number: Any) -> None:  # noqa: ANN401
    choice = choice_of(number, PACK.bounds)
    if choice.words:
        assert number.value in choice.words
        return
    path = (number.section, number.key)
    for inside in (choice.least, choice.largest):
        assert "a whole number from" not in refusal(path, inside)
    for outside in (choice.least - 1, choice.largest + 1):
        assert "a whole number from" in refusal(path, outside)


def test_each_number_has_a_name_in_both_languages_and_a_korean_reason() -> None:
    paths = [number.path for number in NUMBERS]
    for language in (tuned_words.KOREAN, tuned_words.ENGLISH):
        assert [path for path in paths if f"tuned.{path}" not in language] == []
        assert [rule for rule in RULES if f"about.{rule}" not in language] == []
    assert [path for path in paths if f"why.{path}" not in tuned_words.KOREAN] == []
    left_over = [
        k for k in tuned_words.KOREAN if k.startswith(("tuned.", "why.")) and k.partition(".")[2] not in paths
    ]
    assert left_over == []


def test_own_numbers_and_differences() -> None:
    text = with_number(SHIPPED, ("own", "merchant", 'a"b', "cancel_surge", "factor"), 3)
    (own,) = own_in(text)
    assert (own.kind, own.name, own.path, own.value) == ("merchant", 'a"b', "cancel_surge.factor", 3)
    (one,) = differences(SHIPPED, text)
    assert (one.before, one.after) == (None, 3)
    assert differences(text, text) == ()


def found(**candidate: object) -> dict[str, Any]:
    today = {"incidents_per_day": 3, "recall": 0.5, "live": 2, "live_not_priced": 0, "won_missed": 5}
    return {"in_force": today, "candidate": {**today, **candidate}}


def verdicts(measured: dict[str, Any], money: str | None = "won") -> dict[str, str]:
    return {row.name: row.verdict for row in compared(measured, money)}


def test_which_way_is_better_is_said_of_each_number() -> None:
    said = verdicts(found(incidents_per_day=2, recall=0.4, won_missed=5))
    assert (said["incidents_per_day"], said["recall"], said["money_missed"]) == (BETTER, WORSE, SAME)
    said = verdicts(found(incidents_per_day=4, recall=0.6, won_missed=4))
    assert (said["incidents_per_day"], said["recall"], said["money_missed"]) == (WORSE, BETTER, BETTER)


def test_what_is_not_known_is_neither_better_nor_worse() -> None:
    said = verdicts(found(recall=None, live_not_priced=2))
    assert (said["recall"], said["delay_minutes_median"], said["money_missed"]) == (UNKNOWN,) * 3
    assert "money_missed" not in verdicts(found(), None)
    assert compared({"not_measured": "a hole"}, "won") == ()
