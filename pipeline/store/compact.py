"""Minute files to hours, hours to days, so that the number of files does not grow with the minutes.

A new file is written and checked against its inputs, the ledger's pointers are swapped in one
transaction, and the inputs are deleted only after a grace: a reader may still hold the old manifest.
Files that hold the slots of shards become one of all slots.
No file gets more than MOST_ROWS rows, because all of them lie in memory while it is written: an hour or
a day of more becomes several files, one after the other.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from pipeline.errors import LakeDamaged
from pipeline.minute import Span, business_date, business_day
from pipeline.money import EXPOSURE
from pipeline.store.manifest import runs_of_files, span_of_files
from pipeline.store.views.catalog import TEMPORARY_SUFFIX
from pipeline.store.views.tables import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

log = structlog.get_logger()

GRACE = timedelta(minutes=15)
#: A file without a ledger row is an orphan of a crash once no commit can still be naming it.
ORPHAN_AGE = timedelta(hours=1)
HOUR = timedelta(hours=1)
#: Half a gigabyte of memory while it is written and compared.
MOST_ROWS = 2_000_000


def compact(lake: Lake, state: State, before: datetime) -> int:
    """Merge the files of hours and business days that have ended by `before`; returns files replaced."""
    replaced = 0
    for dataset in lake.pack.datasets:
        if dataset == EXPOSURE:  # of snapshots the newest counts, and they are retired by the next ones
            continue
        for target in (_hour, _day):
            files = [f for f in state.publication().files if f.dataset == dataset]
            for span, inputs in _groups(files, target, lake.zone, before):
                _merge(lake, state, dataset, span, inputs)
                replaced += len(inputs)
    return replaced


def delete_expired(lake: Lake, state: State) -> int:
    """Delete files that were retired longer than the grace ago; returns how many."""
    deleted = lake.unlink(state.expired_files(GRACE))
    if deleted:  # a crash before this deletes them once more, and only then they are forgotten
        state.forget_files(deleted)
    return len(deleted)


def sweep_orphans(lake: Lake, state: State, now: datetime) -> int:
    """Delete files that no ledger row names and that are older than any running commit; returns how many."""
    known = state.all_paths()
    deleted = lake.unlink([path for path in _old_files(lake, now) if path not in known])
    if deleted:
        log.info("lake.orphans_deleted", files=len(deleted))
    return len(deleted)


def _old_files(lake: Lake, now: datetime) -> Iterator[str]:
    for path in lake.folder.rglob("*"):
        if path.parent.name == FOLDER:
            continue  # no row of the ledger names a table; they are swept by themselves
        if path.is_file() and path.suffix in (".parquet", TEMPORARY_SUFFIX):
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if age > ORPHAN_AGE:
                yield path.relative_to(lake.folder).as_posix()


def _groups(
    files: Iterable[LakeFile], target: Callable[[datetime, ZoneInfo], Span], zone: ZoneInfo, before: datetime
) -> Iterator[tuple[Span, list[LakeFile]]]:
    groups: dict[Span, list[list[LakeFile]]] = {}
    for run in runs_of_files(files):
        covered = span_of_files(run)
        span = target(covered.start, zone)
        if covered.end <= span.end <= before:
            groups.setdefault(span, []).append(run)
    return ((span, part) for span, runs in groups.items() for part in _that_fit(runs) if len(part) > 1)


def _that_fit(runs: Iterable[list[LakeFile]]) -> Iterator[list[LakeFile]]:
    """Runs of files in the order of their minutes, together as long as they hold at most MOST_ROWS rows.

    What holds more by itself stays as it is: the slots of a minute are in one file or in one each.
    """
    fitting: list[LakeFile] = []
    for run in runs:
        if fitting and sum(file.rows for file in (*fitting, *run)) > MOST_ROWS:
            yield fitting
            fitting = []
        if sum(file.rows for file in run) <= MOST_ROWS:
            fitting += run
    yield fitting


def _hour(moment: datetime, _: ZoneInfo) -> Span:
    start = moment.replace(minute=0)
    return Span(start, start + HOUR)


def _day(moment: datetime, zone: ZoneInfo) -> Span:
    return business_day(business_date(moment, zone), zone)


def _merge(lake: Lake, state: State, dataset: str, span: Span, inputs: Sequence[LakeFile]) -> None:
    covered = span_of_files(inputs)
    lake.require_whole(inputs)
    rows = lake.read(inputs, dataset, covered)
    promised = sum(f.rows for f in inputs)
    if rows.height != promised:
        msg = f"the {len(inputs)} {dataset} files of {span} hold {rows.height} rows, not {promised}"
        raise LakeDamaged(msg, "find the damaged file by its checksum (manifest.json) and restore it")
    output = lake.write(dataset, rows, covered)
    if output is None or not _same(lake.read([output], dataset, covered), rows):
        msg = f"the compacted file of {dataset} {span} does not hold what its inputs hold"
        raise LakeDamaged(msg, "nothing was replaced; check the disk")
    state.swap_files(inputs, output)
    log.info("lake.compacted", dataset=dataset, span=str(span), files=len(inputs), rows=rows.height)


def _same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    return one.equals(other, null_equal=True)
