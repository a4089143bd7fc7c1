"""What the pictures of incidents show, from published files: a day, and what is usual by those before it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import MINUTE, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.pack import Chart
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile

STEP: Final = timedelta(minutes=10)
SHOWN: Final = timedelta(hours=24)
BEFORE: Final = timedelta(days=7)  # what is usual comes from these


def charts_of(
    lake: Lake,
    files: Sequence[LakeFile],
    rows: Sequence[Mapping[str, Any]],
    known: Span,
    language: str,
) -> dict[int, Chart | None]:
    """What the picture of each incident shows, by its number; one reading of the files for all entities.

    It shows the day that `known` ends with. Nothing before `known` was ever read, and is not drawn as if
    nothing had happened. A row has the incident's number, rule and entity, and the newest reason.
    """
    picture = lake.pack.picture
    if picture is None or not rows:
        return {row["incident_id"]: None for row in rows}
    span = Span(max(known.end - SHOWN - BEFORE, known.start), known.end)
    some = sorted({row["entity_id"] for row in rows} - {EVERYBODY})
    sums = lake.sums_by_step(files, span, STEP, some)
    if any(row["entity_id"] == EVERYBODY for row in rows):
        everybody = lake.sums_by_step(files, span, STEP, None)
        sums = pl.concat([sums, everybody.with_columns(pl.lit(EVERYBODY).alias("entity_id"))])
    shown_from = span.end - SHOWN
    return {
        row["incident_id"]: picture(
            row["rule"], row["reason"], filled(sums, row["entity_id"], span), shown_from, language
        )
        for row in rows
    }


def filled(sums: pl.DataFrame, entity_id: str, span: Span) -> pl.DataFrame:
    """An entity's steps, counted back from the span's end, without a gap: where nothing happened it is 0."""
    count = span.minutes // (STEP // MINUTE)
    ends = [span.end - STEP * back for back in range(count, 0, -1)]
    starts = pl.Series("start", ends, sums.schema["start"])
    own = sums.filter(pl.col("entity_id") == entity_id).drop("entity_id")
    return starts.to_frame().join(own, on="start", how="left", maintain_order="left").fill_null(0)
