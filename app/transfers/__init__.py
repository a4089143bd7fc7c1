"""The page of the pack of transfers: its words beside the shared ones."""

from __future__ import annotations

from typing import Final

from app.pages import OwnPage
from app.transfers.words import WORDS

PAGE: Final = OwnPage(words=WORDS)
