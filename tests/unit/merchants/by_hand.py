"""A lake of a few rows that a person can add up, and what each question has to answer about them.

Today is Wednesday 11 March 2026 in Seoul. A and B sell food, C's category is not known.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.unit.merchants.small_lake import SEOUL, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping


def at(day: int, hour: int = 12) -> datetime:
    """An hour of a day of March in Seoul."""
    return datetime(2026, 3, day, hour, tzinfo=SEOUL)


def sold(merchant: str, day: int, hour: int, approvals: tuple[int, int], cancels: tuple[int, int]) -> Any:  # noqa: ANN401 - a row
    """A minute: approvals and cancels, each as count and amount."""
    counts = {"approval_count": approvals[0], "cancel_count": cancels[0]}
    amounts = {"approval_amount": approvals[1], "cancel_amount": cancels[1]}
    fresh = {"cancel_fresh_count": cancels[0], "cancel_older_count": 0}
    return {"minute": at(day, hour), "merchant_id": merchant, **counts, **amounts, **fresh}


def cohort(merchant: str, day: int, of: int, count: int, amount: int) -> Any:  # noqa: ANN401 - a row
    counted = {"cancel_count": count, "cancel_amount": amount}
    return {"minute": at(day), "merchant_id": merchant, "approval_date": date(2026, 3, of), **counted}


def paid(merchant: str, day: int, of: int, amount: int, wrong: str | None = None) -> Any:  # noqa: ANN401 - a row
    when = {"minute": at(day, 10), "settled_at": at(day, 10), "business_date": date(2026, 3, of)}
    return {"merchant_id": merchant, "amount": amount, "wrong": wrong, **when}


def book(merchant: str, day: int, state: str, money: tuple[int | None, ...], payday: int | None) -> Any:  # noqa: ANN401 - a row
    """paid_out_cancelable, unrecovered, pending_payout, next_payout, expected_loss."""
    names = ("paid_out_cancelable", "unrecovered", "pending_payout", "next_payout", "expected_loss")
    loss = {"expected_loss_low": money[-1], "expected_loss_high": money[-1], "settled_through": None}
    due = {"next_payout_date": None if payday is None else date(2026, 3, payday)}
    row = {"minute": at(day), "merchant_id": merchant, "state": state, **loss, **due}
    return row | dict(zip(names, money, strict=True))


def usual(merchant: str, hour: tuple[int, int], week: tuple[int, int], today: int, paced: int) -> Any:  # noqa: ANN401 - a row
    """Approvals and cancels of the hour and of the week; today's amount, and that of seven days up to now."""
    row = {"minute": at(11), "merchant_id": merchant, "tier": "tail", "today_approval_amount": today}
    counts = {"hour_approval_count": hour[0], "hour_cancel_count": hour[1]}
    of_week = {"week_approval_count": week[0], "week_cancel_count": week[1], "recent_day_count": 7}
    return row | counts | of_week | {"recent_approval_amount": 9_000, "recent_paced_amount": paced}


def incident(number: int, merchant: str, day: int, label: str | None, at_risk: int | None) -> Any:  # noqa: ANN401 - a row
    said = {"rule": "cancel_surge", "tier": "top", "status": "open", "label": label, "at_risk": at_risk}
    named = {"incident_id": number, "merchant_id": merchant, "merchant_name": merchant.lower()}
    return {**named, **said, "opened_minute": at(day)}


def message(number: int, incident_id: int, day: int, seconds: int) -> Any:  # noqa: ANN401 - a row
    said = {"message_id": number, "incident_id": incident_id, "event": "opened", "destination": "default"}
    return {**said, "minute": at(day), "sent_at": at(day) + timedelta(minutes=1, seconds=seconds)}


def action(number: int, status: str, amount: int | None, *, by_person: bool) -> Any:  # noqa: ANN401 - a row
    said = {"action_id": number, "incident_id": 1, "kind": "hold_payout", "status": status}
    return {**said, "amount": amount, "by_person": by_person, "proposed_at": at(9)}


def signal(merchant: str, reason: str) -> Any:  # noqa: ANN401 - a row
    said = {"rule": "cancel_surge", "tier": "tail", "kind": "rule", "passed": False, "reason": reason}
    return {"minute": at(10), "entity_id": merchant, **said}


