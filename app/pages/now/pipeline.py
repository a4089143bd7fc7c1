"""What is wrong with the pipeline now, and how good its alarms are: only what says something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads
from app.format import capital, count, duration, moment
from app.markup import Markup, join, notice, tag
from app.pages.links import link
from app.pages.now.reads import backlog
from app.pulse import DELIVERY_LIMIT
from pipeline.desk.precision import WEEKS, altogether, percent_of
from pipeline.minute import business_date, business_day

if TYPE_CHECKING:
    from app.pages.now.reads import Backlog
    from app.reads import Page

ALARMS_SHOWN: Final = 3


def show_pipeline(page: Page) -> None:
    """Alarms first, then what was not delivered or not counted, then budget and precision in a line each."""
    left = backlog(page)
    wrong = [*_alarms(page), *_deliveries(page, left), *_strays(page, left)]
    quality = [*_budget(page), *_precision(page)]
    if not wrong and not quality:
        return
    st.html(tag("h2", page.texts("now.pipeline"), cls="mr-h2"))
    st.html(join([*wrong, tag("dl", *quality, cls="mr-quality") if quality else Markup("")]))
    if wrong:
        link(page, "health", page.texts("now.health"), icon=":material/monitor_heart:")


def _alarms(page: Page) -> list[Markup]:
    """What is wrong now, those that concern the numbers first."""
    found, shown = sorted(reads.alarms(page), key=lambda alarm: not alarm.wrong), []
    for alarm in found[:ALARMS_SHOWN]:
        what, hint = (capital(text) for text in (alarm.what.rstrip("."), alarm.hint))
        since = page.texts("header.alarm.since", time=moment(alarm.since, page.zone))
        title = page.texts.word("alarm", alarm.name) + (f" · {alarm.subject}" if alarm.subject else "")
        body = " ".join(part for part in (since, f"{what}.", hint) if part)
        shown.append(notice(title, body, tone="bad" if alarm.wrong else "warn"))
    if len(found) > ALARMS_SHOWN:
        shown.append(notice(page.texts("now.alarm.more", count=count(len(found) - ALARMS_SHOWN))))
    return shown


def _deliveries(page: Page, left: Backlog) -> list[Markup]:
    texts, found = page.texts, []
    if left.dead:
        title = texts("header.dead", count=count(left.dead))
        found.append(notice(title, texts("header.dead.note"), tone="bad"))
    if left.waiting > DELIVERY_LIMIT:
        since = duration(left.waiting, texts.language)
        title = texts("header.undelivered", count=count(left.undelivered))
        found.append(notice(title, texts("header.undelivered.note", duration=since)))
    return found


def _strays(page: Page, left: Backlog) -> list[Markup]:
    texts, found = page.texts, []
    if left.stray_past:
        title = texts("header.stray_past", count=count(left.stray_past))
        found.append(notice(title, texts("header.stray_past.note"), tone="bad"))
    if left.stray_future:
        title = texts("header.stray_future", count=count(left.stray_future))
        found.append(notice(title, texts("header.stray_future.note")))
    return found


def _budget(page: Page) -> list[Markup]:
    """Spent of allowed, and what chance alone opens a day; nothing before that was measured."""
    texts = page.texts
    found = reads.budget(page, business_day(business_date(page.clock(), page.zone), page.zone).start)
    if found is None or found.allowed is None or found.interval is None:
        return []
    mean, low, high = (f"{number:,.1f}" for number in (found.null_per_day or 0.0, *found.interval))
    value = texts("header.budget.value", spent=count(found.spent), allowed=f"{found.allowed:,.1f}")
    note = texts("header.budget.null", mean=mean, low=low, high=high)
    return [_quality(texts("header.budget"), value, note)]


def _precision(page: Page) -> list[Markup]:
    """Of the alarms that people labelled, the share of true ones; nothing before anybody labelled one."""
    texts, whole = page.texts, altogether(reads.precision(page))
    if whole is None or whole.interval is None:
        return []
    low, high = (percent_of(end) for end in whole.interval)
    counted = {"labels": count(whole.labels), "incidents": count(whole.incidents)}
    note = texts("header.precision.note", low=low, high=high, **counted)
    return [_quality(texts("header.precision", weeks=WEEKS), percent_of(whole.precision), note)]


def _quality(label: str, value: str, note: str) -> Markup:
    return tag("div", tag("dt", label), tag("dd", tag("b", value), " ", tag("small", note)))
