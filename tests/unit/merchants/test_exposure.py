"""The book of exposure: what real rows come to, the curve of cancels and who cannot pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import polars as pl
import pytest

from baselines.entities import EntityIndex
from baselines.facts import Facts
from baselines.merchants.curve import curve_at
from baselines.merchants.cycle import to_day
from baselines.merchants.priced import cannot_pay
from baselines.merchants.rules import Rules, load_rules, parse_rules
from baselines.merchants.settled import NEVER, Settled
from pipeline.errors import SourceChanged
from pipeline.minute import Span, business_day, floor_minute, to_index
from pipeline.money import Case
from pipeline.packs.merchants.count import aggregate
from pipeline.packs.merchants.money.book import MerchantBook
from pipeline.packs.merchants.money.cohorts import count_cohorts
from pipeline.packs.merchants.money.measured import shares_of
from pipeline.packs.merchants.money.regret import losses
from pipeline.packs.merchants.money.schema import SETTLEMENT
from pipeline.packs.merchants.money.settlements import conform_settlements, count_settlements
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.schema import FACT_CHANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

ZONE = ZoneInfo("Asia/Seoul")
FILE = Path(__file__).parents[3] / "baselines/merchants/rules.toml"
RULES = load_rules(FILE)
Row = tuple[str, str, int, str, str | None]  # merchant, kind, amount, when, when it was approved


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def transactions(rows: Sequence[Row]) -> pl.DataFrame:
    columns = [
        (n, merchant, kind, amount, moment(at), moment(approved) if approved else None)
        for n, (merchant, kind, amount, at, approved) in enumerate(rows)
    ]
    return pl.DataFrame(columns, TRANSACTION, orient="row")


def payouts(rows: Sequence[tuple[str, str, int, str]]) -> pl.DataFrame:
    given = [(m, date.fromisoformat(day), amount, moment(at)) for m, day, amount, at in rows]
    names = ["merchant_id", "business_date", "amount", "settled_at"]
    return conform_settlements(pl.DataFrame(given, names, orient="row"), "settlements.sql", "GBP")


def entered(
    rows: Sequence[Row],
    paid: Sequence[tuple[str, str, int, str]],
    rules: Rules = RULES,
    facts: Facts | None = None,
) -> MerchantBook:
    """As a start enters them: all minutes at once."""
    book, found, settled = MerchantBook(ZONE, rules, facts or Facts()), transactions(rows), payouts(paid)
    times = pl.concat([found["occurred_at"], settled["settled_at"]])
    first, last = times.min(), times.max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    span = Span(floor_minute(first), floor_minute(last) + timedelta(minutes=1))
    beside = {
        "cancel_cohort": count_cohorts(found, span, ZONE),
        "settlement": count_settlements(settled, span, ZONE),
    }
    book.add(aggregate(found, span), beside)
    return book


#: A product of the Online Retail rows (UCI, 2010-2011; amounts in pence) as a merchant, paid out after three
#: Korean working days; Lunar New Year is 2 to 4 February. Each payout is its day's net, but for the second
#: one of a day. BY_SQL adds the money up over all of these rows.
RETAIL: list[Row] = [
    ("79160", "APPROVAL", 210, "2011-01-23T13:31", None),
    ("79160", "APPROVAL", 329, "2011-01-31T12:14", None),
    ("79160", "APPROVAL", 210, "2011-02-02T15:48", None),
    ("79160", "APPROVAL", 420, "2011-02-06T14:46", None),
    ("79160", "CANCEL", 420, "2011-02-13T15:28", "2011-01-04T12:51"),  # older than the book reaches
    ("79160", "APPROVAL", 8112, "2011-02-15T15:51", None),
    ("79160", "CANCEL", 210, "2011-02-17T14:19", "2011-02-02T15:48"),
]
PAID = [
    ("79160", "2011-01-23", 210, "2011-01-26T01:00"),
    ("79160", "2011-01-31", 329, "2011-02-08T01:00"),
    ("79160", "2011-02-03", 210, "2011-02-09T01:00"),
    ("79160", "2011-02-06", 420, "2011-02-09T01:00"),
    ("79160", "2011-01-31", 336, "2011-02-11T01:00"),  # a second time
    ("79160", "2011-02-14", -420, "2011-02-17T01:00"),
]


#: The definitions of baselines/README.md on the evening of Friday 18 February. Sales of the last 14 days can
#: still be cancelled, the last 35 days count, and Wednesday's are paid out first. No payout comes after the
#: negative one, so that it owes all of itself.
BY_SQL = """
WITH settlement AS (
    SELECT day::DATE AS day, arg_min(amount, paid_at) AS amount FROM payouts GROUP BY day
), sale AS (
    SELECT kind, amount, (made_at::TIMESTAMP + INTERVAL 9 HOUR)::DATE AS day,
           coalesce((approved_at::TIMESTAMP + INTERVAL 9 HOUR)::DATE, day) AS sold
    FROM transactions
), of_day AS (
    SELECT day, sum(CASE kind WHEN 'APPROVAL' THEN amount ELSE -amount END) AS net FROM sale GROUP BY day
), cancelled AS (
    SELECT coalesce(sum(amount), 0) AS amount FROM sale
    WHERE kind = 'CANCEL' AND day NOT IN (SELECT day FROM settlement)
      AND (sold IN (SELECT day FROM settlement) OR sold < DATE '2011-02-18' - 35)
)
SELECT
    (SELECT sum(CASE kind WHEN 'APPROVAL' THEN amount ELSE -amount END) FROM sale
     WHERE sold >= DATE '2011-02-18' - 14 AND sold IN (SELECT day FROM settlement)),
    (SELECT amount FROM cancelled) - (SELECT sum(amount) FROM settlement WHERE amount < 0),
    (SELECT net FROM of_day WHERE day = DATE '2011-02-16')
        + (SELECT sum(amount) FROM settlement WHERE amount < 0)
