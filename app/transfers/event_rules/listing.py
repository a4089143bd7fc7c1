"""The list of event rules: a row is a link, and says how the rule stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.format import count, moment
from app.markup import notice, tag
from app.pages.links import row
from app.transfers.event_rules import reads
from app.transfers.feed.alerts import rule_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.reads import Page
    from app.transfers.event_rules.reads import Rule, Version


def show_list(page: Page, known: Sequence[Rule], chosen: Rule | None) -> None:
    """Every rule, what judges first."""
    texts = page.texts
    live = sum(rule.live is not None and not _paused(page, rule.live) for rule in known)
    heading = texts("rules_list.count", live=count(live), all=count(len(known)))
    st.html(tag("h2", texts("rules_list.heading"), tag("small", heading), cls="mr-h2"))
    if not known:
        st.html(notice(texts("rules_list.none"), texts("rules_list.none.note")))
    with st.container(key="list-event-rules", gap="xxsmall"):
        for rule in known:
            row(
                page,
                "event_rules",
                [rule_name(rule.name, texts)],
                _small(page, rule),
                {"rule": rule.name},
                chosen=chosen is not None and rule.name == chosen.name,
            )


def _small(page: Page, rule: Rule) -> list[str]:
    said = [rule.name] if rule_name(rule.name, page.texts) != rule.name else []
    judging = [version for version in rule.versions if version.mode is not None]
    said += [f"{state_of(page, version)} v{version.version}" for version in judging]
    waiting = [version for version in rule.versions if version.status in reads.WAITING]
    said += [f"{state_of(page, version)} v{version.version}" for version in waiting]
    return said if judging or waiting else [*said, state_of(page, rule.newest)]


def state_of(page: Page, version: Version) -> str:
    """A word for how a version stands now, with a sign."""
    if version.mode == reads.LIVE and _paused(page, version):
        return page.texts("version_is.paused")
    if version.mode is not None and version.warming:
        return page.texts("version_is.warming", word=page.texts.word("version_is", version.mode))
    return page.texts.word("version_is", version.status)


def _paused(page: Page, version: Version) -> bool:
    return version.paused_until is not None and version.paused_until > page.clock()


def paused_said(page: Page, version: Version) -> str:
    """Until when, by whom."""
    if version.paused_until is None:
        return ""
    until = moment(version.paused_until, page.zone)
    return page.texts(
        "rule_one.paused", until=until, by=version.paused_by or "", reason=version.paused_for or ""
    )
