"""What can be done about a merchant's money, what it keeps, and what payouts show of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from baselines.merchants.rules import load_rules
from pipeline.money import Acted, AtRisk, Outcome
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.money.acting import Payout, Seen, effect, outcome
from pipeline.packs.merchants.money.propose import ACTIONS, CALL, HOLD, RESERVE, SHORTER
from pipeline.packs.merchants.money.schema import SETTLEMENT
from pipeline.packs.merchants.schema import MERCHANT_MINUTE

SEOUL = ZoneInfo("Asia/Seoul")
RULES = load_rules(Path(__file__).parents[3] / "baselines/merchants/rules.toml")
#: Monday to Sunday; Wednesday 2026-03-11 is a working day like the others of that week.
MONDAY = date(2026, 3, 9)
TOLD = datetime(2026, 3, 11, 12, tzinfo=SEOUL).astimezone(UTC)  # on Wednesday
THURSDAY = MONDAY + timedelta(days=3)
MINUTE = timedelta(minutes=1)


def at(day: int, hour: int = 10) -> datetime:
    """A moment so many days after Monday."""
    return datetime.combine(MONDAY + timedelta(days=day), time(hour), SEOUL).astimezone(UTC)


#: Sold on each day: 1,000 approved and 100 cancelled. Two working days later it is paid out, at ten.
DAYS = (-6, -5, -4, -3, 0, 1, 2, 3)


def payout(day: int, amount: int = 900, *, paid: datetime | None = None) -> tuple[int, int, datetime]:
    """Sales of so many days after Monday; paid out two days later, over a weekend four."""
    return day, amount, paid or at(day + 2 if day + 2 < 5 or day < 0 else day + 4)


BEFORE = [payout(-6, paid=at(-4)), payout(-5, paid=at(-3)), payout(-4, paid=at(0)), payout(-3, paid=at(1))]
MON, TUE = payout(0), payout(1)  # of Monday, paid out on Wednesday at ten; of Tuesday, due on Thursday


def look(
    kind: str,
    *payouts: tuple[int, int, datetime],
    now: datetime,
    percent: int | None = None,
    label: str | None = None,
    wrong: str | None = None,
) -> Outcome:
    money: dict[str, int | str | None] = {"next_payout": 900, "next_payout_date": THURSDAY.isoformat()}
    acted = Acted(
        kind=kind,
        entity_id="M1",
        percent=percent,
        amount=900,
        until=at(3, 0),
        money=money,
        told_at=TOLD,
        label=label,
    )
    sold = [(at(day), "M1", 1000, 100) for day in DAYS if at(day) < now]
    names = ("minute", "merchant_id", "approval_amount", "cancel_amount")
    rows = pl.DataFrame(
        sold,
        dict(zip(names, (pl.Datetime("us", "UTC"), pl.String, *[pl.Int64] * 2), strict=True)),
        orient="row",
    )
    rows = rows.with_columns(
        pl.lit(None, MERCHANT_MINUTE[name]).alias(name) for name in MERCHANT_MINUTE if name not in names
    )
    paid = [
        (
            when.replace(second=0),
            "M1",
            MONDAY + timedelta(days=day),
            amount,
            when,
            wrong if when >= TOLD else None,
        )
        for day, amount, when in payouts
        if when < now
    ]
    settlements = pl.DataFrame(paid, SETTLEMENT, orient="row")
    return outcome(acted, {"merchant_minute": rows, "settlement": settlements}, now, SEOUL, RULES)


def test_a_hold_is_confirmed_once_its_payday_is_over_without_a_payout() -> None:
    known = [*BEFORE, MON]
    assert look(HOLD, *known, now=at(3, 18)).shown is None
    held = look(HOLD, *known, now=at(4, 1))
    assert held.shown
    assert held.figures == {
        "due": 900,
        "kept": 900,
        "paid": 0,
        "held_amount_days": 900,
        "false_alarm_amount_days": None,
    }
    assert not held.settled  # it is followed until it is paid out after all


def test_a_hold_that_was_not_made_shows_at_once() -> None:
    paid = look(HOLD, *BEFORE, MON, TUE, now=at(3, 11))
    assert (paid.shown, paid.settled) == (False, True)
    assert paid.figures["paid"] == 900
    assert paid.figures["kept"] == 0


@pytest.mark.parametrize(("amount", "shown"), [(451, False), (449, True), (0, True), (-300, True)])
def test_a_part_that_was_paid_all_the_same_decides_by_half(amount: int, shown: object) -> None:
    found = look(HOLD, *BEFORE, MON, payout(1, amount), now=at(4, 1))
    assert found.shown is shown
    assert found.figures["kept"] == 900 - amount


def test_what_a_false_alarm_cost_is_the_amount_times_the_days_until_it_was_paid_out() -> None:
    late = payout(1, paid=at(7))  # four days after its payday
    for label, cost in ((None, None), ("true_alarm", 0), ("false_alarm", 4 * 900)):
        found = look(HOLD, *BEFORE, MON, late, now=at(9), label=label)
        assert (found.shown, found.settled) == (True, True)
        assert found.figures["held_amount_days"] == 4 * 900
        assert found.figures["false_alarm_amount_days"] == cost


def test_nothing_is_said_of_payouts_that_nobody_knows() -> None:
    assert look(HOLD, now=at(9)) == Outcome()
    assert look(CALL, *BEFORE, now=at(9)) == Outcome()


def test_a_payout_that_is_wrong_confirms_nothing_and_refutes_nothing() -> None:
    assert look(HOLD, *BEFORE, MON, TUE, now=at(4, 1), wrong="twice").figures["paid"] == 0


@pytest.mark.parametrize(("amount", "shown"), [(810, True), (855, True), (870, None), (900, None)])
def test_a_reserve_shows_in_smaller_payouts(amount: int, shown: object) -> None:
    """Ten per cent of 900 is 90; at least half of that is missing."""
    found = look(RESERVE, *BEFORE, MON, payout(1, amount), now=at(4), percent=10)
    assert found.shown is shown
    assert found.figures["kept"] == 900 - amount
    if shown is None:
        assert look(RESERVE, *BEFORE, MON, payout(1, amount), now=at(10), percent=10).shown is False


def test_a_shorter_cycle_shows_in_a_payout_that_comes_earlier() -> None:
    assert look(SHORTER, *BEFORE, MON, TUE, now=at(4)).shown is None
    sooner = look(SHORTER, *BEFORE, MON, payout(2, paid=at(3, 9)), now=at(4))
    assert sooner.shown
    assert sooner.figures == {"cycle_days_before": 2, "cycle_days_since": 1}


def test_one_late_payout_before_people_were_told_does_not_change_the_cycle() -> None:
    """Friday's sales came a day late, after Monday's; Tuesday's are due on Thursday all the same."""
    known = [*BEFORE[:-1], payout(-3, paid=at(2, 11)), MON]
    paid = look(HOLD, *known, TUE, now=at(3, 11))
    assert (paid.shown, paid.settled, paid.figures["paid"]) == (False, True, 900)
    ordinary = look(SHORTER, *known, TUE, now=at(4))
    assert (ordinary.shown, ordinary.settled) == (None, False)
    assert ordinary.figures == {"cycle_days_before": 2, "cycle_days_since": 2}
    assert look(SHORTER, *known, payout(2, paid=at(3, 9)), now=at(4)).shown


