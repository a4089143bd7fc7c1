"""Every question of the analysts: by example rows, against plain loops over the same rows, and its header."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.packs.merchants import PACK
from pipeline.store.views.questions import Clock, questions, values_of
from tests.unit.merchants.by_hand import EXAMPLES, ROWS
from tests.unit.merchants.plain_answers import ANSWERS
from tests.unit.merchants.small_lake import DAYS, END, SEOUL, Rows, World, build, made

if TYPE_CHECKING:
    from collections.abc import Mapping

QUESTIONS = questions(PACK.name)
#: Given so that the small lake has something to say; beside it each is asked with its defaults.
GIVEN: Mapping[str, Mapping[str, str]] = {
    "category_outliers": {"times": "1.2", "minimum": "1"},
    "cancel_curve": {"since": str(DAYS[0]), "until": str(DAYS[8])},
    "concentration": {"top": "2", "since": str(DAYS[1])},
    "dormant_then_burst": {"day": str(DAYS[8]), "amount": "1000"},
    "exposure_top": {"top": "3"},
    "hold_would_have_kept": {"since": str(DAYS[0]), "days": "2"},
    "new_merchants": {"since": str(DAYS[0]), "top": "4"},
    "pace_today": {"share": "0.9", "amount": "1"},
    "silent_now": {"hours": "1", "minimum": "1", "until": "2026-03-09 12:00"},
    "ticket_shift": {"times": "1", "minimum": "1"},
    "top_movers": {"day": str(DAYS[5]), "before": str(DAYS[1]), "top": "5"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("small"), made())


def typed(kind: str, value: Any) -> Any:  # noqa: ANN401 - as the question takes it
    """A value as Python has it, for the plain loops."""
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "time":
        return datetime.fromisoformat(value)
    return float(value) if kind == "number" else value


def asked(name: str, given: Mapping[str, str]) -> Mapping[str, tuple[str, Any]]:
    needed = {p.name: "M02" for p in QUESTIONS[name].parameters if p.default is None}
    return values_of(QUESTIONS[name], {**needed, **given}, Clock(END, SEOUL))


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("way", ["by default", "as given"])
def test_a_question_gives_what_plain_loops_give(world: World, name: str, way: str) -> None:
    values = asked(name, {} if way == "by default" else GIVEN.get(name, {}))
    found = world.ask(QUESTIONS[name].sql, {n: value for n, (_, value) in values.items()})
    assert name in ANSWERS, f"write {name} in plain loops: tests/unit/merchants/plain_answers.py"
    expected = ANSWERS[name](world, **{n: typed(*value) for n, value in values.items()})
    assert [tuple(map(plain, row)) for row in found] == [tuple(map(close, row)) for row in expected]
    if way == "as given":
        assert found


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build(tmp_path_factory.mktemp("few"), ROWS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_answers_a_few_rows_as_a_person_does(few: World, name: str) -> None:
    given, answer = EXAMPLES[name]
    values = values_of(QUESTIONS[name], dict(given), Clock(END, SEOUL))
    found = few.ask(QUESTIONS[name].sql, {n: value for n, (_, value) in values.items()})
    assert [tuple(map(plain, row)) for row in found] == [tuple(map(close, row)) for row in answer]


def plain(value: Any) -> Any:  # noqa: ANN401 - of a row
    return int(value) if isinstance(value, Decimal) else value


def close(value: Any) -> Any:  # noqa: ANN401 - of a row
    """Integers exactly; a ratio as two engines divide."""
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value


def test_there_are_as_many_as_promised_and_each_is_told_plainly() -> None:
    assert len(QUESTIONS) >= 20
    untold = sorted(set(QUESTIONS) ^ set(ANSWERS))
    assert untold == [], "a question has its plain loops in plain_answers.py, and they their question"


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_asked_in_both_languages_and_takes_what_it_names(name: str) -> None:
    question = QUESTIONS[name]
    assert question.english.endswith("?")
    assert question.korean.endswith("?")
    assert question.grain.startswith("one row per ")
    text = question.sql.split("\n", 3)[3]
    assert all(f"${p.name}" in text for p in question.parameters)


def test_what_a_hold_would_have_kept_by_example(tmp_path: Any) -> None:  # noqa: ANN401 - a path
    opened = datetime(2026, 3, 5, 3, tzinfo=SEOUL)
    incident = {"rule": "cancel_surge", "status": "open", "tier": "top", "merchant_name": "가게"}
    paid = {"business_date": DAYS[0], "wrong": None, "merchant_id": "A"}
    before, after, late = (opened + timedelta(hours=n) for n in (-1, 5, 24 * 20))
    rows: dict[str, Rows] = {
        "incident": [incident | {"incident_id": 1, "merchant_id": "A", "opened_minute": opened}],
        "settlement": [
            paid | {"minute": before, "settled_at": before, "amount": 1},
            paid | {"minute": after, "settled_at": after, "amount": 900},
            paid | {"minute": after, "settled_at": after, "amount": -50, "business_date": DAYS[1]},
            paid | {"minute": after, "settled_at": after, "amount": 7, "wrong": "twice"},
            paid | {"minute": END - timedelta(minutes=1), "settled_at": late, "amount": 4_000},
        ],
    }
    question = QUESTIONS["hold_would_have_kept"]
    values = {"since": str(DAYS[0]), "days": 14}
    assert build(tmp_path, rows).ask(question.sql, values) == [(1, "A", "가게", "cancel_surge", 2, 900)]
    rows["settlement"] = []  # nothing is known of payouts, which is not that nothing would be kept
    assert build(tmp_path / "none", rows).ask(question.sql, values) == [
        (1, "A", "가게", "cancel_surge", 0, None)
    ]


def test_the_cancel_curve_by_example(tmp_path: Any) -> None:  # noqa: ANN401 - a path
    """Two days of sales; a day whose age has not come yet is no part of the whole."""
    noon = datetime(2026, 3, 9, 12, tzinfo=SEOUL)
    sums = {"approval_count": 1, "cancel_count": 0, "cancel_amount": 0}
    fresh = {"cancel_fresh_count": 0, "cancel_older_count": 0, "merchant_id": "A"}
    sold = [
        {**sums, **fresh, "minute": noon + timedelta(days=day), "approval_amount": amount}
        for day, amount in ((0, 600), (1, 400))
    ]
    cohort = {"merchant_id": "A", "approval_date": noon.date(), "cancel_count": 1}
    back = [
        cohort | {"minute": noon, "cancel_amount": 100},
        cohort | {"minute": noon + timedelta(days=1), "cancel_amount": 150},
    ]
    asked_for = {"since": str(DAYS[7]), "until": str(DAYS[8])}
    ledger: Rows = [{"minute": noon + timedelta(days=1)}]
    rows: dict[str, Rows] = {"merchant_minute": sold, "cancel_cohort": back, "minute_ledger": ledger}
    found = build(tmp_path, rows).ask(QUESTIONS["cancel_curve"].sql, asked_for)
    assert found == [(0, 1000, 1, 100, 0.1), (1, 600, 1, 150, 0.25)]
