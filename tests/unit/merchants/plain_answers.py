"""What each question of the analysts means, told once more in plain loops over plain rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.unit.merchants.small_lake import SEOUL, day_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.unit.merchants.small_lake import World

Answer = list[tuple[Any, ...]]


def part(one: float, whole: float) -> float | None:
    """A ratio, None where there is nothing to divide by."""
    return one / whole if whole else None


def last(value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - what is sorted by
    """To sort by: what is not known comes last."""
    return (value is None, value)


def falling(value: float | None) -> tuple[bool, float]:
    """The same, the largest first."""
    return (value is None, 0 if value is None else -value)


def known(values: Iterable[int | None]) -> int | None:
    """The sum of what is known, as SQL has it; None where nothing is."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def name_of(w: World, merchant: str) -> str | None:
    return w.named.get(merchant, (None, None))[0]


def category_of(w: World, merchant: str) -> str | None:
    return w.named.get(merchant, (None, None))[1]


def amounts(w: World, day: date) -> dict[str, int]:
    return {r["merchant_id"]: r["approval_amount"] for r in w.days if r["business_date"] == day}


def top_movers(w: World, day: date, before: date, top: int) -> Answer:
    now, then = amounts(w, day), amounts(w, before)
    rows = [(m, name_of(w, m), then.get(m, 0), now.get(m, 0)) for m in {*now, *then}]
    found = [(*row, row[3] - row[2], part(row[3], row[2])) for row in rows]
    return sorted(found, key=lambda row: (-abs(row[4]), row[0]))[:top]


def cancel_curve(w: World, since: date, until: date) -> Answer:
    newest = max(r["business_date"] for r in w.days)
    found = []
    for age in range((newest - since).days + 1):
        days = [
            d
            for n in range((until - since).days + 1)
            if (d := since + timedelta(n)) + timedelta(age) <= newest
        ]
        sold = [r for r in w.days if r["business_date"] in days]
        gone = [
            r
            for r in w["cancel_cohort"]
            if since <= r["approval_date"] <= until and (day_of(r["minute"]) - r["approval_date"]).days == age
        ]
        if sold:
            whole, back = sum(r["approval_amount"] for r in sold), sum(r["cancel_amount"] for r in gone)
            found.append((age, whole, sum(r["cancel_count"] for r in gone), back, part(back, whole)))
    return found


def cancel_curve_by_category(w: World, since: date, until: date, days: int) -> Answer:
    sold, back = Counter[str | None](), Counter[str | None]()
    for r in w.days:
        if since <= r["business_date"] <= until:
            sold[category_of(w, r["merchant_id"])] += r["approval_amount"]
    for r in w["cancel_cohort"]:
        if since <= r["approval_date"] <= until and (day_of(r["minute"]) - r["approval_date"]).days <= days:
            back[category_of(w, r["merchant_id"])] += r["cancel_amount"]
    found = [(c, sold[c], back[c], part(back[c], sold[c])) for c in sold]
    return sorted(found, key=lambda row: (falling(row[3]), last(row[0])))


def concentration(w: World, since: date, top: int) -> Answer:
    found = []
    for day in sorted({r["business_date"] for r in w.days if r["business_date"] >= since}):
        each = sorted(amounts(w, day).values(), reverse=True)
        found.append((day, len(each), sum(each), sum(each[:top]), part(sum(each[:top]), sum(each))))
    return found


def ticket_shift(w: World, day: date, times: float, minimum: int, top: int) -> Answer:
    spans = {
        True: defaultdict[str, list[int]](lambda: [0, 0]),
        False: defaultdict[str, list[int]](lambda: [0, 0]),
    }
    for r in w.days:
        if day - timedelta(7) <= r["business_date"] <= day:
            sums = spans[r["business_date"] == day][r["merchant_id"]]
            sums[0] += r["approval_count"]
            sums[1] += r["approval_amount"]
    found = []
    for m, (count, amount) in spans[True].items():
        week_count, week_amount = spans[False][m]
        if min(count, week_count) < minimum or not amount or not week_amount:
            continue
        now, usual = amount / count, week_amount / week_count
        if max(now / usual, 1 / (now / usual)) >= times:
            found.append((m, name_of(w, m), now, usual, now / usual))
    return sorted(found, key=lambda row: (-abs(math.log(row[4])), row[0]))[:top]


