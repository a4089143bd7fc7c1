"""An installation in which nothing has run yet: what to do, and a demo at a press on one's own machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.demo import ENDED, STAGES, Demo, demo_of, start_demo
from app.markup import Markup, join, notice, tag

if TYPE_CHECKING:
    from app.reads import Page

#: What brings an installation to life, in this order.
STEPS: Final = (
    ("minuterisk connect", "state.empty.connect"),
    ("minuterisk check", "state.empty.check"),
    ("minuterisk run", "state.empty.run"),
)


def show_beginning(page: Page) -> None:
    """The commands, and the demo where it may be started from here."""
    texts = page.texts
    steps = [_step(command, texts(said)) for command, said in STEPS]
    st.html(
        join(
            [
                tag("h2", texts("state.empty"), cls="mr-h2"),
                tag("p", texts("state.empty.note"), cls="mr-note"),
                tag("ol", *steps, cls="mr-steps"),
                tag("ul", _step("minuterisk demo", texts("state.empty.demo")), cls="mr-steps"),
            ]
        )
    )
    if may_start(page):
        _show_demo(page, demo_of(page.door.settings))


def may_start(page: Page) -> bool:
    """Only on one's own machine, where nobody signs in and no database is configured."""
    settings, entrance = page.door.settings, page.entrance
    configured = settings.source_url or settings.state_url or settings.stand_in_url
    return entrance.local and not entrance.demo and not page.visit.accounts and not configured


def _step(command: str, said: str) -> Markup:
    return tag("li", tag("code", command), tag("span", said))


def _show_demo(page: Page, demo: Demo | None) -> None:
    texts = page.texts
    if demo is None or demo.stage == ENDED:
        if demo is not None:
            st.html(notice(texts("state.demo.ended"), demo.last))
        st.button(texts("state.demo.start"), key="demo-start", on_click=_start, args=(page,))
        st.html(tag("p", texts("state.demo.note"), cls="mr-note"))
    elif demo.stage == STAGES[-1]:
        way = tag("a", texts("state.demo.open"), href=demo.url, target="_blank", rel="noopener")
        st.html(
            tag("div", tag("strong", texts("state.demo.ready")), way, cls="mr-notice mr-good", role="status")
        )
    else:
        reached = STAGES.index(demo.stage) + 1
        st.progress(reached / len(STAGES), texts(f"state.demo.{demo.stage}"))
        st.html(tag("p", texts("state.demo.note"), cls="mr-note"))


def _start(page: Page) -> None:
    if may_start(page):
        start_demo(page.door.settings, page.texts.language)
