"""Files that people take along: nothing of a name acts in a table program, and numbers stay what they are."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from app.pages.downloads import as_csv, as_parquet, frame_of
from tests.app.merchants.home import HOSTILE

#: A cell that begins so is a formula to Excel, LibreOffice and Google.
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://bad.example")', "-")


def cells(frame: pl.DataFrame) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(frame).decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    _, (cell,) = cells(pl.DataFrame({"name": [text]}))
    assert cell == f"'{text}"


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_no_text_begins_as_a_formula_and_all_of_it_is_there(texts: list[str]) -> None:
    frame = pl.DataFrame({"number": range(len(texts)), "name": texts})
    for text, (_, cell) in zip(texts, cells(frame)[1:], strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.removeprefix("'") == text.removeprefix("'")


def test_numbers_times_and_what_is_not_known_stay_what_they_are() -> None:
    at = datetime(2026, 11, 21, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {"krw": [-5, None, 2**63 - 1], "at": [at, None, at], "name": ["가게", None, HOSTILE]}
    )
    assert as_csv(frame).startswith(b"\xef\xbb\xbf")  # Excel knows Korean by it
    head, first, second, third = cells(frame)
    assert (head, first[0], second, third[0]) == (["krw", "at", "name"], "-5", ["", "", ""], str(2**63 - 1))
    assert third[2] == HOSTILE
    assert_frame_equal(pl.read_parquet(io.BytesIO(as_parquet(frame))), frame, check_exact=True)


def test_a_table_without_rows_has_its_names() -> None:
    frame = pl.DataFrame(schema={"a": pl.Int64, "b": pl.String})
    assert cells(frame) == [["a", "b"]]
    assert_frame_equal(pl.read_parquet(io.BytesIO(as_parquet(frame))), frame)


def test_rows_become_a_frame_with_times_in_seconds_and_what_is_nested_as_json() -> None:
    rows: list[dict[str, object]] = [
        {"a": None, "took": timedelta(minutes=1.5), "said": {"이름": [1, None]}},
        {"a": 2, "took": None},
    ]
    frame = frame_of(rows)
    assert frame.to_dicts()[0] == {"a": None, "took": 90.0, "said": '{"이름": [1, null]}'}
    assert frame.to_dicts()[1] == {"a": 2, "took": None, "said": None}
    assert frame_of([]).is_empty()
