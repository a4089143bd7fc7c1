"""The pace of a channel: who asks first has it first, and what may wait goes when nobody wants it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from pipeline.tell.pace import Pace, Paces

GAP = timedelta(seconds=1)


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 10, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock=lambda: clock.at, sleep=clock.sleep, random=Random(0))


def test_a_channel_has_one_pace_whoever_asks() -> None:
    paces = Paces()
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(paces.of, ["C0RISK", "C0OPS"] * 100))
    assert {id(found) for found in asked} == {id(paces.of("C0RISK")), id(paces.of("C0OPS"))}
    assert paces.of("C0RISK") is not paces.of("C0OPS")


def test_who_asks_first_has_it_first(pace: Pace) -> None:
    order: list[int] = []

    def use(number: int) -> None:
        with pace.alone():
            order.append(number)

    with ThreadPoolExecutor(5) as pool, pace.alone():
        for number in range(5):
            pool.submit(use, number)
            while len(pace._queue) < number + 2:
                time.sleep(0.001)
        assert order == []
    assert order == [0, 1, 2, 3, 4]


def test_one_that_fails_gives_the_channel_back(pace: Pace) -> None:
    with pytest.raises(ZeroDivisionError), pace.alone():
        raise ZeroDivisionError
    assert not pace.busy


def test_what_may_wait_goes_only_where_nobody_wants_the_channel(pace: Pace, clock: Clock) -> None:
    def free() -> bool:
        with pace.spare(GAP) as found:
            return found

    with pace.alone():
        assert not free(), "a message is on its way"
        pace.wait_turn(GAP)
    assert not free(), "the gap after a message is not over"
    clock.sleep(1)
    pace.channel_away(timedelta(seconds=30), 300)
    assert not free(), "Slack has asked for a pause"
    clock.sleep(30)
    assert free()
    assert not free(), "it counts itself"


def test_a_message_keeps_its_gap_from_what_may_wait(pace: Pace, clock: Clock) -> None:
    with pace.spare(GAP) as free:
        assert free
        clock.sleep(0.25)
    pace.wait_turn(GAP)
    assert clock.slept == [0.25, 1.0]


def test_what_may_wait_is_waited_for_by_nobody(pace: Pace, clock: Clock) -> None:
    with pace.spare(GAP) as free:
        assert free
        clock.sleep(0.25)
        with pace.alone():  # does not wait for the end
            pace.wait_turn(GAP)
            assert clock.slept == [0.25, 0.75]
        clock.sleep(10)
    pace.wait_turn(GAP)


def test_the_end_of_what_may_wait_moves_no_turn_of_a_message(pace: Pace, clock: Clock) -> None:
    spare = pace.spare(GAP)
    assert spare.__enter__()
    clock.sleep(5)
    with pace.alone():
        spare.__exit__(None, None, None)
        pace.wait_turn(GAP)
    assert clock.slept == [5]
