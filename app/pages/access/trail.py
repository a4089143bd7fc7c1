"""The audit: who did what, by which session or key, from where, what it changed, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from app.address import Param, day, number, one_of, words
from app.format import clock
from app.markup import Markup, chip, notice, tag
from app.pages import actor
from app.pages.access import reads
from app.pages.access.changed import changes
from app.pages.access.chosen import shows
from app.pages.access.proof import show_proof
from app.pages.access.reads import Asked
from app.pages.downloads import offer
from app.pages.given import given, keep
from app.pages.rights import show_no_right
from pipeline.desk.acts import ACTS
from pipeline.errors.phrases import in_language

if TYPE_CHECKING:
    from app.pages.access.changed import Change
    from app.pages.access.reads import Entry
    from app.reads import Page

OUTCOMES: Final = ("done", "refused")
#: What else stands in the audit: of the gate, of commands, and reading that was refused.
_OTHER_ACTS: Final = ("sign_in", "sign_out", "start_anew", "administer", "read_audit")
_KINDS: Final = (*dict.fromkeys(act.kind for act in ACTS.values()), "pack")
#: All that some roles may read.
_RULES: Final = "rules"
_PARAMS: Final[tuple[Param[Any], ...]] = (
    Param("actor", words),
    Param("act", words),
    Param("kind", words),
    Param("thing", words),
    Param("outcome", one_of(OUTCOMES)),
    Param("from", day),
    Param("to", day),
    Param("before", number),
)
#: A file takes at most so many rows along.
_MOST_TAKEN: Final = 100_000
_LONG: Final = 160
_LONGEST_SHOWN: Final = 2_000


def show_trail(page: Page) -> None:
    """The verification, the filters, and a page of rows."""
    texts = page.texts
    st.html(tag("div", texts("audit.heading"), cls="mr-h2"))
    if actor.may(page, "read_audit", "audit"):
        show_proof(page)
    else:
        st.html(notice(texts("audit.rules_only"), tone="good"))
    said: dict[str, Any] = {param.name: given(page, param) for param in _PARAMS}
    if not actor.may(page, "read_audit", said["kind"] or "audit"):
        if said["kind"] not in (None, _RULES):
            show_no_right(page, [("read_audit", "audit")])
        said["kind"] = _RULES
    _show_filters(page, said)
    asked = Asked(
        **{name: said[name] for name in ("actor", "act", "kind", "thing", "outcome", "before")},
        since=said["from"],
        until=said["to"],
    )
    _show_rows(page, asked, reads.entries(page, asked, reads.ROWS_SHOWN + 1))
    offer(page, "audit", lambda: as_frame(reads.entries(page, asked, _MOST_TAKEN)))


def _show_filters(page: Page, said: dict[str, Any]) -> None:
    """What the address says, in widgets; whoever chooses anew begins with the newest row."""
    texts = page.texts
    limited = not actor.may(page, "read_audit", "audit")
    kinds = [_RULES] if limited else _known(_KINDS, said["kind"])
    narrowed = any(value is not None for name, value in said.items() if name != "before" and not limited)
    with (
        st.expander(texts("filter.heading"), expanded=narrowed, key="access-filters"),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.text_input(texts("audit.actor"), **shows("actor", said["actor"] or "", before=None), width=150)
        choices: tuple[tuple[str, list[str], str], ...] = (
            ("act", _known((*ACTS, *_OTHER_ACTS), said["act"]), "did_act"),
            ("kind", kinds, "thing"),
            ("outcome", list(OUTCOMES), "outcome"),
        )
        for name, options, group in choices:
            st.selectbox(
                texts(f"audit.{name}"),
                options,
                format_func=partial(texts.word, group),
                placeholder=texts("audit.any"),
                disabled=name == "kind" and limited,
                width=190,
                **shows(name, said[name], before=None),
            )
        st.text_input(texts("audit.thing"), **shows("thing", said["thing"] or "", before=None), width=150)
        for name in ("from", "to"):
            st.date_input(texts(f"audit.{name}"), width=140, **shows(name, said[name], before=None))


def _known(options: tuple[str, ...], asked: str | None) -> list[str]:
    """The choices, and what the address says: the audit may hold what this version no longer does."""
    return list(options) if asked is None or asked in options else [*options, asked]


def _show_rows(page: Page, asked: Asked, found: tuple[Entry, ...]) -> None:
    texts, shown = page.texts, found[: reads.ROWS_SHOWN]
    if not shown:
        st.html(notice(texts("audit.none"), texts("audit.none.note"), tone="good"))
    st.html(tag("div", *(_row(page, entry) for entry in shown), cls="mr-trail", role="list"))
    with st.container(horizontal=True):
        if asked.before is not None:
            st.button(texts("audit.newest"), key="access-newest", on_click=_go_on, args=(None,))
        if len(found) > len(shown):
            older = (shown[-1].number,)
            st.button(texts("audit.older"), key="access-older", on_click=_go_on, args=older)


def _go_on(before: int | None) -> None:
    keep(before=before)


def _row(page: Page, entry: Entry) -> Markup:
    texts = page.texts
    refused = [chip(f"✕ {texts.word('outcome', 'refused')}", "off")] if entry.outcome == "refused" else []
    thing = f"{texts.word('thing', entry.kind)} {entry.thing}".strip()
    what = [tag("strong", texts.word("did_act", entry.act)), tag("span", thing), *refused]
    changed = [_change(page, change) for change in changes(entry.before, entry.after)]
    why = (
        [tag("div", tag("small", texts("audit.why")), tag("span", entry.why), cls="mr-parts")]
        if entry.why
        else []
    )
    by = [tag("strong", entry.actor), tag("small", texts.word("role", entry.role))]
    return tag(
        "div",
        tag("div", tag("div", clock(entry.at, page.zone, seconds=True)), tag("small", f"#{entry.number}")),
        tag("div", tag("div", *by, cls="mr-parts"), tag("small", _origin(page, entry))),
        tag("div", tag("div", *what, cls="mr-parts"), *changed, *why),
        role="listitem",
    )


def _origin(page: Page, entry: Entry) -> str:
    """Through which door, by which session or key, from where."""
    by = entry.credential and page.texts.word("credential", entry.door).format(number=entry.credential)
    return " · ".join(part for part in (page.texts.word("door", entry.door), by, entry.origin) if part)


def _change(page: Page, change: Change) -> Markup:
    """A value before and after. A long one is folded up."""
    name = in_language(change.name, page.texts.language)
    sides = [_value(page, change.name, side) for side in (change.before, change.after) if side is not None]
    gone = page.texts("audit.gone") if change.after is None and change.before is not None else ""
    said = " → ".join([*sides, *([gone] if gone else [])]) or "–"
    if len(said) <= _LONG:
        return tag("div", tag("small", name), tag("span", said), cls="mr-parts")
    head = tag("summary", f"{name} {said[:_LONG]}…")
    return tag("details", head, tag("div", said[:_LONGEST_SHOWN]))


def _value(page: Page, name: str, value: str) -> str:
    if name == "role":
        return page.texts.word("role", value)
    return page.texts.word("answer", value)


def as_frame(found: tuple[Entry, ...]) -> pl.DataFrame:
    """Rows for a file: what was before and after as JSON."""
    texts = ("before", "after")
    rows = [{**asdict(entry), **{name: _json(getattr(entry, name)) for name in texts}} for entry in found]
    return pl.DataFrame(rows, schema=_FILE).rename({"of_pack": "pack"})


_FILE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "number": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    **dict.fromkeys(
        ("actor", "role", "door", "credential", "origin", "act", "kind", "thing", "of_pack", "outcome"),
        pl.String,
    ),
    **dict.fromkeys(("before", "after", "why"), pl.String),
}


def _json(kept: Any) -> str | None:  # noqa: ANN401 - as the database gives it
    return None if kept is None else json.dumps(kept, ensure_ascii=False)
