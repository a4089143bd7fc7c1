"""Incidents of before that are like the chosen one, and how they ended: was it worth a look?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import clock, count, duration, won_short
from app.markup import tag
from app.pages.choice import INCIDENT
from app.pages.incidents import reads
from app.pages.links import row

if TYPE_CHECKING:
    from app.pages.incidents.reads import Before, Likes
    from app.reads import Page
    from app.rows import Incident


def show_likes(page: Page, incident: Incident) -> None:
    """A link to each, and what share of all such were true alarms."""
    found = reads.likes(page, incident.incident_id)
    st.html(tag("div", page.texts("likes.heading"), tag("small", _share(page, found)), cls="mr-h3"))
    with st.container(key="list-likes", gap="xxsmall"):
        for before in found.shown:
            _row(page, before)


def _share(page: Page, found: Likes) -> str:
    texts = page.texts
    if not found.alike:
        return texts("likes.none")
    if not found.labelled:
        return texts("likes.unlabelled", alike=count(found.alike))
    share = f"{found.true_alarms / found.labelled:.0%}"
    counts = {
        "alike": count(found.alike),
        "labelled": count(found.labelled),
        "true": count(found.true_alarms),
    }
    return texts("likes.share", share=share, **counts)


def _row(page: Page, before: Before) -> None:
    texts = page.texts
    money = texts("money.not_known") if before.at_risk is None else won_short(before.at_risk, texts.language)
    first = [
        clock(before.opened_minute, page.zone),
        *([money] if page.priced else []),
        texts.word("act", before.label) if before.label else texts("likes.no_label"),
    ]
    second = [
        texts("likes.same" if before.of_entity else "likes.other", entity=page.entity),
        *([] if before.of_entity else [before.entity_name or before.entity_id]),
        texts.word("rule", before.rule),
        _end(page, before),
    ]
    row(page, "incidents", first, second, {INCIDENT: before.incident_id})


def _end(page: Page, before: Before) -> str:
    texts = page.texts
    lasted = duration(before.resolved_minute - before.opened_minute, texts.language)
    if before.resolved_by is None:
        return texts("likes.by_itself", lasted=lasted)
    return texts("likes.by", by=before.resolved_by, lasted=lasted)