def dormant_then_burst(w: World, day: date, quiet_days: int, amount: int) -> Answer:
    found = []
    for r in w.days:
        if r["business_date"] != day or r["approval_amount"] < amount:
            continue
        m = r["merchant_id"]
        sold = [
            e["business_date"]
            for e in w.days
            if e["merchant_id"] == m and e["business_date"] < day and e["approval_count"]
        ]
        newest = max(sold, default=None)
        if newest is None or newest < day - timedelta(quiet_days):
            found.append((m, name_of(w, m), r["approval_count"], r["approval_amount"], newest))
    return sorted(found, key=lambda row: (-row[3], row[0]))


def repeat_incidents(w: World, since: date, at_least: int) -> Answer:
    mine = defaultdict[str, list[dict[str, Any]]](list)
    for r in w["incident"]:
        if day_of(r["opened_minute"]) >= since and r["merchant_id"] != "*":
            mine[r["merchant_id"]].append(r)
    found: Answer = [
        (
            m,
            None,
            len(rows),
            sum(r["status"] != "resolved" for r in rows),
            sum(r["label"] == "false_alarm" for r in rows),
            max((r["at_risk"] for r in rows if r["at_risk"] is not None), default=None),
            int(max(r["opened_minute"] for r in rows).timestamp()) // 60,
        )
        for m, rows in mine.items()
        if len(rows) >= at_least
    ]
    return sorted(found, key=lambda row: (-row[2], row[0]))


def category_ranking(w: World, day: date) -> Answer:
    of = defaultdict[str | None, list[dict[str, Any]]](list)
    for r in w.days:
        if r["business_date"] == day:
            of[category_of(w, r["merchant_id"])].append(r)
    found = []
    for category, rows in of.items():
        sums = [
            sum(r[n] for r in rows)
            for n in ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
        ]
        found.append((category, len(rows), *sums, part(sums[1], sums[0])))
    return sorted(found, key=lambda row: (falling(row[6]), last(row[0])))


def category_outliers(w: World, day: date, times: float, minimum: int) -> Answer:
    today = [r for r in w.days if r["business_date"] == day]
    found = []
    for r in today:
        m = r["merchant_id"]
        others = [
            o
            for o in today
            if o["merchant_id"] != m and category_of(w, o["merchant_id"]) == category_of(w, m)
        ]
        approvals, cancels = sum(o["approval_count"] for o in others), sum(o["cancel_count"] for o in others)
        if (
            category_of(w, m) is None
            or r["cancel_count"] < minimum
            or not r["approval_count"]
            or not approvals
        ):
            continue
        rate, usual = r["cancel_count"] / r["approval_count"], cancels / approvals
        if r["cancel_count"] * approvals >= times * cancels * r["approval_count"]:
            found.append((m, name_of(w, m), category_of(w, m), r["cancel_count"], rate, usual))
    return sorted(found, key=lambda row: (row[5] > 0, -part(row[4], row[5]) if row[5] else 0, row[0]))  # type: ignore[operator]


def newest_book(w: World) -> list[dict[str, Any]]:
    newest = max(r["minute"] for r in w["exposure"])
    return [r for r in w["exposure"] if r["minute"] == newest]


def exposure_by_settlement_date(w: World) -> Answer:
    of = defaultdict[date | None, list[dict[str, Any]]](list)
    for r in newest_book(w):
        of[r["next_payout_date"]].append(r)
    names = ("next_payout", "pending_payout", "paid_out_cancelable", "unrecovered", "expected_loss")
    found = [(day, len(rows), *(known(r[n] for r in rows) for n in names)) for day, rows in of.items()]
    return sorted(found, key=lambda row: last(row[0]))


