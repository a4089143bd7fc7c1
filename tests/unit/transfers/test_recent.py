"""Windows by examples: their borders, ties, late events, corrections, and how others count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from baselines.transfers import lanes, merging
from baselines.transfers import recent as recents
from baselines.transfers.codes import Numbers
from baselines.transfers.measure import Between, Measure, OneOf
from baselines.transfers.recent import Recent
from tests.generative.transfers.made import frame
from tests.generative.transfers.oracle import ArrivalOrder, Event, Oracle

MINE = (("account_id", "account_id"),)
MINUTE = Measure("count", None, MINE, 60_000)
T = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)


def paid(name: str, seconds: float = 0.0, **fields: object) -> Event:
    return {
        **dict.fromkeys(frame([]).columns),
        "transfer_id": name,
        "kind": "transfer",
        "status": "completed",
        "account_id": "A",
        "user_id": "A",
        "amount": 1000,
        "currency": "KRW",
        "occurred_at": T + timedelta(seconds=seconds),
        **fields,
    }


def holding(*events: Event, measures: tuple[Measure, ...] = (MINUTE,)) -> Recent:
    recent = Recent(measures)
    recent.take(frame(list(events)))
    return recent


def asked(recent: Recent, event: Event, measure: Measure = MINUTE) -> object:
    return recent.ask(frame([event]), [measure])[measure.column][0]


@pytest.mark.parametrize(("seconds", "counted"), [(-59.999, 2), (-60, 1), (-60.001, 1), (0, 2), (0.001, 1)])
def test_a_minute_is_open_where_it_begins_and_closed_where_it_ends(seconds: float, counted: int) -> None:
    now = paid("now")
    assert asked(holding(now, paid("other", seconds)), now) == counted


def test_six_payments_of_one_millisecond_are_six() -> None:
    events = [paid(f"t{n}") for n in range(6)]
    assert asked(holding(*events), events[0]) == 6
    others = ArrivalOrder(timedelta(minutes=1))
    assert [others.count(event) for event in events][-1] == 1  # RealFDS


def test_a_window_over_a_day_begins_at_a_full_hour() -> None:
    week = Measure("count", None, MINE, 7 * 86_400_000)
    now = paid("now", 1800)  # 02:30, so the window opens at 02:00
    on, after = paid("on", -7 * 86_400), paid("after", -7 * 86_400 + 0.001)
    assert asked(holding(now, on, after, measures=(week,)), now, week) == 2


def test_a_late_event_counts_where_it_belongs_and_names_whom_it_concerns() -> None:
    first, last, other = paid("first", -61), paid("last"), paid("other", account_id="B")
    recent = holding(first, last, other)
    late = paid("late", -30)
    assert recent.affected(frame([late]), T - timedelta(minutes=2)).to_list() == ["last"]
    recent.take(frame([late]))
    assert [asked(recent, event) for event in (first, late, last, other)] == [1, 2, 2, 1]


def test_an_event_that_is_reversed_leaves_the_windows_and_can_come_back() -> None:
    now, other = paid("now"), paid("other", -1)
    recent = holding(now, other)
    for status, counted in (("reversed", 1), ("completed", 2), ("declined", 1)):
        changed = {**other, "status": status}
        recent.change(frame([other]), frame([changed]))
        other = changed
        assert asked(recent, now) == counted


def test_a_missing_field_matches_nothing() -> None:
    by_card = Measure("count", None, (("card_id", "card_id"),), 60_000)
    last = Measure("since_last", None, (("card_id", "card_id"),))
    now, other = paid("now"), paid("other", -1)
    recent = holding(now, other, measures=(by_card, last))
    assert (asked(recent, now, by_card), asked(recent, now, last)) == (0, None)


def test_ten_thousand_declines_of_one_card_do_not_hide_four_others() -> None:
    tried = (("amount", Between(0, 5000)), ("status", OneOf(("declined",))))
    cards = Measure("distinct", "card_id", (("device_id", "device_id"),), 600_000, tried)
    flood = [
        paid(f"t{n}", -300 - n / 100, status="declined", device_id="D", card_id="C") for n in range(10_000)
    ]
    four = [paid(f"c{n}", -500 - n, status="declined", device_id="D", card_id=f"C{n}") for n in range(4)]
    now = paid("now", status="declined", device_id="D", card_id="C")
    recent = holding(*flood, *four, now, measures=(cards,))
    assert asked(recent, now, cards) == 5
    assert recent.ask_one({**now, "transfer_id": "x"}, [cards]) == {cards.column: 5}


def test_a_thousand_reversals_do_not_hide_the_payment_before() -> None:
    last = Measure("since_last", None, MINE)
    gone = [paid(f"t{n}", -n) for n in range(1, 1000)]
    now = paid("now")
    recent = holding(*gone, now, paid("before", -5000), measures=(last,))
    recent.change(frame(gone), frame([{**event, "status": "reversed"} for event in gone]))
    assert asked(recent, now, last) == 5000
    assert recent.ask_one({**now, "transfer_id": "x"}, [last]) == {last.column: 0}  # `now` itself is another


def test_when_all_windows_are_empty_every_counter_is_0() -> None:
    measures = (
        MINUTE,
        Measure("sum", "amount", MINE, 3_600_000),
        Measure("distinct", "payee_id", MINE, 60_000),
    )
    recent = Recent(measures)
    for seconds in (0, 40, 20, 59, 1, 60, 30):  # partly late
        recent.take(frame([paid(f"t{seconds}", seconds, payee_id="P")]))
        recent.expire(T + timedelta(seconds=seconds))
    later = paid("later", 4000, status="declined")
    assert [asked(recent, later, measure) for measure in measures] == [0, 0, 0]


def test_reservations_count_in_a_check_and_are_not_kept() -> None:
    recent = holding(paid("t", -10))
    intended = paid("x", status="intended")
    held = paid("y", -1, status="intended")
    assert recent.ask_one(intended, [MINUTE], [held]) == {MINUTE.column: 3}
    assert recent.ask_one(intended, [MINUTE]) == {MINUTE.column: 2}


def test_what_is_wanted_later_is_warming_until_it_is_filled() -> None:
    hour = Measure("count", None, MINE, 3_600_000)
    now, before = paid("now"), paid("before", -600)
    recent = holding(before)
    assert recent.want([MINUTE, hour]) == (hour,)
    recent.fill(frame([before]), [hour])
    recent.take(frame([now]))
    assert asked(recent, now, hour) == 2
    assert recent.want([hour]) == ()


def test_counting_in_order_of_arrival_is_wrong_where_events_come_late() -> None:
    """RealFDS's way through the same harness: 20 % of events late by up to 5 s, in whole seconds."""
    events = [paid(f"t{n}", n % 300, account_id=f"A{n % 7}") for n in range(900)]
    arrived = sorted(
        events,
        key=lambda e: (e["occurred_at"] + timedelta(seconds=5 * (hash_of(e) % 5 == 0)), e["transfer_id"]),
    )
    theirs, recent, truth = ArrivalOrder(timedelta(minutes=1)), Recent([MINUTE]), Oracle()
    counted = [theirs.count(event) for event in arrived]
    for event in arrived:
        recent.take(frame([event]))
    truth.take(arrived)
    expected = [truth.ask(event, MINUTE) for event in arrived]
    assert recent.ask(frame(arrived), [MINUTE])[MINUTE.column].to_list() == expected
    wrong = sum(a != b for a, b in zip(counted, expected, strict=True))
    assert wrong > 0.07 * len(events)


