"""What needs me?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages import load_page
from app.pages.now.header import show_header
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen."""
    show_sections(page, show_header, *load_page(page.pack.name).now)
