"""Counts of a slice of time, split by who holds the entities, and added up. Pure, exact in any order."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from baselines.slots import slots_of
from pipeline.outside import within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.slots import Slots
    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.source.asked import Part as Read

    #: Frames by dataset, as bytes: what one shard gets of a slice.
    Part = Mapping[str, bytes]

#: Of the hashes of keys; every shard takes the same.
_SEED = 20_261_130
#: Keys whose hashes two processes have to agree on, before they may compare others.
_PROBE = pl.DataFrame({"id": [1, 2**62, -7], "kind": ["A", "B", ""], "text": ["a", "가", None]})


@dataclass(frozen=True, slots=True)
class Slice:
    """What a reader says of the rows of its slice."""

    rows: int
    keys: bytes  # the hash of each row's key, 64 bits each
    #: Is there a row that may not be counted just so? Then all rows of the minute are screened together.
    suspicious: bool
    not_known: Mapping[str, str]  # optional columns that do not fit, and why


def as_bytes(frame: pl.DataFrame) -> bytes:
    """A frame for another process."""
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getvalue()


def as_frame(content: bytes) -> pl.DataFrame:
    """The frame that another process has sent."""
    return pl.read_ipc_stream(io.BytesIO(content))


def split(frame: pl.DataFrame, entity: str, shares: Sequence[Slots]) -> list[pl.DataFrame]:
    """The rows of each share's entities, in their order; `entity` names the column of ids."""
    if len(shares) == 1 or frame.is_empty():
        return [frame] * len(shares)
    holder = np.searchsorted([share.end for share in shares], slots_of(frame[entity]), side="right")
    return [frame.filter(pl.Series(holder == number)) for number in range(len(shares))]


def added(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Counts of slices, as one: integers are summed for each value of the other columns, and sorted by them.

    Of one slice they come sorted, too: a slice has its own order, such as that of ids that are integers.
    """
    every = pl.concat(frames)
    counts = [name for name, dtype in every.schema.items() if dtype == pl.Int64]
    keys = [name for name in every.columns if name not in counts]
    if len([frame for frame in frames if frame.height]) > 1:
        every = every.group_by(keys).agg(pl.col(counts).sum()).select(every.columns)
    return every.sort(keys)


def counted_slice(
    part: Read, span: Span, clock: datetime, pack: Pack[Any, Any], zone: ZoneInfo
) -> tuple[Slice, dict[str, pl.DataFrame]]:
    """What is said of a slice of the minute `span`, and its counts by dataset; none where it is suspicious.

    `clock` is the source's. What is beside the rows is counted where it follows from them.
    """
    own, outside = within(part.rows, span, pack)
    screened = pack.bad(own, max(clock, span.end))
    suspicious = outside is not None or not screened.bad.is_empty()
    keys = part.rows.select(pack.key).hash_rows(seed=_SEED).to_numpy().tobytes()
    said = Slice(part.rows.height, keys, suspicious, part.not_known)
    if suspicious:
        return said, {}
    frames = {pack.dataset: pack.count(screened.good, span)}
    follow = {name: one for name, one in pack.beside.items() if one.query is None}
    return said, frames | {name: one.count(screened.good, span, zone) for name, one in follow.items()}


def repeats(slices: Sequence[Slice]) -> bool:
    """May two rows have the same key? Two hashes that are equal by chance say so, too."""
    keys = np.concatenate([np.frombuffer(one.keys, np.uint64) for one in slices])
    return pl.Series(keys).n_unique() < len(keys)


def print_of_hashes() -> int:
    """The same number wherever hashes are the same: another version or processor may make others."""
    return int(_PROBE.hash_rows(seed=_SEED).sum())
