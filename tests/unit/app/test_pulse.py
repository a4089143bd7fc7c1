from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.pulse import TONES, heartbeat_age, pulse, waiting
from app.rows import Overview
from pipeline.store.manifest import Manifest

NOW = datetime(2026, 11, 21, 1, 0, 30, tzinfo=UTC)
OVERVIEW = Overview(
    epoch=3,
    holder="h",
    heartbeat_at=NOW - timedelta(seconds=4),
    database_clock=NOW,
    next_minute=NOW,
    critical=1,
    high=2,
    medium=3,
    at_risk=10,
    unpriced=0,
    undelivered=0,
    oldest_undelivered_at=None,
    dead=0,
    stray_past=0,
    stray_future=0,
)
MANIFEST = Manifest(7, NOW - timedelta(seconds=30), NOW, {})


@pytest.mark.parametrize(
    ("overview", "manifest", "state"),
    [
        (OVERVIEW, MANIFEST, "live"),
        (OVERVIEW, replace(MANIFEST, published_through=NOW - timedelta(minutes=4)), "behind"),
        (OVERVIEW, None, "behind"),
        (replace(OVERVIEW, heartbeat_at=NOW - timedelta(seconds=21)), MANIFEST, "stopped"),
        (replace(OVERVIEW, epoch=0), MANIFEST, "never"),
        (None, MANIFEST, "unknown"),
    ],
)
def test_one_word_for_the_pipeline(overview: Overview | None, manifest: Manifest | None, state: str) -> None:
    assert pulse(overview, manifest, NOW) == state
    assert state in TONES


def test_the_heartbeat_is_measured_by_the_clock_that_wrote_it() -> None:
    late = replace(OVERVIEW, database_clock=NOW + timedelta(hours=9), heartbeat_at=NOW + timedelta(hours=9))
    assert heartbeat_age(late) == timedelta()


def test_waiting_starts_with_the_oldest_message() -> None:
    assert waiting(OVERVIEW) == timedelta()
    since = NOW - timedelta(seconds=90)
    assert waiting(replace(OVERVIEW, oldest_undelivered_at=since)) == timedelta(seconds=90)


def test_open_counts_every_severity() -> None:
    assert OVERVIEW.open == 6
