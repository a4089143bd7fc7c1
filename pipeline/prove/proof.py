"""What is proven about a span: source against ledger, ledger against files, files against their checksums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.minute import split_by_day
from pipeline.prove.reconcile import Difference, reconcile, reconcile_exactly
from pipeline.source.pieces import pieces_of_files
from pipeline.store.audit import head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from pipeline.minute import Span
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile


@dataclass(frozen=True, slots=True)
class Faults:
    """Minutes that differ from the source, and files that are not what was committed."""

    differences: tuple[Difference, ...]
    files: tuple[LakeFile, ...]
    without_time: int | None  # None: not known

    @property
    def minutes(self) -> list[datetime]:
        """The minutes that differ."""
        return [difference.minute for difference in self.differences]

    @property
    def any(self) -> bool:
        """Is there anything to repair?"""
        return bool(self.differences or self.files)


def find_faults(pipeline: Pipeline, source: Source, span: Span) -> Faults:
    """Compare every minute of `span` with the source, and every published file with its checksum."""
    files = pipeline.lake.damaged(pipeline.state.publication().files)
    if files:  # what is in them cannot be compared; their rebuilding compares it
        differences = reconcile(source, pipeline.state, span, pipeline.lake)
    else:
        differences = reconcile_exactly(source, pipeline.state, pipeline.lake, span)
    return Faults(tuple(differences), tuple(files), rows_without_time(pipeline, source))


def rows_without_time(pipeline: Pipeline, source: Source) -> int | None:
    """How many rows no minute can count; None, and an alarm, where the source does not say."""
    with pipeline.ornaments.beside("without_time"):
        return source.rows_without_time()
    return None


def statement_of(pipeline: Pipeline, span: Span, found: Faults, left: Faults) -> dict[str, Any]:
    """The facts of the daily statement: what was compared, found, repaired, and what the ledger holds."""
    publication, published = pipeline.state.publication(), pipeline.state.published()
    ledger = [row for day in split_by_day(span, pipeline.lake.zone) for row in pipeline.state.minutes(day)]
    with pipeline.state.reading() as connection:
        audited = head(connection).as_json()
    return {
        "installation": pipeline.state.installation(),
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "version": publication.version,
        "holes": published.holes,
        "differences_found": len(found.minutes),
        "differences_left": len(left.minutes),
        "files_verified": len(publication.files),
        "files_damaged": len(found.files),
        "files_damaged_left": len(left.files),
        "rows_without_time": left.without_time,
        "stray_minutes": pipeline.state.strays(),
        **ledger_facts(ledger, pipeline.lake, publication.files, span),
        "source_promise": pipeline.source.promise,
        "audit": audited,
    }


def ledger_facts(
    ledger: Sequence[Mapping[str, Any]], lake: Lake, files: Sequence[LakeFile], span: Span
) -> dict[str, Any]:
    """What the ledger's rows of a span hold, and whether the published files hold the same sums."""
    names = lake.pack.sums
    lines = [
        [row["minute"].isoformat(), row["revision"], *(row["sums"][n] for n in names), row["quarantined"]]
        for row in ledger
    ]
    totals = {name: sum(row["sums"][name] for row in ledger) for name in names}
    totals["quarantined"] = sum(row["quarantined"] for row in ledger)
    found = _sums(lake, files, span, names)
    return {
        "minutes": len(ledger),
        "revised_minutes": sum(row["revision"] > 0 for row in ledger),
        "ledger": totals,
        "files_equal_ledger": all(found[name] == totals[name] for name in names),
        "ledger_sha256": hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest(),
    }


def _sums(lake: Lake, files: Sequence[LakeFile], span: Span, names: Sequence[str]) -> dict[str, int]:
    """What the published counts of `span` add up to, by column."""
    sums = dict.fromkeys(names, 0)
    for piece in pieces_of_files(files, lake.pack.dataset, span, lake.zone):
        rows = lake.read(files, lake.pack.dataset, piece).select(pl.col(name).sum() for name in names)
        sums = {name: sums[name] + int(rows[name].item()) for name in names}
    return sums
