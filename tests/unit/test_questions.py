"""The questions of analysts that have a name: their headers, and the values that their parameters take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import UsageError
from pipeline.packs import PACKS
from pipeline.store.views.questions import TYPES, Clock, question_of, questions, read_question, values_of
from pipeline.store.views.walls.child import READ
from queries import FOLDER

#: 08:59 in Seoul is the newest published minute, of the 11th; in UTC it is still the 10th.
CLOCK = Clock(datetime(2026, 3, 11, 0, 0, tzinfo=UTC), ZoneInfo("Asia/Seoul"))
HEAD = "-- Question: Who?\n-- 질문: 누구?\n-- Grain: one row per shop\n"
TEXT = (
    HEAD
    + "-- Parameter: top integer = 20 : how many\n"
    + "-- Parameter: share number = 0.5 : at least this share: of all\n"
    + "-- Parameter: shop text : whose\n"
    + "-- Parameter: day date = yesterday : of which day\n"
    + "-- Parameter: until time = now : up to then\n"
    + "-- Parameter: kinds texts = 'a',b : of these\n"
    + "-- Parameter: note text = null : or none\n"
    + "-- and a remark\n"
    + "SELECT 1\n"
)


def test_a_header_says_what_is_asked_and_taken() -> None:
    question = read_question("who", TEXT)
    assert (question.english, question.korean, question.grain) == ("Who?", "누구?", "one row per shop")
    assert (question.sentence("ko"), question.sentence("en")) == ("누구?", "Who?")
    assert [(p.name, p.type, p.default) for p in question.parameters] == [
        ("top", "integer", "20"),
        ("share", "number", "0.5"),
        ("shop", "text", None),
        ("day", "date", "yesterday"),
        ("until", "time", "now"),
        ("kinds", "texts", "'a',b"),
        ("note", "text", "null"),
    ]
    assert question.parameters[1].text == "at least this share: of all"


@pytest.mark.parametrize(
    "text",
    [
        "-- Question: Who?\n-- Grain: one row per shop\nSELECT 1",
        "-- Question: Who?\n-- 질문: 누구?\nSELECT 1",
        HEAD + "-- Parameter: top int : how many\nSELECT 1",
        HEAD + "-- Parameter: top integer how many\nSELECT 1",
        HEAD + "-- Parameter: Top integer : how many\nSELECT 1",
    ],
)
def test_a_header_that_is_none_is_a_fault_of_ours(text: str) -> None:
    with pytest.raises(ValueError, match=r"who\.sql"):
        read_question("who", text)


def values(**given: str) -> dict[str, tuple[str, Any]]:
    return values_of(read_question("who", TEXT), {"shop": "a", **given}, CLOCK)


def test_defaults_go_by_the_newest_published_minute_and_its_business_day() -> None:
    assert values() == {
        "top": ("integer", 20),
        "share": ("number", "0.5"),
        "shop": ("text", "a"),
        "day": ("date", "2026-03-10"),
        "until": ("time", "2026-03-11T00:00:00+00:00"),
        "kinds": ("texts", ["a", "b"]),
        "note": ("nothing", None),
    }
    midnight = Clock(datetime(2026, 3, 10, 15, 0, tzinfo=UTC), ZoneInfo("Asia/Seoul"))
    assert midnight.day("today").isoformat() == "2026-03-10"  # the newest minute is 23:59 of that day


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("top", "1,000", 1000),
        ("top", " 7 ", 7),
        ("share", "-2.50", "-2.50"),
        ("shop", "it's 'x' = 1", "it's 'x' = 1"),
        ("shop", "'null'", "null"),
        ("day", "2026-02-28", "2026-02-28"),
        ("day", "today", "2026-03-11"),
        ("day", "week_ago", "2026-03-04"),
        ("until", "2026-03-01 09:00", "2026-03-01T00:00:00+00:00"),
        ("until", "2026-03-01T00:00Z", "2026-03-01T00:00:00+00:00"),
        ("until", "today", "2026-03-11T00:00:00+09:00"),
        ("kinds", "x, 'y z',", ["x", "y z"]),
        ("kinds", "", []),
        ("note", "null", None),
    ],
)
def test_a_value_is_read_by_its_type(name: str, text: str, value: object) -> None:
    assert values(**{name: text})[name][1] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("top", "many"),
        ("top", "1.5"),
        ("top", ""),
        ("top", str(2**63)),
        ("top", "null"),
        ("share", "NaN"),
        ("share", "half"),
        ("share", "Infinity"),
        ("day", "10.03.2026"),
        ("day", "2026-02-30"),
        ("until", "noon"),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=rf"{name}={text}") as met:
        values(**{name: text})
    assert met.value.hint.startswith("give ")


def test_a_missing_and_an_unknown_parameter_are_named() -> None:
    question = read_question("who", TEXT)
    with pytest.raises(UsageError, match=r"needs the parameter shop \(text\)") as met:
        values_of(question, {}, CLOCK)
    assert met.value.hint == "--param shop=…: whose"
    with pytest.raises(UsageError, match="no parameter shops") as met:
        values_of(question, {"shops": "a"}, CLOCK)
    assert "shop" in met.value.hint


def test_a_name_that_is_nearly_one_is_told() -> None:
    known = next(iter(questions("merchants")))
    with pytest.raises(UsageError, match=known[:-1]) as met:
        question_of("merchants", known[:-1])
    assert known in met.value.hint
    with pytest.raises(UsageError) as met:
        question_of("merchants", "SELECT 1")
    assert "-c" in met.value.hint


@pytest.mark.parametrize("pack", PACKS)
def test_every_file_of_a_pack_is_a_question_the_pages_own_or_the_views(pack: str) -> None:
    files = {path.stem for path in (FOLDER / pack / "analyst").glob("*.sql")}
    own = {name for name in files if name.startswith("app_") or name == "views"}
    assert files - own == set(questions(pack))


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_refused_with_an_example_and_taken_by_the_analysts_process(kind: str) -> None:
    given = {"integer": "7", "number": "0.5", "date": "2026-03-01", "time": "2026-03-01T00:00Z"}
    question = read_question("who", f"{HEAD}-- Parameter: one {kind} : which\nSELECT $one\n")
    (sent,) = values_of(question, {"one": given.get(kind, "a")}, CLOCK).values()
    assert sent[0] == kind
    assert READ[kind](sent[1]) is not None
    if kind in given:
        with pytest.raises(UsageError, match=f"one=é is no {kind}"):
            values_of(question, {"one": "é"}, CLOCK)


@pytest.mark.parametrize("day", ["9999-12-31", "2026-03-12", "2026-03-01", "0001-01-01"])
def test_a_day_that_is_not_published_is_refused_and_not_answered_with_nothing(day: str) -> None:
    clock = Clock(CLOCK.through, CLOCK.zone, datetime(2026, 3, 2, tzinfo=UTC))
    asked = read_question("sold", HEAD + "-- Parameter: day date : of which day\nSELECT 1\n")
    with pytest.raises(UsageError, match=f"day={day} is not published") as refused:
        values_of(asked, {"day": day}, clock)
    assert "2026-03-02 to 2026-03-11" in str(refused.value)
    assert values_of(asked, {"day": "2026-03-11"}, clock) == {"day": ("date", "2026-03-11")}
