"""Move a number and give a reason: it becomes a draft, which others measure, hand in and approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.format import count
from app.markup import plain, tag, visible
from app.pages import actor
from app.pages.press import press
from app.pages.rules import reads
from app.pages.rules.numbers import choice_of, may_be_own, numbers_in
from app.pages.rules.said import name_of, value_of
from app.pages.rules.versions import forget_choice

if TYPE_CHECKING:
    from app.pages.rules.numbers import Number
    from app.reads import Page

_PATH: Final = "what-if-number"
_WHOSE: Final = "what-if-whose"
_NAME: Final = "what-if-name"
_REASON: Final = "what-if-reason"
#: Of everybody: no kind of entity is called so.
_EVERYBODY: Final = ""
_LONGEST_NAME: Final = 200


def show_what_if(page: Page) -> None:
    """For those who may draft."""
    found = reads.in_force(page)
    told = reads.told(page, found.version) if found else None
    if told is None or not actor.may(page, "draft", "rules"):
        return
    numbers = {number.path: number for number in numbers_in(told.numbers)}
    texts = page.texts
    heading = tag("h2", texts("what_if.heading"), tag("small", texts("what_if.note")), cls="mr-h2")
    st.html(heading)
    path = st.selectbox(
        texts("what_if.number"),
        list(numbers),
        key=_PATH,
        format_func=lambda path: _label(page, numbers[path]),
    )
    if path is None:
        return
    number = numbers[path]
    bounds = page.pack.bounds
    with st.form("what-if", border=True):
        if may_be_own(number, bounds.own_numbers):
            _ask_whose(page)
        _ask_value(page, number)
        st.text_input(texts("what_if.reason"), key=_REASON, max_chars=2_000)
        st.form_submit_button(
            texts("what_if.button"),
            key="what-if-button",
            on_click=_draft,
            args=(page, number),
        )


def _label(page: Page, number: Number) -> str:
    rule = page.texts.word("rule", number.section)
    said = f"{rule} · {name_of(number.path, page.texts)} ({number.path}) — {value_of(number, page.texts)}"
    return visible(said, 200)


def _ask_whose(page: Page) -> None:
    texts = page.texts
    left, right = st.columns(2)
    left.selectbox(
        texts("what_if.whose"),
        [_EVERYBODY, *page.pack.bounds.own_kinds],
        key=_WHOSE,
        format_func=lambda kind: texts.word("own", kind) if kind else texts("what_if.everybody"),
    )
    right.text_input(texts("what_if.name"), key=_NAME, max_chars=_LONGEST_NAME)


def _ask_value(page: Page, number: Number) -> None:
    texts, choice = page.texts, choice_of(number, page.pack.bounds)
    label = plain(texts("what_if.value", value=value_of(number, texts)))
    if choice.words:
        st.selectbox(label, choice.words, index=choice.words.index(str(number.value)), key=_value(number))
        return
    st.number_input(
        label,
        min_value=choice.least,
        max_value=choice.largest,
        value=int(number.value),
        step=1,
        key=_value(number),
        help=texts("what_if.range", least=count(choice.least), largest=count(choice.largest)),
    )


def _value(number: Number) -> str:
    return f"what-if-value-{number.path}"


def _draft(page: Page, number: Number) -> None:
    said = st.session_state
    kind, name = said.get(_WHOSE, _EVERYBODY), said.get(_NAME, "")
    own = f"{kind}={name}" if kind and may_be_own(number, page.pack.bounds.own_numbers) else None
    given = {"changes": f"{number.path}={said[_value(number)]}", "own": own, "reason": said[_REASON]}
    if press(page, "draft_rules", "", given, page.texts("what_if.done")):
        said[_REASON] = ""
        forget_choice()