def ledger(hour: int, revision: int, aside: int) -> Any:  # noqa: ANN401 - a row
    counts = {"row_count": 10, "quarantined_count": aside, "source_row_count": 10 + aside}
    return {"minute": at(10, hour), "revision": revision, "judged_at": at(10, hour), **counts}


ROWS: Mapping[str, Rows] = {
    "merchant_minute": [
        sold("A", 4, 9, (30, 3_000), (0, 0)),
        sold("B", 4, 9, (30, 6_000), (3, 600)),
        sold("A", 10, 9, (20, 6_000), (10, 3_000)),
        sold("B", 10, 9, (20, 4_000), (1, 200)),
        sold("C", 10, 21, (1, 2_000_000), (0, 0)),
        sold("A", 11, 9, (2, 200), (0, 0)),
    ],
    "cancel_cohort": [cohort("B", 4, 4, 3, 600), cohort("A", 10, 4, 4, 900), cohort("A", 10, 10, 6, 2_100)],
    "settlement": [
        paid("A", 5, 4, 3_000),
        paid("A", 5, 4, 9, "twice"),
        paid("B", 9, 4, 5_400),
        paid("B", 10, 9, -70),
        paid("B", 11, 8, -30),
    ],
    "exposure": [
        book("A", 10, "healthy", (2_000, 0, 0, 0, 5), 12),
        book("A", 11, "surge", (2_100, 900, 3_200, 3_000, 60), 12),
        book("B", 11, "healthy", (5_400, 100, 3_700, 3_700, 7), 13),
        book("C", 11, "healthy", (None, None, None, None, None), None),
    ],
    "baseline_now": [
        usual("A", (20, 10), (100, 10), 200, 14_000_000),
        usual("B", (40, 5), (500, 50), 900_000, 7_000_000),
        usual("C", (0, 6), (0, 0), 0, 0),
    ],
    "merchant": [
        {"merchant_id": "A", "merchant_name": "가", "category": "음식"},
        {"merchant_id": "B", "merchant_name": "나", "category": "음식"},
        {"merchant_id": "C", "merchant_name": "다", "category": None},
    ],
    "incident": [
        incident(1, "A", 9, "true_alarm", 50),
        incident(2, "A", 10, "false_alarm", None),
        incident(3, "B", 10, None, 70),
    ],
    "message": [message(1, 1, 9, 4), message(2, 2, 10, 6), message(3, 3, 10, 9)],
    "action": [
        action(1, "told", 500, by_person=True),
        action(2, "told", None, by_person=False),
        action(3, "proposed", 70, by_person=False),
    ],
    "signal": [signal("A", "few_cancels"), signal("A", "few_cancels"), signal("B", "fires")],
    "minute_ledger": [ledger(9, 0, 0), ledger(10, 2, 3)],
}

