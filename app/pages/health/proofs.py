"""Are the published minutes equal to the source? What was compared and proven, and what was counted anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from app.format import clock, count, day, duration, moment
from app.markup import Markup, table, tag, visible
from app.pages.downloads import offer
from app.pages.health import reads
from app.pages.health.running import heading
from app.pages.health.units import milliseconds, share
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
    """Minutes that were counted anew, that wait for it, or that hold rows which nothing counts."""
    texts, found = page.texts, reads.corrections(page)
    rows = [
        [
            texts(f"health.cause.{name}"),
            count(cause.minutes),
            "–" if cause.newest_at is None else clock(cause.newest_at, page.zone),
        ]
        for name in (*CAUSES, *OPEN)
        if (cause := found.get(name)) is not None and cause.minutes
    ]
    if not rows:
        st.html(tag("div", texts("health.corrected.none", days=reads.DAYS), cls="mr-note"))
        return
    head = [texts(f"health.{name}") for name in ("corrected", "minutes", "newest")]
    st.html(table(head, rows, numbers=True))


def show_days(page: Page) -> None:
    """The published minutes of each business day, and what of their rows was set aside."""
    texts, days = page.texts, reads.ledger_days(page)
    st.html(heading(page, "days"))
    if not days:
        st.html(tag("div", texts("state.no_manifest"), cls="mr-note"))
        return
    names = ("minutes", "final", "revised", "rows", "set_aside")
    rows = [
        [
            day(d.day, texts.language),
            *(count(getattr(d, name)) for name in names),
            share(d.set_aside, d.rows, texts),
        ]
        for d in days
    ]
    head = [texts(f"health.{name}") for name in ("business_day", *names, "share")]
    st.html(table(head, rows, numbers=True))
    made = [{name: getattr(d, name) for name in ("day", *names)} for d in days]
    offer(page, "business-days", lambda: pl.DataFrame(made))
