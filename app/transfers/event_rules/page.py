"""Event rules: which judge, one of them with all its versions, and writing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, number, words
from app.markup import notice, visible
from app.pages.alone import alone
from app.pages.given import given
from app.pages.links import link
from app.transfers.event_rules import reads
from app.transfers.event_rules.editor import show_editor
from app.transfers.event_rules.learned import show_learned
from app.transfers.event_rules.listing import show_list
from app.transfers.event_rules.one import show_rule
from app.transfers.looks import STYLE

if TYPE_CHECKING:
    from app.reads import Page
    from app.transfers.event_rules.reads import Rule, Version

RULE: Final = Param("rule", words)
VERSION: Final = Param("version", number)


def show(page: Page) -> None:
    """Draw the screen."""
    st.html(STYLE)
    known = reads.rules(page)
    rule = _chosen_rule(page, known)
    version = _chosen_version(page, rule)
    left, right = st.columns([2, 3], gap="large")
    # On a phone the list goes when one is chosen, and the way back is there only then (app/style.css).
    with left, st.container(key="mr-behind" if rule else "mr-list"), alone(page, "list"):
        show_list(page, known, rule)
    with right:
        if rule is not None:
            with st.container(key="mr-back"):
                link(page, "event_rules", page.texts("rules_list.back"), icon=":material/arrow_back:")
        if rule is not None and version is not None:
            with alone(page, "rule"):
                show_rule(page, rule, version)
        elif known:
            st.html(notice(page.texts("rules_list.choose"), tone="good"))
        with alone(page, "editor"):
            show_editor(page, version)
    with alone(page, "learned"):
        show_learned(page)


def _chosen_rule(page: Page, known: tuple[Rule, ...]) -> Rule | None:
    asked = given(page, RULE)
    found = next((rule for rule in known if rule.name == asked), None)
    if asked is not None and found is None:
        st.html(
            notice(
                page.texts("rules_list.unknown", name=visible(asked, 64)), page.texts("address.unread.note")
            )
        )
    return found


def _chosen_version(page: Page, rule: Rule | None) -> Version | None:
    asked = given(page, VERSION)
    if rule is None:
        return None
    found = next((version for version in rule.versions if version.version == asked), None)
    if asked is not None and found is None:
        title = page.texts("rule_one.unknown", rule=visible(rule.name, 64), version=asked)
        st.html(notice(title, page.texts("address.unread.note")))
    return found or rule.first_shown
