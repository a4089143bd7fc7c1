"""Screening and counting: nothing is lost, nothing wraps, and every row gets the first reason that fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.count import count
from pipeline.minute import MINUTE, Span, floor_minute, one_minute
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import AMOUNT_LIMIT, MERCHANT_MINUTE, QUARANTINE, TRANSACTION
from pipeline.packs.merchants.screen import REASONS, count_reasons, screen

START = datetime(2026, 3, 1, 14, 58, tzinfo=UTC)
SPAN = Span(START, START + 4 * MINUTE)
CLOCK = START + 3 * MINUTE + timedelta(seconds=30)
LARGEST = 2**63 - 1

Row = dict[str, Any]

amounts = st.one_of(
    st.none(),
    st.integers(0, 50_000),
    st.sampled_from(
        [-1, 0, AMOUNT_LIMIT - 1, AMOUNT_LIMIT, AMOUNT_LIMIT + 1, LARGEST, -LARGEST, -LARGEST - 1]
    ),
)
DAY = timedelta(hours=24)
BORDERS = (START - DAY, START - DAY + timedelta(microseconds=1), START - DAY + MINUTE)
#: Of the approvals that rows name: on both sides of 24 hours before the first minutes, and after the cancel.
APPROVED = [*BORDERS, START, START - 40 * DAY, START + DAY]
texts = st.sampled_from(["A", "B", " A", "", "  ", "\t\n", "\u3000", "A\0", "x" * 1001, None])
numbers = st.sampled_from([1, 2, 0, -7, None])
times = st.integers(0, 4 * 60 * 1_000_000 - 1).map(lambda us: START + timedelta(microseconds=us))


def rows_of(merchants: st.SearchStrategy[Any], at: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    row = st.fixed_dictionaries(
        {
            "transaction_id": st.one_of(st.none(), st.integers(1, 12)),
            "merchant_id": merchants,
            "kind": st.sampled_from(
                ["APPROVAL", "APPROVAL", "CANCEL", "CANCEL", "REFUND", "approval", "", None]
            ),
            "amount": amounts,
            "occurred_at": at,
            "approved_at": st.one_of(st.none(), st.sampled_from(APPROVED)),
        }
    )
    return st.lists(row, max_size=30)


def frame_of(rows: list[Row], merchant: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame(rows, {**TRANSACTION, "merchant_id": merchant}, orient="row")


def reason_of(row: Row, seen: set[Any], clock: datetime = CLOCK) -> str | None:
    """The first reason that fits one row, by reading it as a person would."""
    merchant, amount, at = row["merchant_id"], row["amount"], row["occurred_at"]
    tests = {
        "transaction_id_missing": row["transaction_id"] is None,
        "merchant_unreadable": isinstance(merchant, str) and (len(merchant) > 1000 or "\0" in merchant),
        "merchant_missing": merchant is None or (isinstance(merchant, str) and not merchant.strip()),
        "kind_unknown": row["kind"] not in ("APPROVAL", "CANCEL"),
        "amount_missing": amount is None,
        "amount_negative": amount is not None and amount < 0,
        "amount_too_large": amount is not None and amount > AMOUNT_LIMIT,
        "time_missing": at is None,
        "time_future": at is not None and at > clock,
        "transaction_id_duplicate": (row["transaction_id"], row["kind"]) in seen,
    }
    return next((reason for reason in REASONS if tests.get(reason)), None)


def id_of(row: Row) -> str | None:
    return None if row["transaction_id"] is None else str(row["transaction_id"])


def reasons_of(rows: list[Row]) -> list[str | None]:
    seen: set[Any] = set()
    reasons = []
    for row in rows:
        reasons.append(reason_of(row, seen))
        seen.add((row["transaction_id"], row["kind"]))
    return reasons


def reasons_by_minute(rows: list[Row]) -> list[str | None]:
    """The reasons when a duplicate is one within its minute, and the earliest row is the first."""
    names = ("transaction_id", "occurred_at", "kind", "amount", "merchant_id")

    def key(i: int) -> list[tuple[bool, Any]]:  # nulls last
        return [(rows[i][name] is None, 0 if rows[i][name] is None else rows[i][name]) for name in names]

    order = sorted(range(len(rows)), key=key)
    reasons: list[str | None] = [None] * len(rows)
    seen: dict[Any, set[Any]] = {}
    for i in order:
        minute = seen.setdefault(floor_minute(rows[i]["occurred_at"]), set())
        reasons[i] = reason_of(rows[i], minute, max(CLOCK, SPAN.end))  # a closed minute has no future
        minute.add((rows[i]["transaction_id"], rows[i]["kind"]))
    return reasons


@given(rows=rows_of(texts, st.one_of(st.none(), times)))
def test_every_row_is_good_or_set_aside_with_the_first_reason_that_fits(rows: list[Row]) -> None:
    screened = screen(frame_of(rows, pl.String()), CLOCK)
    reasons = reasons_of(rows)
    expected = [row for row, reason in zip(rows, reasons, strict=True) if reason is None]
    assert screened.good.to_dicts() == expected
    assert screened.bad.to_dicts() == [
        {**{n: row[n] for n in QUARANTINE if n != "reason"}, "transaction_id": id_of(row), "reason": reason}
        for row, reason in zip(rows, reasons, strict=True)
        if reason is not None
    ]
    assert screened.good.height + screened.bad.height == len(rows)
    assert screened.bad.schema == QUARANTINE
    assert sum(count_reasons(screened.bad).values()) == screened.bad.height


@given(rows=rows_of(numbers, times))
def test_integer_merchants_are_screened_alike_and_quarantined_as_text(rows: list[Row]) -> None:
    screened = screen(frame_of(rows, pl.Int32()), CLOCK)
    assert screened.bad["reason"].to_list() == [r for r in reasons_of(rows) if r is not None]
    assert screened.bad.schema == QUARANTINE


@given(rows=rows_of(texts, times))
def test_the_ledger_and_the_counts_hold_every_row_of_every_minute(rows: list[Row]) -> None:
    counted = count(frame_of(rows, pl.String()), SPAN, 7, CLOCK, PACK)
    reasons = reasons_by_minute(rows)
    assert [row["minute"] for row in counted.ledger] == [minute.isoformat() for minute in SPAN]
    for minute, entry in zip(SPAN, counted.ledger, strict=True):
        inside = [
            (r, why)
            for r, why in zip(rows, reasons, strict=True)
            if minute <= r["occurred_at"] < minute + MINUTE
        ]
        good = [r for r, why in inside if why is None]
        approved = [r["amount"] for r in good if r["kind"] == "APPROVAL"]
        cancelled = [r["amount"] for r in good if r["kind"] == "CANCEL"]
        assert entry["sums"]["approval_count"] == len(approved)
        assert entry["sums"]["cancel_count"] == len(cancelled)
        assert entry["sums"]["approval_amount"] == sum(approved)
        assert entry["sums"]["cancel_amount"] == sum(cancelled)
        assert entry["quarantined"] == len(inside) - len(good)
        assert entry["source_rows"] == len(inside)
        assert entry["source_sums"]["cancels"] == sum(r["kind"] == "CANCEL" for r, _ in inside)
        assert int(entry["source_sums"]["amount"]) == sum(r["amount"] or 0 for r, _ in inside)


@given(rows=rows_of(texts, times))
def test_no_null_leaves_the_count_and_its_rows_are_those_of_the_good_ones(rows: list[Row]) -> None:
    counted = count(frame_of(rows, pl.String()), SPAN, 7, CLOCK, PACK)
    frame = counted.rows
    assert frame.schema == MERCHANT_MINUTE
    assert not any(frame.null_count().row(0))
    assert frame.equals(frame.sort("minute", "merchant_id"))
    assert frame.select("minute", "merchant_id").is_unique().all()
    assert (
        counted.quarantine.select(PACK.datasets["quarantine"].names()).schema == PACK.datasets["quarantine"]
    )
    totals: dict[tuple[datetime, str], list[int]] = {}
    for row, reason in zip(rows, reasons_by_minute(rows), strict=True):
        if reason is None:
            minute = row["occurred_at"].replace(second=0, microsecond=0)
            total = totals.setdefault((minute, row["merchant_id"]), [0, 0, 0, 0, 0, 0])
            total[row["kind"] == "CANCEL"] += 1
            total[2 + (row["kind"] == "CANCEL")] += row["amount"]
            approved, at = row["approved_at"], row["occurred_at"]
            if row["kind"] == "CANCEL" and approved is not None and approved <= at:
                total[4 + (at - approved > DAY)] += 1
    assert {(minute, merchant): list(values) for minute, merchant, *values in frame.iter_rows()} == totals


@settings(max_examples=5)
@given(st.integers(9_300, 60_000))
def test_thousands_of_amounts_at_the_limit_do_not_wrap(rows: int) -> None:
    frame = pl.DataFrame(
        {
            "transaction_id": range(1, rows + 1),
            "merchant_id": ["A"] * rows,
            "kind": ["APPROVAL"] * rows,
            "amount": [AMOUNT_LIMIT] * rows,
            "occurred_at": [START] * rows,
            "approved_at": [None] * rows,
        },
        TRANSACTION,
    )
    counted = count(frame, SPAN, 7, CLOCK, PACK)
    assert counted.rows["approval_amount"].to_list() == [rows * AMOUNT_LIMIT]
    assert counted.ledger[0]["sums"]["approval_amount"] == rows * AMOUNT_LIMIT


def test_a_hundred_absurd_amounts_are_summed_exactly_for_the_reconciliation() -> None:
    rows = [
        {"transaction_id": i, "merchant_id": "A", "kind": "CANCEL", "amount": LARGEST, "occurred_at": START}
        for i in range(100)
    ]
    counted = count(frame_of(rows, pl.String()), SPAN, 7, CLOCK, PACK)
    assert counted.ledger[0]["source_sums"]["amount"] == str(100 * LARGEST)
    assert counted.ledger[0]["quarantined"] == 100
    assert counted.rows.is_empty()


#: One cancel twice, once without its approval: which of the two counts must not follow from their order.
TWICE: list[Row] = [
    {
        "transaction_id": 2,
        "merchant_id": "B",
        "kind": "CANCEL",
        "amount": 0,
        "occurred_at": START,
        "approved_at": at,
    }
    for at in (None, START - timedelta(days=1))
]


@example(rows=TWICE)
@given(rows=rows_of(texts, times))
def test_a_minute_counts_alike_alone_and_with_its_neighbours(rows: list[Row]) -> None:
    whole = count(frame_of(rows, pl.String()), SPAN, 7, CLOCK, PACK)
    for entry, minute in zip(whole.ledger, SPAN, strict=True):
        inside = [row for row in reversed(rows) if minute <= row["occurred_at"] < minute + MINUTE]
        alone = count(frame_of(inside, pl.String()), one_minute(minute), 7, CLOCK, PACK)
        assert alone.ledger[0] == entry
        assert alone.rows.equals(whole.rows.filter(pl.col("minute") == minute))
