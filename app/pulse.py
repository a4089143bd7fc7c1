"""Is the pipeline alive? One word from the heartbeat and the newest published minute."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from app.rows import Heartbeat, Overview
    from pipeline.store.manifest import Manifest

#: Another process takes the lead 15 s after the last heartbeat; a little more, so that nothing flickers.
HEARTBEAT_LIMIT: Final = timedelta(seconds=20)
#: A steady pipeline is at most 60 s + close delay + processing behind; past three minutes it is catching up.
LAG_LIMIT: Final = timedelta(minutes=3)
#: A message waits this long before anybody is told: shorter is the ordinary way through the outbox.
DELIVERY_LIMIT: Final = timedelta(seconds=60)

TONES: Final = {"live": "good", "behind": "warn", "stopped": "bad", "never": "warn", "unknown": "bad"}


def pulse(heart: Heartbeat | Overview | None, manifest: Manifest | None, now: datetime) -> str:
    """One of the keys of `TONES`. None means that the operational database did not answer."""
    if heart is None:
        return "unknown"
    if heart.epoch == 0:
        return "never"
    if heartbeat_age(heart) > HEARTBEAT_LIMIT:
        return "stopped"
    if manifest is None or lag(manifest, now) > LAG_LIMIT:
        return "behind"
    return "live"


def heartbeat_age(heart: Heartbeat | Overview) -> timedelta:
    """Time since the leader's last sign of life, by the database's own clock."""
    return max(timedelta(), heart.database_clock - heart.heartbeat_at)


def lag(manifest: Manifest, now: datetime) -> timedelta:
    """How far the newest published minute is behind `now`."""
    return max(timedelta(), now - manifest.published_through)


def waiting(overview: Overview) -> timedelta:
    """How long the oldest undelivered message has been waiting."""
    if overview.oldest_undelivered_at is None:
        return timedelta()
    return max(timedelta(), overview.database_clock - overview.oldest_undelivered_at)
