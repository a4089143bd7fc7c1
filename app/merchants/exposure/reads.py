"""The newest snapshot of the book of exposure, as it is published; kept between reruns by its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app.reads import shared
from pipeline.money import EXPOSURE, LEARNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from app.reads import Page
    from pipeline.store.manifest import LakeFile, Manifest

#: So many a page.
ROWS: Final = 50
_QUERY: Final = "merchants/analyst/app_exposure"
_TOGETHER: Final = "merchants/analyst/app_exposure_sums"
#: The newest of each page, state and merchant that somebody looks at.
_KEPT: Final = 64


def newest(manifest: Manifest | None) -> LakeFile | None:
    """The file of the newest snapshot; None while there is none."""
    files = () if manifest is None else manifest.datasets.get(EXPOSURE, ())
    return max(files, key=lambda file: file.span.end, default=None)


def ranked(page: Page, manifest: Manifest, file: LakeFile, state: str | None, place: int) -> pl.DataFrame:
    """A page of the merchants, counted from 1, the most to lose first: EXPOSURE_ROW, `at_risk`, `found`."""
    asked = {"state": state, "merchant": None, "at_most": ROWS, "past": (place - 1) * ROWS}
    return _asked(f"{page.name} {file.path} {state} {place}", page, manifest, file, _QUERY, asked)


def everyone(page: Page, manifest: Manifest, file: LakeFile, state: str | None) -> pl.DataFrame:
    """All of them, to be taken along."""
    asked = {"state": state, "merchant": None, "at_most": 10**9, "past": 0}
    return page.door.lake.ask(_QUERY, asked, manifest, file.span, EXPOSURE)


def of_merchant(page: Page, manifest: Manifest, file: LakeFile, merchant_id: str) -> pl.DataFrame:
    """The row of one merchant, or none."""
    asked = {"state": None, "merchant": merchant_id, "at_most": 1, "past": 0}
    return _asked(f"{page.name} {file.path} {merchant_id!r}", page, manifest, file, _QUERY, asked)


def together(page: Page, manifest: Manifest, file: LakeFile) -> pl.DataFrame:
    """The sums by state."""
    return _asked(f"{page.name} {file.path} together", page, manifest, file, _TOGETHER, {})


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _asked(
    key: str,  # noqa: ARG001
    _page: Page,
    _manifest: Manifest,
    _file: LakeFile,
    _query: str,
    _given: Mapping[str, object],
) -> pl.DataFrame:
    return _page.door.lake.ask(_query, _given, _manifest, _file.span, EXPOSURE)


@shared
def likely(page: Page) -> dict[str, dict[str, int]]:
    """By state how likely it is that money does not come back, and where that is from; empty: not known."""
    rows = page.door.rows("ops/app_jobs", {"jobs": [LEARNED]})
    return dict(rows[0]["result"]) if rows else {}


@shared
def names(page: Page, merchants: tuple[str, ...]) -> dict[str, str]:
    """Their names, as far as the source gives them."""
    rows = page.door.rows("ops/app_names_of", {"ids": list(merchants)})
    return {row["entity_id"]: row["name"] for row in rows}
