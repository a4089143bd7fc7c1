"""The merchants' own page: how approvals and cancels came to an incident."""

from __future__ import annotations

from typing import Final

from app.merchants.exposure.page import show_of_one
from app.merchants.movers import show_movers
from app.merchants.page import show_details, show_trend
from app.merchants.today import show_today
from app.merchants.why import show_why
from app.merchants.words import WORDS
from app.pages import OwnPage, Screen

PAGE: Final = OwnPage(
    words=WORDS,
    now=(show_today,),
    entity=(show_of_one, show_trend, show_details, show_why),
    statistics=(show_movers,),
    screens=(
        Screen("exposure", ":material/account_balance:", room=__name__),
        Screen("forecast", ":material/event_upcoming:", room=__name__),
    ),
)
