"""Programmes: rows in time, how a month ends, and when a limit is breached; what is not known is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.errors import ConfigurationError, SourceChanged
from pipeline.packs.merchants.programmes.custody import Custody
from pipeline.packs.merchants.programmes.disputes import Given, read_custody, read_disputes
from pipeline.packs.merchants.programmes.forecast import Forecast, Known, Outlook, forecast
from pipeline.packs.merchants.programmes.pace import Pace
from pipeline.packs.merchants.programmes.rows import follows, in_force, parse_programmes, shipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.packs.merchants.programmes.rows import Programme

TODAY = date(2026, 11, 21)  # the 20 days before it are whole, 10 are left
ZONE = ZoneInfo("Asia/Seoul")
SOLD = pl.Schema({"merchant_id": pl.String(), "day": pl.Date(), "count": pl.Int64()})


def days(first: date, until: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((until - first).days)]


def given(*rows: tuple[Any, ...], monthly: bool = False) -> Given:
    when = "month" if monthly else "day"
    columns = ["merchant_id", when, "kind", "count", "amount_usd"]
    frame = pl.DataFrame(rows, columns, orient="row", infer_schema_length=None)
    return read_disputes(frame, "disputes.sql", TODAY, ZONE)


def a_day(merchant: str, kind: str, count: int, usd: str | None = None) -> list[tuple[Any, ...]]:
    """So many each whole day since the first of October."""
    return [(merchant, day, kind, count, usd) for day in days(date(2026, 10, 1), TODAY)]


def sold(per_day: dict[str, int], first: date = date(2026, 9, 1)) -> pl.DataFrame:
    rows = [(name, day, count) for name, count in per_day.items() for day in days(first, TODAY)]
    everybody = [("", day, sum(per_day.values())) for day in days(first, TODAY)]
    return pl.DataFrame(rows + everybody, SOLD, orient="row")


def known(rows: Iterable[tuple[Any, ...]], per_day: dict[str, int], first: date = date(2026, 9, 1)) -> Known:
    return Known(today=TODAY, disputes=given(*rows), sold=sold(per_day, first), published_from=first)


def one(found: Forecast, programme: str, merchant: str | None = None) -> Outlook:
    [outlook] = [o for o in found.outlooks if (o.programme, o.merchant_id) == (programme, merchant)]
    return outlook


def only(name: str) -> list[Programme]:
    return [row for row in shipped() if row.name == name]


def test_a_merchant_on_its_way_into_a_programme() -> None:
    """60 a day: 1,200 of 1,501 after 20 days; 301 more take 5.02 days, the sixth of which is 26 November."""
    found = forecast(only("visa_vamp_merchant"), known(a_day("m", "dispute", 60), {"m": 3_000}))
    outlook = one(found, "visa_vamp_merchant", "m")
    assert (outlook.status, outlook.counted, outlook.projected) == ("ahead", 1_200, 1_800)
    assert outlook.low is not None
    assert outlook.high is not None
    assert 1_740 < outlook.low < 1_800 < outlook.high < 1_860
    assert (outlook.sales, outlook.per_10000, outlook.limit_per_10000) == (90_000, 200.0, 150)
    assert outlook.days_until == 5
    assert found.breaches == [outlook]


def test_breached_possible_and_clear() -> None:
    rows = [*a_day("in", "dispute", 80), *a_day("near", "dispute", 50), *a_day("far", "dispute", 10)]
    found = forecast(only("visa_vamp_merchant"), known(rows, dict.fromkeys(("in", "near", "far"), 3_000)))
    assert one(found, "visa_vamp_merchant", "in").status == "breached"
    assert one(found, "visa_vamp_merchant", "in").days_until == 0
    near = one(found, "visa_vamp_merchant", "near")
    assert (near.status, near.projected, near.days_until, near.days_earliest) == ("possible", 1_500, None, 9)
    assert one(found, "visa_vamp_merchant", "far").status == "clear"
    assert [outlook.merchant_id for outlook in found.outlooks] == ["in", "near", "far"]


def test_rate_and_count_are_both_needed() -> None:
    """As Mastercard says it: 500 at 2 % is no HECM; a high rate of few is neither."""
    rows = [*a_day("big", "dispute", 25), *a_day("small", "dispute", 1)]
    found = forecast(shipped(), known(rows, {"big": 806, "small": 10}))
    assert one(found, "mastercard_ecm", "big").status == "breached"
    assert one(found, "mastercard_hecm", "big").status == "ahead"  # 500 so far, but 3 % are 750
    assert one(found, "mastercard_ecm", "small").status == "clear"


def test_efm_asks_for_money_and_sales_before() -> None:
    usd = "400.00"
    rows = [*a_day("m", "fraud", 4, usd), *a_day("no-amount", "fraud", 9), *a_day("tiny", "fraud", 9, usd)]
    found = forecast(only("mastercard_efm"), known(rows, {"m": 500, "no-amount": 500, "tiny": 30}))
    m = one(found, "mastercard_efm", "m")
    # 20 days of 400 dollars are 8,000: far from 50,000.
    assert (m.status, m.counted) == ("clear", 80)
    rich = forecast(only("mastercard_efm"), known(a_day("m", "fraud", 4, "3000"), {"m": 500}))
    assert one(rich, "mastercard_efm", "m").status == "breached"
    unknown = one(found, "mastercard_efm", "no-amount")
    assert (unknown.status, unknown.why) == ("unknown", "amount_usd")
    assert one(found, "mastercard_efm", "tiny").status == "clear"  # 930 sales in October


def at_a_day(today: date, per_day: dict[str, int], *rows: tuple[Any, ...]) -> Known:
    state = replace(known(rows, per_day), today=today)
    return replace(state, sold=state.sold.filter(pl.col("day") < today))


def test_efm_is_foreseen_before_anything_is_counted_this_month() -> None:
    """20 a day of 200 dollars through October: 250 of them are 50,000 dollars."""
    first = date(2026, 11, 1)
    rows = [row for row in a_day("m", "fraud", 20, "4000") if row[1] < first]
    for today in (first, date(2026, 11, 2)):
        outlook = one(
            forecast(only("mastercard_efm"), at_a_day(today, {"m": 1_000}, *rows)), "mastercard_efm", "m"
        )
        assert (outlook.status, outlook.counted, outlook.projected) == ("ahead", 0, 600)
        assert (outlook.needed, outlook.why) == (250, "")
    # As much a case in the days of the pace, not in the first row of the month alone.
    cheap = at_a_day(date(2026, 11, 2), {"m": 1_000}, *rows, ("m", first, "fraud", 20, "20"))
    assert one(forecast(only("mastercard_efm"), cheap), "mastercard_efm", "m").status == "ahead"
    for usd, said in ((None, ("unknown", "amount_usd")), ("0", ("clear", ""))):
        other = [(*row[:4], usd) for row in rows]
        outlook = one(
            forecast(only("mastercard_efm"), at_a_day(first, {"m": 1_000}, *other)), "mastercard_efm", "m"
        )
        assert (outlook.status, outlook.why) == said
    # One day of October without an amount takes nothing from the others.
    some = [(*row[:4], None if row[1].day == 20 else row[4]) for row in rows]
    outlook = one(
        forecast(only("mastercard_efm"), at_a_day(first, {"m": 1_000}, *some)), "mastercard_efm", "m"
    )
    assert (outlook.status, outlook.needed) == ("ahead", 250)


def test_efm_is_breached_by_the_money_of_this_month_whatever_cases_cost_before() -> None:
    cheap = [row for row in a_day("m", "fraud", 20, "20") if row[1] < date(2026, 11, 1)]
    dear = [("m", date(2026, 11, 2), "fraud", 200, "50000")]
    outlook = one(
        forecast(only("mastercard_efm"), known([*cheap, *dear], {"m": 1_000})), "mastercard_efm", "m"
    )
    assert (outlook.status, outlook.counted) == ("breached", 200)


def test_a_limit_that_comes_later_is_told_before() -> None:
    rows = parse_programmes(
        """
        [[programme]]
        name = "x"
        about = "merchant"
        counts = ["dispute"]
        sales = "this_month"
        per_10000 = 220
        from = 2026-01-01
        to = 2026-12-01
        source = "a"

        [[programme]]
        name = "x"
        about = "merchant"
        counts = ["dispute"]
        sales = "this_month"
        per_10000 = 150
        from = 2026-12-01
        source = "b"
        """,
        "x.toml",
    )
    outlook = one(forecast(rows, known(a_day("m", "dispute", 18), {"m": 1_000})), "x", "m")
    assert (outlook.status, outlook.next_from, outlook.next_per_10000) == ("clear", date(2026, 12, 1), 150)
    assert follows(rows, rows[1]) is None


def test_what_is_not_known_is_said() -> None:
    nothing = forecast(shipped(), Known(today=TODAY, disputes=None, sold=sold({}), published_from=None))
    assert {outlook.status for outlook in nothing.outlooks} == {"unknown"}
    assert nothing.missing == ["disputes", "custody"]
    assert one(nothing, "custody_ratio_kr").why == "exposure"
    # A lake of some days knows no sales of the month before.
    young = forecast(shipped(), known(a_day("m", "dispute", 60), {"m": 3_000}, date(2026, 11, 14)))
    assert one(young, "mastercard_ecm", "m").why == "sales_previous_month"
    assert one(young, "visa_vamp_merchant", "m").sales == 90_000
    assert one(young, "visa_merp_merchant", "m").why == "limit"


def test_sales_of_the_company_go_before_ours() -> None:
    rows = [*a_day("m", "dispute", 60), ("m", date(2026, 10, 1), "sales", 9_000, None)]
    found = forecast(only("mastercard_ecm"), known(rows, {"m": 3_000}, date(2026, 11, 14)))
    assert one(found, "mastercard_ecm", "m").sales == 9_000


def test_sales_that_the_company_gives_of_one_merchant_are_not_those_of_all() -> None:
    """Of a million sales a month 30,000 are one merchant's, 3,000 of them without its card."""
    card_absent = [("m", day, "sales", 100, None) for day in days(date(2026, 10, 1), TODAY)]
    rows = [*a_day("other", "fraud", 80), *a_day("m", "fraud", 1), *card_absent]
    per_day = {"m": 1_000, "other": 31_000, "third": 2_000}
    name, state = "visa_vamp_acquirer_standard", known(rows, per_day)
    young = known(rows, per_day, date(2026, 11, 14))
    this, before = only(name), [replace(row, sales="previous_month") for row in only(name)]
    together = one(forecast(this, state), name)
    assert (together.status, together.sales) == ("clear", 30 * (100 + 31_000 + 2_000))
    merchant = one(forecast(only("visa_vamp_merchant"), state), "visa_vamp_merchant", "m")
    assert merchant.sales == 3_000
    assert one(forecast(before, state), name).sales == 31 * 33_100
    # What the others sold before the lake begins is not known, and so is the sum.
    assert one(forecast(before, young), name).why == "sales_previous_month"
    assert one(forecast(this, young), name).sales == 30 * 33_100
    blind = one(forecast(this, replace(young, published_from=None, sold=sold({}))), name)
    assert (blind.status, blind.why) == ("unknown", "sales_this_month")


