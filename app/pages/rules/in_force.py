"""Each rule in one sentence, with its numbers, why they are so, and whether it is paused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.address import Param, words
from app.format import moment
from app.markup import join, notice, plain, table, tag, visible
from app.pages import actor
from app.pages.given import given
from app.pages.press import press
from app.pages.rules import reads
from app.pages.rules.numbers import groups, numbers_in, own_in
from app.pages.rules.said import about, name_of, plain_value, value_of, why_of
from baselines.edit import numbers_of

if TYPE_CHECKING:
    from app.markup import Markup
    from app.pages.rules.numbers import Group, Number, OwnNumber
    from app.pages.rules.reads import Pause
    from app.reads import Page

RULE: Final = Param("rule", words)
_LENGTHS: Final = ("30m", "2h", "1d", "7d")


def show_rules(page: Page) -> None:
    """The rules, then what they share."""
    asked = _asked(page)
    found = reads.in_force(page)
    told = reads.told(page, found.version) if found else None
    if found is None or told is None:
        return
    if not _readable(told.numbers):
        title = page.texts("rules.unreadable", version=found.version)
        st.html(notice(title, page.texts("rules.unreadable.note"), tone="bad"))
        return
    numbers = numbers_in(told.numbers)
    known = groups(numbers, [rule.name for rule in page.pack.rules])
    paused = {pause.rule: pause for pause in reversed(reads.pauses(page))}
    st.html(tag("h2", page.texts("rules.heading"), cls="mr-h2"))
    for group in (group for group in known if group.of_rule):
        _show_rule(page, group, paused.get(group.name), asked)
    st.html(tag("h2", page.texts("rules.shared"), cls="mr-h2"))
    for group in (group for group in known if not group.of_rule):
        with st.expander(_shared_title(page, group), key=f"shared-{group.name}"):
            st.html(_numbers_table(page, group.numbers))
    _show_own(page, own_in(told.numbers))
    text = st.expander(page.texts("rules.text", version=found.version), key="rules-text", on_change="rerun")
    if text.open:  # a browser fetches much to colour it
        text.code(told.numbers, language="toml")


def _readable(text: str) -> bool:
    try:
        numbers_of(text)
    except (ValueError, RecursionError):
        return False
    return True


def _asked(page: Page) -> str | None:
    """The rule that the address names; one that is not there is said."""
    asked = given(page, RULE)
    if asked is None or asked in {rule.name for rule in page.pack.rules}:
        return asked
    title = page.texts("rules.unknown", name=visible(asked, 40))
    st.html(notice(title, page.texts("rules.unknown.note")))
    return None


def _show_rule(page: Page, group: Group, paused: Pause | None, asked: str | None) -> None:
    texts, name = page.texts, name_of_rule(page, group.name)
    state = ""
    if paused is not None:
        key = "pause.now" if paused.now else "pause.later"
        ends = {
            "start": moment(paused.from_minute, page.zone),
            "until": moment(paused.until_minute, page.zone),
        }
        state = f" — :orange-badge[⏸ {plain(texts(key, **ends))}]"
    title = f"**{plain(name)}** {plain(about(group.name, texts), 300)}{state}"
    with st.expander(title, expanded=asked == group.name, key=f"rule-{group.name}"):
        if paused is not None:
            by = {"by": visible(paused.paused_by), "reason": visible(paused.reason, 500)}
            st.html(tag("div", texts("pause.by", **by), cls="mr-note"))
        empty = tag("div", texts("rules.no_numbers"), cls="mr-note")
        st.html(_numbers_table(page, group.numbers) if group.numbers else empty)
        if actor.may(page, "pause", "rules"):
            _show_pause(page, group.name, paused)


def name_of_rule(page: Page, rule: str) -> str:
    """What a rule is called."""
    return page.texts.word("rule", rule)


def _shared_title(page: Page, group: Group) -> str:
    said = about(group.name, page.texts)
    return f"**{plain(said)}** {plain(group.name)}" if said else f"**{plain(group.name)}**"


def _numbers_table(page: Page, numbers: tuple[Number, ...]) -> Markup:
    texts = page.texts
    rows = [
        [
            join(
                [
                    name_of(n.path, texts),
                    tag("div", n.path, cls="mr-note"),
                    tag("div", why_of(n, texts) or texts("rules.no_why"), cls="mr-note"),
                ]
            ),
            tag("strong", value_of(n, texts), cls="mr-line"),
        ]
        for n in numbers
    ]
    return table([texts("rules.number_why"), texts("rules.value")], rows, numbers=True)


def _show_own(page: Page, own: tuple[OwnNumber, ...]) -> None:
    texts = page.texts
    with st.expander(
        f"**{plain(texts('rules.own', entity=texts('entity')))}** ({len(own)})", key="rules-own"
    ):
        if not own:
            st.html(tag("div", texts("rules.own.none"), cls="mr-note"))
            return
        head = [texts("rules.own.whose"), texts("rules.number"), texts("rules.value")]
        rows = [
            [
                f"{texts.word('own', one.kind)} {visible(one.name)}",
                name_of(one.path, texts),
                plain_value(one.value),
            ]
            for one in own
        ]
        st.html(table(head, rows))


def _show_pause(page: Page, rule: str, paused: Pause | None) -> None:
    texts = page.texts
    if paused is not None:
        st.button(texts("resume.button"), key=f"resume-{rule}", on_click=_resume, args=(page, rule))
        return
    with st.form(f"pause-{rule}", border=False):
        columns = st.columns([2, 1.3, 1], vertical_alignment="bottom")
        columns[0].text_input(texts("pause.reason"), key=f"pause-reason-{rule}", max_chars=1_000)
        columns[1].selectbox(texts("pause.for"), _LENGTHS, key=f"pause-for-{rule}")
        columns[2].form_submit_button(
            texts("pause.button"), key=f"pause-button-{rule}", on_click=_pause, args=(page, rule)
        )


def _pause(page: Page, rule: str) -> None:
    said = st.session_state
    given_now = {"for": said[f"pause-for-{rule}"], "reason": said[f"pause-reason-{rule}"]}
    press(page, "pause_rule", rule, given_now, page.texts("pause.done", rule=name_of_rule(page, rule)))


def _resume(page: Page, rule: str) -> None:
    press(page, "resume_rule", rule, {}, page.texts("resume.done", rule=name_of_rule(page, rule)))
