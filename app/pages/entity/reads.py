"""What is known of entities, kept between reruns: the index that people search, and incidents.

The index is made once for what is known: it holds as long as neither names and facts nor the newest whole
files are others. At 100,000 entities it takes a tenth of a second and about 10 MB; two of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from app.pages.entity.search import ENTITIES, Found, Index, find, index_of
from app.reads import shared
from pipeline.judge.verdicts import EVERYBODY
from pipeline.store.manifest import runs_of_files, span_of_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.reads import Page
    from pipeline.minute import Span
    from pipeline.store.manifest import LakeFile, Manifest

#: Which of an entity's incidents are shown; nobody reads on.
MOST_INCIDENTS: Final = 50
#: Entities with incidents that are found although nothing else is known of them.
_MOST_WITH_INCIDENTS: Final = 10_000
_NEWEST_FILES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An incident of an entity."""

    incident_id: int
    rule: str
    name: str | None
    tier: str
    severity: str
    status: str
    opened_minute: datetime
    last_breach_minute: datetime
    resolved_minute: datetime | None
    at_risk: int | None
    expected_loss: int | None

    @property
    def open(self) -> bool:
        """Is it not over?"""
        return self.status != "resolved"


@shared
def incidents_of(page: Page, entity_id: str) -> tuple[Past, ...]:
    """The incidents of one entity, newest first; of all together where it is EVERYBODY."""
    asked = {"entity": entity_id, "at_most": MOST_INCIDENTS}
    return tuple(Past(**row) for row in page.door.rows("ops/app_incidents_of", asked))


@shared
def with_incidents(page: Page) -> pl.DataFrame:
    """Entities that had an incident, with how many are `open`; open ones first."""
    asked = {"everybody": EVERYBODY, "at_most": _MOST_WITH_INCIDENTS}
    rows = page.door.rows("ops/app_with_incidents", asked)
    return pl.DataFrame(rows, {"entity_id": pl.String(), "name": pl.String(), "open": pl.Int64()})


@shared
def known_version(page: Page) -> int:
    """See queries/ops/app_known.sql."""
    return int(page.door.rows("ops/app_known", {})[0]["version"])


def found(page: Page, typed: str) -> Found:
    """The entities that fit what was typed."""
    return find([index(page), _from_incidents(page)], typed)


def index(page: Page) -> Index:
    """All entities that are known by name, fact or the newest whole files."""
    manifest = page.door.lake.manifest()
    files = newest_files(manifest, page.pack.dataset)
    key = " ".join([page.name, str(known_version(page)), *(file.path for run in files for file in run)])
    return _index(key, page, manifest, files)


def newest_files(manifest: Manifest | None, dataset: str) -> Sequence[Sequence[LakeFile]]:
    """The newest of the longest files, of days once there are some; those of the same minutes together."""
    runs = runs_of_files(() if manifest is None else manifest.datasets.get(dataset, ()))
    longest = max((span_of_files(run).minutes for run in runs), default=0)
    return [run for run in runs if 2 * span_of_files(run).minutes >= longest][-_NEWEST_FILES:]


@st.cache_resource(max_entries=2, show_spinner=False)
def _index(
    key: str,  # noqa: ARG001
    _page: Page,
    _manifest: Manifest | None,
    _files: Sequence[Sequence[LakeFile]],
) -> Index:
    rows = _page.door.rows("ops/app_entities", {})
    known = pl.DataFrame(rows, {name: ENTITIES[name] for name in ("entity_id", "name", "fact")})
    weights = (
        []
        if _manifest is None
        else [_weights(f"{_page.name} {_paths(run)}", _page, _manifest, span_of_files(run)) for run in _files]
    )
    weight = pl.concat([pl.DataFrame(schema={"entity_id": pl.String(), "weight": pl.Int64()}), *weights])
    summed = weight.group_by("entity_id").agg(pl.col("weight").sum())
    return index_of(known.join(summed, on="entity_id", how="full", coalesce=True).select(ENTITIES.names()))


@st.cache_resource(max_entries=2 * _NEWEST_FILES, show_spinner=False)
def _weights(key: str, _page: Page, _manifest: Manifest, _span: Span) -> pl.DataFrame:  # noqa: ARG001
    return _page.door.lake.entities(_manifest, _span)


def _paths(files: Sequence[LakeFile]) -> str:
    return " ".join(file.path for file in files)


def _from_incidents(page: Page) -> Index:
    named = with_incidents(page).select("entity_id", "name")
    missing = pl.lit(None)
    return index_of(
        named.with_columns(missing.cast(pl.String).alias("fact"), missing.cast(pl.Int64).alias("weight"))
    )
