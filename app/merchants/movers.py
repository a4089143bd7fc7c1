"""Who moved most: the newest whole hour of each merchant against the same hour of the day before.

An hour is read once for the files that hold it: those of a finished hour change only where it is corrected.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app.charts import local
from app.format import count, won_short
from app.markup import notice, plain, tag
from app.pages.downloads import offer
from app.pages.links import link
from app.reads import shared
from pipeline.minute import HOUR_MINUTES, MINUTE, Span

if TYPE_CHECKING:
    from app.reads import Page
    from pipeline.store.manifest import Manifest

HOUR: Final = HOUR_MINUTES * MINUTE
#: By what they are ranked: at least so many of it in one of both hours, else chance alone fills the list.
LEAST: Final = {"approval_count": 30, "cancel_count": 10, "approval_amount": 30}
_NAMES: Final = {
    "approval_count": "movers.approvals",
    "cancel_count": "movers.cancels",
    "approval_amount": "movers.amount",
}
SHOWN: Final = 10
_KEPT: Final = 16
_QUERY: Final = "merchants/analyst/app_movers"
_CHOSEN: Final = "movers-by"


def show_movers(page: Page) -> None:
    """Ten of them, by what the person chooses."""
    texts = page.texts
    manifest = page.door.lake.manifest()
    hours = None if manifest is None else hours_of(manifest)
    st.html(tag("h2", texts("movers.heading"), cls="mr-h2"))
    if manifest is None or hours is None:
        st.html(notice(texts("movers.none")))
        return
    now, before = (_hour(page, manifest, span) for span in hours)
    ends = local(pl.Series([hours[0].start, hours[0].end]), page.zone)
    note = texts("movers.note", first=f"{ends[0]:%m-%d %H:%M}", stop=f"{ends[1]:%H:%M}")
    st.html(tag("div", note, cls="mr-note"))
    by = st.segmented_control(
        texts("movers.by"), list(LEAST), default="cancel_count", required=True, key=_CHOSEN,
        format_func=lambda name: texts(_NAMES[name]),
    )  # fmt: skip
    found = movers(now, before, by)
    if found.is_empty():
        st.html(tag("div", texts("movers.nobody"), cls="mr-note"))
        return
    shown = found.head(SHOWN)
    names = _names(page, tuple(shown["merchant_id"]))
    for row in shown.to_dicts():
        _show_row(page, row, by, names.get(row["merchant_id"], ""))
    offer(page, f"movers-{by}-{ends[0]:%Y%m%d-%H}", lambda: found)


def hours_of(manifest: Manifest) -> tuple[Span, Span] | None:
    """The newest whole hour that is published, and the same of the day before; None where one is not."""
    end = manifest.published_through.replace(minute=0)
    now = Span(end - HOUR, end)
    before = Span(now.start - timedelta(days=1), now.end - timedelta(days=1))
    first = manifest.first_minute
    return None if first is None or before.start < first else (now, before)


def movers(now: pl.DataFrame, before: pl.DataFrame, by: str) -> pl.DataFrame:
    """Those that moved most beyond chance, the most first: `now` and `before` of each.

    Counts are ranked by how far they are apart against their own chance, amounts by their difference.
    """
    both = now.join(before, on="merchant_id", how="full", suffix="_before", coalesce=True).fill_null(0)
    enough = "approval_count" if by == "approval_amount" else by
    large = pl.max_horizontal(enough, f"{enough}_before") >= LEAST[by]
    apart = (pl.col(by) - pl.col(f"{by}_before")).abs()
    chance = 1.0 if by == "approval_amount" else (pl.col(by) + pl.col(f"{by}_before")).sqrt()
    ranked = both.filter(large, apart > 0).with_columns(rank=apart / chance)
    ordered = ranked.sort(["rank", "merchant_id"], descending=[True, False])
    return ordered.select("merchant_id", now=by, before=f"{by}_before")


@shared
def _names(page: Page, merchants: tuple[str, ...]) -> dict[str, str]:
    rows = page.door.rows("ops/app_names_of", {"ids": list(merchants)})
    return {row["entity_id"]: row["name"] for row in rows}


def _hour(page: Page, manifest: Manifest, span: Span) -> pl.DataFrame:
    paths = tuple(manifest.paths(page.pack.dataset, span, page.door.settings.lake))
    return _counted(page.name, paths, span.start.isoformat(), page, manifest, span)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _counted(
    name: str,  # noqa: ARG001 - the key of the cache, with the files and the hour
    paths: tuple[str, ...],  # noqa: ARG001
    start: str,  # noqa: ARG001
    _page: Page,
    _manifest: Manifest,
    _span: Span,
) -> pl.DataFrame:
    asked = {"first": _span.start, "stop": _span.end}
    return _page.door.lake.ask(_QUERY, asked, _manifest, _span)


def _show_row(page: Page, row: dict[str, object], by: str, name: str) -> None:
    merchant, now, before = str(row["merchant_id"]), int(str(row["now"])), int(str(row["before"]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=190):
            called = name if merchant in name else f"{name} {merchant}".strip()
            link(page, "entity", plain(called, 40), id=merchant)
        st.html(tag("span", _said(page, now, before, by), cls="mr-line"))


def _said(page: Page, now: int, before: int, by: str) -> str:
    """Both, and which way it went."""
    money = by == "approval_amount"
    ends = [won_short(value, page.texts.language) if money else count(value) for value in (before, now)]
    sign = "▲" if now > before else "▼"
    times = f" ({now / before:.1f}×)" if before and now else ""
    return f"{sign} {ends[0]} → {ends[1]}{times}"
