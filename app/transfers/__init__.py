"""The page of the pack of transfers: alerts as they come, event rules, lists, and what a day was like."""

from __future__ import annotations

from typing import Final

from app.pages import OwnPage, Screen
from app.transfers.dead import show_dead_events, show_relays
from app.transfers.feed.page import SCRIPT
from app.transfers.feed.stream import routes
from app.transfers.statistics import show_hits, show_precision
from app.transfers.words import WORDS

PAGE: Final = OwnPage(
    words=WORDS,
    statistics=(show_hits, show_precision),
    health=(show_dead_events, show_relays),
    screens=(
        Screen("feed", ":material/bolt:", room=__name__),
        Screen("event_rules", ":material/account_tree:", room=__name__),
        Screen("lists", ":material/playlist_add_check:", room=__name__),
        Screen("daily", ":material/today:", room=__name__),
    ),
    seen="transfers/ops/app_seen",
    routes=routes,
    scripts=(SCRIPT,),
)
