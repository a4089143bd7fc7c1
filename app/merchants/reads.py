"""What is stored of merchants, kept between reruns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from app.merchants.series import Series, series_of_rows, together_series
from app.minutes import minutes_of
from app.pages.entity.reads import index, known_version
from app.reads import tuned_at
from pipeline.minute import HOUR_MINUTES, floor_minute
from pipeline.store.manifest import runs_of_files, span_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.lake import Lake
    from app.reads import Page
    from pipeline.minute import Span
    from pipeline.store.manifest import LakeFile, Manifest

#: Of 20 categories 9 days in files of days, hours and minutes: a day of one takes 35 kB.
_MOST_CATEGORIES: Final = 20
_MOST_FILES: Final = 64


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
    """Running totals of a category: a long file is read once for it, whoever asks."""
    members = _members(f"{page.name} {known_version(page)} {category}", page, category)
    files = [f for f in manifest.datasets.get(page.pack.dataset, ()) if f.span.overlaps(span)]
    name = f"{page.name} {members.name}"
    frames = [_together(f"{name} {key}", page, manifest, part, members) for key, part in parts_of(files)]
    return together_series(frames, span)


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
    return read_together(_page.door.lake, _manifest, _part, _members.to_list())


def read_together(lake: Lake, manifest: Manifest, file: Span, members: Sequence[str]) -> pl.DataFrame:
    """Approvals and cancels of all `members` by minute, in the files that touch `file`.

    Shape: `minute` (minutes since the epoch), `approval_count`, `cancel_count`.
    """
    return lake.ask("merchants/analyst/app_category", {"merchants": list(members)}, manifest, file)


def parts_of(files: Sequence[LakeFile]) -> list[tuple[str, Span]]:
    """What is read at a time, by its paths: each long file, and the short ones after them at once.

    A short file takes as long to open as a long one to read. Files that hold the slots of the same minutes
    are read together.
    """
    runs = [(run, span_of_files(run)) for run in runs_of_files(files)]
    last = max((span.end for _, span in runs if span.minutes >= HOUR_MINUTES), default=None)
    newest = [file for run, span in runs if last is None or span.start >= last for file in run]
    parts = [(_paths(run), span) for run, span in runs if last is not None and span.start < last]
    return [*parts, (_paths(newest), span_of_files(newest))] if newest else parts


def _paths(files: Sequence[LakeFile]) -> str:
    return " ".join(sorted(file.path for file in files))
