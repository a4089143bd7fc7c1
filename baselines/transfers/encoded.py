"""Events as numbers: times, amounts, places, numbers of their texts, and which conditions they fit. Pure."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from baselines.transfers.alike import COMPLETED, INTENDED
from baselines.transfers.measure import Between, OneOf
from baselines.transfers.order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from baselines.transfers.codes import Codes, Codes32, Key

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Where = tuple[tuple[str, OneOf | Between], ...]
#: Where an event has none. Places are two numbers in one: latitude above, longitude below.
NO_PLACE: Final = -1
_SHIFT: Final = 32
_LAT, _LON = 90_000_000, 180_000_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """Events, one after the other, as columns of numbers."""

    at: Ints  # ms since 1970
    amount: Ints
    place: Ints
    codes: Mapping[Key, Codes32]
    fits: Mapping[Where, Bools]

    def take(self, chosen: npt.NDArray[Any]) -> Encoded:
        """These events of them: by a mask, or by places in this order."""
        return Encoded(
            self.at[chosen],
            self.amount[chosen],
            self.place[chosen],
            {key: column[chosen] for key, column in self.codes.items()},
            {where: column[chosen] for where, column in self.fits.items()},
        )

    def only(self, keys: Iterable[Key]) -> Encoded:
        """The same with these numbers of texts only."""
        return replace(self, codes={key: self.codes[key] for key in keys})

    def in_time(self) -> Encoded:
        """The same in order of their times."""
        if not self.at.size or (self.at[1:] >= self.at[:-1]).all():
            return self
        return self.take(in_order(self.at))


def encode(events: pl.DataFrame, codes: Codes, keys: Iterable[Key], wheres: Iterable[Where]) -> Encoded:
    """The columns of `events` that lanes and questions need."""
    wheres = list(wheres)
    plain = events.select(
        pl.col("occurred_at").dt.timestamp("ms").alias("at"),
        "amount",
        ((pl.col("lat_e6").cast(pl.Int64) + _LAT) * (1 << _SHIFT) + pl.col("lon_e6") + _LON)
        .fill_null(NO_PLACE)
        .alias("place"),
        *(fitting(where).alias(f"fits {number}") for number, where in enumerate(wheres)),
    )
    return Encoded(
        plain["at"].to_numpy(),
        plain["amount"].to_numpy(),
        plain["place"].to_numpy(),
        codes.of(events, keys),
        {where: plain[f"fits {number}"].to_numpy() for number, where in enumerate(wheres)},
    )


def joined(pieces: Sequence[Encoded]) -> Encoded:
    """All of them one after the other; they have the same columns."""
    first = pieces[0]
    if len(pieces) == 1:
        return first
    return Encoded(
        np.concatenate([p.at for p in pieces]),
        np.concatenate([p.amount for p in pieces]),
        np.concatenate([p.place for p in pieces]),
        {key: np.concatenate([p.codes[key] for p in pieces]) for key in first.codes},
        {where: np.concatenate([p.fits[where] for p in pieces]) for where in first.fits},
    )


@functools.lru_cache(maxsize=1024)
def fitting(where: Where) -> pl.Expr:
    """Whether an event fits; without a word on `status`, completed and intended ones do."""
    conditions = dict(where)
    status = conditions.pop("status", OneOf((COMPLETED,)))
    found = [_holds(pl.col("status"), status)]
    if isinstance(status, OneOf) and COMPLETED in status.values:
        found[0] |= pl.col("status") == INTENDED
    found += [_holds(pl.col(name), condition) for name, condition in conditions.items()]
    return pl.all_horizontal(found).fill_null(value=False)


def place_of(lat_e6: int | None, lon_e6: int | None) -> int:
    """A place as one number, NO_PLACE where one of both is missing."""
    if lat_e6 is None or lon_e6 is None:
        return NO_PLACE
    return ((lat_e6 + _LAT) << _SHIFT) + lon_e6 + _LON


def lat_lon(places: Ints) -> tuple[Ints, Ints]:
    """Latitudes and longitudes of places, in millionths of a degree."""
    return (places >> _SHIFT) - _LAT, (places & ((1 << _SHIFT) - 1)) - _LON


def _holds(column: pl.Expr, condition: OneOf | Between) -> pl.Expr:
    if isinstance(condition, Between):
        return column.is_between(condition.low, condition.high)
    if len(condition.values) == 1:
        return column == condition.values[0]
    return column.is_in(list(condition.values))
