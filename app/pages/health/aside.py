"""Rows that cannot be counted: how many, why, and what they look like, with every value masked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import streamlit as st

from app.format import clock, count, day
from app.markup import notice, sentence, table, tag, visible
from app.pages.downloads import offer
from app.pages.health import reads
from app.pages.health.running import heading
from app.pages.health.unmasked import ask_for_values, may_see_values
from pipeline.errors import MinuteriskError

if TYPE_CHECKING:
    from datetime import date

    from app.reads import Page
    from pipeline.store.manifest import Manifest


def show_aside(page: Page) -> None:
    """Counts by reason and day, then samples."""
    st.html(heading(page, "aside"))
    manifest = page.door.lake.manifest()
    if manifest is None:
        st.html(tag("div", page.texts("state.no_manifest"), cls="mr-note"))
        return
    try:
        _show_reasons(page, manifest)
    except MinuteriskError as error:
        body = page.texts("state.lake.note", what=sentence(error, page.texts.language))
        st.html(notice(page.texts("state.lake"), body, tone="bad"))


def _show_reasons(page: Page, manifest: Manifest) -> None:
    texts, by_day = page.texts, reads.set_aside_by_day(page, manifest)
    if by_day.is_empty():
        st.html(tag("div", texts("health.aside.none"), cls="mr-note"))
        return
    rows = [
        [visible(texts.word("aside", reason), 60), count(total), *per_day]
        for reason, total, per_day in reasons(by_day)
    ]
    days = [day(d, texts.language) for d in _days(by_day)]
    st.html(table([texts("health.reason"), texts("health.sum"), *days], rows, numbers=True))
    offer(page, "set-aside", lambda: by_day)
    if may_see_values(page):
        _show_samples(page, reads.unmasked_rows(page, manifest), "health.samples.unmasked")
        return
    _show_samples(page, reads.set_aside_rows(page, manifest), "health.samples.note")
    ask_for_values(page, "set-aside")


def reasons(by_day: pl.DataFrame) -> list[tuple[str, int, list[str]]]:
    """Each reason with its sum and its count on each day, the most frequent first."""
    counts = {(row["reason"], row["day"]): row["rows"] for row in by_day.iter_rows(named=True)}
    sums = (
        by_day.group_by("reason").agg(pl.col("rows").sum()).sort(["rows", "reason"], descending=[True, False])
    )
    days = _days(by_day)
    return [
        (reason, total, [count(counts.get((reason, d), 0)) for d in days])
        for reason, total in sums.iter_rows()
    ]


def _days(by_day: pl.DataFrame) -> list[date]:
    found: list[date] = by_day["day"].unique().sort(descending=True).to_list()
    return found


def _show_samples(page: Page, rows: pl.DataFrame, note: str) -> None:
    texts = page.texts
    remark = tag("small", texts(note))
    names = [name for name in rows.columns if name not in ("minute", "reason")]
    head = [texts("health.minute_of"), texts("health.reason"), *names]
    lines = [
        [
            clock(row["minute"], page.zone),
            visible(texts.word("aside", row["reason"]), 60),
            *(_value(page, row[name]) for name in names),
        ]
        for row in rows.iter_rows(named=True)
    ]
    st.html(tag("div", texts("health.samples"), remark, cls="mr-h3"))
    st.html(table(head, lines))


def _value(page: Page, value: object) -> str:
    if value is None:
        return page.texts("health.nothing")
    return clock(value, page.zone, seconds=True) if isinstance(value, datetime) else visible(str(value), 60)
