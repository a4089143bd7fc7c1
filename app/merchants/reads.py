"""What is stored of merchants, kept between reruns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.merchants.series import Series, category_series, series_of_rows
from app.minutes import minutes_of
from app.pages.entity.reads import index, known_version
from app.reads import tuned_at
from pipeline.minute import floor_minute

if TYPE_CHECKING:
    import polars as pl

    from app.lake import Lake
    from app.reads import Page
    from pipeline.minute import Span
    from pipeline.store.manifest import LakeFile, Manifest


def series(page: Page, manifest: Manifest, merchant_id: str | None, span: Span) -> Series:
    """Running totals of a merchant, or of all (None), over a published span."""
    return series_of_rows(minutes_of(page, manifest, merchant_id, span), span)


def public_holidays(page: Page) -> str:
    """Whose public holidays the rules in force know; before there is a version, those of the file."""
    tuned: Any = tuned_at(page, floor_minute(page.clock()))
    if tuned is None:
        rules = page.door.settings.rules
        tuned = page.pack.read_tuned(rules.read_text(encoding="utf-8"), str(rules))
    return str(tuned.volume_drop.public_holidays)


def beside(page: Page, manifest: Manifest, category: str, span: Span) -> Series:
    """Running totals of a category: every file is read once for all categories, whoever asks."""
    version = known_version(page)
    files = [f for f in manifest.datasets.get(page.pack.dataset, ()) if f.span.overlaps(span)]
    frames = [_categories(f"{page.name} {version} {f.path}", page, manifest, f) for f in files]
    return category_series(frames, category, span)


#: Of 9 days in files of days, hours and minutes; a day of 20 categories takes about a megabyte.
@st.cache_resource(max_entries=256, show_spinner=False)
def _categories(key: str, _page: Page, _manifest: Manifest, _file: LakeFile) -> pl.DataFrame:  # noqa: ARG001
    members = index(_page).rows.select("entity_id", "fact").drop_nulls()
    return read_categories(_page.door.lake, _manifest, _file.span, members)


def read_categories(lake: Lake, manifest: Manifest, file: Span, members: pl.DataFrame) -> pl.DataFrame:
    """Approvals and cancels of each category by minute in the files that touch `file`, of its `members`.

    Shape: `fact`, `minute` (minutes since the epoch), `approval_count`, `cancel_count`.
    """
    asked = {"merchants": members["entity_id"].to_list(), "categories": members["fact"].to_list()}
    return lake.ask("merchants/analyst/app_categories", asked, manifest, file)