def test_a_merchant_whose_own_sales_are_of_the_month_before_has_ours_of_this_one() -> None:
    rows = [*a_day("m", "dispute", 60), ("m", date(2026, 10, 1), "sales", 9_000, None)]
    state = known(rows, {"m": 3_000, "other": 1_000})
    assert one(forecast(shipped(), state), "visa_vamp_acquirer_standard").sales == 120_000
    before = [replace(row, sales="previous_month") for row in only("visa_vamp_acquirer_standard")]
    assert one(forecast(before, state), "visa_vamp_acquirer_standard").sales == 9_000 + 31 * 1_000


def test_months_without_days_take_the_pace_of_the_month() -> None:
    rows = [("m", "2026-11", "dispute", 1_260, None), ("m", "2026-10", "dispute", 99, None)]
    month = Known(
        today=TODAY, disputes=given(*rows, monthly=True), sold=sold({"m": 3_000}), published_from=None
    )
    outlook = one(
        forecast(only("visa_vamp_merchant"), replace(month, published_from=date(2026, 9, 1))),
        "visa_vamp_merchant",
        "m",
    )
    assert (outlook.counted, outlook.projected) == (1_260, 1_800)  # 60 a day in 21 days, 9 left


def test_the_first_of_a_month_has_a_pace_and_sales_of_the_one_before() -> None:
    first = date(2026, 11, 1)
    rows = [row for row in a_day("m", "dispute", 60) if row[1] < first]
    state = replace(known(rows, {"m": 3_000}), today=first)
    state = replace(state, sold=state.sold.filter(pl.col("day") < first))
    outlook = one(forecast(only("visa_vamp_merchant"), state), "visa_vamp_merchant", "m")
    assert (outlook.status, outlook.counted, outlook.projected, outlook.sales) == ("ahead", 0, 1_800, 90_000)
    assert outlook.days_until == 25


