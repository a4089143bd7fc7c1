"""The breaker of relays, by a clock of the test."""

from __future__ import annotations

import pytest

from pipeline.online.transfers.breaker import CLOSED, HELD, OPEN, Breaker
from pipeline.online.transfers.leases import Pace


def test_it_opens_for_longer_each_time_and_closes_when_a_probe_works() -> None:
    breaker, now, waited = Breaker(), 100.0, []
    assert breaker.state == CLOSED
    for _ in range(7):
        breaker.failed(now, "away")
        assert breaker.state == OPEN
        assert not breaker.lets_through(now)
        seconds = 0.0
        while breaker.waits(now + seconds):
            seconds += 0.5
        waited.append(seconds)
        now += seconds
    assert waited == [1, 2, 4, 8, 15, 15, 15]
    assert breaker.probing
    assert breaker.lets_through(now)
    breaker.worked()
    assert (breaker.state, breaker.error, breaker.probing) == (CLOSED, "", False)
    breaker.failed(now, "away again")
    assert breaker.lets_through(now + 1)


def test_people_hold_it_whatever_the_destination_does() -> None:
    breaker = Breaker(held=True)
    assert breaker.state == HELD
    assert not breaker.lets_through(1e9)
    assert not breaker.waits(1e9)  # it still says that it is alive, and so hears that it may go on
    breaker.held = False
    assert breaker.lets_through(0.0)


@pytest.mark.parametrize("lease_s", [0.6, 2.0, 10.0])
def test_whatever_is_begun_in_time_is_over_before_the_lease(lease_s: float) -> None:
    pace = Pace(lease_s)
    # The server ends a session that hangs: once before the rows are settled, once before the commit.
    assert pace.settled_s + 2 * pace.hang_s < pace.lease_s
    # A batch may hang once before it is settled, and still be in time.
    assert pace.beat_s + pace.hang_s < pace.settled_s
