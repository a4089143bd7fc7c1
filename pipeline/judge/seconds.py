"""What a pack does with rows each second, before their minute has closed. Pure: frozen values and functions.

The minute stays the unit of record. What is said within the second is said once, and the closed minute judges
the same rows again: it confirms, adds what came late, and marks what was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.minute import Span

#: A row of the source may be so far ahead of its clock: clocks of several machines never agree.
AHEAD: Final = timedelta(seconds=2)
#: The column of judged rows that says which of them are written whatever was written before.
TELLS: Final = "tells"

W = TypeVar("W")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """What a pack writes into its own tables, by a query of queries/NAME/ops, in the engine's commit."""

    query: str
    given: Mapping[str, object] = field(default_factory=dict)
    rows: pl.DataFrame | None = None  # given as a JSON array, in parts; None: the query takes none
    parameter: str = "rows"  # what the query calls them


@dataclass(frozen=True, slots=True)
class Seen:
    """What a pack makes of rows that have just been committed; the view has moved on by them."""

    signals: pl.DataFrame  # the pack's signals, of every minute that something was found in
    judged: pl.DataFrame  # the pack's judged rows, also those that are judged again
    counts: Mapping[str, int] = field(default_factory=dict)  # for the metrics: how many rows were what
    alarms: Sequence[tuple[str, str, str]] = ()  # name, what, next step


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Generic[W, T]):
    """What a pack hands in to be told of rows as they are committed.

    The view is a copy of the windows that also holds what was seen since the newest closed minute.
    """

    #: (a copy of the windows after a closed minute, the view so far) -> that copy with what it lacks of it
    renew: Callable[[W, W | None], W]
    #: (view, tuned, good rows, what `known` says of them) -> what comes of it
    see: Callable[[W, T, pl.DataFrame, Sequence[Mapping[str, Any]]], Seen]
    #: What becomes of judged rows in the pack's tables. With a span: these are all that tell anything of it.
    writes: Callable[[pl.DataFrame, Span | None], Sequence[Write]] = lambda *_: ()
    #: The query of the company's that gives what was written lately, in the columns of the pack's rows.
    query: str = "arrived"
    #: The query of the pack's own tables that says what is known of rows; it takes `keys`.
    known: str | None = None
    #: The query that keeps in the pack's own tables when it was looked last; it takes `took_s`.
    looked: str | None = None
    #: Judged rows are told apart by this column, and forgotten by their time `occurred_at`.
    key: str
    beside: Sequence[str] = ()  # columns of judged rows that say nothing of the answer


class Written:
    """What of the judged rows was written already, by key; those of closed minutes are forgotten."""

    def __init__(self, key: str, beside: Sequence[str] = ()) -> None:
        self._key, self._beside = key, beside
        self._rows: pl.DataFrame | None = None

    def add(self, judged: pl.DataFrame) -> None:
        """These were committed; of each key the newest."""
        if judged.is_empty():
            return
        judged = judged.drop(self._beside)
        if self._rows is not None:
            again = self._rows[self._key].is_in(judged[self._key].implode())
            judged = pl.concat([self._rows.filter(~again) if again.any() else self._rows, judged])
        self._rows = judged

    def without(self, judged: pl.DataFrame) -> pl.DataFrame:
        """Those that tell something, and those that were not written exactly so."""
        if self._rows is None or judged.is_empty():
            return judged
        same = [name for name in judged.columns if name not in self._beside]
        known = self._rows.with_columns(written=True)
        marked = judged.join(known, on=same, how="left", nulls_equal=True, maintain_order="left")
        return marked.filter(pl.col("written").is_null() | pl.col(TELLS)).drop("written")

    def forget(self, before: datetime) -> None:
        """Rows of earlier moments are in closed minutes."""
        if self._rows is not None:
            self._rows = self._rows.filter(pl.col("occurred_at") >= before)
