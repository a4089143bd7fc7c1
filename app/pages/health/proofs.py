"""Are the published minutes equal to the source? What was compared and proven, and what was counted anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.format import clock, count, day, duration, moment
from app.markup import Markup, table, tag, visible
from app.pages.health import reads
from app.pages.health.running import heading
from app.pages.health.units import milliseconds
from pipeline.minute import parse_time

if TYPE_CHECKING:
    from app.pages.health.rows import Job
    from app.reads import Page

CAUSES = ("late_commit", "reconciliation", "damaged_file")
OPEN = ("asked", "past", "future")


def show_proofs(page: Page) -> None:
    """When it was last compared and proven, with what was found."""
    st.html(heading(page, "proofs"))
    jobs = reads.jobs(page)
    parts = [_job(page, name, jobs.get(name)) for name in ("reconcile", "prove", "compact")]
    st.html(tag("div", *parts, cls="mr-facts"))
    _show_corrections(page)
    _show_days(page)


def _job(page: Page, name: str, job: Job | None) -> Markup:
    texts = page.texts
    label = tag("div", texts.word("job", name), cls="mr-label")
    if job is None:
        note = texts(f"health.{name}.never")
        return tag("div", label, tag("div", texts("health.unknown"), cls="mr-fact"), tag("div", note))
    ago = duration(page.clock() - job.at, texts.language)
    at = texts("health.ago", time=moment(job.at, page.zone), duration=ago)
    took = texts("health.took", duration=milliseconds(job.took_ms, texts))
    said = _SAID[name](page, job.result)
    return tag(
        "div",
        label,
        tag("div", said, cls="mr-fact"),
        tag("div", f"{at} · {took}", cls="mr-note"),
    )


def _compared(page: Page, result: Any) -> str:  # noqa: ANN401 - JSON
    span = {name: clock(parse_time(str(result[name])), page.zone) for name in ("from", "to")}
    found = page.texts("health.reconcile.found", count=count(int(result["differences"])))
    return f"{found} · {span['from']} – {span['to']}"


def _proven(page: Page, result: Any) -> str:  # noqa: ANN401 - JSON
    numbers = {
        name: count(int(result[name]))
        for name in ("minutes", "files_verified", "differences_found", "differences_left", "final_minutes")
    }
    damaged = count(int(result["files_damaged"]))
    return page.texts("health.prove.found", **numbers, damaged=damaged, file=visible(result["statement"], 60))


def _compacted(page: Page, result: Any) -> str:  # noqa: ANN401 - JSON
    given = {name: count(int(result[name])) for name in ("replaced", "deleted", "orphans")}
    return page.texts("health.compact.found", **given)


_SAID = {"reconcile": _compared, "prove": _proven, "compact": _compacted}


def _show_corrections(page: Page) -> None:
    texts, found = page.texts, reads.corrections(page)
    rows = []
    for name in (*CAUSES, *OPEN):
        cause = found.get(name)
        newest = None if cause is None else cause.newest_at
        rows.append(
            [
                texts(f"health.cause.{name}"),
                count(0 if cause is None else cause.minutes),
                "–" if newest is None else clock(newest, page.zone),
            ]
        )
    head = [texts(f"health.{name}") for name in ("corrected", "minutes", "newest")]
    st.html(table(head, rows, numbers=True))


def _show_days(page: Page) -> None:
    texts, days = page.texts, reads.ledger_days(page)
    if not days:
        return
    rows = [[day(d.day, texts.language), *(count(n) for n in (d.minutes, d.final, d.revised))] for d in days]
    head = [texts(f"health.{name}") for name in ("business_day", "minutes", "final", "revised")]
    st.html(table(head, rows, numbers=True))