def exposure_top(w: World, top: int) -> Answer:
    found = []
    for r in newest_book(w):
        m, parts = r["merchant_id"], (r["paid_out_cancelable"], r["unrecovered"])
        loss = (r["expected_loss"], r["expected_loss_low"], r["expected_loss_high"])
        total = None if None in parts else sum(parts)
        tail = (total, r["pending_payout"], r["next_payout_date"])
        found.append((m, name_of(w, m), category_of(w, m), r["state"], *loss, *parts, *tail))
    return sorted(found, key=lambda row: (falling(row[4]), falling(row[9]), row[0]))[:top]


def exposure_by_category(w: World) -> Answer:
    of = defaultdict[tuple[str | None, str], list[dict[str, Any]]](list)
    for r in newest_book(w):
        of[category_of(w, r["merchant_id"]), r["state"]].append(r)
    names = ("paid_out_cancelable", "unrecovered", "pending_payout", "expected_loss")
    found: Answer = [
        (
            *key,
            len(rows),
            sum(r["unrecovered"] is None for r in rows),
            *(known(r[n] for r in rows) for n in names),
        )
        for key, rows in of.items()
    ]
    return sorted(found, key=lambda row: (last(row[0]), row[1]))


def exposure_over_days(w: World, since: date) -> Answer:
    of = defaultdict[date, list[dict[str, Any]]](list)
    for r in w["exposure"]:
        of[day_of(r["minute"])].append(r)
    names = ("paid_out_cancelable", "unrecovered", "pending_payout", "expected_loss")
    found: Answer = [
        (day, len(rows), *(known(r[n] for r in rows) for n in names)) for day, rows in of.items()
    ]
    return sorted((row for row in found if row[0] >= since), key=lambda row: row[0])


def good_payouts(w: World) -> list[dict[str, Any]]:
    return [r for r in w["settlement"] if r["wrong"] is None]


def hold_would_have_kept(w: World, since: date, days: int) -> Answer:
    found = []
    for i in w["incident"]:
        opened = i["opened_minute"]
        if day_of(opened) < since or i["merchant_id"] == "*":
            continue
        paid = [r for r in good_payouts(w) if r["merchant_id"] == i["merchant_id"]]
        mine = [r["amount"] for r in paid if opened <= r["settled_at"] < opened + timedelta(days)]
        kept = sum(amount for amount in mine if amount > 0) if paid else None
        found.append((i["incident_id"], i["merchant_id"], None, i["rule"], len(mine), kept))
    return sorted(found, key=lambda row: (row[5] is None, -(row[5] or 0), row[0]))


def cancelled_after_payout(w: World, since: date, top: int) -> Answer:
    paid: dict[tuple[str, date], Any] = {}
    for r in good_payouts(w):
        key = (r["merchant_id"], r["business_date"])
        paid[key] = min(r["minute"], paid.get(key, r["minute"]))
    sums = defaultdict[str, list[int]](lambda: [0, 0])
    for r in w["cancel_cohort"]:
        when = paid.get((r["merchant_id"], r["approval_date"]))
        if when is not None and r["minute"] > when and day_of(r["minute"]) >= since:
            sums[r["merchant_id"]][0] += r["cancel_count"]
            sums[r["merchant_id"]][1] += r["cancel_amount"]
    found: Answer = [(m, name_of(w, m), *both) for m, both in sums.items()]
    return sorted(found, key=lambda row: (-row[3], row[0]))[:top]


