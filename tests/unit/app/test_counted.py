"""Openings as a table of hours, as bars by day, and the period that they are of."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.pages.statistics.counted import DARKEST, days_figure, frame_of, heat, shade
from app.pages.statistics.period import LONGEST_DAYS, between, last_days
from app.pages.statistics.reads import Opening
from app.texts import texts_of
from tests.doors import PACK

DAY = date(2026, 11, 28)
KO = texts_of(PACK, {}, "ko")
OPENINGS = [
    Opening(rule="forced_entry", policy="literal", day=DAY, hour=9, incidents=4),
    Opening(rule="forced_entry", policy="budgeted", day=DAY + timedelta(days=1), hour=9, incidents=1),
    Opening(rule="<b>gone</b>", policy="literal", day=DAY, hour=23, incidents=1),
]


def test_the_numbers_stand_in_the_cells_and_a_strange_rule_is_no_markup() -> None:
    seen = heat(OPENINGS, ["forced_entry", "<b>gone</b>"], KO)
    assert 'class="mr-heat-5" title="강제 개방 9시: 5건">5<' in seen
    assert 'class="mr-heat-1" title="&lt;b&gt;gone&lt;/b&gt; 23시: 1건">1<' in seen
    assert "<b>gone" not in seen
    assert seen.count("<tr>") == 4


@pytest.mark.parametrize(("value", "level"), [(0, 0), (1, 1), (20, 1), (21, 2), (99, 5), (100, DARKEST)])
def test_the_largest_is_the_darkest_and_none_is_white(value: int, level: int) -> None:
    assert shade(value, 100) == level


def test_a_figure_of_days_holds_no_name_of_a_database() -> None:
    figure = days_figure(OPENINGS, [DAY, DAY + timedelta(days=1)], ["forced_entry"], KO)
    assert "gone" not in figure.to_json()
    assert list(figure.data[0].y) == [4, 1]


def test_a_file_has_a_row_for_each_hour() -> None:
    assert frame_of(OPENINGS).rows()[0] == (DAY, 9, "forced_entry", "literal", 4)
    assert frame_of([]).height == 0


def test_a_period_is_whole_business_days_in_order_and_not_too_many() -> None:
    assert last_days(7, DAY).days[0] == date(2026, 11, 22)
    assert last_days(1, DAY).days == (DAY,)
    assert between(DAY, DAY - timedelta(days=1)) is None
    assert between(DAY - timedelta(days=LONGEST_DAYS), DAY) is None
    assert (
        len((between(DAY - timedelta(days=LONGEST_DAYS - 1), DAY) or last_days(1, DAY)).days) == LONGEST_DAYS
    )