MARCH_4, MARCH_10, MARCH_11 = (date(2026, 3, day) for day in (4, 10, 11))
#: What is given, and the answer.
EXAMPLES: Mapping[str, tuple[Mapping[str, str], list[tuple[Any, ...]]]] = {
    "actions_by_kind": (
        {},
        [("hold_payout", "proposed", 1, 0, 0, 70), ("hold_payout", "told", 2, 1, 1, 500)],
    ),
    "cancel_curve": (
        # By the newest minute of the ledger, 10 March: the sales of that day are of age 0 only.
        {"since": "2026-03-04", "until": "2026-03-10"},
        [
            (0, 2_019_000, 9, 2_700, 2_700 / 2_019_000),
            *[(age, 9_000, 0, 0, 0.0) for age in range(1, 6)],
            (6, 9_000, 4, 900, 0.1),
        ],
    ),
    "cancel_curve_by_category": (
        {"days": "5"},
        [("음식", 19_000, 2_700, 2_700 / 19_000), (None, 2_000_000, 0, 0.0)],
    ),
    "cancel_rate_now": (
        {},
        [
            ("A", "가", "tail", 10, 20, 0.5, 0.1, 8.0),
            ("B", "나", "tail", 5, 40, 0.125, 0.1, 1.0),
            ("C", "다", "tail", 6, 0, None, None, None),
        ],
    ),
    "cancelled_after_payout": ({}, [("A", "가", 4, 900)]),  # the others before, or not paid out
    "category_outliers": ({}, [("A", "가", "음식", 10, 0.5, 0.05)]),
    "category_ranking": (
        {},
        [("음식", 2, 40, 11, 10_000, 3_200, 0.275), (None, 1, 1, 0, 2_000_000, 0, 0.0)],
    ),
    "concentration": (
        {"top": "1"},
        [
            (MARCH_4, 2, 9_000, 6_000, 6_000 / 9_000),
            (MARCH_10, 3, 2_010_000, 2_000_000, 2_000_000 / 2_010_000),
            (MARCH_11, 1, 200, 200, 1.0),
        ],
    ),
    "corrected_minutes": ({}, [(MARCH_10, 2, 1, 2, 23, 3)]),
    "delay_of_messages": ({}, [("top", "default", 3, 6.0, 9.0, 9.0)]),
    "dormant_then_burst": (
        {"amount": "4000"},
        [
            ("C", "다", 1, 2_000_000, None),
            ("A", "가", 20, 6_000, MARCH_4),
            ("B", "나", 20, 4_000, MARCH_4),
        ],
    ),
    "exposure_by_category": (
        {},
        [
            ("음식", "healthy", 1, 0, 5_400, 100, 3_700, 7),
            ("음식", "surge", 1, 0, 2_100, 900, 3_200, 60),
            (None, "healthy", 1, 1, None, None, None, None),
        ],
    ),
    "exposure_by_settlement_date": (
        {},
        [
            (date(2026, 3, 12), 1, 3_000, 3_200, 2_100, 900, 60),
            (date(2026, 3, 13), 1, 3_700, 3_700, 5_400, 100, 7),
            (None, 1, None, None, None, None, None),
        ],
    ),
    "exposure_over_days": ({}, [(MARCH_10, 1, 2_000, 0, 0, 5), (MARCH_11, 3, 7_500, 1_000, 6_900, 67)]),
    "exposure_top": (
        {"top": "2"},
        [
            ("A", "가", "음식", "surge", 60, 60, 60, 2_100, 900, 3_000, 3_200, date(2026, 3, 12)),
            ("B", "나", "음식", "healthy", 7, 7, 7, 5_400, 100, 5_500, 3_700, date(2026, 3, 13)),
        ],
    ),
    # Of A nothing was paid after 9 March; of B after noon of the 10th something was withheld, on the 11th.
    "hold_would_have_kept": (
        {},
        [
            (1, "A", "a", "cancel_surge", 0, 0),
            (2, "A", "a", "cancel_surge", 0, 0),
            (3, "B", "b", "cancel_surge", 1, 0),
        ],
    ),
    "hours_of_merchant": ({"merchant": "A"}, [(9, 3, 52, 10, 9_200)]),
    "incident_precision": ({}, [("cancel_surge", "top", 3, 1, 1, 0.5)]),
    "merchant_history": (
        {"merchant": "A"},
        [
            (MARCH_4, 30, 0, 3_000, 0, None, None, None, None, None),
            (MARCH_10, 20, 10, 6_000, 3_000, "healthy", 2_000, 0, 0, 5),
            (MARCH_11, 2, 0, 200, 0, "surge", 2_100, 900, 3_200, 60),
        ],
    ),
    "negative_payouts": ({}, [("B", 2, 100, date(2026, 3, 9))]),
    "new_merchants": ({}, [("C", "다", MARCH_10, 1, 2_000_000)]),
    "pace_today": ({}, [("A", "가", "tail", 200, 2_000_000.0, 200 / 2_000_000)]),
    "payout_delay": ({}, [("B", 3, 1, 5, 5_300), ("A", 1, 1, 1, 3_000)]),
    "repeat_incidents": ({}, [("A", "a", 2, 2, 1, 50, int(at(10).timestamp()) // 60)]),
    "signals_by_reason": (
        {},
        [("cancel_surge", "rule", "few_cancels", 2, 1), ("cancel_surge", "rule", "fires", 1, 1)],
    ),
    # A sold at nine; up to half past twelve that is longer ago than three hours.
    "silent_now": (
        {"minimum": "100", "until": "2026-03-11 12:30"},
        [("B", "나", "tail", 500, 9_000), ("A", "가", "tail", 100, 9_000)],
    ),
    "ticket_shift": ({}, [("A", "가", 300.0, 100.0, 3.0)]),
    "top_movers": (
        {"top": "2"},
        [("C", "다", 0, 2_000_000, 2_000_000, None), ("A", "가", 3_000, 6_000, 3_000, 2.0)],
    ),
}