"""


def test_real_rows_come_to_what_a_query_over_all_of_them_says() -> None:
    book = entered(RETAIL, PAID)
    row = book.snapshot(moment("2011-02-18T14:59"), {}).row(0, named=True)
    with duckdb.connect() as connection:
        sold = ["merchant", "kind", "amount", "made_at", "approved_at"]
        connection.register("transactions", pl.DataFrame(RETAIL, sold, orient="row"))
        connection.register(
            "payouts", pl.DataFrame(PAID, ["merchant", "day", "amount", "paid_at"], orient="row")
        )
        said = connection.execute(BY_SQL).fetchone()
    # The 210 of Thursday are withheld from a payday after Monday's, so that they take nothing off it.
    money = row["paid_out_cancelable"], row["unrecovered"], row["pending_payout"]
    assert money == said == (420, 630, 7692)
    monday = date(2011, 2, 21)  # Friday is over
    assert (row["next_payout_date"], row["next_payout"]) == (monday, 7692)
    assert row["settled_through"] == date(2011, 2, 14)
    assert book.twice == [("79160", date(2011, 1, 31))]


#: 500 are sold on the first day of March and paid out, and 400 of them cancelled on the second.
SOLD: list[Row] = [
    ("M", "APPROVAL", 500, "2026-03-02T03:00", None),
    ("M", "CANCEL", 400, "2026-03-03T03:00", "2026-03-02T03:00"),
]
PAID_500 = ("M", "2026-03-02", 500, "2026-03-03T01:00")
WITHHELD = ("M", "2026-03-03", -400, "2026-03-04T01:00")


@pytest.mark.parametrize(
    ("sales", "paid", "unrecovered", "pending"),
    [
        ({}, [], 400, 0),
        ({}, [WITHHELD], 400, 0),  # nothing was paid since that it was withheld from
        ({4: 300}, [WITHHELD], 400, 0),
        ({4: 300, 5: 300}, [WITHHELD], 400, 200),
        ({4: 300, 5: 300}, [WITHHELD, ("M", "2026-03-04", 300, "2026-03-05T01:00")], 100, 200),
        ({4: 500}, [WITHHELD, ("M", "2026-03-04", 500, "2026-03-05T01:00")], 0, 0),
        # By time it comes after the payout of a later day, which it takes nothing off.
        ({}, [(*WITHHELD[:3], "2026-03-05T02:00"), ("M", "2026-03-04", 500, "2026-03-05T01:00")], 400, 0),
        # Of two for one day the first by its time counts.
        ({}, [(*WITHHELD[:3], "2026-03-04T02:00"), ("M", "2026-03-03", 0, "2026-03-04T01:00")], 0, 0),
    ],
)
def test_what_a_negative_payout_owes_is_unrecovered_until_a_later_one_pays_it_back(
    sales: dict[int, int], paid: list[tuple[str, str, int, str]], unrecovered: int, pending: int
) -> None:
    sold: list[Row] = [("M", "APPROVAL", some, f"2026-03-0{day}T03:00", None) for day, some in sales.items()]
    rows, settled = [*SOLD, *sold], [PAID_500, *paid]
    until = moment("2026-03-05T14:59")
    for given in (settled, settled[::-1]):
        row = entered(rows, given).snapshot(until, {}).row(0, named=True)
        assert (row["unrecovered"], row["pending_payout"], row["next_payout"]) == (
            unrecovered,
            pending,
            pending,
        )
    found, span = transactions(rows), Span(moment("2026-03-02T00:00"), moment("2026-03-06T00:00"))
    beside = {
        "cancel_cohort": count_cohorts(found, span, ZONE),
        "settlement": count_settlements(payouts(settled), span, ZONE),
    }
    assert losses(aggregate(found, span), beside, [until], until, ZONE) == [unrecovered]


def test_what_is_owed_goes_out_of_the_book_with_its_row_and_with_its_day() -> None:
    book, minute = entered(SOLD, [PAID_500, WITHHELD]), moment("2026-03-05T14:59")
    span = Span(moment("2026-03-04T01:00"), moment("2026-03-04T01:01"))
    rows = aggregate(transactions([]), span)
    beside = {"settlement": count_settlements(payouts([WITHHELD]), span, ZONE)}
    for times, owed in ((-1, 0), (1, 400)):
        book.add(rows, beside, times=times)
        assert book.exposure.owed(to_day(date(2026, 3, 5))).tolist() == [owed]
    assert book.snapshot(minute, {})["unrecovered"].to_list() == [400]
    last = to_day(date(2026, 3, 3)) + book.exposure.reach
    assert [book.exposure.owed(day).tolist() for day in (last, last + 1)] == [[400], [0]]
    book.forget(date(2026, 3, 4))
    assert book.exposure.owed(last).tolist() == [0]


@pytest.mark.parametrize(("pays", "could_not"), [([], (1, 1)), ([("M", "2026-03-04", 400)], (0, 1))])
def test_a_merchant_that_still_owes_and_sells_nothing_more_could_not_pay(
    pays: list[tuple[str, str, int]], could_not: tuple[int, int]
) -> None:
    """What it owed was withheld by a row, and no payout followed that it came back by."""
    sold: list[Row] = [(m, "APPROVAL", some, f"{day}T03:00", None) for m, day, some in pays]
    paid = [PAID_500, WITHHELD, *((*row, "2026-03-05T01:00") for row in pays)]
    after = entered([*SOLD, *sold], paid).snapshot(moment("2026-03-17T14:59"), {}).row(0, named=True)
    case = Case(
        incident_id=1,
        rule="cancel_surge",
        entity_id="M",
        opened_minute=moment("2026-03-03T03:00"),
        last_breach_minute=moment("2026-03-03T04:00"),
        is_true=True,
        after=after,
    )
    assert shares_of([case]) == {"surge": could_not}


def test_amounts_of_payouts_are_given_once() -> None:
    given = payouts(PAID).with_columns(amount_major=pl.lit("1.00"))
    with pytest.raises(SourceChanged, match="both amount and amount_major"):
        conform_settlements(given, "settlements.sql", "USD")


def test_payouts_of_sales_years_ago_take_no_memory() -> None:
    """A company that settles its old days in one go: each of them would hold an array of all merchants."""
    old = [("79160", str(date(2001, 1, 1) + timedelta(days=n)), 1, "2011-02-10T01:00") for n in range(3_000)]
    book, plain = entered(RETAIL, [*PAID, *old]), entered(RETAIL, PAID)
    minute = moment("2011-02-18T14:59")
    assert book.snapshot(minute, {}).equals(plain.snapshot(minute, {}))
    assert len(book.exposure.settled.days) == len(plain.exposure.settled.days)


def test_a_price_that_was_asked_for_does_not_stay_when_a_cancel_comes() -> None:
    book, minute = entered(RETAIL[:-1], PAID), moment("2011-02-17T14:59")
    assert book.of(minute, {}, ["79160"])["79160"].parts == {"paid_out_cancelable": 630, "unrecovered": 420}
    late = transactions(RETAIL[-1:])
    span = Span(moment("2011-02-17T14:19"), moment("2011-02-17T14:20"))
    rows, beside = aggregate(late, span), {"cancel_cohort": count_cohorts(late, span, ZONE)}
    book.add(rows, beside)
    assert book.of(minute, {}, ["79160"])["79160"].parts == {"paid_out_cancelable": 420, "unrecovered": 630}
    book.add(rows, beside, times=-1)
    assert book.of(minute, {}, ["79160"])["79160"].parts == {"paid_out_cancelable": 630, "unrecovered": 420}


def test_nothing_is_priced_where_nobody_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly all minutes have no incident, and while minutes are caught up with nothing else asks."""
    book = entered(RETAIL, PAID)
    monkeypatch.setattr("pipeline.packs.merchants.money.book.price", None)
    assert book.of(moment("2011-02-18T14:59"), {}, []) == {}


