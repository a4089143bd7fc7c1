"""How far a search for late commits looks back, and when it is its turn."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from pipeline.source.asked import Fence, Standby, fence_of
from pipeline.source.look_back import DEEP, SHORT, LookBack, Watched, first_fence
from pipeline.source.turns import Turns

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def fence(
    after_s: float, *in_progress: int, next_xid: int = 100, opened: tuple[float, ...] | None = None
) -> Fence:
    """A fence so many seconds after noon."""
    opened_at = None if opened is None else tuple(NOON + s * SECOND for s in opened)
    xmin = min([*in_progress, next_xid])
    return Fence(xmin, next_xid, NOON + after_s * SECOND, None, next_xid, frozenset(in_progress), opened_at)


def watching(*fences: Fence) -> LookBack:
    look_back = LookBack(first_fence(fences[0]))
    for later in fences[1:]:
        look_back.add(later)
    return look_back


def ago(moment: datetime, of: Fence) -> float:
    return (of.clock - moment).total_seconds()


def test_without_anything_open_the_short_search_reaches_ten_seconds_before_the_last_one() -> None:
    since, now = fence(0), fence(10)
    assert ago(watching(since).floor(Watched(since), now, SHORT), now) == 20
    assert ago(watching(since).floor(Watched(since), now, DEEP), now) == 310


def test_a_transaction_is_looked_for_when_it_has_ended_and_not_while_it_goes_on() -> None:
    ticks = [fence(s, next_xid=100 + s) for s in range(0, 1200, 60)]
    since, on, ended = (
        fence(1200, 130, next_xid=1300),
        fence(1210, 130, next_xid=1310),
        fence(1210, next_xid=1310),
    )
    look_back = watching(*ticks, since)
    assert ago(look_back.floor(Watched(since), on, SHORT), on) == 20
    floor = look_back.floor(Watched(since), ended, SHORT)
    assert floor == NOON - 10 * SECOND  # it took its id after noon: at 12:01 the next one was 160
    assert look_back.floor(Watched(since), ended, DEEP) == NOON - 60 * SECOND


def test_a_transaction_that_is_alone_does_not_grow_younger() -> None:
    """A snapshot's xmax follows those that ended: alone in the cluster, its id stays the xmax for hours."""
    begun = Fence(50, 50, NOON, None, 50, frozenset())
    alone = [Fence(50, 50, NOON + s * SECOND, None, 51, frozenset([50])) for s in range(60, 1260, 60)]
    ticks = [begun, *alone]
    look_back = watching(*ticks)
    assert look_back.open_since(ticks[-1]) == NOON
    ended = Fence(51, 51, NOON + 1260 * SECOND, None, 51, frozenset())
    assert look_back.floor(Watched(ticks[-1]), ended, SHORT) == NOON - 10 * SECOND


def test_where_it_is_seen_when_transactions_began_both_searches_reach_just_there() -> None:
    before, since = fence(0, opened=(-200.0, -3000.0)), fence(1, opened=(-200.0, -3000.0))
    now = fence(10, opened=(-3000.0, 5.0))
    look_back = watching(before, since)
    for depth in (SHORT, DEEP):
        assert look_back.floor(Watched(since, before), now, depth) == NOON - 210 * SECOND
    all_ended = fence(10, opened=())
    assert look_back.floor(Watched(since, before), all_ended, SHORT) == since.clock - 5 * MINUTE
    assert look_back.floor(Watched(since, before), all_ended, DEEP) == NOON - 3010 * SECOND


def test_no_search_reaches_farther_than_an_hour() -> None:
    since = fence(0, 7, next_xid=100)
    assert watching(since).floor(Watched(since), fence(10), DEEP) == NOON - timedelta(hours=1)


def test_a_clock_that_was_stepped_back_is_followed() -> None:
    since, now = fence(3600), fence(10)
    assert watching(since).floor(Watched(since), now, DEEP) <= now.clock - 5 * MINUTE


def test_on_a_standby_the_look_back_reaches_what_was_replayed() -> None:
    standby = Standby(NOON - 9 * MINUTE, caught_up=False, why="its replay is paused")
    since, now = (Fence(5, 5, NOON + s * SECOND, standby=standby) for s in (0, 10))
    assert watching(since).floor(Watched(since), now, SHORT) == NOON - 9 * MINUTE - 10 * SECOND
    assert since.complete_until == NOON - 9 * MINUTE


def test_an_idle_standby_that_has_replayed_everything_is_up_to_date() -> None:
    row = {"xmin": 5, "xmax": 5, "clock": NOON, "standby": True, "replayed": NOON - timedelta(hours=3)}
    said = {"received": True, "paused": False, "receiving": True}
    assert fence_of({**row, **said}).complete_until == NOON
    for wrong in ({"received": False}, {"paused": True}, {"receiving": False}):
        assert fence_of({**row, **said, **wrong}).complete_until == NOON - timedelta(hours=3)
    assert fence_of({**row, "replayed": None, **said, "receiving": False}).complete_until < NOON - timedelta(
        days=99
    )


def test_an_older_query_of_the_fence_is_a_primary_s() -> None:
    assert fence_of({"xmin": 5, "xmax": 6, "clock": NOON}) == Fence(5, 6, NOON)


def test_a_search_is_deep_once_a_minute_and_short_every_ten_seconds() -> None:
    turns = Turns(10, 60)
    made = [(now, depth.name) for now in range(130) if (depth := turns.turn(now, 30))]
    assert made == [
        (0, "deep"), *((s, "short") for s in range(10, 60, 10)),
        (60, "deep"), *((s, "short") for s in range(70, 120, 10)), (120, "deep"),
    ]  # fmt: skip


def test_no_search_begins_within_two_seconds_of_a_close_or_before_a_due_minute() -> None:
    turns = Turns(10, 60)
    turns.turn(0, 60)
    assert [turns.turn(60, due_in_s) for due_in_s in (1.9, 0, -5)] == [None] * 3
    assert turns.turn(63, 57) is DEEP
    assert turns.turn(183, -math.inf) is DEEP  # who is always behind still searches


def test_a_search_that_gave_way_is_made_again() -> None:
    turns = Turns(10, 60)
    turns.again(turns.turn(0, 60) or SHORT)
    assert turns.turn(1, 60) is DEEP
