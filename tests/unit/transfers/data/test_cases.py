"""The labelled cases: each fires at exactly the payments it says, by the twelve rules as they are shipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from baselines.transfers.recent import Recent
from data.transfers.case_file import DECISIONS
from data.transfers.cases import DEFAULT_FILE, ZONE, PlacedCase, place, read_cases, rows_of
from data.transfers.traffic import Traffic, TrafficConfig
from pipeline.errors import ConfigurationError
from pipeline.minute import Span
from pipeline.packs.transfers.judging import Answers, judge_events
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.ruleset import LIVE, InForce, RuleSet, Timeline
from pipeline.packs.transfers.schema import EVENT

START = datetime(2026, 11, 30, 2, 10, 7, 500_000, tzinfo=UTC)
RULES = Path(__file__).resolve().parents[4] / "baselines" / "transfers" / "rules"
SHIPPED = [parse(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.json"))]
PLACED = place(read_cases(), START)
"""Of each case, at `START`."""


def in_force() -> Timeline:
    always = datetime(2020, 1, 1, tzinfo=UTC)
    return Timeline([(always, RuleSet(tuple(InForce(rule, 1, LIVE) for rule in SHIPPED)))])


def judged(arrivals: pl.DataFrame) -> Answers:
    """What is said of the events as they stand in the end."""
    timeline = in_force()
    events = arrivals.sort("arrives_at").unique("transfer_id", keep="last").select(EVENT.names())
    recent = Recent(timeline.at(START).measures)
    recent.take(events)
    return judge_events(recent, events, timeline, ZONE)


@pytest.fixture(scope="module")
def alone() -> Answers:
    return judged(rows_of(PLACED))


@pytest.fixture(scope="module")
def among_others() -> Answers:
    traffic = Traffic(TrafficConfig(cases=place(read_cases(), START, 1), late_share=0.01), None)  # type: ignore[arg-type]
    begin = START.replace(minute=0, second=0, microsecond=0)
    return judged(traffic.rows(Span(begin - timedelta(days=2), begin + timedelta(days=1))))


def fired(answers: Answers, case: PlacedCase) -> list[str]:
    found = answers.hits.filter(
        pl.col("rule") == case.case.rule, pl.col("transfer_id").str.starts_with(case.stamp + ".")
    )
    return sorted(found["transfer_id"].to_list(), key=lambda name: int(name.rpartition(".")[2]))


def expected(case: PlacedCase) -> list[str]:
    """In the end: a hit that a reversal took back is none."""
    return [] if case.case.expected == "corrected" else case.label()["fires_at"]


def test_every_rule_has_a_case_that_fires_and_one_that_nearly_does() -> None:
    found = {(case.case.rule, case.case.expected) for case in PLACED}
    assert {(rule.rule, kind) for rule in SHIPPED for kind in ("alarm", "quiet")} <= found


@pytest.mark.parametrize("case", PLACED, ids=lambda case: case.case.name)
def test_a_case_fires_where_it_says_alone(case: PlacedCase, alone: Answers) -> None:
    assert fired(alone, case) == expected(case)


@pytest.mark.parametrize("case", PLACED, ids=lambda case: case.case.name)
def test_a_case_fires_where_it_says_among_other_payments(case: PlacedCase, among_others: Answers) -> None:
    assert fired(among_others, case) == expected(case)


@pytest.mark.parametrize("case", PLACED, ids=lambda case: case.case.name)
def test_the_worst_decision_on_the_watched_account_is_the_one_it_says(
    case: PlacedCase, alone: Answers
) -> None:
    if case.case.expected != "alarm":
        return
    label = case.label()
    found = alone.log.filter(pl.col("transfer_id").is_in(label["fires_at"]))
    assert max(found["decision"], key=DECISIONS.index) == case.case.decision


def test_a_reversal_takes_back_what_fired_before_it() -> None:
    case = next(case for case in PLACED if case.case.expected == "corrected")
    before = rows_of([case]).unique("transfer_id", keep="first", maintain_order=True)
    assert fired(judged(before), case) == case.label()["fires_at"]
    assert fired(judged(rows_of([case])), case) == []


def test_hardly_an_ordinary_payment_fires(among_others: Answers) -> None:
    ordinary = among_others.hits.filter(pl.col("transfer_id").str.starts_with("T"))
    events = among_others.log.filter(pl.col("transfer_id").str.starts_with("T")).height
    assert events > 50_000
    assert ordinary.height / events < 0.01, ordinary["rule"].value_counts()


def test_a_time_of_day_is_its_next_one() -> None:
    night = next(case for case in PLACED if case.case.name == "new_device_at_night")
    local = night.start.astimezone(ZONE)
    assert (local.hour, local.minute) == (3, 10)
    assert timedelta(0) <= night.start - START.replace(microsecond=0) < timedelta(days=1)


def test_another_placement_has_accounts_of_its_own() -> None:
    today, yesterday = (rows_of([c]) for c in place(read_cases(), START, 1)[:1] + PLACED[:1])
    for column in ("transfer_id", "account_id", "payee_id"):
        assert not set(today[column]) & set(yesterday[column])


def test_ids_fit() -> None:
    rows = rows_of(PLACED)
    texts = [name for name, dtype in EVENT.items() if dtype == pl.String()]
    assert rows.select(pl.col(texts).str.len_chars().max()).row(0, named=True)["transfer_id"] <= 64
    assert max(filter(None, rows.select(pl.col(texts).str.len_chars().max()).row(0))) <= 64


CASE = """[[case]]
name = "one"
rule = "HIGH_VALUE"
expected = "alarm"
start = "+5s"
fires_at = [0]
payment = [{ amount = 1_000_001 }]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"one"', '"One"', "case 1: name = 'One'"),
        ('"one"', "1", "case 1: name = 1"),
        ("rule", "rules", "case 1: rules = 'HIGH_VALUE'"),
        ('"HIGH_VALUE"', '"high"', "rule = 'high'"),
        ('"alarm"', '"loud"', "expected = 'loud'"),
        ('"alarm"', '"quiet"', "fires_at = [0]"),
        ("[0]", "[1]", "fires_at = [1]"),
        ("[0]", "[true]", "fires_at = [True]"),
        ('"+5s"', '"5"', "start = '5'"),
        ('"+5s"', '"24:00"', "start = '24:00'"),
        ("1_000_001", "-1", "payment 1: amount = -1"),
        ("1_000_001", "1.5", "payment 1: amount = 1.5"),
        ("amount = 1_000_001", 'payee = "x"', "payment 1: amount = None"),
        ("amount = 1_000_001", 'amount = 1, status = "reversed"', "status = 'reversed'"),
        ("amount = 1_000_001", 'amount = 1, late = "-5s"', "late = '-5s'"),
        ("amount = 1_000_001", "amount = 1, place = [91.0, 0.0]", "place = [91.0, 0.0]"),
        ("amount = 1_000_001", "amount = 1, times = 0", "times = 0"),
        ("amount = 1_000_001", 'amount = 1, account = "a b"', "account = 'a b'"),
        ("[{ amount = 1_000_001 }]", "[]", "payment = []"),
        ("[[case]]", "[case]", "case = {"),
        ("[[case]]", "[[case", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(CASE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        read_cases(path)
    assert said in str(refused.value)
    path.write_text(CASE, encoding="utf-8")
    assert [case.name for case in read_cases(path)] == ["one"]


def test_a_name_that_stands_twice_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.toml"
    path.write_text(CASE + CASE, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="its own name"):
        read_cases(path)
    with pytest.raises(ConfigurationError, match=DEFAULT_FILE.name):
        read_cases(tmp_path / "nowhere.toml")


def row_of(case: PlacedCase) -> dict[str, Any]:
    return next(iter(case.rows()))


def test_what_is_not_said_is_the_default() -> None:
    row = row_of(PLACED[0])
    assert (row["kind"], row["status"], row["currency"], row["country"]) == (
        "transfer",
        "completed",
        "KRW",
        "KR",
    )
    assert row["user_id"] == row["account_id"]
