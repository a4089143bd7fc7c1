"""Text of strangers on a terminal: one line, as wide as it looks, and nothing in it acts."""

from __future__ import annotations

import json
import sys
import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.commands.common import as_json_text, fields, table
from pipeline.figures import fit, harmless, moment, one_line, pad, width

if TYPE_CHECKING:
    from collections.abc import Callable

SEOUL = ZoneInfo("Asia/Seoul")
HOSTILE = "\x1b]0;owned\x07\x1b[2J\nRED\u202e\x9b31m"
#: Whatever ends a line, as Python sees it.
ENDS = [c for c in map(chr, range(sys.maxunicode + 1)) if len(f"a{c}b".splitlines()) > 1]
NOON = datetime(2026, 11, 26, 2, 3, tzinfo=UTC)


def acting(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp")]


@given(st.text(), st.integers(1, 100))
def test_a_line_of_a_stranger_is_one_line_and_nothing_in_it_acts(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert acting(line) == []
    assert len(line) <= longest
    assert one_line(line, longest) == line


def test_what_an_escape_sequence_leaves_is_shown_as_letters() -> None:
    assert one_line(HOSTILE) == "]0;owned[2J RED31m"


@given(st.text())
def test_a_page_keeps_its_lines_and_loses_what_acts(text: str) -> None:
    page = harmless(text)
    assert acting(page.replace("\n", "").replace("\t", "")) == []
    assert page.count("\n") == text.count("\n")


@pytest.mark.parametrize("end", ENDS, ids=ascii)
def test_a_page_has_the_lines_that_it_says_and_no_other(end: str) -> None:
    page = harmless(f"a{end}b")
    assert page.splitlines() == page.split("\n") == (["a", "b"] if end == "\n" else ["ab"])


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("abc", 3),
        ("튼튼마트", 8),
        ("ｶﾌｪ", 3),
        ("全角", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("가", 2),
        ("🔴", 2),
        ("", 0),
    ],
)
def test_a_text_is_as_wide_as_a_terminal_draws_it(text: str, columns: int) -> None:
    assert width(text) == columns
    assert width(unicodedata.normalize("NFD", text)) == columns


@given(st.text(), st.integers(1, 40))
def test_a_cell_never_takes_more_columns_than_it_has(text: str, columns: int) -> None:
    shown = fit(one_line(text), columns)
    assert width(shown) <= columns
    assert width(pad(shown, columns)) == columns
    assert shown == one_line(text) or shown.endswith("…")


def test_columns_stand_under_each_other_whatever_the_letters() -> None:
    columns: dict[str, Callable[[Any], str]] = {"name": str, "amount": str}
    names = ("shop", "튼튼마트", "카페 ABC", HOSTILE, "길고 긴 이름의 가맹점 " * 9)
    lines = table([{"name": name, "amount": 7} for name in names], columns).splitlines()
    assert len(lines) == 1 + len(names)
    assert len({width(line[: line.rindex("7")]) for line in lines[1:]}) == 1
    assert "…" in lines[-1]


def test_a_row_is_shown_with_its_times_in_the_business_zone() -> None:
    row = {
        "opened": NOON,
        "name": HOSTILE,
        "nothing": None,
        "reason": {"why": HOSTILE},
        "told": [{"at": NOON}],
    }
    assert fields(row, SEOUL).splitlines() == [
        "opened                  2026-11-26 11:03 KST",
        "name                    ]0;owned[2J RED31m",
        "nothing                 -",
        "reason",
        "  why                   ]0;owned[2J RED31m",
        "told 1",
        "  at                    2026-11-26 11:03 KST",
    ]


def test_times_in_json_are_iso_in_utc_and_what_has_no_json_is_a_fault() -> None:
    given = {"a": NOON.astimezone(SEOUL), "b": date(2026, 1, 2), "c": time(1, 2), "d": timedelta(minutes=1)}
    assert json.loads(as_json_text(given)) == {
        "a": "2026-11-26T02:03:00+00:00",
        "b": "2026-01-02",
        "c": "01:02:00",
        "d": 60.0,
    }
    with pytest.raises(TypeError, match="object"):
        as_json_text({"a": object()})


@given(st.text())
def test_json_holds_every_text_and_acts_on_no_terminal(text: str) -> None:
    made = as_json_text({"text": text})
    assert json.loads(made) == {"text": text}
    assert acting(made) == []


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Seoul", "11:03 KST"), ("UTC", "02:03 UTC"), ("America/Sao_Paulo", "23:03 UTC-03")],
)
def test_a_time_names_its_zone(zone: str, shown: str) -> None:
    assert moment(NOON, ZoneInfo(zone)).endswith(shown)
