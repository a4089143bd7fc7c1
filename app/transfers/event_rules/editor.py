"""Writing a rule: its text is read as it is typed, and what is refused is shown at its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.markup import join, notice, table, tag, visible
from app.pages import actor
from app.pages.given import keep
from app.pages.press import press
from app.transfers.event_rules import reads
from app.transfers.event_rules.text import line_column, pretty, shown_at, span_of
from app.transfers.tree import measure_said, tree, written
from pipeline.packs.transfers.language import RuleRefused, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.markup import Markup
    from app.reads import Page
    from app.transfers.event_rules.reads import Version

_TEXT: Final = "rule-text"
_REASON: Final = "rule-reason"
_FROM: Final = "rule-from"
_HEIGHT: Final = 420
#: Twice what a rule may have: a text that is too long is said to be so and not cut.
_MOST: Final = 32_768
#: What a rule that nobody has written yet begins with.
_EXAMPLE: Final[Mapping[str, Any]] = {
    "rule": "MY_RULE",
    "on": ["transfer", "card"],
    "severity": "high",
    "score": 40,
    "action": "review",
    "measures": {"n": {"count": "*", "match": {"account_id": "account_id"}, "within": "10m"}},
    "when": {"all": [{"ge": [{"measure": "n"}, 5]}, {"gt": [{"field": "amount"}, 1_000_000]}]},
    "say": {"ko": "10분 안에 {n}번째 거래, {amount}원", "en": "Payment {n} within ten minutes, {amount}"},
}


def show_editor(page: Page, version: Version | None) -> None:
    """A field for the text of a rule, what it says, and what stands in its way."""
    if not actor.may(page, "draft", "rules"):
        return
    texts = page.texts
    with st.expander(f"**{texts('editor.heading')}**", icon=":material/edit:", key="rule-editor"):
        _begin(page, version)
        st.text_area(texts("editor.text"), key=_TEXT, height=_HEIGHT, max_chars=_MOST)
        text = str(st.session_state[_TEXT] or "")
        found = reading(page, text)
        st.html(found)
        st.text_input(texts("editor.reason"), key=_REASON, max_chars=1_000)
        st.button(texts("editor.draft"), key="rule-draft", on_click=_draft, args=(page,))


def _begin(page: Page, version: Version | None) -> None:
    """Begin with the version that is looked at, or with an example; what somebody typed stays."""
    texts = page.texts
    if _TEXT not in st.session_state:
        _fill(page, version)
    with st.container(horizontal=True):
        if version is not None:
            label = texts("editor.from", version=version.name)
            st.button(label, key="rule-from-version", on_click=_fill, args=(page, version))
        st.button(texts("editor.new"), key="rule-from-example", on_click=_fill, args=(page, None))


def _fill(page: Page, version: Version | None) -> None:
    found = reads.told(page, version.rule, version.version) if version else None
    content = found.content if found else json.dumps(_EXAMPLE, ensure_ascii=False)
    st.session_state[_TEXT] = pretty(content)


def reading(page: Page, text: str) -> Markup:
    """What the text says as a rule, or where and why it says none."""
    texts = page.texts
    try:
        rule = parse(text)
    except RuleRefused as error:
        return refusal(page, text, error)
    asked = json.loads(rule.canonical)
    parts = [
        notice(texts("editor.reads", rule=rule.rule), tone="good"),
        tag("div", visible(rule.say[texts.language], 400), cls="mr-say"),
        tree(written(asked["when"]), texts),
    ]
    rows = [[tag("code", name), measure_said(one, texts)] for name, one in asked.get("measures", {}).items()]
    if rows:
        parts.append(table([texts("measure.name"), texts("measure.asks")], rows))
    return join(parts)


def refusal(page: Page, text: str, error: RuleRefused) -> Markup:
    """The reason and the next step, and the text with its place marked."""
    what, hint = error.in_language(page.texts.language)
    at = line_column(str(error.reason)) if error.place == "text" else None
    span = span_of(text, error.place) if error.place != "text" else at and _from_column(text, *at)
    shown = [shown_at(text, span)] if span else []
    return join([notice(what, hint, tone="bad"), *shown])


def _from_column(text: str, line: int, column: int) -> tuple[int, int]:
    """From a line and column, both counted from one, to the end of that line; at least one letter."""
    lines = text.split("\n")
    start = sum(len(one) + 1 for one in lines[: line - 1])
    at = min(start + column - 1, max(len(text) - 1, 0))
    end = start + len(lines[line - 1]) if line <= len(lines) else len(text)
    return at, max(end, at + 1)


def _draft(page: Page) -> None:
    said = st.session_state
    given = {"json": said[_TEXT], "reason": str(said[_REASON] or "").strip()}

    def take(answer: Mapping[str, Any]) -> None:
        keep(rule=answer["rule"], version=answer["version"])

    if press(page, "draft_event_rule", "", given, page.texts("editor.done"), take):
        said[_REASON] = ""
