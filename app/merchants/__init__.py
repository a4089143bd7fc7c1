"""The merchants' own page: how approvals and cancels came to an incident."""

from __future__ import annotations

from typing import Final

from app.merchants.movers import show_movers
from app.merchants.page import show_trend
from app.merchants.words import WORDS
from app.pages import OwnPage

PAGE: Final = OwnPage(words=WORDS, entity=(show_trend,), statistics=(show_movers,))
