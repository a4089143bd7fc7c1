"""What merchants owe and may come to owe: all of them ranked, and one of them on its own screen.

Everything here is the published snapshot of a minute; incidents of that minute carry the same figures.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import streamlit as st

from app.address import Param, number, one_of
from app.format import count, day, moment, won_short
from app.markup import card, notice, table, tag, visible
from app.merchants.exposure import reads
from app.pages.downloads import offer
from app.pages.entity.subject import chosen_id
from app.pages.given import given, keep
from app.pages.links import link
from app.pages.packs import PACK
from app.pages.worth import beside, exact, lines, word
from baselines.merchants.priced import STATES
from pipeline.money.said import Figure

if TYPE_CHECKING:
    import polars as pl

    from app.markup import Markup
    from app.reads import Page
    from pipeline.store.manifest import LakeFile, Manifest

STATE: Final = Param("state", one_of(STATES))
PLACE: Final = Param("place", number)
_CHOSEN: Final = "exposure-state"
_PLACE: Final = "exposure-place"
_SUMS: Final = ("expected_loss", "paid_out_cancelable", "unrecovered", "pending_payout")


def show(page: Page) -> None:
    """Draw the screen."""
    manifest = page.door.lake.manifest()
    file = reads.newest(manifest)
    if manifest is None or file is None:
        st.html(notice(page.texts("exposure.none"), page.texts("exposure.none.note")))
        return
    _show_sums(page, reads.together(page, manifest, file))
    _show_likely(page)
    state, place = _choose_state(page), max(given(page, PLACE) or 1, 1)
    found = reads.ranked(page, manifest, file, state, place)
    total = int(found["found"][0]) if found.height else 0
    note = page.texts("exposure.note", minute=moment(file.span.end, page.zone), count=count(total))
    st.html(tag("h2", page.texts("exposure.heading"), tag("small", note), cls="mr-h2"))
    if not total:
        st.html(notice(page.texts("exposure.nobody"), tone="good"))
        return
    st.html(_table(page, found))
    _show_places(total, place)
    every = partial(reads.everyone, page, manifest, file, state)
    offer(page, f"exposure-{file.span.start:%Y%m%d-%H%M}", every)


def show_of_one(page: Page) -> None:
    """On the screen of one merchant: its row of the snapshot."""
    manifest, merchant_id = page.door.lake.manifest(), chosen_id()
    file = reads.newest(manifest)
    if manifest is None or file is None or merchant_id is None:
        return
    _show_row(page, manifest, file, merchant_id)
    link(page, "exposure", page.texts("exposure.to_all"), icon=":material/account_balance:")


def _show_row(page: Page, manifest: Manifest, file: LakeFile, merchant_id: str) -> None:
    texts = page.texts
    found = reads.of_merchant(page, manifest, file, merchant_id).to_dicts()
    if not found:
        heading = tag("small", texts("exposure.of_one.none"))
        st.html(tag("div", texts("exposure.of_one"), heading, cls="mr-h2"))
        return
    (row,) = found
    state = texts.word("merchant_state", row["state"])
    note = texts("exposure.of_one.note", minute=moment(file.span.end, page.zone), state=state)
    st.html(tag("div", texts("exposure.of_one"), tag("small", note), cls="mr-h2"))
    total = tag("div", exact(page, row["at_risk"]), tag("small", texts("incident.risk")), cls="mr-big")
    named = (f"{word(page, name)} {exact(page, row[name])}" for name in page.pack.parts)
    parts = [tag("div", said, cls="mr-part") for said in named]
    st.html(tag("div", total, *parts, *lines(page, _figures(page, row), saves=False)))
    _show_likely(page)


def _show_sums(page: Page, sums: pl.DataFrame) -> None:
    """All together, as the incidents of everybody carry it."""
    known = {name: sums[name].drop_nulls() for name in _SUMS}
    amounts = {name: int(values.sum()) if values.len() else None for name, values in known.items()}
    cards = [
        card(word(page, name), _short(page, amount), "" if amount is None else exact(page, amount))
        for name, amount in amounts.items()
    ]
    st.html(tag("div", *cards, cls="mr-cards mr-tight"))
    unknown = int(sums["unknown"].sum())
    if unknown:
        st.html(tag("div", page.texts("exposure.unknown", count=count(unknown)), cls="mr-note"))


def _show_likely(page: Page) -> None:
    """Where the probabilities of the expected loss are from: tuned, or measured on what people labelled."""
    texts, said = page.texts, []
    for state, found in reads.likely(page).items():
        source = "measured" if found["measured"] else "tuned"
        given = {
            "state": texts.word("merchant_state", state),
            "percent": f"{found['per_10000'] / 100:g} %",
            "known": count(found["known"]),
            "bad": count(found["could_not_pay"]),
        }
        said.append(texts(f"exposure.likely.{source}", **given))
    if said:
        st.html(tag("div", texts("exposure.likely", said=" · ".join(said)), cls="mr-note"))


def _choose_state(page: Page) -> str | None:
    texts, asked = page.texts, given(page, STATE)
    if _CHOSEN not in st.session_state:
        st.session_state[_CHOSEN] = asked
    chosen: str | None = st.segmented_control(
        texts("exposure.state"), list(STATES), key=_CHOSEN, on_change=_keep_state,
        format_func=lambda name: texts.word("merchant_state", name),
    )  # fmt: skip
    return chosen


def _keep_state() -> None:
    keep(state=st.session_state[_CHOSEN], place=None)


def _show_places(total: int, place: int) -> None:
    places = -(-total // reads.ROWS)
    if places > 1:
        st.session_state[_PLACE] = min(place, places)
        st.pagination(places, key=_PLACE, max_visible_pages=5, on_change=_keep_place)


def _keep_place() -> None:
    keep(place=st.session_state[_PLACE])


def _table(page: Page, found: pl.DataFrame) -> Markup:
    texts, rows = page.texts, found.to_dicts()
    names = reads.names(page, tuple(row["merchant_id"] for row in rows))
    figures = ("expected_loss", "paid_out_cancelable", "unrecovered", "pending_payout", "next_payout")
    head = [
        texts("exposure.merchant"),
        texts("exposure.state"),
        *(word(page, name) for name in figures),
        texts("exposure.through"),
    ]
    return table(head, [_cells(page, row, figures, names) for row in rows], numbers=True)


def _cells(page: Page, row: dict[str, Any], figures: tuple[str, ...], names: dict[str, str]) -> list[str]:
    texts = page.texts
    through = "" if row["settled_through"] is None else day(row["settled_through"], texts.language)
    return [
        _way(page, row["merchant_id"], names.get(row["merchant_id"], "")),
        texts.word("merchant_state", row["state"]),
        *(_cell(page, row, name) for name in figures),
        through,
    ]


def _way(page: Page, merchant_id: str, name: str) -> Markup:
    """To all that is known of it."""
    query = {**({PACK: page.pack.name} if page.among_others else {}), "id": merchant_id}
    called = merchant_id if not name or merchant_id in name else f"{name} {merchant_id}"
    return tag("a", visible(called, 60), href="/entity?" + urlencode(query), target="_self")


def _cell(page: Page, row: dict[str, Any], name: str) -> Markup:
    """The exact amount, with its date or its interval below."""
    on = row.get(f"{name}_date")
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    figure = Figure(name, row[name], low, high, on and on.isoformat())
    small = [tag("small", said) for said in beside(page, figure)]
    return tag("span", exact(page, figure.amount), *small)


def _figures(page: Page, row: dict[str, Any]) -> dict[str, int | str | None]:
    """As incidents carry them: dates as text."""
    values = ((name, row[name]) for name in page.pack.figures)
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values}


def _short(page: Page, amount: int | None) -> str:
    return page.texts("money.not_known") if amount is None else won_short(amount, page.texts.language)
