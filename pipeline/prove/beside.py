"""What is published beside the counted rows is kept equal to the source, and the book of exposure with it.

A minute of which only this differs is corrected without judging it anew: its files are replaced, and the book
takes the old rows out and the new ones in.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.judge.life import Changes
from pipeline.minute import one_minute
from pipeline.prove.rejudge import replace_files
from pipeline.prove.unlike import unlike_minutes
from pipeline.store.state import Correction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.catch_up import Pipeline
    from pipeline.count import Counted
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile

    Pairs = list[tuple[list[LakeFile], list[LakeFile]]]  # new files, and the ones they replace


def beside_differs(counted: Counted, lake: Lake, files: Sequence[LakeFile]) -> bool:
    """Does what is beside a minute, counted anew, differ from what is published of it?"""
    return any(
        unlike_minutes(rows, lake.read(files, name, counted.span)) for name, rows in counted.beside.items()
    )


def replace_beside(lake: Lake, files: Sequence[LakeFile], revised: Mapping[datetime, Counted]) -> Pairs:
    """Write files for what is beside the revised minutes, of the datasets that differ."""
    pairs: Pairs = []
    for name in lake.pack.beside:
        frames = {
            minute: counted.beside[name]
            for minute, counted in revised.items()
            if name in counted.beside
            and unlike_minutes(counted.beside[name], lake.read(files, name, counted.span))
        }
        if frames:
            pairs.append(replace_files(lake, files, name, frames))
    return pairs


def correction_of(
    cause: str, pairs: Pairs, ledger: Sequence[Mapping[str, object]], at: datetime
) -> Correction:
    """A correction of files that changes no incident."""
    return Correction(
        cause=cause,
        minutes=ledger,
        retired=[file.path for _, replaced in pairs for file in replaced],
        files=[file for new, _ in pairs for file in new],
        changes=Changes(),
        corrected=(),
        at=at,
    )


@contextmanager
def exposures_revised(
    pipeline: Pipeline, revised: Mapping[datetime, Counted], files: Sequence[LakeFile]
) -> Iterator[None]:
    """The line's book with the revised minutes in the place of the published ones.

    Where what follows fails, the line is dropped: its book is built from the lake again.
    """
    try:
        book, entered = pipeline.money, pipeline.entered()
        if book is not None and entered is not None:
            for minute, counted in revised.items():
                if entered.start <= minute < entered.end:
                    span, lake = one_minute(minute), pipeline.lake
                    beside = {name: lake.read(files, name, span) for name in counted.beside}
                    book.add(lake.read(files, lake.pack.dataset, span), beside, times=-1)
                    book.add(counted.rows, counted.beside)
        yield
    except BaseException:
        pipeline.drop_line()
        raise


def correct_beside(
    pipeline: Pipeline, revised: Mapping[datetime, Counted], files: Sequence[LakeFile], cause: str
) -> None:
    """Publish minutes of which only what is beside the rows differs; nothing is judged anew."""
    pairs = replace_beside(pipeline.lake, files, revised)
    ledger = [row for counted in revised.values() for row in counted.ledger]
    with pipeline.turn, exposures_revised(pipeline, revised, files):
        pipeline.state.correct(correction_of(cause, pairs, ledger, max(revised)))
    pipeline.project()
