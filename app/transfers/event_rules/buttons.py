"""What may be done with a version of an event rule now, by whoever looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.markup import notice
from app.pages import actor
from app.pages.given import keep
from app.pages.press import press
from app.transfers.event_rules import reads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.reads import Page
    from app.transfers.event_rules.reads import Rule, Told, Version

    Button = tuple[str, Mapping[str, Any]]

_KIND: Final = "rules"
_LENGTHS: Final = ("30m", "2h", "1d", "7d")
#: Acts that ask why.
_WHY: Final = ("retire_event_rule",)


def show_buttons(page: Page, rule: Rule, version: Version, told: Told) -> None:
    """One for each act that makes sense now; what is missing for an approval is said."""
    buttons = [*_ways_on(page, version, told), *_ways_out(page, version)]
    if not buttons:
        return
    del rule
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, seen in buttons:
            key = f"{name}-{version.name}"
            if name in _WHY:
                st.text_input(page.texts("event_act.why"), key=f"why-{key}", max_chars=1_000, width=240)
            label = page.texts.word("event_act", name)
            st.button(label, key=key, on_click=_do, args=(page, name, version, seen))


def _do(page: Page, name: str, version: Version, seen: Mapping[str, Any]) -> None:
    if name in _WHY:
        seen = {**seen, "reason": str(st.session_state[f"why-{name}-{version.name}"] or "").strip()}
    done = page.texts.word("event_done", name).format(version=version.name)
    keep(rule=version.rule, version=version.version)  # what comes of it is seen at this version
    press(page, name, version.name, seen, done)


def _ways_on(page: Page, version: Version, told: Told) -> list[Button]:
    found: list[Button] = []
    before_live = version.status in (*reads.WAITING, reads.SHADOW)
    if before_live and version.backtest_asked is None and actor.may(page, "draft", _KIND):
        found.append(("backtest_event_rule", {}))
    if version.status == reads.DRAFT and actor.may(page, "submit", _KIND):
        found.append(("submit_event_rule", {}))
    if version.status == reads.SUBMITTED and actor.may(page, "submit", _KIND):
        found.append(("shadow_event_rule", {}))
    if version.status in (reads.SUBMITTED, reads.SHADOW) and actor.may(page, "approve", _KIND):
        found += _approve(page, version, told)
    return found


def _approve(page: Page, version: Version, told: Told) -> list[Button]:
    """The button binds what is on this screen: this text, with this backtest. Or why there is none."""
    mine = page.actor.account_id
    if mine is not None and mine in (version.author_id, version.submitted_by_id):
        st.html(notice(page.texts("event_act.own")))
        return []
    if told.backtest is None or told.backtest_sha256 is None:
        st.html(notice(page.texts("event_act.not_measured")))
        return []
    return [("approve_event_rule", {"sha256": told.sha256, "backtest_sha256": told.backtest_sha256})]


def _ways_out(page: Page, version: Version) -> list[Button]:
    found: list[Button] = []
    mine = page.actor.account_id is not None and version.author_id == page.actor.account_id
    own = mine and version.status == reads.DRAFT
    if version.status in reads.WAITING and (own or actor.may(page, "submit", _KIND)):
        found.append(("withdraw_event_rule", {}))
    if version.status in (reads.LIVE, reads.SHADOW) and actor.may(page, "submit", _KIND):
        found.append(("retire_event_rule", {}))
    return found


def show_pause(page: Page, rule: Rule) -> None:
    """Let the rule find nothing for a while, or go on: nobody has to approve either."""
    live = rule.live
    if live is None or not actor.may(page, "pause", _KIND):
        return
    texts = page.texts
    if live.paused_until is not None:
        st.button(
            texts("rule_one.resume"), key=f"resume-{rule.name}", on_click=_resume, args=(page, rule.name)
        )
        return
    with st.form(f"pause-{rule.name}", border=False):
        columns = st.columns([2, 1.3, 1], vertical_alignment="bottom")
        columns[0].text_input(
            texts("rule_one.pause.reason"), key=f"pause-reason-{rule.name}", max_chars=1_000
        )
        columns[1].selectbox(texts("rule_one.pause.for"), _LENGTHS, key=f"pause-for-{rule.name}")
        columns[2].form_submit_button(
            texts("rule_one.pause"), key=f"pause-button-{rule.name}", on_click=_pause, args=(page, rule.name)
        )


def _pause(page: Page, rule: str) -> None:
    said = st.session_state
    given = {"for": said[f"pause-for-{rule}"], "reason": said[f"pause-reason-{rule}"]}
    press(page, "pause_event_rule", rule, given, page.texts("rule_one.pause.done", rule=rule))


def _resume(page: Page, rule: str) -> None:
    press(page, "resume_event_rule", rule, {}, page.texts("rule_one.resume.done", rule=rule))
