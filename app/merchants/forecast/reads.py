"""The newest forecast that the pipeline has kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.reads import shared

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from app.reads import Page


@dataclass(frozen=True, slots=True)
class Kept:
    """A forecast of a business day, as pipeline/packs/merchants/programmes/forecast.py gives it."""

    day: date
    result: Mapping[str, Any]


@shared
def newest(page: Page) -> Kept | None:
    """The newest; None before there is one."""
    rows = page.door.rows("ops/forecasts", {"at_most": 1})
    return Kept(rows[0]["day"], rows[0]["result"]) if rows else None


@shared
def names(page: Page, ids: tuple[str, ...]) -> Mapping[str, str]:
    """The names of merchants that have one."""
    rows = page.door.rows("ops/app_names_of", {"ids": list(ids)})
    return {row["entity_id"]: row["name"] for row in rows}
