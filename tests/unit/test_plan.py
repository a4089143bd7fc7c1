"""The reason in a plan: plans as the servers wrote them, shortened."""

from __future__ import annotations

import json

import pytest

from pipeline.source.plan import PlanReason, plan_reason

WHOLE = {
    "Node Type": "Seq Scan",
    "Relation Name": "t",
    "Alias": "x",
    "Plan Rows": 585,
    "Filter": "(((x.amount)::text <> 'kind'::text) AND (date_trunc('minute'::text, occurred_at) = now()))",
}
PARALLEL = [{"Plan": {"Node Type": "Gather", "Plan Rows": 2, "Workers Planned": 2, "Plans": [WHOLE]}}]
INDEXED = [
    {
        "Plan": {
            "Node Type": "Index Only Scan",
            "Relation Name": "t",
            "Index Name": "t_occurred_at_idx",
            "Plan Rows": 7,
            "Index Cond": "(occurred_at >= now())",
        }
    }
]


def test_a_table_read_whole_is_named_with_the_columns_that_no_index_served() -> None:
    found = plan_reason(PARALLEL, "postgresql")
    assert found.sequential == ("t",)
    assert (found.estimated_rows, found.workers, found.indexes) == (585, 2, ())
    text = "sequential scan of t, no index used for amount, occurred_at; 2 parallel workers"
    assert found.text == text


def test_a_plan_may_come_as_text() -> None:
    assert plan_reason(json.dumps(PARALLEL), "postgresql") == plan_reason(PARALLEL, "postgresql")


def test_an_index_is_named_and_is_no_reason() -> None:
    assert plan_reason(INDEXED, "postgresql") == PlanReason((), 7, ("t_occurred_at_idx",), "")


def test_many_partitions_are_counted_not_listed() -> None:
    parts = [{**WHOLE, "Relation Name": f"t_{i}", "Filter": None} for i in range(30)]
    found = plan_reason([{"Plan": {"Node Type": "Append", "Plans": parts}}], "postgresql")
    assert len(found.sequential) == 30
    assert found.text.endswith("sequential scan of t_2; and of 27 more tables")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"type": "ALL", "Extra": "Using where"}, "sequential scan of t, no index for its conditions"),
        (
            {"type": "ALL", "possible_keys": "made_at", "Extra": "Using where"},
            "sequential scan of t, index made_at not used",
        ),
        ({"type": "ALL", "Extra": ""}, "sequential scan of t"),
        (
            {"type": "index", "key": "made_at", "Extra": "Using where; Using index"},
            "sequential scan of t, through the whole index made_at",
        ),
        ({"type": "range", "key": "made_at", "Extra": "Using index condition"}, ""),
    ],
)
def test_mysql_says_it_row_by_row(row: dict[str, str], text: str) -> None:
    derived = {"table": "<derived2>", "type": "ALL", "rows": "2"}
    assert plan_reason([derived, {"table": "t", "rows": "9", **row}], "mysql").text == text


def test_mysql_numbers_may_be_text_or_missing() -> None:
    rows = [{"table": "t", "type": "ALL", "rows": "12"}, {"table": None, "type": None, "rows": None}]
    assert plan_reason(rows, "mysql").estimated_rows == 12


@pytest.mark.parametrize(
    "plan", [None, "", "no plan", 7, [], {}, [1], [{"Plan": []}], {"Plan": {"Plans": 3}}]
)
@pytest.mark.parametrize("dialect", ["postgresql", "mysql"])
def test_what_is_no_plan_gives_no_reason(plan: object, dialect: str) -> None:
    assert plan_reason(plan, dialect) == PlanReason()