def payout_delay(w: World, since: date) -> Answer:
    mine = defaultdict[str, list[tuple[int, int]]](list)
    for r in good_payouts(w):
        if day_of(r["minute"]) >= since:
            mine[r["merchant_id"]].append(((day_of(r["settled_at"]) - r["business_date"]).days, r["amount"]))
    found: Answer = [
        (m, len(rows), min(rows)[0], max(rows)[0], sum(amount for _, amount in rows))
        for m, rows in mine.items()
    ]
    return sorted(found, key=lambda row: (-row[3], row[0]))


def negative_payouts(w: World, since: date) -> Answer:
    mine = defaultdict[str, list[dict[str, Any]]](list)
    for r in good_payouts(w):
        if day_of(r["minute"]) >= since and r["amount"] < 0:
            mine[r["merchant_id"]].append(r)
    found: Answer = [
        (m, len(rows), -sum(r["amount"] for r in rows), max(r["business_date"] for r in rows))
        for m, rows in mine.items()
    ]
    return sorted(found, key=lambda row: (-row[2], row[0]))


def cancel_rate_now(w: World, minimum: int, top: int) -> Answer:
    found = []
    for r in w["baseline_now"]:
        m, cancels, approvals = r["merchant_id"], r["hour_cancel_count"], r["hour_approval_count"]
        week = (r["week_cancel_count"], r["week_approval_count"])
        if cancels >= minimum:
            above = None if not week[1] else cancels - approvals * week[0] / week[1]
            rates = (part(cancels, approvals), part(*week))
            found.append((m, name_of(w, m), r["tier"], cancels, approvals, *rates, above))
    return sorted(found, key=lambda row: (falling(row[7]), row[0]))[:top]


def pace_today(w: World, share: float, amount: int, top: int) -> Answer:
    found = []
    for r in w["baseline_now"]:
        m, today, days, paced = (
            r[n] for n in ("merchant_id", "today_approval_amount", "recent_day_count", "recent_paced_amount")
        )
        if paced >= amount * days and today * days <= share * paced:
            found.append((m, name_of(w, m), r["tier"], today, paced / days, today * days / paced))
    return sorted(found, key=lambda row: (row[3] - row[4], row[0]))[:top]


def silent_now(w: World, until: Any, hours: int, minimum: int) -> Answer:  # noqa: ANN401 - a time
    lately = {
        r["merchant_id"]
        for r in w["merchant_minute"]
        if until - timedelta(hours=hours) < r["minute"] <= until
    }
    found: Answer = [
        (
            r["merchant_id"],
            name_of(w, r["merchant_id"]),
            r["tier"],
            r["week_approval_count"],
            r["recent_approval_amount"],
        )
        for r in w["baseline_now"]
        if r["week_approval_count"] >= minimum and r["merchant_id"] not in lately
    ]
    return sorted(found, key=lambda row: (-row[3], row[0]))


def hours_of_merchant(w: World, merchant: str, since: date) -> Answer:
    of = defaultdict[int, list[dict[str, Any]]](list)
    for r in w["merchant_minute"]:
        if r["merchant_id"] == merchant and day_of(r["minute"]) >= since:
            of[r["minute"].astimezone(SEOUL).hour].append(r)
    names = ("approval_count", "cancel_count", "approval_amount")
    return [
        (hour, len({day_of(r["minute"]) for r in rows}), *(sum(r[n] for r in rows) for n in names))
        for hour, rows in sorted(of.items())
    ]


def merchant_history(w: World, merchant: str, since: date) -> Answer:
    sold = {r["business_date"]: r for r in w.days if r["merchant_id"] == merchant}
    booked = {day_of(r["minute"]): r for r in w["exposure"] if r["merchant_id"] == merchant}
    first = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")
    second = ("state", "paid_out_cancelable", "unrecovered", "pending_payout", "expected_loss")
    return [
        (day, *(sold.get(day, {}).get(n) for n in first), *(booked.get(day, {}).get(n) for n in second))
        for day in sorted({*sold, *booked})
        if day >= since
    ]


