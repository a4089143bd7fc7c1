"""Whom the screen is about, by the address: one entity, or all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from app.address import Param, words
from app.pages.entity import reads
from app.pages.given import given, quietly
from pipeline.errors import MinuteriskError
from pipeline.judge.verdicts import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.pages.entity.reads import Past
    from app.reads import Page

ID: Final = Param("id", words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One entity, or all together (`entity_id` None), and what is known of it."""

    entity_id: str | None
    name: str | None = None
    fact: str | None = None
    #: Its place among all by how much happened in the last days, from 1; None: not known.
    place: int | None = None
    among: int = 0
    incidents: Sequence[Past] = ()
    listed: bool = True  # is anything known of it beside, perhaps, its rows?

    @property
    def tier(self) -> str | None:
        """As its newest incident was told; None: it had none."""
        return self.incidents[0].tier if self.incidents and self.entity_id is not None else None

    @property
    def open(self) -> list[Past]:
        """Its incidents that are not over."""
        return [past for past in self.incidents if past.open]

    @property
    def title(self) -> str | None:
        """Its name, or its id where nobody knows one. Not safe as markup."""
        return self.name or self.entity_id


def asked_id(page: Page) -> str | None:
    """The id that the address names; what cannot be one is said."""
    return given(page, ID)


def chosen_id() -> str | None:
    """The same, where it was said already."""
    return quietly(ID)


def subject_of(page: Page, entity_id: str | None) -> Subject:
    """All that is known of an entity, or of all together; while the database is away, nothing but the id."""
    try:
        return _known(page, entity_id)
    except MinuteriskError:
        return Subject(entity_id=entity_id)


def _known(page: Page, entity_id: str | None) -> Subject:
    if entity_id is None:
        return Subject(entity_id=None, incidents=reads.incidents_of(page, EVERYBODY))
    incidents = reads.incidents_of(page, entity_id)
    rows = reads.index(page).rows
    found = rows.with_row_index("place").filter(pl.col("entity_id") == entity_id).to_dicts()
    told = next((past.name for past in incidents if past.name), None)
    if not found:
        return Subject(entity_id=entity_id, name=told, incidents=incidents, listed=bool(incidents))
    row = found[0]
    return Subject(
        entity_id=entity_id,
        name=row["name"] or told,
        fact=row["fact"],
        place=None if row["weight"] is None else row["place"] + 1,
        among=rows.height,
        incidents=incidents,
    )
