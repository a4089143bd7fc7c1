"""What is known of each entity, and since which minute.

Facts change at the source, and a minute that is judged again must be judged with those of its own time. So
what was read is kept as changes, each with the minute from which on it holds; before the first one nothing is
known. Pure: `pipeline/store/facts.py` reads and stores them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from baselines.entities import EntityIndex
from pipeline.minute import MINUTE_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

#: Code of an entity whose fact nobody knows.
UNKNOWN: Final = -1


class Facts:
    """Changes of facts in order, and the codes that follow from them at a minute.

    Takes rows of `from_minute`, `entity_id` and `value` (null: unknown from then on), oldest first.
    """

    def __init__(self, changes: pl.DataFrame | None = None) -> None:
        self._changes = changes
        #: The value of code i is `names[i]`.
        self.names: tuple[str, ...] = ()
        self._starts = np.zeros(0, np.int64)  # minutes from which on something else holds
        self._entities = EntityIndex()  # of whom anything was ever said
        self._said = self._starts, self._starts, self._starts  # minute, position there, code; oldest first
        self._newest = -1, self._starts  # the newest period asked for, and the codes in it
        #: By the index that asked, as the windows have another one than the book of exposure: where its first
        #: entities stand in ours, and their codes in the newest period it asked for.
        self._asked: WeakKeyDictionary[EntityIndex, _Asked] = WeakKeyDictionary()
        if changes is not None and changes.height:
            self.names = tuple(changes["value"].drop_nulls().unique().sort().to_list())
            minutes = changes["from_minute"].dt.epoch("us").to_numpy() // MINUTE_US
            codes = changes["value"].cast(pl.Enum(self.names)).to_physical().cast(pl.Int64).fill_null(UNKNOWN)
            self._said = minutes, self._entities.positions(changes["entity_id"]), codes.to_numpy()
            self._starts = np.unique(minutes)

    def __reduce__(self) -> tuple[type[Facts], tuple[pl.DataFrame | None]]:
        return Facts, (self._changes,)

    @property
    def changes(self) -> pl.DataFrame | None:
        """The changes that all of it follows from; None: nothing was ever known."""
        return self._changes

    def codes(self, index: int, entities: EntityIndex) -> Integers:
        """The place in `names` of each entity's value at minute `index`, or UNKNOWN. Shape (entities,)."""
        ids = entities.ids
        if not self.names:
            return np.full(len(ids), UNKNOWN, np.int64)
        period = int(np.searchsorted(self._starts, index, side="right"))
        asked = self._asked.get(entities)
        if asked is None or asked.period != period or len(asked.codes) < len(ids):
            places = np.zeros(0, np.int64) if asked is None else asked.places
            if len(places) < len(ids):
                places = np.concatenate([places, self._entities.known(ids[len(places) :])])
            # The last code is that of all of whom nothing was ever said, whose place is -1.
            asked = self._asked[entities] = _Asked(period, places, self._in_force(period)[places])
        return asked.codes[: len(ids)]

    def _in_force(self, period: int) -> Integers:
        """The code of each of our entities in a period, and UNKNOWN at the end."""
        newest, codes = self._newest
        if newest != period:
            codes = np.full(len(self._entities) + 1, UNKNOWN, np.int64)
            if period:
                minutes, positions, values = self._said
                until = int(np.searchsorted(minutes, self._starts[period - 1], side="right"))
                codes[positions[:until]] = values[:until]  # of several of one entity the newest stays
            self._newest = period, codes
        return codes


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is kept for an index."""

    period: int
    places: Integers
    codes: Integers


def in_force(changes: pl.DataFrame) -> pl.DataFrame:
    """What some changes, sorted by `from_minute`, come to: `entity_id` and `value` where it is known."""
    newest = changes.unique("entity_id", keep="last", maintain_order=True)
    return newest.filter(pl.col("value").is_not_null()).select("entity_id", "value")
