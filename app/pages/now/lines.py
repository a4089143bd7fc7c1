"""A line about an incident, and what Now calls what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.format import capital
from app.pages.choice import INCIDENT
from app.pages.links import row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.pages.now.reads import Line
    from app.reads import Page


def show_line(page: Page, line: Line, first: Iterable[str], second: Iterable[str]) -> None:
    """A row that leads to the incident: `first` before its name, and `second` after how bad it is and why."""
    name = capital(page.texts("everybody")) if line.of_everybody else line.title
    words = (page.texts.word("severity", line.severity), page.texts.word("rule", line.rule))
    row(page, "incidents", (*first, name), (*words, *second), {INCIDENT: line.incident_id})