def test_the_first_of_two_payouts_counts_whichever_was_entered_first() -> None:
    settled, who = Settled(), np.array([3, 5])
    settled.enter(7, who, np.array([900, 900]), np.array([1, 1]), 1)
    settled.enter(7, who[:1], np.array([800]), np.array([2]), 1)
    paid = settled.days[7]
    assert (paid.at[3], paid.amount[3], list(settled.twice)) == (800, 2, [(7, 3)])
    settled.enter(7, who[:1], np.array([800]), np.array([2]), -1)
    assert (paid.at[3], paid.amount[3], list(settled.twice)) == (900, 1, [])
    settled.enter(7, who, np.array([900, 900]), np.array([1, 1]), -1)
    assert set(paid.at.tolist()) == {NEVER}


def test_a_merchant_without_payouts_is_unknown_and_everybody_where_nobody_has_any() -> None:
    other: Row = ("B", "APPROVAL", 500, "2011-02-15T12:00", None)
    book = entered([*RETAIL, other], PAID)
    money = book.of(moment("2011-02-18T14:59"), {}, ["B", "nobody"])
    assert list(money) == ["B"]
    assert money["B"].total is None
    assert {*money["B"].figures.values()} == {None}
    assert book.all_together(moment("2011-02-18T14:59"), {}).parts["unrecovered"] == 630
    assert entered([other], []).of(moment("2011-02-18T14:59"), {}, ["B"]) == {}
    assert entered([other], []).all_together(moment("2011-02-18T14:59"), {}).total is None