def test_a_young_lake_has_a_pace_of_sales_on_the_first_of_a_month_too() -> None:
    first = date(2026, 11, 1)
    rows = [row for row in a_day("m", "dispute", 60) if row[1] < first]
    state = known(rows, {"m": 3_000}, date(2026, 10, 25))
    state = replace(state, today=first, sold=state.sold.filter(pl.col("day") < first))
    outlook = one(forecast(only("visa_vamp_merchant"), state), "visa_vamp_merchant", "m")
    assert (outlook.status, outlook.sales) == ("ahead", 90_000)


def test_rows_that_cannot_be_used_are_set_aside_with_their_value() -> None:
    day = date(2026, 11, 2)
    frame = pl.DataFrame(
        {
            "merchant_id": ["a", None, "a", "a", "a", "a", "a", "a"],
            "day": [day, day, None, date(2026, 12, 1), day, day, day, day],
            "kind": ["fraud", "fraud", "fraud", "fraud", "refund", "Dispute ", "fraud", "fraud"],
            "count": ["1", "1", "1", "1", "1", "2.0", "1.5", "-1"],
        }
    )
    found = read_disputes(frame, "disputes.sql", TODAY, ZONE)
    assert found.rows.select("kind", "count").rows() == [("fraud", 1), ("dispute", 2)]
    assert found.wrong == {
        "count_negative": 1,
        "count_not_whole": 1,
        "day_future": 1,
        "day_unreadable": 1,
        "kind_unknown": 1,
        "merchant_missing": 1,
    }
    assert found.example.startswith("merchant_missing (merchant_id null, when 2026-11-02")
    with pytest.raises(SourceChanged, match="gives no column kind"):
        read_disputes(frame.drop("kind"), "disputes.sql", TODAY, ZONE)
    with pytest.raises(SourceChanged, match="gives no column amount"):
        read_custody(frame, "custody.sql", TODAY, ZONE)
    text = pl.DataFrame({"day": ["2026-11-02", "x", "2026-11-01"], "amount": ["5", "6", "7.5"]})
    held = read_custody(text, "custody.sql", TODAY, ZONE)
    assert (held.days, held.wrong) == ([(day, 5)], {"amount_not_whole": 1, "day_unreadable": 1})
    assert held.example == "day_unreadable (day x, amount 6)"


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("count", ["9" * 20, "1" + "0" * 12], "count_too_large"),
        ("count", [1e20, 1e15], "count_too_large"),
        ("count", ["9" * 40, "many"], "count_not_whole"),
        ("amount_usd", ["9" * 36, "9" * 40], "amount_unreadable"),
        ("amount_usd", [1e13, "9" * 14], "amount_too_large"),
        ("amount_usd", [-0.01, "-5"], "amount_negative"),
    ],
)
def test_no_number_is_too_wild_to_be_set_aside(column: str, values: list[Any], reason: str) -> None:
    for value in values:
        row = {"merchant_id": "a", "day": TODAY, "kind": "fraud", "count": 1, "amount_usd": "1"}
        found = read_disputes(pl.DataFrame([{**row, column: value}]), "disputes.sql", TODAY, ZONE)
        assert (found.rows.height, found.wrong) == (0, {reason: 1})


