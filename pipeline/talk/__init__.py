"""Slack, the way back: what people press and ask there, and what they are shown beside messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.talk.listener import Listener
    from pipeline.talk.pictures import Pictures


@dataclass(frozen=True, slots=True)
class Talk:
    """What one service does of it; without an app token nobody listens."""

    pictures: Pictures
    listener: Listener | None = None