def hash_of(event: Event) -> int:
    return int(event["transfer_id"][1:]) * 2_654_435_761 % 2**32 >> 16


def test_copies_of_copies_finish_the_merges_that_the_first_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check copies its windows each second, and takes a few events."""
    for module, name, value in (
        (lanes, "AT_ONCE", 16),
        (merging, "STEP", 64),
        (recents, "MOVED_AT_LEAST", 64),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(recents, "MOVED_PER_EVENT", 16)
    recent, number = Recent([MINUTE]), 0
    for second in range(150):
        recent = recent.copy()
        recent.take(frame([paid(f"t{number + n}", second, account_id=f"A{n}") for n in range(20)]))
        number += 20
    assert max(len(lane.runs) for lane in recent._all()) <= 12
    assert asked(recent, paid("t2999", 149, account_id="A19")) == 60


def test_texts_keep_their_numbers_while_there_come_more() -> None:
    numbers = Numbers()
    hashes = np.random.default_rng(7).integers(1, 2**64, 300_000, dtype=np.uint64)
    hashes[::3] = hashes[1::3]  # many are known
    first = numbers.of(hashes)
    assert len(set(first.tolist())) == len(set(hashes.tolist()))
    assert numbers.of(hashes[::-1]).tolist() == first[::-1].tolist()
    assert [numbers.one(int(h)) for h in hashes[:100]] == first[:100].tolist()
    assert numbers.one(0) == numbers.one(0) == int(first.max()) + 1
