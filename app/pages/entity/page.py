"""One entity: found by its name, and what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages import load_page
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen."""
    show_sections(page, *load_page(page.pack.name).entity)
