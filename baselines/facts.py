"""What is known of each entity, and since which minute.

Facts change at the source, and a minute that is judged again must be judged with those of its own time. So
what was read is kept as changes, each with the minute from which on it holds; before the first one nothing is
known. Pure: `pipeline/store/facts.py` reads and stores them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

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
        self._period, self._known = -1, dict[str, int]()  # code by entity in the newest period asked for
        self._codes = np.zeros(0, np.int64)  # of the first entities of the index in that period
        if changes is not None and changes.height:
            self.names = tuple(changes["value"].drop_nulls().unique().sort().to_list())
            self._starts = np.unique(changes["from_minute"].dt.epoch("us").to_numpy() // MINUTE_US)

    @property
    def changes(self) -> pl.DataFrame | None:
        """The changes that all of it follows from; None: nothing was ever known."""
        return self._changes

    def codes(self, index: int, ids: pl.Series) -> Integers:
        """The place in `names` of each entity's value at minute `index`, or UNKNOWN. Shape (len(ids),).

        `ids` is the growing list of an EntityIndex: the same entities first, whenever this is asked.
        """
        if not self.names:
            return np.full(len(ids), UNKNOWN, np.int64)
        period = int(np.searchsorted(self._starts, index, side="right"))
        if period != self._period:
            self._period, self._known = period, self._in_force(period)
            self._codes = np.zeros(0, np.int64)
        if len(self._codes) < len(ids):
            new = ids[len(self._codes) :].to_list()
            codes = np.array([self._known.get(entity, UNKNOWN) for entity in new], np.int64)
            self._codes = np.concatenate([self._codes, codes])
        return self._codes[: len(ids)]

    def _in_force(self, period: int) -> dict[str, int]:
        if not period or self._changes is None:
            return {}
        start = int(self._starts[period - 1]) * MINUTE_US
        held = in_force(self._changes.filter(pl.col("from_minute").dt.epoch("us") <= start))
        places = {name: code for code, name in enumerate(self.names)}
        entities, values = held["entity_id"].to_list(), held["value"].to_list()
        return {entity: places[value] for entity, value in zip(entities, values, strict=True)}


def in_force(changes: pl.DataFrame) -> pl.DataFrame:
    """What some changes, sorted by `from_minute`, come to: `entity_id` and `value` where it is known."""
    newest = changes.unique("entity_id", keep="last", maintain_order=True)
    return newest.filter(pl.col("value").is_not_null()).select("entity_id", "value")