def test_what_is_wrong_with_a_payout_is_said_with_its_value() -> None:
    rows = [
        ("A", date(2011, 2, 1), "10.5", moment("2011-02-03T01:00:01")),
        ("A", date(2011, 2, 9), "10", moment("2011-02-03T01:00:02")),
        (None, date(2011, 2, 1), "10", moment("2011-02-03T01:00:03")),
        ("A", date(2011, 2, 1), "-7", moment("2011-02-03T01:00:04")),
        ("A", date(2011, 2, 1), "8", moment("2011-02-03T01:00:05")),
        ("A", date(2011, 1, 1), None, moment("2011-02-03T01:00:06")),
        ("A", None, "1", moment("2011-02-03T01:00:07")),
        ("A", date(2011, 1, 2), "9" * 17, moment("2011-02-03T01:00:08")),
    ]
    frame = pl.DataFrame(rows, ["merchant_id", "business_date", "amount", "settled_at"], orient="row")
    span = Span(moment("2011-02-03T01:00"), moment("2011-02-03T01:01"))
    counted = count_settlements(conform_settlements(frame, "settlements.sql", "KRW"), span, ZONE)
    assert counted.schema == SETTLEMENT
    assert counted.sort("settled_at")["wrong"].to_list() == [
        "amount_fraction 10.5",
        "date_after_payout 2011-02-09",
        "merchant_missing",
        None,
        "twice",
        "amount_missing",
        "date_missing",
        "amount_too_large 99999999999999999",
    ]


def test_the_cancel_period_is_the_merchants_own_else_its_categorys() -> None:
    own = "\n[own.{}.exposure]\ncancelable_days = {}\n"
    rules = parse_rules(
        FILE.read_text() + own.format("category.hotel", 40) + own.format("merchant.C", 1), "test"
    )
    sold: list[Row] = [(m, "APPROVAL", 100, "2011-01-10T03:00", None) for m in "ABC"]
    paid = [(m, "2011-01-10", 100, "2011-01-12T01:00") for m in "ABC"]
    kinds = [(moment("2011-01-01T00:00"), m, "hotel") for m in "BC"]
    facts = Facts(pl.DataFrame(kinds, FACT_CHANGE, orient="row"))
    windows = EntityIndex()
    windows.positions(pl.Series(["B", "A", "C"]))
    for asked in (moment("2011-01-11T03:00"), moment("2011-02-18T03:00")):  # as windows ask, in their order
        facts.codes(to_index(asked), windows)
    book = entered(sold, paid, rules, facts)
    for at, expected in (("2011-01-11T03:00", [100, 100, 100]), ("2011-02-18T03:00", [0, 100, 0])):
        assert book.snapshot(moment(at), {})["paid_out_cancelable"].to_list() == expected
    assert book.snapshot(moment("2011-01-24T14:59"), {})["paid_out_cancelable"].to_list() == [100, 100, 0]
    assert book.snapshot(moment("2011-01-24T15:00"), {})["paid_out_cancelable"].to_list() == [0, 100, 0]