def test_only_the_columns_that_are_needed_are_read_and_any_other_type_is_refused() -> None:
    row = {"merchant_id": "a", "day": TODAY, "kind": "fraud", "count": 1}
    for odd in ([1], b"\xff", {"a": 1}):
        frame = pl.DataFrame([{**row, "picture": odd}])
        assert read_disputes(frame, "disputes.sql", TODAY, ZONE).rows.height == 1
    for odd in ([1], b"\xff"):
        with pytest.raises(SourceChanged, match="cannot be read"):
            read_disputes(pl.DataFrame([{**row, "count": odd}]), "disputes.sql", TODAY, ZONE)


def test_a_time_counts_for_its_business_day() -> None:
    late = datetime(2026, 11, 20, 16, tzinfo=UTC)  # one o'clock of the 21st in Seoul
    row = {"merchant_id": "a", "day": late, "kind": "fraud", "count": 1, "amount": 5}
    found = read_disputes(pl.DataFrame([row]), "disputes.sql", TODAY, ZONE)
    assert found.rows["day"].to_list() == [TODAY]
    assert read_custody(pl.DataFrame([row]), "custody.sql", TODAY, ZONE).days == [(TODAY, 5)]


def test_custody_that_nobody_can_mean_is_set_aside_and_said() -> None:
    days_given = ["2026-11-02", "2026-11-02", "2026-11-03", "2026-11-03", "2026-11-04", "2026-12-01"]
    frame = pl.DataFrame({"day": days_given, "amount": ["5", "6", "7", "7", "-1", "8"]})
    held = read_custody(frame, "custody.sql", TODAY, ZONE)
    assert held.days == [(date(2026, 11, 3), 7)]
    assert held.wrong == {"amount_differs": 2, "amount_negative": 1, "day_future": 1}
    custody = Custody(held=held.days, wrong=held.wrong, example=held.example)
    found = forecast(shipped(), replace(known([], {}), custody=custody))
    assert found.wrong == {f"custody_{reason}": rows for reason, rows in held.wrong.items()}
    assert found.example == "custody amount_differs (day 2026-11-02, amount 5)"


