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
from pipeline.store.manifest import runs_within, span_of_files
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
    replaced: set[str] = set()
    # Signals need the counts first, and the signals before them.
    for file in sorted(damaged, key=lambda f: (f.dataset == "signal", f.span.start)):
        log.error("lake.file_damaged", path=file.path, rows=file.rows, alarm=True)
        if file.path in replaced:  # by what another one of its minutes became
            log.info("lake.file_rebuilt", path=file.path)
            continue
        if _is_lost(pipeline, file):
            _commit(pipeline, [file], None, [])
            log.info("lake.file_given_up", path=file.path)
            continue
        run = _run_of(pipeline, file)
        if file.dataset == "signal":
            _repair_signals(pipeline, run)
        elif file.dataset in pipeline.pack.beside and pipeline.pack.beside[file.dataset].query is not None:
            _repair_beside(pipeline, run)
        else:
            _repair_counts(pipeline, run)
        replaced |= {one.path for one in run}
        log.info("lake.file_rebuilt", path=file.path)
    if damaged:
        pipeline.take_windows(None, min(file.span.start for file in damaged))
        pipeline.project()


def _run_of(pipeline: Pipeline, file: LakeFile) -> list[LakeFile]:
    """The file, with those that hold other slots of its minutes: all of them become one."""
    runs = runs_within(pipeline.state.publication().files, file.dataset, file.span)
    return next((run for run in runs if file.path in {one.path for one in run}), [file])


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


def _repair_counts(pipeline: Pipeline, run: Sequence[LakeFile]) -> None:
    feed, steps = pipeline.source_feed(), Steps(pipeline.monotonic)
    dataset, span = run[0].dataset, span_of_files(run)
    known = {row["minute"].isoformat(): row for row in pipeline.state.minutes(span)}
    frames: list[pl.DataFrame] = []
    revised: list[Mapping[str, Any]] = []

    def read(piece: Span) -> tuple[int, Counted]:
        counted = feed.count(piece, steps, at_most(piece))
        return sum(row["source_rows"] for row in counted.ledger), counted

    for _, counted in Pieces(pipeline.lake.zone).work_through(span, read):
        of_dataset = {pipeline.pack.dataset: counted.rows, "quarantine": counted.quarantine}
        frames.append((of_dataset | dict(counted.beside))[dataset])
        revised += [row for row in counted.ledger if _differs(row, known.get(row["minute"]))]
    _commit(pipeline, run, pipeline.lake.write(dataset, pl.concat(frames), span), revised)


def _repair_beside(pipeline: Pipeline, run: Sequence[LakeFile]) -> None:
    """Read again what is beside the rows; it may be older than the first published minute."""
    dataset, span = run[0].dataset, span_of_files(run)
    beside, zone = pipeline.pack.beside[dataset], pipeline.lake.zone
    frames = [beside.schema.to_frame()]
    for piece, read in read_around(pipeline.source, dataset, split_by_day(span, zone)):
        if isinstance(read, SourceValueWrong):
            tell_unreadable(pipeline.alarms, str(beside.query), piece, read)
        elif isinstance(read, Exception):
            raise read
        else:
            frames.append(beside.count(read, piece, zone))
    _commit(pipeline, run, pipeline.lake.write(dataset, pl.concat(frames), span), [])


def _repair_signals(pipeline: Pipeline, run: Sequence[LakeFile]) -> None:
    span = span_of_files(run)
    judged = {row["minute"]: row["policy"] for row in pipeline.state.minutes(span) if row["judged_at"]}
    files, signals = pipeline.state.publication().files, [pipeline.pack.signal.to_frame()]
    gates = pipeline.gates(span.start, judged)
    for part in pipeline.versions.stretches(span, pipeline.pack.shape):
        tuned = pipeline.tuned_at(part.start)
        windows, facts = rebuild_windows(pipeline.lake, pipeline.state, part.start, tuned)
        signals.append(rejudge_published(windows, pipeline.lake, files, part, gates, facts))
    _commit(pipeline, run, pipeline.lake.write("signal", pl.concat(signals), span), [])


def _commit(
    pipeline: Pipeline,
    replaced: Sequence[LakeFile],
    written: LakeFile | None,
    revised: Sequence[Mapping[str, Any]],
) -> None:
    files = [written] if written else []
    pipeline.state.correct(
        Correction(
            cause="damaged_file",
            minutes=revised,
            retired=[file.path for file in replaced],
            files=files,
            changes=Changes(),
            corrected=(),
            at=replaced[0].span.start,
        )
    )


def _differs(row: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    return known is not None and any(row[name] != known[name] for name in ("sums", "quarantined"))