def new_merchants(w: World, since: date, top: int) -> Answer:
    mine = defaultdict[str, list[dict[str, Any]]](list)
    for r in w.days:
        if r["approval_count"]:
            mine[r["merchant_id"]].append(r)
    found: Answer = [
        (
            m,
            name_of(w, m),
            min(r["business_date"] for r in rows),
            sum(r["approval_count"] for r in rows),
            sum(r["approval_amount"] for r in rows),
        )
        for m, rows in mine.items()
    ]
    return sorted((r for r in found if r[2] >= since), key=lambda row: (-row[4], row[0]))[:top]


def signals_by_reason(w: World, since: date) -> Answer:
    of = defaultdict[tuple[str, str, str], list[str]](list)
    for r in w["signal"]:
        if day_of(r["minute"]) >= since:
            of[r["rule"], r["kind"], r["reason"]].append(r["entity_id"])
    found = [(*key, len(ids), len(set(ids))) for key, ids in of.items()]
    return sorted(found, key=lambda row: (-row[3], *row[:3]))


def incident_precision(w: World, since: date) -> Answer:
    of = defaultdict[tuple[str, str], list[str | None]](list)
    for r in w["incident"]:
        if day_of(r["opened_minute"]) >= since:
            of[r["rule"], r["tier"]].append(r["label"])
    found = []
    for key, labels in sorted(of.items()):
        true, false = labels.count("true_alarm"), labels.count("false_alarm")
        found.append((*key, len(labels), true, false, part(true, true + false)))
    return found


def delay_of_messages(w: World, since: date) -> Answer:
    incidents = {r["incident_id"]: r for r in w["incident"]}
    of = defaultdict[tuple[str, str], list[float]](list)
    for r in w["message"]:
        incident = incidents[r["incident_id"]]
        if r["sent_at"] is not None and day_of(incident["opened_minute"]) >= since:
            delay = (r["sent_at"] - r["minute"]).total_seconds() - 60
            of[incident["tier"], r["destination"]].append(delay)
    return [
        (*key, len(all_of), nearest(all_of, 0.5), nearest(all_of, 0.95), max(all_of))
        for key, all_of in sorted(of.items())
    ]


def nearest(values: list[float], share: float) -> float:
    """The nearest rank."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def actions_by_kind(w: World, since: date) -> Answer:
    of = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for r in w["action"]:
        if day_of(r["proposed_at"]) >= since:
            of[r["kind"], r["status"]].append(r)
    return [
        (
            *key,
            len(rows),
            sum(r["by_person"] for r in rows),
            sum(r["amount"] is None for r in rows),
            known(r["amount"] for r in rows),
        )
        for key, rows in sorted(of.items())
    ]


def corrected_minutes(w: World, since: date) -> Answer:
    of = defaultdict[date, list[dict[str, Any]]](list)
    for r in w["minute_ledger"]:
        of[day_of(r["minute"])].append(r)
    return [
        (
            day,
            len(rows),
            sum(r["revision"] > 0 for r in rows),
            sum(r["judged_at"] is not None for r in rows),
            sum(r["source_row_count"] for r in rows),
            sum(r["quarantined_count"] for r in rows),
        )
        for day, rows in sorted(of.items())
        if day >= since
    ]


_ALL: tuple[Callable[..., Answer], ...] = (
    top_movers,
    cancel_curve,
    cancel_curve_by_category,
    concentration,
    ticket_shift,
    dormant_then_burst,
    repeat_incidents,
    category_ranking,
    category_outliers,
    exposure_by_settlement_date,
    exposure_top,
    exposure_by_category,
    exposure_over_days,
    hold_would_have_kept,
    cancelled_after_payout,
    payout_delay,
    negative_payouts,
    cancel_rate_now,
    pace_today,
    silent_now,
    hours_of_merchant,
    merchant_history,
    new_merchants,
    signals_by_reason,
    incident_precision,
    delay_of_messages,
    actions_by_kind,
    corrected_minutes,
)
ANSWERS = {answer.__name__: answer for answer in _ALL}
