"""Ids of entities to dense positions, so that every window is one array per measure."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl

from baselines.numbers import usual_numbers
from baselines.places import Numbers, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from baselines.numbers import Integers
    from baselines.places import Places

#: New ids are joined to all others when they are more than one in so many: that copies the list.
_JOINED_AT: Final = 100
_FEW: Final = 1_000
#: So many unknown ids are compared with each other at a time, and as many as are known twice over.
_AT_FIRST: Final = 20_000
#: So many answers of `find` are kept.
_ANSWERS: Final = 10_000
#: Only one thread at a time learns. It is seldom and short, so one lock does for every index.
_LEARNING: Final = Lock()


class EntityIndex:
    """Gives each id a position 0, 1, 2 … in order of first sight, for ever.

    Ids are text. Where all of them are whole numbers in their usual form (see baselines/numbers.py) they are
    looked up as numbers, and may also be given as such; the first other one makes all of them text. Other
    threads may look up while one learns.
    """

    def __init__(self) -> None:
        self._main = pl.Series("entity_id", [], pl.String)
        self._tail = self._ids = self._main
        self._places: Places = Numbers()
        self._answers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> pl.Series:
        """All known ids as text; the id at position i is `ids[i]`."""
        return self._ids

    def positions(self, ids: pl.Series) -> Integers:
        """The position of each id (text, or 64-bit integers); unknown ids are learned. Shape (n,)."""
        found = self.known(ids)
        unknown = found < 0
        if unknown.any():
            late = ids.filter(unknown)
            with _LEARNING:
                self._learn(late)
            found[unknown] = self.known(late)
        return found

    def known(self, ids: pl.Series) -> Integers:
        """The position of each id, -1 where it is unknown; nothing is learned. Shape (n,)."""
        return self._places.find(ids)

    def find(self, entity_id: str) -> int | None:
        """The position of one entity, None when it is unknown; nothing is learned."""
        position = self._answers.get(entity_id)
        if position is None:
            position = int(self.known(pl.Series([entity_id], dtype=pl.String))[0])
            if position < 0:
                return None
            if len(self._answers) >= _ANSWERS:
                self._answers.clear()
            self._answers[entity_id] = position
        return position

    def _learn(self, late: pl.Series) -> None:
        """Take what is not known of some ids; of many, what comes often is known after the first ones."""
        start = 0
        while start < len(late):
            part = late.slice(start, max(_AT_FIRST, 2 * len(self)))
            start += len(part)
            part = part.filter(self.known(part) < 0)  # another thread may have been first
            if len(part):
                self._add(dict.fromkeys(part.cast(pl.String).to_list()))

    def _add(self, different: Iterable[str]) -> None:
        # A column of its own: a part of a frame's would keep the text of all of it.
        new = pl.Series("entity_id", list(different), pl.String)
        if isinstance(self._places, Numbers) and not usual_numbers(new)[1].all():
            self._places = Texts(self._ids)
        self._tail = pl.concat([self._tail, new], rechunk=True)
        if len(self._tail) > max(_FEW, len(self._main) // _JOINED_AT):
            self._main, self._tail = pl.concat([self._main, self._tail], rechunk=True), self._tail.clear()
        self._ids = self._main.clone().append(self._tail)
        self._places.add(new, self._ids)
