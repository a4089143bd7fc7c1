"""A table with more columns than a telephone is wide: it scrolls, and breaks no word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.markup import table, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.markup import Markup


def wide(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Markup:
    """The table."""
    return tag("div", table(head, rows), cls="mr-wide")
