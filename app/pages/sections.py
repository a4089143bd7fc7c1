"""A screen is made of sections, one below the other; one that fails says so in its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages.alone import alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.reads import Page


def show_sections(page: Page, *sections: Callable[[Page], None]) -> None:
    """Draw each of them."""
    for section in sections:
        with alone(page, section.__name__):
            section(page)
