"""What a sample says, from frames alone; held against a plain count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.count import count
from pipeline.errors import DifferencesFound, MinuteriskError, UsageError
from pipeline.figures import plain
from pipeline.finding import Finding, as_error, as_text, short
from pipeline.inspection.mysql import _beyond_select
from pipeline.inspection.plans import (
    Statistics,
    clock_finding,
    lag_finding,
    plan_finding,
    pool_finding,
    shapes,
)
from pipeline.inspection.sample import Sample, sample_findings, time_finding
from pipeline.minute import MINUTE, Span
from pipeline.outside import outside_minutes, within
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.schema import UTC_TIME
from pipeline.source.plan import PlanReason

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SPAN = Span(NOON, NOON + 3 * MINUTE)

KINDS = st.sampled_from(["APPROVAL", "CANCEL", "PAID", None, "cancel"])
TIMES = st.none() | st.integers(-400, 600).map(lambda s: NOON + timedelta(seconds=s))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 9),
        st.sampled_from(["a", "b ", "", None]),
        KINDS,
        st.none() | st.integers(-5, 10**13),
        TIMES,
        TIMES,
    ),
    max_size=30,
)


def frame(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, TRANSACTION, orient="row")


def totals(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """What a source would count of the span, row by row."""
    found: dict[datetime, list[int]] = {}
    for _, _, kind, amount, at, _ in rows:
        if isinstance(at, datetime) and SPAN.start <= at < SPAN.end:
            minute = found.setdefault(at.replace(second=0, microsecond=0), [0, 0, 0])
            minute[0] += 1
            minute[1] += kind == "CANCEL"
            minute[2] += amount if isinstance(amount, int) else 0
    data = [(minute, n, cancels, str(amount)) for minute, (n, cancels, amount) in found.items()]
    types: tuple[pl.DataType, ...] = (UTC_TIME, pl.Int64(), pl.Int64(), pl.String())
    schema = pl.Schema(zip(("minute", "rows", "cancels", "amount"), types, strict=True))
    return pl.DataFrame(data, schema, orient="row")


def findings(rows: list[tuple[object, ...]]) -> list[Finding]:
    counted = count(frame(rows), SPAN, 0, NOON + timedelta(hours=1), PACK)
    return sample_findings(Sample(SPAN, frame(rows), counted, totals(rows)), PACK)


@given(ROWS)
def test_no_rows_can_make_it_fail_and_the_numbers_are_those_of_a_plain_count(
    rows: list[tuple[object, ...]],
) -> None:
    said = {finding.check: finding for finding in findings(rows)}
    assert said["rows"].numbers["rows"] == len(rows)
    timed = [row for row in rows if isinstance(row[4], datetime)]
    outside = [row for row in timed if not (SPAN.start <= row[4] < SPAN.end)]  # type: ignore[operator]
    if outside:
        assert said["outside"].numbers == {"query": "transactions", "count": len(outside), "of": len(rows)}
    named = [(row[0], row[2]) for row in rows if row[0] is not None]
    assert said["duplicates"].numbers["duplicates"] == len(named) - len(set(named))
    kinds = said["kinds"].numbers["kinds"]
    assert sum(kinds.values()) == len(rows)
    assert as_text(list(said.values()))


@given(ROWS)
def test_every_row_is_in_the_span_or_outside_and_none_is_lost(rows: list[tuple[object, ...]]) -> None:
    inside, outside = within(frame(rows), SPAN, PACK)
    assert inside.height + (outside.count if outside else 0) == len(rows)
    times = inside["occurred_at"].drop_nulls()
    assert ((times >= SPAN.start) & (times < SPAN.end)).all()
    assert inside["occurred_at"].null_count() == sum(row[4] is None for row in rows)


def test_minutes_outside_are_counted() -> None:
    minutes = pl.DataFrame({"minute": [NOON - MINUTE, NOON, SPAN.end]}, {"minute": UTC_TIME})
    found = outside_minutes(minutes, SPAN, "totals")
    assert found is not None
    assert (found.count, found.of, found.first, found.last) == (2, 3, NOON - MINUTE, SPAN.end)
    assert outside_minutes(minutes[1:2], SPAN, "totals") is None


@pytest.mark.parametrize(
    ("off", "just_written", "level", "words"),
    [
        (timedelta(minutes=-1), False, "ok", "1 min behind"),
        (timedelta(hours=9), False, "failure", "looks like Seoul time stored without its zone"),
        (timedelta(hours=9, minutes=-3), False, "failure", "Seoul time"),
        (timedelta(hours=8), False, "failure", "a time of UTC+8"),
        (timedelta(hours=9, minutes=20), False, "warning", "ahead of"),
        (timedelta(hours=-9), False, "warning", "as if a time in UTC had been taken for one of UTC+9"),
        (timedelta(hours=-9, minutes=-1), True, "failure", "UTC+9"),
        (timedelta(hours=-9, minutes=-20), True, "warning", "no transaction since"),
        (timedelta(days=-20), False, "warning", "20 days behind"),
    ],
)
def test_the_newest_time_is_held_against_the_clock(
    off: timedelta, level: str, words: str, *, just_written: bool
) -> None:
    found = time_finding(NOON + off, NOON, PACK, just_written=just_written)
    assert found.level == level
    assert words in found.what


def test_an_error_is_wrong_use_before_a_failure_before_a_difference() -> None:
    use = Finding("a", "failure", "use", exit_code=2)
    fail = Finding("b", "failure", "fail")
    differs = Finding("c", "failure", "differs", exit_code=3)
    assert type(as_error([differs, fail, use])) is UsageError
    assert type(as_error([differs, fail])) is MinuteriskError
    assert type(as_error([differs])) is DifferencesFound
    assert as_error([Finding("d", "warning", "w")]) is None


def test_a_check_in_short_is_ok_or_what_is_wrong_with_the_next_step() -> None:
    assert short([Finding("a", "ok", "fine"), Finding("a", "note", "n")]) == "ok"
    assert short([Finding("a", "warning", "bad", "mend it")]) == "bad\n  next: mend it"


@pytest.mark.parametrize(
    ("apart_s", "unsure_s", "level"),
    [(0.5, 0.1, "ok"), (-3, 0.1, "warning"), (3, 2, "ok"), (31, 0.5, "failure"), (-31, 5, "warning")],
)
def test_clocks_are_apart_only_where_that_is_certain(apart_s: float, unsure_s: float, level: str) -> None:
    assert clock_finding("here", "there", apart_s, unsure_s).level == level


def test_a_standby_is_a_warning_when_it_is_behind_or_stands_still() -> None:
    assert lag_finding(3.0, paused=False).level == "note"
    assert lag_finding(None, paused=False).level == "note"
    assert lag_finding(600.0, paused=False).level == "warning"
    assert lag_finding(0.0, paused=True).level == "warning"


def test_a_pooler_by_transaction_is_refused_only_where_we_keep_a_session() -> None:
    given = {"between": True, "per_transaction": True}
    assert pool_finding("S", **given, refused=False).level == "note"
    refused = pool_finding("S", **given, refused=True)
    assert (refused.level, refused.exit_code) == ("failure", 2)


LARGE = Statistics("t", 10**9, 1e7, NOON - timedelta(hours=3), 0)
SCAN = PlanReason(sequential=("t",), estimated_rows=10**7, text="sequential scan of t")


@pytest.mark.parametrize(
    ("known", "has_index", "level", "words"),
    [
        (
            LARGE,
            False,
            "warning",
            "no index serves it; t (1,000 MB): about 10,000,000 rows, analyzed 3 h ago",
        ),
        (LARGE, True, "warning", "analyzed 3 h ago"),
        (Statistics("t", 10**9, None, None, 0), True, "warning", "was never analyzed"),
        (
            Statistics("t", 10**9, 1e6, NOON, 900_000),
            True,
            "warning",
            "old statistics, 900,000 changes since",
        ),
        (Statistics("t", 10**6, 1e3, NOON, 0), True, "ok", "which is small"),
        (Statistics("t", 10**6, 1e3, NOON, 0), False, "note", "no index serves it"),
    ],
)
def test_a_table_read_whole_is_told_with_what_the_planner_knows(
    known: Statistics, level: str, words: str, *, has_index: bool
) -> None:
    found = plan_finding(shapes(PACK, NOON, [])[0], SCAN, [known], has_index=has_index, clock=NOON)
    assert (found.level, words in found.what) == (level, True), found.what


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ("GRANT SELECT ON `trade`.* TO `reader`@`%`", []),
        ("GRANT USAGE ON *.* TO `reader`@`%` IDENTIFIED BY PASSWORD '*AB'", []),
        ("GRANT SELECT (`id`, `amount`), SHOW VIEW ON `trade`.`t` TO `r`@`%`", []),
        ("GRANT SELECT, INSERT, UPDATE (`a`) ON `trade`.* TO `r`@`%`", ["INSERT, UPDATE on `trade`.*"]),
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION",
         ["ALL PRIVILEGES on *.*", "GRANT OPTION on *.*"]),
        ("GRANT `role` TO `r`@`%`", []),
    ],
)  # fmt: skip
def test_grants_beyond_select_are_read_from_mysql(grant: str, more: list[str]) -> None:
    assert list(_beyond_select(grant)) == more


def test_a_word_of_the_source_cannot_act_on_a_terminal() -> None:
    assert plain("\x1b]0;owned\x07PAID\n") == "]0;ownedPAID"
    assert plain(None) == "NULL"
    assert plain("x" * 99) == "x" * 39 + "…"
