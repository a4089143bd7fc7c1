"""Is the pipeline alive? One word from the heartbeat and the newest published minute."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from app.rows import Heartbeat
    from pipeline.store.manifest import Manifest

#: Another process takes the lead 15 s after the last heartbeat; a little more, so that nothing flickers.
HEARTBEAT_LIMIT: Final = timedelta(seconds=20)
#: A steady pipeline is at most 60 s + close delay + processing behind; past three minutes it is catching up.
LAG_LIMIT: Final = timedelta(minutes=3)
#: The list of files follows each commit within a second; two minutes later it does not follow any more.
STALE_LIMIT: Final = timedelta(minutes=2)
#: A message waits this long before anybody is told: shorter is the ordinary way through the outbox.
DELIVERY_LIMIT: Final = timedelta(seconds=60)

TONES: Final = {
    "live": "good",
    "reading": "warn",
    "behind": "warn",
    "stale": "bad",
    "stopped": "bad",
    "never": "warn",
    "unknown": "bad",
}


def pulse(heart: Heartbeat | None, manifest: Manifest | None, now: datetime) -> str:
    """One of the keys of `TONES`. None means that the operational database did not answer."""
    if heart is None:
        return "unknown"
    if heart.epoch == 0:
        return "never"
    if heartbeat_age(heart) > HEARTBEAT_LIMIT:
        return "stopped"
    if reads_history(heart):
        return "reading"
    if heart.next_minute is not None and now - heart.next_minute > LAG_LIMIT:
        return "behind"
    return "stale" if is_stale(heart, manifest) else "live"


def reads_history(heart: Heartbeat) -> bool:
    """Is the history of the first start still being read? Nothing else comes before the first publication."""
    until, reached = heart.history_until, heart.next_minute
    return reached is None or (until is not None and reached < until)


def is_stale(heart: Heartbeat, manifest: Manifest | None) -> bool:
    """Does the list of files end long before what the database says is published?"""
    if heart.next_minute is None:
        return False
    return manifest is None or heart.next_minute - manifest.published_through >= STALE_LIMIT


def heartbeat_age(heart: Heartbeat) -> timedelta:
    """Time since the leader's last sign of life, by the database's own clock."""
    return max(timedelta(), heart.database_clock - heart.heartbeat_at)


def lag(manifest: Manifest, now: datetime) -> timedelta:
    """How far the newest published minute is behind `now`."""
    return max(timedelta(), now - manifest.published_through)


def waiting(oldest: datetime | None, clock: datetime) -> timedelta:
    """How long the oldest undelivered message has waited by the database's `clock`; None: there is none."""
    return timedelta() if oldest is None else max(timedelta(), clock - oldest)
