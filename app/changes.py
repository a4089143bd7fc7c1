"""Has anything changed since a page was drawn? One mark for all that people are shown of a pack.

A page asks for the mark each second and is drawn anew only where it is another one. Everything that a page
reads of the operational database is kept by the mark, so that what is kept is never older than the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.demo import demo_of
from app.pulse import pulse
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from datetime import datetime

    from app.door import Door
    from app.rows import Heartbeat
    from pipeline.store.manifest import Manifest


def mark_of(door: Door, heartbeat: Heartbeat | None, now: datetime) -> str:
    """The mark at this moment; `heartbeat` None: the operational database does not answer."""
    published = published_of(door)
    said = "-" if published is None else f"{published.version} {published.generated_at}"
    hashed = "-" if heartbeat is None else heartbeat.hash
    demo = demo_of(door.settings)
    return f"{said} {hashed} {pulse(heartbeat, published, now)} {demo.stage if demo else ''}"


def published_of(door: Door) -> Manifest | None:
    """What is published now; None also where it cannot be read: the pages say why."""
    try:
        return door.lake.manifest()
    except MinuteriskError:
        return None
