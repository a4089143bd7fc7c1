"""Small numbers for texts, so that events are held, sorted and compared as numbers. Pure but for its seed.

A text is known by its 64-bit hash under a seed that is drawn anew for each process, so nobody can aim at a
collision; among ten million texts one is expected once in 370,000 processes. Where an answer must say the
text again, Polars keeps it. The number of a text never changes while the process runs: copies share it all.
"""

from __future__ import annotations

import functools
import secrets
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Codes32 = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]
#: Fields whose values stand together, and the kind of texts that their numbers count.
Key = tuple[tuple[str, ...], str]
#: The number of a missing value.
MISSING: Final = -1
#: Before the name of a field: its texts are kept, to be said again.
SAID: Final = "said "
#: Accounts pay each other, so a payee has the number that it has as an account.
_PARTIES: Final = ("account_id", "user_id", "payee_id")
_SMALLEST: Final = 16  # bits of the number of slots


@functools.cache
def kind_of_text(fields: tuple[str, ...]) -> str:
    """Which texts are counted together with those of `fields`."""
    return "+".join("party" if name in _PARTIES else name for name in fields)


class Numbers:
    """Numbers from 0 for hashes, as they are met: a table with open addresses."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._make(_SMALLEST)

    def of(self, hashes: Hashes) -> Codes32:
        """Their numbers; new ones get the next."""
        found, done = np.empty(hashes.size, np.int32), 0
        with self._lock:  # windows and their copies may be at work at the same time
            while done < hashes.size:
                if self._count * 2 > self._keys.size:
                    self._grow()
                end = done + self._keys.size // 4  # so a quarter of the slots stays empty
                found[done:end] = self._find(hashes[done:end])
                done = end
        return found

    def one(self, hashed: int) -> int:
        """The number of a single hash."""
        hashed = hashed or 1
        with self._lock:
            keys, numbers = self._views
            slot = hashed >> self._bits_off
            while (there := keys[slot]) != hashed:
                if not there:
                    break
                slot = (slot + 1) & (len(keys) - 1)
            else:
                return int(numbers[slot])
            if self._count * 2 <= len(keys):  # as `of` leaves room
                keys[slot], numbers[slot] = hashed, self._count
                self._count += 1
                return self._count - 1
        return int(self.of(np.array([hashed], np.uint64))[0])

    def _make(self, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._keys = np.zeros(1 << bits, np.uint64)
        self._numbers = np.zeros(1 << bits, np.int32)
        self._bits_off = 64 - bits
        self._views = self._keys.data, self._numbers.data  # for single hashes

    def _grow(self) -> None:
        """Twice the slots; every hash keeps its number."""
        taken = np.flatnonzero(self._keys)
        hashes, numbers = self._keys[taken], self._numbers[taken]
        self._make(self._keys.size.bit_length())
        slots = (hashes >> self._shift).astype(np.int64)
        while hashes.size:
            empty = self._keys[slots] == 0
            self._keys[slots[empty]] = hashes[empty]
            won = self._keys[slots] == hashes
            self._numbers[slots[won]] = numbers[won]
            hashes, numbers = hashes[~won], numbers[~won]
            slots = (slots[~won] + 1) & (self._keys.size - 1)

    def _find(self, hashes: Hashes) -> Codes32:
        hashes = np.maximum(hashes, np.uint64(1))  # 0 is an empty slot
        found = np.empty(hashes.size, np.int32)
        left, slots = np.arange(hashes.size), (hashes >> self._shift).astype(np.int64)
        while left.size:
            there, wanted = self._keys[slots], hashes[left]
            new = there == 0
            if new.any():
                self._add(slots[new], wanted[new])
                there = self._keys[slots]
            hit = there == wanted
            found[left[hit]] = self._numbers[slots[hit]]
            left, slots = left[~hit], (slots[~hit] + 1) & (self._keys.size - 1)
        return found

    def _add(self, slots: npt.NDArray[np.int64], hashes: Hashes) -> None:
        """Put them into empty slots; of several that want the same slot one gets it."""
        self._keys[slots] = hashes
        won = np.flatnonzero(self._keys[slots] == hashes)
        own = np.unique(slots[won])
        self._numbers[own] = np.arange(self._count, self._count + own.size, dtype=np.int32)
        self._count += own.size


class Codes:
    """The numbers of all texts met so far, for each kind of text."""

    def __init__(self) -> None:
        self._seed = secrets.randbits(63)
        self._numbers: dict[str, Numbers] = {}
        self._types: dict[str, pl.Categorical] = {}
        self._kept: list[pl.Series] = []  # Polars forgets the numbers when no column with them is left

    def of(self, events: pl.DataFrame, keys: Iterable[Key]) -> dict[Key, Codes32]:
        """The numbers of these fields in `events`; MISSING where one of the fields is."""
        wanted = {key: f"{number}" for number, key in enumerate(dict.fromkeys(keys))}
        reused = _equal(events, wanted)
        columns = events.select(
            self._expression(key).alias(name) for key, name in wanted.items() if key[0] and key not in reused
        )
        found = {(): np.zeros(events.height, np.int32)}
        numbers = {
            key: self._numbered(key, columns[name]) if key[0] else found[()]
            for key, name in wanted.items()
            if key not in reused
        }
        return numbers | {key: numbers[other] for key, other in reused.items()}

    def alone(self, event: Mapping[str, Any], keys: Iterable[Key]) -> list[int]:
        """The same for a single event, in the order of the keys."""
        found, places, texts = [], [], []
        for fields, kind in keys:
            text = None if kind.startswith(SAID) else _text(event, fields)
            found.append(MISSING if text is None or fields else 0)
            if text is not None and fields:
                places.append((len(found) - 1, kind))
                texts.append(text)
        # Of a single column this is `hash`, without a plan for it.
        hashes = pl.Series(texts, dtype=pl.String).to_frame().hash_rows(self._seed) if texts else ()
        for (place, kind), hashed in zip(places, hashes, strict=True):
            found[place] = self._of(kind).one(hashed)
        return found

    def texts(self, numbers: Codes32, kind: str) -> pl.Series:
        """The texts of these numbers, of a kind that is said again."""
        return pl.Series(numbers.astype(np.uint32)).cat.to(self._type(kind)).cast(pl.String)

    def _of(self, kind: str) -> Numbers:
        known = self._numbers.get(kind)
        return known if known is not None else self._numbers.setdefault(kind, Numbers())

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
        if kind.startswith(SAID):
            return text.cast(self._type(kind)).to_physical().cast(pl.Int32).fill_null(MISSING)
        if len(fields) > 1:  # the length stands before each, so that no two lists of values are one text
            parts = ((pl.col(f).str.len_bytes().cast(pl.String), pl.lit(":"), pl.col(f)) for f in fields)
            text = pl.concat_str([piece for part in parts for piece in part])
        return pl.when(text.is_not_null()).then(text.hash(self._seed))

    def _numbered(self, key: Key, column: pl.Series) -> Codes32:
        if key[1].startswith(SAID):
            return column.to_numpy()
        known = column.is_not_null().to_numpy()
        found = np.full(len(column), MISSING, np.int32)
        found[known] = self._of(key[1]).of(column.drop_nulls().to_numpy())
        return found


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
