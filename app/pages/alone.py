"""A part of the page that fails shows a notice in its own place: the others stay."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st
import structlog

from app.markup import Markup, notice
from app.pages.states import is_said
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.reads import Page
    from app.rows import Incident

log = structlog.get_logger()


@contextmanager
def alone(page: Page, name: str) -> Iterator[None]:
    """Show one part; whatever it raises becomes a notice. Streamlit's own control flow passes through."""
    try:
        yield
    except Exception as error:
        if is_said(page, error):
            return
        log.exception("page.part_failed", part=name)
        st.html(failed(page, error))


def markup_alone(page: Page, part: Callable[[Page, Incident], Markup], incident: Incident) -> Markup:
    """The markup of a part about an incident, or the notice that it cannot be shown."""
    try:
        return part(page, incident)
    except Exception as error:
        log.exception("page.part_failed", part=part.__name__)
        return failed(page, error)


def failed(page: Page, error: Exception) -> Markup:
    """The notice of a part that failed; the log has the rest. Nothing where the screen has said why."""
    if is_said(page, error):
        return Markup("")
    what = type(error).__name__
    if isinstance(error, MinuteriskError):
        what, _ = error.in_language(page.texts.language)
    body = page.texts("state.part_failed.note", what=what)
    return notice(page.texts("state.part_failed"), body, tone="bad")
