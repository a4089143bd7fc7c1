"""The events that rules look back on: what was held, plainly. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from baselines.transfers.measure import Measure

_REACH: Final = timedelta(days=90)


class Recent:
    """Events in one frame; measures are not known here."""

    def __init__(self, measures: Iterable[Measure] = ()) -> None:
        self._measures = dict.fromkeys(measures)
        self._events: pl.DataFrame | None = None

    @property
    def held_from(self) -> datetime | None:
        """The oldest event held."""
        return None if self._events is None else self._events["occurred_at"].min()  # type: ignore[return-value]

    @property
    def newest(self) -> datetime | None:
        """The newest event held."""
        return None if self._events is None else self._events["occurred_at"].max()  # type: ignore[return-value]

    def want(self, measures: Iterable[Measure]) -> tuple[Measure, ...]:
        """Ask for measures; gives those that are new."""
        new = tuple(m for m in measures if m not in self._measures)
        self._measures |= dict.fromkeys(new)
        return new

    def fill(self, events: pl.DataFrame, measures: Iterable[Measure] | None = None) -> None:
        """History in bulk."""
        if measures is None:
            self.take(events)

    def take(self, events: pl.DataFrame) -> None:
        """Events that are not held yet."""
        self._events = events if self._events is None else pl.concat([self._events, events])

    def change(self, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """The same ids with another status."""
        if self._events is not None:
            kept = self._events.join(before.select("transfer_id"), on="transfer_id", how="anti")
            self._events = pl.concat([kept, after])

    def ask(self, events: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
        """A column per measure."""
        return events.select(pl.lit(None, pl.Int64).alias(measure.column) for measure in measures)

    def ask_one(
        self, event: Mapping[str, Any], measures: Sequence[Measure], extra: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, int | str | None]:
        """The same of one event that is not held."""
        del event, extra
        return {measure.column: None for measure in measures}

    def affected(self, late: pl.DataFrame, since: datetime) -> pl.Series:
        """Ids of held events after `since` whose answers the late ones may alter."""
        if self._events is None:
            return late["transfer_id"].clear()
        first = late["occurred_at"].min()
        after = (pl.col("occurred_at") >= first) & (pl.col("occurred_at") > since)
        return self._events.filter(after)["transfer_id"]

    def expire(self, now: datetime) -> None:
        """Forget what nobody asks about any more."""
        if self._events is not None:
            self._events = self._events.filter(pl.col("occurred_at") > now - _REACH)

    def copy(self) -> Recent:
        """The same, free to move on by itself."""
        other = Recent(self._measures)
        other._events = self._events
        return other
