"""How many bytes of numbers and text an object holds, whatever it is made of: each counts once."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN = (str, int, float, bool, type(None), type, np.generic)


def held_bytes(root: object) -> int:
    """Of all numpy arrays, packed columns (bytes) and Polars columns that can be reached."""
    ranges, others = [], 0
    for found in _reached(root):
        if isinstance(found, pl.Series):
            others += int(found.estimated_size())
        elif isinstance(found, bytes):
            others += sys.getsizeof(found)
        else:
            ranges.append(_range(found))
    return _union(ranges) + others


def held_by_part(root: object) -> dict[str, int]:
    """The same of each attribute by itself; what two share counts for both."""
    return {name: held_bytes(part) for name, part in _parts(root)}


def _reached(root: object) -> Iterator[np.ndarray[Any, Any] | pl.Series | bytes]:
    seen, waiting = set[int](), deque([root])
    while waiting:
        one = waiting.popleft()
        if isinstance(one, _PLAIN) or id(one) in seen or callable(one):
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray | pl.Series | bytes):
            yield one
        else:
            waiting.extend(_inside(one))


def _inside(one: object) -> Iterable[object]:
    if isinstance(one, dict):
        return list(one.values())
    if isinstance(one, list | tuple | set | frozenset | deque):
        return list(one)
    return [part for _, part in _parts(one)]


def _parts(one: object) -> list[tuple[str, Any]]:
    slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
    named = dict(getattr(one, "__dict__", {}))
    return [*named.items(), *((n, getattr(one, n)) for n in slots if n not in named and hasattr(one, n))]


def _range(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The bytes of the array itself, or of the array that it is a view of: these stay alive with it."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    low, high = np.lib.array_utils.byte_bounds(array)
    return int(low), int(high)


def _union(ranges: list[tuple[int, int]]) -> int:
    total, end = 0, 0
    for first, last in sorted(ranges):
        total += max(last - max(first, end), 0)
        end = max(end, last)
    return total
