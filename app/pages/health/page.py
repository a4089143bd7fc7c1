"""Is everything well with the pipeline itself? The first line answers; the parts below say why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from app import reads as common
from app.changes import published_of
from app.format import count, duration
from app.markup import Markup, tag
from app.pages import load_page
from app.pages.health import reads
from app.pages.health.alarms import is_wrong, show_alarms
from app.pages.health.aside import show_aside
from app.pages.health.proofs import show_days, show_proofs
from app.pages.health.running import (
    show_cards,
    show_lag,
    show_source,
    show_steps,
    show_versions,
    source_seconds,
)
from app.pages.health.summary import Facts, concerns
from app.pages.health.telling import show_dead, show_deliveries
from app.pages.sections import show_sections
from app.pulse import pulse, waiting
from pipeline.errors import StateUnavailable

if TYPE_CHECKING:
    from app.pages.health.rows import Job
    from app.pages.health.summary import Concern
    from app.reads import Page


def show(page: Page) -> None:
    """Draw the screen. Without the operational database there is nothing to say; that is said above it."""
    try:
        st.html(_answer(page, facts_of(page)))
    except StateUnavailable:
        return
    show_sections(page, show_cards, show_dead, *load_page(page.pack.name).health, show_alarms)
    for left, right in ((show_lag, show_steps), (show_source, show_deliveries), (show_proofs, show_aside)):
        columns = st.columns(2, gap="large")
        for column, section in zip(columns, (left, right), strict=True):
            with column:
                show_sections(page, section)
    show_sections(page, show_days, show_versions)


def facts_of(page: Page) -> Facts:
    """What the first line is made of."""
    now, jobs, told = page.clock(), reads.jobs(page), reads.deliveries(page)
    alarms = [alarm for alarm in reads.past_alarms(page) if alarm.ended_at is None]
    wrong = sum(is_wrong(alarm) for alarm in alarms)
    oldest = min((d.oldest_waiting_at for d in told if d.oldest_waiting_at), default=None)
    compared, proven = jobs.get("reconcile"), jobs.get("prove")
    return Facts(
        pulse=pulse(common.heartbeat(page), published_of(page.door), now),
        alarms_wrong=wrong,
        alarms_other=len(alarms) - wrong,
        dead=sum(d.dead for d in told),
        waiting=waiting(oldest, reads.versions(page).database_clock),
        source_s=source_seconds(reads.costs(page)),
        differences=_number(compared, "differences"),
        reconciled_ago=None if compared is None else now - compared.at,
        proof_left=_number(proven, "differences_left", "files_damaged_left"),
        proven_ago=None if proven is None else now - proven.at,
    )


def _number(job: Job | None, *names: str) -> int | None:
    return None if job is None else sum(int(job.result.get(name, 0)) for name in names)


def _answer(page: Page, facts: Facts) -> Markup:
    """All is well, or what is not."""
    texts, found = page.texts, concerns(facts)
    if not found:
        note = texts("health.well.note")
        return tag("div", tag("div", texts("health.well"), cls="mr-big"), tag("div", note, cls="mr-note"))
    lines = (tag("div", _said(page, concern), cls=f"mr-{concern.tone}") for concern in found)
    title = texts("health.not_well", count=count(len(found)))
    return tag("div", tag("div", title, cls="mr-big"), tag("div", *lines, cls="mr-concerns"), role="status")


def _said(page: Page, concern: Concern) -> str:
    fields: dict[str, Any] = {
        name: duration(value, page.texts.language) if isinstance(value, timedelta) else value
        for name, value in concern.fields.items()
    }
    return page.texts(f"health.not.{concern.name}", **fields)
