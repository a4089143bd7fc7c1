"""A published file that is damaged or missing is built again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import structlog

from pipeline.errors import SourceValueWrong
from pipeline.history import rebuild_windows
from pipeline.judge.life import Changes
from pipeline.minute import split_by_day
from pipeline.money import EXPOSURE
from pipeline.prove.rejudge import rejudge_published
from pipeline.source.beside import read_around
from pipeline.source.look_back import HORIZON
from pipeline.source.pieces import Pieces, at_most
from pipeline.source.unreadable import tell_unreadable
from pipeline.steps import Steps
from pipeline.store.state import Correction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pipeline.catch_up import Pipeline
    from pipeline.count import Counted
    from pipeline.minute import Span
    from pipeline.store.manifest import LakeFile

log = structlog.get_logger()


def repair_files(pipeline: Pipeline, damaged: Sequence[LakeFile]) -> None:
    """Build damaged files again: counts from the source, signals by judging the published counts again.

    A minute whose numbers at the source have changed since gets a new revision with them.
    """
    # Signals need the counts first, and the signals before them.
    for file in sorted(damaged, key=lambda f: (f.dataset == "signal", f.span.start)):
        log.error("lake.file_damaged", path=file.path, rows=file.rows, alarm=True)
        if _is_lost(pipeline, file):
            _commit(pipeline, file, None, [])
            log.info("lake.file_given_up", path=file.path)
            continue
        if file.dataset == "signal":
            _repair_signals(pipeline, file)
        elif file.dataset in pipeline.pack.beside and pipeline.pack.beside[file.dataset].query is not None:
            _repair_beside(pipeline, file)
        else:
            _repair_counts(pipeline, file)
        log.info("lake.file_rebuilt", path=file.path)
    if damaged:
        pipeline.take_windows(None, min(file.span.start for file in damaged))
        pipeline.project()


def _is_lost(pipeline: Pipeline, file: LakeFile) -> bool:
    """Can nobody say again what was in it? Of a query that is gone an alarm says so, for 48 hours."""
    if file.dataset == EXPOSURE:  # what the book held then
        return True
    beside = pipeline.pack.beside.get(file.dataset)
    if beside is None or beside.query is None or pipeline.source.has_beside(file.dataset):
        return False
    what = f"{file.rows:,} rows of {file.dataset} of {file.span} were damaged and cannot be read again"
    hint = f"give the query {beside.query}.sql again: as far back as it is needed, all of it is read then"
    pipeline.ornaments.fails(beside.query, f"{beside.query}.sql is not there; {what}", hint, HORIZON)
    return True


def _repair_counts(pipeline: Pipeline, file: LakeFile) -> None:
    feed, steps = pipeline.source_feed(), Steps(pipeline.monotonic)
    known = {row["minute"].isoformat(): row for row in pipeline.state.minutes(file.span)}
    frames: list[pl.DataFrame] = []
    revised: list[Mapping[str, Any]] = []

    def read(piece: Span) -> tuple[int, Counted]:
        counted = feed.count(piece, steps, at_most(piece))
        return sum(row["source_rows"] for row in counted.ledger), counted

    for _, counted in Pieces(pipeline.lake.zone).work_through(file.span, read):
        of_dataset = {pipeline.pack.dataset: counted.rows, "quarantine": counted.quarantine}
        frames.append((of_dataset | dict(counted.beside))[file.dataset])
        revised += [row for row in counted.ledger if _differs(row, known.get(row["minute"]))]
    written = pipeline.lake.write(file.dataset, pl.concat(frames), file.span)
    _commit(pipeline, file, written, revised)


def _repair_beside(pipeline: Pipeline, file: LakeFile) -> None:
    """Read again what is beside the rows; it may be older than the first published minute."""
    beside, zone = pipeline.pack.beside[file.dataset], pipeline.lake.zone
    frames = [beside.schema.to_frame()]
    for piece, read in read_around(pipeline.source, file.dataset, split_by_day(file.span, zone)):
        if isinstance(read, SourceValueWrong):
            tell_unreadable(pipeline.alarms, str(beside.query), piece, read)
        elif isinstance(read, Exception):
            raise read
        else:
            frames.append(beside.count(read, piece, zone))
    _commit(pipeline, file, pipeline.lake.write(file.dataset, pl.concat(frames), file.span), [])


def _repair_signals(pipeline: Pipeline, file: LakeFile) -> None:
    judged = {row["minute"]: row["policy"] for row in pipeline.state.minutes(file.span) if row["judged_at"]}
    files, signals = pipeline.state.publication().files, [pipeline.pack.signal.to_frame()]
    gates = pipeline.gates(file.span.start, judged)
    for part in pipeline.versions.stretches(file.span, pipeline.pack.shape):
        tuned = pipeline.tuned_at(part.start)
        windows, facts = rebuild_windows(pipeline.lake, pipeline.state, part.start, tuned)
        signals.append(rejudge_published(windows, pipeline.lake, files, part, gates, facts))
    _commit(pipeline, file, pipeline.lake.write("signal", pl.concat(signals), file.span), [])


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
    return known is not None and any(row[name] != known[name] for name in ("sums", "quarantined"))
