"""Whom the screen is about, and the entity's incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import capital, clock, count
from app.markup import chip, notice, tag, visible
from app.pages.given import keep
from app.pages.links import link
from app.pages.worth import glance

if TYPE_CHECKING:
    from app.markup import Markup
    from app.pages.entity.reads import Past
    from app.pages.entity.subject import Subject
    from app.reads import Page

_SHOWN = 10


def show_head(page: Page, subject: Subject) -> None:
    """Name, id, what is known, and what is open."""
    texts = page.texts
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="entity-head"):
        st.html(_title(page, subject))
        for past in subject.open:
            link(page, "incidents", _label(page, past), icon=":material/warning:", incident=past.incident_id)
        if subject.entity_id is not None:
            st.button(texts("entity.all"), key="entity-all", type="tertiary", on_click=_all)


def show_unknown(page: Page, entity_id: str) -> None:
    """Nothing of ours has this id."""
    shown = {"entity": page.texts("entity"), "id": visible(entity_id, 40)}
    st.html(notice(page.texts("entity.unknown", **shown), page.texts("entity.unknown.note")))


def show_incidents(page: Page, subject: Subject) -> None:
    """The incidents of this entity, newest first."""
    texts = page.texts
    st.html(tag("div", texts("entity.incidents"), tag("small", str(len(subject.incidents))), cls="mr-h2"))
    if not subject.incidents:
        st.html(tag("div", texts("entity.incidents.none"), cls="mr-note"))
    for past in subject.incidents[:_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            link(page, "incidents", _label(page, past), incident=past.incident_id)
            st.html(_line(page, past))


def _title(page: Page, subject: Subject) -> Markup:
    if subject.entity_id is None:
        return tag("div", _everybody(page), cls="mr-big")
    known = [
        *([subject.entity_id] if subject.name else []),
        *([subject.fact] if subject.fact else []),
        *([page.texts.word("tier", subject.tier)] if subject.tier else []),
    ]
    if subject.place is not None:
        shown = {"place": count(subject.place), "among": count(subject.among)}
        known.append(page.texts("entity.place", **shown))
    note = " · ".join(visible(part, 80) for part in known)
    return tag("div", visible(subject.title or "", 80), tag("small", note), cls="mr-big mr-subject")


def _everybody(page: Page) -> str:
    return capital(page.pack.words[page.texts.language].get("everybody", page.texts("entity.everybody")))


def _label(page: Page, past: Past) -> str:
    return f"#{past.incident_id} {page.texts.word('rule', past.rule)}"


def _line(page: Page, past: Past) -> Markup:
    texts, zone = page.texts, page.zone
    since = clock(past.opened_minute, zone)
    shown = {
        "time": since,
        "until": "" if past.resolved_minute is None else clock(past.resolved_minute, zone),
    }
    when = texts("entity.incident.open" if past.open else "entity.incident.over", **shown)
    known = page.priced and past.at_risk is not None
    money = glance(page, past.at_risk, past.expected_loss) if known else []
    return tag(
        "div",
        chip(texts.word("severity", past.severity), past.severity),
        tag("span", " · ".join([texts.word("status", past.status), when, *money])),
        cls="mr-bar",
    )


def _all() -> None:
    keep(id=None)
