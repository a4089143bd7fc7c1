"""What is wrong now, and what was in the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import duration, moment
from app.markup import Markup, join, table, tag, visible
from app.pages.health import reads
from app.pages.health.running import heading
from pipeline.alarms import ALARMS, WRONG

if TYPE_CHECKING:
    from app.pages.health.rows import PastAlarm
    from app.reads import Page


def is_wrong(alarm: PastAlarm) -> bool:
    """May numbers be wrong or missing? An unknown name is taken for the worse."""
    return ALARMS.get(alarm.name, WRONG) == WRONG


def show_alarms(page: Page) -> None:
    """Open ones with what to do, then those that have ended."""
    texts, found = page.texts, reads.past_alarms(page)
    st.html(heading(page, "alarms", days=reads.DAYS))
    if not found:
        st.html(tag("div", texts("health.alarms.none"), cls="mr-note"))
        return
    st.html(join(_open(page, alarm) for alarm in found if alarm.ended_at is None))
    ended = [alarm for alarm in found if alarm.ended_at is not None]
    if ended:
        head = [texts(f"health.alarm.{name}") for name in ("what", "since", "lasted")]
        rows = table(head, [_ended(page, alarm) for alarm in ended])
        summary = tag("summary", texts("health.alarms.ended", count=len(ended)))
        st.html(tag("details", summary, rows, cls="mr-details"))


def _title(page: Page, alarm: PastAlarm) -> str:
    subject = f" · {visible(alarm.subject, 60)}" if alarm.subject else ""
    return page.texts.word("alarm", alarm.name) + subject


def _open(page: Page, alarm: PastAlarm) -> Markup:
    since = page.texts("header.alarm.since", time=moment(alarm.since, page.zone))
    tone = "bad" if is_wrong(alarm) else "warn"
    parts = (tag("strong", _title(page, alarm)), tag("span", since), _technical(page, alarm))
    return tag("div", *parts, cls=f"mr-notice mr-{tone}", role="status")


def _technical(page: Page, alarm: PastAlarm) -> Markup:
    """The alarm's own words, which the log has too: English, as they came from databases and drivers."""
    said = " ".join(part for part in (f"{alarm.what.rstrip('.')}.", alarm.hint) if part)
    return tag("span", page.texts("health.technical", text=visible(said, 500)), cls="mr-technical")


def _ended(page: Page, alarm: PastAlarm) -> list[str]:
    lasted = (alarm.ended_at or alarm.seen_at) - alarm.since
    what = join([tag("div", _title(page, alarm)), _technical(page, alarm)])
    return [what, moment(alarm.since, page.zone), duration(lasted, page.texts.language)]
