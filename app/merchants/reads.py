"""What is stored of merchants, kept between reruns."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app.merchants import lake
from app.merchants.series import Series, series_of_rows
from app.pages.entity.reads import index, known_version
from app.pages.entity.rows import rows_of
from app.reads import published, shared

if TYPE_CHECKING:
    from app.reads import Page
    from pipeline.minute import Span
    from pipeline.store.manifest import Manifest

#: Of 20 categories 9 days in files of days, hours and minutes: a day of one takes 35 kB.
_MOST_CATEGORIES: Final = 20
_MOST_FILES: Final = 64


def series(page: Page, manifest: Manifest, merchant_id: str | None, span: Span) -> Series:
    """Running totals of a merchant, or of all (None), over a published span."""
    if merchant_id is None:
        return _all(page, manifest, span)
    return series_of_rows(rows_of(page, manifest, merchant_id, span), span)


@published
def _all(page: Page, manifest: Manifest, span: Span) -> Series:  # noqa: ARG001 - the key of the cache
    return lake.read_all(page.door, span)


@shared
def public_holidays(page: Page) -> str:
    """Whose public holidays the rules in force know."""
    versions = [row["version"] for row in page.door.rows("ops/rules_in_time", {}) if row["version"]]
    kept = page.door.rows("ops/rule_texts", {"versions": versions[-1:]})
    text = kept[0]["numbers"] if kept else page.door.settings.rules.read_text(encoding="utf-8")
    country: str = tomllib.loads(text)["volume_drop"].get("public_holidays", "none")
    return country


def beside(page: Page, manifest: Manifest, category: str, span: Span) -> Series:
    """Running totals of a category: a long file is read once for it, whoever asks."""
    members = _members(f"{page.name} {known_version(page)} {category}", page, category)
    files = [f for f in manifest.datasets.get(page.pack.dataset, ()) if f.span.overlaps(span)]
    frames = [
        _together(f"{page.name} {members.name} {paths}", page, manifest, part, members)
        for paths, part in lake.parts_of(files)
    ]
    return lake.together_series(frames, span)


@st.cache_resource(max_entries=_MOST_CATEGORIES, show_spinner=False)
def _members(key: str, _page: Page, _category: str) -> pl.Series:  # noqa: ARG001
    """Whose category it is, by the name of a hash: what was read of them holds while they are the same."""
    ids = index(_page).rows.filter(pl.col("fact") == _category)["entity_id"].sort()
    return ids.alias(f"{ids.len()}-{ids.hash().sum()}")


@st.cache_resource(max_entries=_MOST_CATEGORIES * _MOST_FILES, show_spinner=False)
def _together(
    key: str,  # noqa: ARG001
    _page: Page,
    _manifest: Manifest,
    _part: Span,
    _members: pl.Series,
) -> pl.DataFrame:
    return lake.read_together(_page.door, _manifest, _part, _members.to_list())
