"""What the published files say of merchants, kept between reruns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.merchants.lake import read_pace, read_trend
from app.reads import published

if TYPE_CHECKING:
    import polars as pl

    from app.reads import Page
    from pipeline.store.manifest import Manifest


@published
def trend(page: Page, manifest: Manifest, merchant_id: str | None, window: str) -> pl.DataFrame:
    """See `read_trend`."""
    return read_trend(page.door, manifest, merchant_id, window)


@published
def pace(page: Page, manifest: Manifest, merchant_id: str | None) -> pl.DataFrame:
    """See `read_pace`."""
    return read_pace(page.door, manifest, merchant_id, page.zone)
