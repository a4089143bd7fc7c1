"""Small numbers for texts, so that events are held, sorted and compared as numbers. Pure.

The numbers of a text never change while the process runs, so copies of the windows share them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Codes32 = npt.NDArray[np.int32]
#: Fields whose values stand together, and the kind of texts that their numbers count.
Key = tuple[tuple[str, ...], str]
#: The number of a missing value.
MISSING: Final = -1
#: Accounts pay each other, so a payee has the number that it has as an account.
_PARTIES: Final = ("account_id", "user_id", "payee_id")
#: So many single texts are remembered beside; then that begins anew.
_MOST_REMEMBERED: Final = 200_000


@functools.cache
def kind_of_text(fields: tuple[str, ...]) -> str:
    """Which texts are counted together with those of `fields`."""
    return "+".join("party" if name in _PARTIES else name for name in fields)


class Codes:
    """The numbers of all texts met so far, from 0 for each kind of text."""

    def __init__(self) -> None:
        self._types: dict[str, pl.Categorical] = {}
        self._kept: list[pl.Series] = []  # Polars forgets the numbers when no column with them is left
        self._single: dict[tuple[str, str], int] = {}

    def of(self, events: pl.DataFrame, keys: Iterable[Key]) -> dict[Key, Codes32]:
        """The numbers of these fields in `events`; MISSING where one of the fields is."""
        wanted = {key: f"{number}" for number, key in enumerate(dict.fromkeys(keys))}
        reused = _equal(events, wanted)
        found = events.select(
            self._expression(key).alias(name) for key, name in wanted.items() if key[0] and key not in reused
        )
        numbers = {
            key: found[name].to_numpy() if key[0] else np.zeros(events.height, np.int32)
            for key, name in wanted.items()
            if key not in reused
        }
        return numbers | {key: numbers[other] for key, other in reused.items()}

    def alone(self, event: Mapping[str, Any], keys: Iterable[Key]) -> dict[Key, int]:
        """The same for a single event."""
        texts = {key: _text(event, key[0]) for key in keys}
        if len(self._single) >= _MOST_REMEMBERED:
            self._single.clear()
        new: dict[str, list[str]] = {}
        for (_, kind), text in texts.items():
            if text is not None and (kind, text) not in self._single:
                new.setdefault(kind, []).append(text)
        for kind, some in new.items():
            numbers = pl.Series(some, dtype=pl.String).cast(self._type(kind)).to_physical().to_list()
            self._single.update(((kind, text), number) for text, number in zip(some, numbers, strict=True))
        return {k: MISSING if text is None else self._single[k[1], text] for k, text in texts.items()}

    def texts(self, numbers: Codes32, kind: str) -> pl.Series:
        """The texts of these numbers."""
        return pl.Series(numbers.astype(np.uint32)).cat.to(self._type(kind)).cast(pl.String)

    def _type(self, kind: str) -> pl.Categorical:
        known = self._types.get(kind)
        if known is None:  # copies of the windows are at work in several threads: the first one counts
            made = pl.Categorical(pl.Categories.random(kind, physical=pl.UInt32))
            known = self._types.setdefault(kind, made)
            self._kept.append(pl.Series([""], dtype=known))
        return known

    def _expression(self, key: Key) -> pl.Expr:
        fields, kind = key
        text = pl.col(fields[0])
        if len(fields) > 1:  # the length stands before each, so that no two lists of values are one text
            parts = ((pl.col(f).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(f)) for f in fields)
            text = pl.concat_str([piece for part in parts for piece in part])
        return text.cast(self._type(kind)).to_physical().cast(pl.Int32).fill_null(MISSING)


def _text(event: Mapping[str, Any], fields: tuple[str, ...]) -> str | None:
    """The text of these fields together, as `Codes` numbers it; None where one of them is missing."""
    if len(fields) == 1:
        value = event[fields[0]]
        return None if value is None else str(value)
    values = [event[name] for name in fields]
    return None if None in values else "".join(f"{len(v.encode())}:{v}" for v in values)


def _equal(events: pl.DataFrame, wanted: Mapping[Key, str]) -> dict[Key, Key]:
    """The user is the account nearly everywhere: then its numbers are there already."""
    user, account = (("user_id",), "party"), (("account_id",), "party")
    if user in wanted and account in wanted and events["user_id"].equals(events["account_id"]):
        return {user: account}
    return {}