K = 10_000


def some_days() -> MerchantBook:
    """Ten days of three merchants, of which C gives back far more; the last day is 10 February."""
    rows: list[Row] = []
    for n in range(10):
        day = f"2011-02-{n + 1:02d}T03:00"
        for merchant, gives in (("A", 40), ("B", 20), ("C", 300)):
            rows.append((merchant, "APPROVAL", (1000 + 10 * n) * K, day, None))
            for age in (0, 1, 3):
                sold = f"2011-02-{n + 1 - age:02d}T02:00"
                rows += [(merchant, "CANCEL", gives * K, day, sold)] if n >= age else []
    paid = [
        (m, f"2011-02-{n + 1:02d}", 800 * K, f"2011-02-{n + 3:02d}T01:00") for m in "ABC" for n in range(8)
    ]
    return entered(rows, paid, replace(RULES, exposure=replace(RULES.exposure, curve_weight=4)))


def test_hazards_are_those_of_a_plain_life_table() -> None:
    book = some_days().exposure
    today = (date(2011, 2, 10) - date(1970, 1, 1)).days
    codes = pl.Series([0, 0, 1]).to_numpy()
    curve = curve_at(book, today, codes, 2, 5, 4)
    assert curve is not None
    sales = {n: 3 * (1000 + 10 * n) for n in range(10)}
    every = []
    for age in range(5):
        cancelled = at_risk = 0
        for sold in range(9):
            if sold + age < 9:
                at_risk += sales[sold] - 360 * sum(earlier < age for earlier in (0, 1, 3))
                cancelled += 360 * (age in (0, 1, 3))
        every.append(cancelled / at_risk)
    assert curve.hazards[-1].tolist() == pytest.approx(every)
    ticket = sum(360 * (9 - age) for age in (0, 1, 3)) / sum(3 * (9 - age) for age in (0, 1, 3))
    assert curve.ticket == pytest.approx(ticket * K)
    cancelled = sum(60 for sold in range(9))
    at_risk = sum(2 * (1000 + 10 * sold) for sold in range(9))
    shrunk = (cancelled + 4 * ticket) / (at_risk + 4 * ticket / every[0])
    assert curve.hazards[0, 0] == pytest.approx(shrunk)


LIGHT = replace(RULES.exposure, curve_weight=2)
KOREA_RESTS = replace(RULES, exposure=LIGHT, volume_drop=replace(RULES.volume_drop, public_holidays="KR"))


@pytest.mark.parametrize(
    "rules",
    [
        replace(KOREA_RESTS, exposure=replace(LIGHT, curve_weight=6)),
        replace(KOREA_RESTS, exposure=replace(LIGHT, cancelable_days=3)),
        replace(KOREA_RESTS, volume_drop=replace(RULES.volume_drop, public_holidays="none")),
    ],
)
def test_new_rules_price_a_book_as_if_it_had_been_built_by_them(rules: Rules) -> None:
    """Three Korean working days over Lunar New Year are six of a company that knows no public holiday."""
    kinds = [(moment("2011-01-01T00:00"), "79160", "shop")]
    facts = Facts(pl.DataFrame(kinds, FACT_CHANGE, orient="row"))
    minute, sold = moment("2011-02-10T14:59"), "2011-01-31T12:14"
    others: list[Row] = [
        ("S", "APPROVAL", 9000 * K, sold, None),
        *[("S", "CANCEL", 100 * K, f"2011-02-02T{hour}:00", sold) for hour in range(10, 18)],
        ("79160", "APPROVAL", 9000 * K, sold, None),
        ("79160", "CANCEL", 20 * K, "2011-02-08T12:00", sold),
        ("79160", "APPROVAL", 500 * K, "2011-02-10T12:00", None),
    ]

    def built(by: Rules) -> MerchantBook:
        return entered([*RETAIL[1:3], *others], PAID[1:3], by, facts)

    book, surging = built(KOREA_RESTS), {"79160": ["cancel_surge", "volume_drop"]}
    by_old, fresh = book.snapshot(minute, surging), built(rules).snapshot(minute, surging)
    assert not fresh.equals(by_old)
    book.know(rules, facts)
    assert book.snapshot(minute, surging).equals(fresh)
    book.know(KOREA_RESTS, facts)
    assert book.snapshot(minute, surging).equals(by_old)


