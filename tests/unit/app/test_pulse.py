from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.pulse import TONES, heartbeat_age, is_stale, pulse, waiting
from app.rows import Heartbeat, Reading
from pipeline.store.manifest import Manifest

NOW = datetime(2026, 11, 21, 1, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REACHED = NOW - timedelta(seconds=30)
HEART = Heartbeat(
    epoch=3,
    heartbeat_at=NOW - timedelta(seconds=4),
    database_clock=NOW,
    next_minute=REACHED,
    history_until=None,
    revision="0017",
    hash="h",
)
MANIFEST = Manifest(7, REACHED, NOW, {})


@pytest.mark.parametrize(
    ("heart", "manifest", "state"),
    [
        (HEART, MANIFEST, "live"),
        (
            HEART,
            replace(MANIFEST, published_through=REACHED - MINUTE),
            "live",
        ),  # the files follow in a moment
        (HEART, replace(MANIFEST, published_through=REACHED - 2 * MINUTE), "stale"),
        (HEART, None, "stale"),
        (replace(HEART, next_minute=REACHED - 4 * MINUTE), MANIFEST, "behind"),
        (replace(HEART, next_minute=None), None, "reading"),
        (replace(HEART, history_until=REACHED + MINUTE), None, "reading"),
        (replace(HEART, history_until=REACHED), MANIFEST, "live"),
        (replace(HEART, heartbeat_at=NOW - timedelta(seconds=21)), MANIFEST, "stopped"),
        (replace(HEART, epoch=0), MANIFEST, "never"),
        (None, MANIFEST, "unknown"),
    ],
)
def test_one_word_for_the_pipeline(heart: Heartbeat | None, manifest: Manifest | None, state: str) -> None:
    assert pulse(heart, manifest, NOW) == state
    assert state in TONES


def test_nothing_is_stale_before_there_is_anything() -> None:
    assert not is_stale(replace(HEART, next_minute=None), None)


def test_the_heartbeat_is_measured_by_the_clock_that_wrote_it() -> None:
    late = replace(HEART, database_clock=NOW + timedelta(hours=9), heartbeat_at=NOW + timedelta(hours=9))
    assert heartbeat_age(late) == timedelta()


def test_waiting_starts_with_the_oldest_message() -> None:
    assert waiting(None, NOW) == timedelta()
    assert waiting(NOW - timedelta(seconds=90), NOW) == timedelta(seconds=90)
    assert waiting(NOW + timedelta(seconds=1), NOW) == timedelta()


def test_the_pace_of_the_history_is_that_of_all_pieces_but_the_first() -> None:
    first = NOW.replace(second=0)
    reading = Reading(first_minute=first, minutes=60, minutes_since=40, lasted=timedelta(seconds=20))
    assert reading.of(first + 100 * MINUTE) == 100
    assert reading.left(first + 100 * MINUTE) == timedelta(seconds=20)


@pytest.mark.parametrize("since", [0, 10])
def test_before_the_second_piece_nobody_knows_how_long_the_history_takes(since: int) -> None:
    lasted = None if since else timedelta()
    reading = Reading(first_minute=NOW.replace(second=0), minutes=60, minutes_since=since, lasted=lasted)
    assert reading.left(NOW.replace(second=0) + 100 * MINUTE) is None


def test_a_history_of_which_nothing_is_read_has_no_length() -> None:
    reading = Reading(first_minute=None, minutes=0, minutes_since=0, lasted=None)
    assert reading.of(NOW) == 0
