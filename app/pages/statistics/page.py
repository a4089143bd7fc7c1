"""How incidents, alarms and delays have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen."""
    show_sections(page)
