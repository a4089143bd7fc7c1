"""Are the published files what the ledger says they are? One that is damaged or missing is built again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl
import structlog

from pipeline.alert import Changes
from pipeline.catch_up import rebuild_windows
from pipeline.correct import rejudge_published
from pipeline.feeds import SourceFeed
from pipeline.minute import split_by_day
from pipeline.state import Correction
from pipeline.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pipeline.catch_up import Pipeline
    from pipeline.lake import Lake, LakeFile

log = structlog.get_logger()


def damaged_files(lake: Lake, files: Sequence[LakeFile]) -> list[LakeFile]:
    """Published files that are missing, or whose bytes are not the ones that were committed."""
    return [file for file in files if _digest(lake, file) != file.sha256]


def repair_files(pipeline: Pipeline, damaged: Sequence[LakeFile]) -> None:
    """Build damaged files again: counts from the source, signals by judging the published counts again.

    A minute whose numbers at the source have changed since gets a new revision with them.
    """
    for file in sorted(damaged, key=lambda f: f.dataset == "signal"):  # signals need the counts first
        log.error("lake.file_damaged", path=file.path, rows=file.rows, alarm=True)
        if file.dataset == "signal":
            _repair_signals(pipeline, file)
        else:
            _repair_counts(pipeline, file)
        log.info("lake.file_rebuilt", path=file.path)
    if damaged:
        pipeline.take_windows(None, min(file.span.start for file in damaged))
        pipeline.project()


def _digest(lake: Lake, file: LakeFile) -> str | None:
    try:
        with (lake.folder / file.path).open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def _repair_counts(pipeline: Pipeline, file: LakeFile) -> None:
    feed, steps = SourceFeed(pipeline.source), Steps(pipeline.monotonic)
    parts = [feed.count(day, steps) for day in split_by_day(file.span, pipeline.lake.zone)]
    frames = [p.merchant_minutes if file.dataset == "merchant_minute" else p.quarantine for p in parts]
    written = pipeline.lake.write(file.dataset, pl.concat(frames), file.span)
    known = {row["minute"].isoformat(): row for row in pipeline.state.minutes(file.span)}
    revised = [row for part in parts for row in part.ledger if _differs(row, known.get(row["minute"]))]
    _commit(pipeline, file, written, revised)


def _repair_signals(pipeline: Pipeline, file: LakeFile) -> None:
    windows = rebuild_windows(pipeline.lake, pipeline.state, file.span.start, pipeline.rules)
    judged = {row["minute"]: row["policy"] for row in pipeline.state.minutes(file.span) if row["judged_at"]}
    files = pipeline.state.publication().files
    signals = rejudge_published(windows, pipeline.lake, files, file.span, judged, pipeline.rules)
    _commit(pipeline, file, pipeline.lake.write("signal", signals, file.span), [])


def _commit(
    pipeline: Pipeline, file: LakeFile, written: LakeFile | None, revised: Sequence[Mapping[str, Any]]
) -> None:
    files = [written] if written else []
    pipeline.state.correct(
        Correction(
            cause="damaged_file",
            minutes=revised,
            retired=[file.path],
            files=files,
            changes=Changes(),
            corrected=(),
            at=file.span.start,
        )
    )


def _differs(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    names = ("approval_count", "cancel_count", "approval_amount", "cancel_amount", "quarantined")
    return known is not None and any(row[name] != known[name] for name in names)
