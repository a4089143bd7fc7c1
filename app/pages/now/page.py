"""What needs me?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.pages import load_page
from app.pages.now.changed import show_changed
from app.pages.now.decisions import show_decisions
from app.pages.now.pipeline import show_pipeline
from app.pages.sections import show_sections

if TYPE_CHECKING:
    from app.reads import Page


def show(page: Page) -> None:
    """Decisions on the left, or first; beside or below them what changed, today's figures, the pipeline."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        show_sections(page, show_decisions)
    with right:
        show_sections(page, show_changed, *load_page(page.pack.name).now, show_pipeline)