def test_nine_in_ten_months_end_inside_the_interval() -> None:
    """Of 2,000 months with bursts of three at once; the interval knows nothing of them but the scatter."""
    random, inside, months = Random(7), 0, 2_000
    for _ in range(months):
        rate = random.uniform(0.5, 8)
        drawn = [3 * sum(random.random() < rate / 60 for _ in range(60)) for _ in range(38)]
        _, low, high = Pace.of(drawn[:28]).ahead(10)
        inside += low <= sum(drawn[28:]) <= high
    assert 0.86 < inside / months < 0.97


def test_rows_in_time() -> None:
    for day in days(date(2026, 1, 1), date(2029, 1, 1)):
        names = [row.name for row in in_force(shipped(), day)]
        assert len(names) == len(set(names))
        assert "custody_ratio_kr" in names
    limits = [row.per_10000 for row in shipped() if row.name == "visa_vamp_merchant"]
    assert limits == [220, 150]


ROW = {
    "name": '"x"',
    "about": '"merchant"',
    "counts": '["fraud"]',
    "sales": '"this_month"',
    "from": "2026-01-01",
    "source": '"s"',
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"about": '"bank"'}, "about = 'bank'"),
        ({"counts": "[]"}, "counts = []"),
        ({"counts": '["held_outside"]'}, "held_outside stands alone"),
        ({"sales": '"last_year"'}, "sales = 'last_year'"),
        ({"from": '"2026"'}, "from = '2026'"),
        ({"to": "2025-01-01"}, "to = "),
        ({"per_10000": "1.5"}, "per_10000 = 1.5"),
        ({"limit": "1"}, "limit = 1"),
        ({"source": None}, "source is missing"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_its_value(changed: dict[str, str | None], said: str) -> None:
    lines = [f"{name} = {value}" for name, value in (ROW | changed).items() if value is not None]
    with pytest.raises(ConfigurationError, match=r"p\.toml: programme 1") as refused:
        parse_programmes("[[programme]]\n" + "\n".join(lines), "p.toml")
    assert said in str(refused.value)


def test_two_rows_for_one_day_are_refused() -> None:
    lines = "\n".join(f"{name} = {value}" for name, value in ROW.items())
    with pytest.raises(ConfigurationError, match="two rows for 2026-02-01"):
        parse_programmes(f"[[programme]]\n{lines}\n[[programme]]\n{lines.replace('2026-01', '2026-02')}", "p")
