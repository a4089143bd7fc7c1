"""Payouts by example."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from data.merchants.payout import daily_net, earlier_net, settlements_for
from pipeline.schema import UTC_TIME

MERCHANTS = pl.DataFrame({"merchant_id": [1, 2], "settlement_cycle_days": [1, 3]})
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def rows(*rows: tuple[int, str, int, datetime]) -> pl.DataFrame:
    schema = {"merchant_id": pl.Int64(), "kind": pl.String(), "amount": pl.Int64(), "occurred_at": UTC_TIME}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_day_is_korean_and_cancels_are_subtracted() -> None:
    net = daily_net(
        rows(
            (1, "APPROVAL", 500, datetime(2026, 11, 2, 14, 59, tzinfo=UTC)),  # 23:59 in Korea
            (1, "CANCEL", 200, datetime(2026, 11, 2, 3, tzinfo=UTC)),
            (1, "APPROVAL", 70, datetime(2026, 11, 2, 15, 0, tzinfo=UTC)),  # the next day
        )
    )
    assert sorted(net.iter_rows()) == [(1, date(2026, 11, 2), 300), (1, date(2026, 11, 3), 70)]


def test_a_payout_comes_business_days_later_at_ten() -> None:
    friday = rows(
        (1, "APPROVAL", 5, datetime(2026, 11, 6, 3, tzinfo=UTC)),
        (2, "APPROVAL", 7, datetime(2026, 11, 6, 3, tzinfo=UTC)),
    )
    paid = settlements_for(daily_net(friday), MERCHANTS, LATER)
    assert paid.rows() == [
        (1, date(2026, 11, 6), 5, datetime(2026, 11, 9, 1, tzinfo=UTC)),
        (2, date(2026, 11, 6), 7, datetime(2026, 11, 11, 1, tzinfo=UTC)),
    ]
    assert paid.schema["settled_at"] == UTC_TIME


def test_the_weekend_counts_from_friday() -> None:
    sunday = daily_net(rows((1, "APPROVAL", 5, datetime(2026, 11, 8, 3, tzinfo=UTC))))
    assert settlements_for(sunday, MERCHANTS, LATER)["settled_at"][0] == datetime(2026, 11, 9, 1, tzinfo=UTC)


def test_what_is_not_due_yet_is_not_paid() -> None:
    net = daily_net(rows((1, "APPROVAL", 5, datetime(2026, 11, 2, 3, tzinfo=UTC))))
    due = datetime(2026, 11, 3, 1, tzinfo=UTC)
    assert settlements_for(net, MERCHANTS, due).height == 1
    assert settlements_for(net, MERCHANTS, due.replace(hour=0, minute=59)).height == 0


def test_parts_of_a_day_are_added_up() -> None:
    part = daily_net(rows((1, "APPROVAL", 5, datetime(2026, 11, 2, 3, tzinfo=UTC))))
    assert settlements_for(pl.concat([part, part]), MERCHANTS, LATER)["amount"].to_list() == [10]


def test_public_holidays_are_no_business_days() -> None:
    """Chuseok 2026 is from Thursday the 24th to Saturday the 26th of September."""
    sales = rows(
        (1, "APPROVAL", 5, datetime(2026, 9, 23, 3, tzinfo=UTC)),  # a Wednesday
        (1, "APPROVAL", 7, datetime(2026, 9, 25, 3, tzinfo=UTC)),  # the day itself counts from Wednesday
        (2, "APPROVAL", 9, datetime(2026, 9, 22, 3, tzinfo=UTC)),  # three business days from Tuesday
    )
    paid = settlements_for(daily_net(sales), MERCHANTS, LATER)
    assert paid.select("amount", "settled_at").sort("amount").rows() == [
        (5, datetime(2026, 9, 28, 1, tzinfo=UTC)),
        (7, datetime(2026, 9, 28, 1, tzinfo=UTC)),
        (9, datetime(2026, 9, 29, 1, tzinfo=UTC)),
    ]


def test_days_before_the_history_were_paid_out_as_well_by_a_merchants_middle_day() -> None:
    days = [date(2026, 11, day) for day in (2, 3, 4)]
    net = pl.DataFrame({"merchant_id": [2, 2, 2], "business_date": days, "amount": [700, -9_000, 500]})
    earlier = earlier_net(net, days[0])
    assert set(earlier["amount"]) == {500}
    assert (earlier["business_date"].min(), earlier["business_date"].max()) == (
        date(2026, 10, 19),
        date(2026, 11, 1),
    )
    slow = pl.DataFrame({"merchant_id": [2], "settlement_cycle_days": [7]})
    until = datetime(2026, 11, 5, tzinfo=UTC)
    assert settlements_for(net, slow, until).is_empty()
    paid = settlements_for(pl.concat([net, earlier]), slow, until)
    assert paid["business_date"].max() == date(2026, 10, 26)
