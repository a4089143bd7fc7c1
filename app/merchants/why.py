"""Why, or why not, at this minute: what `minuterisk explain` says, in words."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from app.address import Param, moment
from app.format import clock, count, won
from app.markup import chip, notice, sentence, table, tag, visible
from app.pages.entity.subject import chosen_id
from app.pages.given import given, keep
from app.why import explain
from pipeline.errors import MinuteriskError
from pipeline.judge.verdicts import RAW
from pipeline.minute import floor_minute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from app.reads import Page
    from app.texts import Texts

AT: Final = Param("at", moment)
_TYPED: Final = "why-at"
_ADDRESSED: Final = "why-addressed"
_KEPT: Final = 32
_NUMBER: Final = re.compile(r"[0-9]+(?=\*)|(?<=\*)[0-9]+")


def show_why(page: Page) -> None:
    """A minute to ask about; once it is asked, every number."""
    merchant_id, manifest = chosen_id(), page.door.lake.manifest()
    if merchant_id is None or manifest is None:
        return
    texts = page.texts
    st.html(tag("div", texts("why.heading"), tag("small", texts("why.note")), cls="mr-h2"))
    asked = given(page, AT)
    newest = manifest.newest_minute
    # The newest minute moves on; what somebody has typed stays until they ask, or come by another address.
    if _TYPED not in st.session_state or st.session_state.get(_ADDRESSED) != asked:
        st.session_state[_TYPED] = (asked or newest).astimezone(page.zone).replace(tzinfo=None)
    st.session_state[_ADDRESSED] = asked
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.datetime_input(texts("why.at"), key=_TYPED, step=60, on_change="ignore", width=260)
        st.button(texts("why.ask"), key="why-ask", on_click=partial(_ask, page.zone))
    if asked is None:
        return
    try:
        with st.spinner(texts("why.asking")):
            found = _explained(page.name, page, merchant_id, floor_minute(asked))
    except MinuteriskError as error:
        st.html(notice(texts("why.failed"), sentence(error, texts.language)))
        return
    _show(page, found)


def _ask(zone: ZoneInfo) -> None:
    typed = st.session_state[_TYPED]
    if isinstance(typed, datetime):
        keep(at=typed.replace(tzinfo=zone).isoformat())


@st.cache_data(max_entries=_KEPT, ttl=600, show_spinner=False)
def _explained(name: str, _page: Page, merchant_id: str, minute: datetime) -> dict[str, Any]:  # noqa: ARG001
    return explain(_page.door.settings, merchant_id, minute.isoformat())


def _show(page: Page, found: Mapping[str, Any]) -> None:
    texts = page.texts
    for held in found.get("held_back", ()):
        st.html(notice(texts("why.held"), visible(held["reason"])))
    for account in found["accounts"]:
        _show_account(page, account, found["policy"])
    version = found["rules_version"]
    said = texts("why.version", version=texts("why.version.file") if version is None else version)
    st.html(tag("div", said, cls="mr-note"))


def _show_account(page: Page, account: Mapping[str, Any], policy: str) -> None:
    texts = page.texts
    verdict = account["verdicts"][policy]
    state = "why.fires" if verdict["fires"] else "why.silent"
    tone = "critical" if verdict["fires"] else "none"
    reason = texts.word("reason", verdict["reason"])
    head = (
        tag("span", texts.word("rule", account["rule"])),
        chip(texts(state), tone),
        *([] if verdict["fires"] else [tag("small", reason)]),
    )
    st.html(tag("div", *head, cls="mr-h3 mr-bar"))
    numbers = {**account["numbers"], **account["budgeted"]}
    facts = [
        tag(
            "div",
            tag("div", texts.word("number", name), cls="mr-label"),
            tag("div", _value(texts, name, value), cls="mr-fact"),
        )
        for name, value in numbers.items()
        if value is not None and (name, value) != ("kind", RAW)
    ]
    st.html(tag("div", *facts, cls="mr-facts"))
    _show_conditions(texts, account)
    _show_windows(texts, account)
    _show_first(page, account)


def _value(texts: Texts, name: str, value: Any) -> str:  # noqa: ANN401 - as JSON has it
    if isinstance(value, int):
        return won(value, texts.language) if "amount" in name else count(value)
    return texts.word("kind" if name == "kind" else f"value.{name}", str(value))


def _show_conditions(texts: Texts, account: Mapping[str, Any]) -> None:
    rows = [
        (
            _condition(texts, one["name"]),
            count(one["left"]),
            "≥" if one["sign"] == ">=" else "≤",
            count(one["right"]),
            texts("why.yes" if one["holds"] else "why.no"),
        )
        for one in (*account["conditions"], *account["gates"])
    ]
    heads = ("why.condition", "why.left", "why.sign", "why.right", "why.holds")
    st.html(table([texts(key) for key in heads], rows, numbers=True))


def _condition(texts: Texts, name: str) -> str:
    """A comparison in words; the numbers that people tune stand in its sides."""
    key = _NUMBER.sub("n", name)
    said = texts.word("condition", key)
    return name if said == key else said


def _show_windows(texts: Texts, account: Mapping[str, Any]) -> None:
    if not account["windows"]:
        return
    rows = [
        (
            texts("why.window.minutes", count=count(one["minutes"])),
            texts.word("against", one["against"]),
            count(one["count"]),
            count(one["expected"]),
            count(one["evidence"]),
            count(one["evidence_needed"]),
            texts("why.yes" if one["passed"] else "why.no"),
            count(one["missing"]) if one["missing"] else "—",
        )
        for one in account["windows"]
    ]
    heads = ("window", "against", "count", "usual", "evidence", "needed", "passed", "missing")
    st.html(table([texts(f"why.{key}") for key in heads], rows, numbers=True))


def _show_first(page: Page, account: Mapping[str, Any]) -> None:
    texts = page.texts
    said = [
        texts(
            "why.first",
            policy=texts.word("policy", policy),
            time=clock(datetime.fromisoformat(one["minute"]), page.zone),
        )
        for policy, one in account["first_fires"].items()
        if one["minute"] is not None
    ]
    text = " · ".join(said) or texts("why.never")
    st.html(tag("div", text, cls="mr-note"))