@pytest.mark.parametrize(("holidays", "cycle"), [("KR", 0), ("none", 1)])
def test_a_company_that_pays_out_on_public_holidays_is_followed_by_its_own_days(
    holidays: str, cycle: int
) -> None:
    """Monday 2026-03-02 is a day of rest in Korea: a payout then is as good as one of Friday."""
    paid = Payout(date(2026, 2, 27), 900, datetime(2026, 3, 2, 10, tzinfo=SEOUL))
    assert Seen({}, {paid.day: paid}, {}, SEOUL, TOLD, holidays).cycle == cycle


def test_what_an_action_keeps_follows_from_the_money_and_unknown_stays_unknown() -> None:
    figures: dict[str, int | str | None] = {
        "pending_payout": 1_000,
        "next_payout": 700,
        "next_payout_date": "2026-03-12",
    }
    parts = {"paid_out_cancelable": 400, "unrecovered": 100}
    known, unknown = AtRisk(parts, None, figures), AtRisk({}, None, dict.fromkeys(figures))
    hold = effect(HOLD, None, known, TOLD, SEOUL)
    assert (hold.amount, hold.until) == (500, at(3, 0))  # no more than there is at risk
    assert effect(HOLD, None, AtRisk({}, None, figures), TOLD, SEOUL).amount == 700
    assert effect(HOLD, None, known, at(3), SEOUL).until == at(4, 0)  # on the payday it may not be out yet
    assert effect(RESERVE, 15, known, TOLD, SEOUL).amount == 105
    for kind in ACTIONS:
        found = effect(kind, 10 if kind == RESERVE else None, unknown, TOLD, SEOUL)
        assert (found.amount, found.until) == (None, None)
    assert PACK.exposures is not None
    assert tuple(PACK.exposures.actions) == ACTIONS
    assert PACK.exposures.by_people == (CALL,)  # payouts show all others