def test_a_cancel_that_comes_under_a_shorter_period_counts_when_the_period_is_long_again() -> None:
    long, short = (replace(RULES, exposure=replace(RULES.exposure, cancelable_days=n)) for n in (60, 14))
    sold: list[Row] = [("A", "APPROVAL", 1000, "2011-01-10T03:00", None)]
    paid, late = [("A", "2011-01-10", 1000, "2011-01-12T01:00")], moment("2011-03-01T03:00")
    cancel: list[Row] = [("A", "CANCEL", 400, "2011-03-01T03:00", "2011-01-10T03:00")]
    book, found = entered(sold, paid, long), transactions(cancel)
    span = Span(late, late + timedelta(minutes=1))
    book.know(short, Facts())
    book.add(aggregate(found, span), {"cancel_cohort": count_cohorts(found, span, ZONE)})
    assert book.snapshot(late, {}).equals(entered([*sold, *cancel], paid, short).snapshot(late, {}))
    book.know(long, Facts())
    now = book.snapshot(late, {})
    assert now.equals(entered([*sold, *cancel], paid, long).snapshot(late, {}))
    assert now["paid_out_cancelable"].to_list() == [600]


def test_a_surge_today_raises_what_is_still_to_come_and_the_state_what_is_lost() -> None:
    book = some_days()
    minute = business_day(date(2011, 2, 10), ZONE).end - timedelta(minutes=1)
    before = book.of(minute, {}, "ABC")
    loss = {m: (money.expected_loss or 0) / (money.total or 1) for m, money in before.items()}
    assert loss["C"] > loss["A"] > loss["B"] >= 0  # the same sales, other curves
    surging = book.of(minute, {"A": ["cancel_surge"], "B": ["cancel_surge", "volume_drop"]}, "ABC")
    for merchant, times in (("A", 100), ("B", 1200)):  # 0.0005 to 0.05, and to 0.6
        healthy, other = (known[merchant].expected_loss or 0 for known in (before, surging))
        assert other == pytest.approx(times * healthy, rel=0.01)
    assert surging["C"] == before["C"]
    span = Span(minute, minute + timedelta(minutes=1))
    wave = transactions([("A", "CANCEL", 500 * K, "2011-02-10T14:59", "2011-02-08T03:00")])
    book.add(aggregate(wave, span), {"cancel_cohort": count_cohorts(wave, span, ZONE)})
    after = book.of(minute, {"A": ["cancel_surge"]}, "A")["A"]
    assert (after.parts["unrecovered"] or 0) == (surging["A"].parts["unrecovered"] or 0) + 500 * K
    assert (after.expected_loss or 0) > (
        surging["A"].expected_loss or 0
    ) + 25 * K  # 5 % of it, and more to come


def test_measured_shares_take_the_place_of_tuned_ones_where_there_are_enough() -> None:
    tuned = RULES.exposure
    few, enough = (cannot_pay(tuned, {"surge": (n, 4 * n)}) for n in (4, 5))
    assert few.p.tolist() == [0.0005, 0.05, 0.3, 0.6]
    assert enough.p.tolist() == [0.0005, 0.25, 0.3, 0.6]
    for found in (few, enough):
        assert all(found.low < found.p)
        assert all(found.p < found.high)
        assert all(found.high < 1)


def test_sales_older_than_any_seen_cancel_are_still_expected_to_give_something_back() -> None:
    """A lake of a few days: what was paid out before it is at risk, and no age of it was ever observed."""
    rows: list[Row] = [
        ("M", "APPROVAL", 1_000, f"2026-03-{day:02}T03:{n:02}", None) for day in (2, 3, 4) for n in range(40)
    ]
    rows += [("M", "CANCEL", 1_000, f"2026-03-04T05:{n:02}", f"2026-03-03T03:{n:02}") for n in range(12)]
    paid = [("M", f"2026-02-{day}", 50_000, "2026-03-02T01:00") for day in (24, 25, 26)]
    row = entered(rows, paid).snapshot(moment("2026-03-05T10:00"), {"M": ["cancel_surge"]}).row(0, named=True)
    assert row["paid_out_cancelable"] == 150_000
    assert row["unrecovered"] == 0
    assert 0 < row["expected_loss_low"] <= row["expected_loss"] <= row["expected_loss_high"] < 150_000
