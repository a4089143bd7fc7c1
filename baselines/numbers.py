"""Ids that are whole numbers of 64 bits in their usual form: "42" and "-7", not "042", "+7" or "-0".

Only such an id may stand as its number: each number has one usual form, so no two ids become the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

#: The longest numbers of 64 bits have so many digits.
_MOST_DIGITS: Final = 19
#: The least number of so many further digits: 0, 10, 100 …
_LEAST: Final = np.array([0, *(10**digits for digits in range(1, _MOST_DIGITS))], np.int64)
#: Up to so many ids are written anew to compare them: to ask for lengths takes longer to begin.
_FEW: Final = 2_000


def usual_numbers(ids: pl.Series) -> tuple[Integers, Flags]:
    """The number of each id (text, or integers of 64 bits at most), and whether that is its usual form.

    Where it is not, the number is 0. Shapes (n,).
    """
    if ids.dtype.is_integer():
        return ids.cast(pl.Int64).to_numpy(), np.ones(len(ids), np.bool_)
    if ids.null_count():
        ids = ids.fill_null("")
    cast = ids.cast(pl.Int64, strict=False)
    read = cast if not cast.null_count() else cast.fill_null(0)
    numbers = read.to_numpy()
    usual = (read.cast(pl.String) == ids).to_numpy() if len(ids) <= _FEW else _no_longer(ids, numbers)
    if cast.null_count():
        usual = usual & cast.is_not_null().to_numpy()
    return (numbers if usual.all() else np.where(usual, numbers, 0)), usual


def _no_longer(ids: pl.Series, numbers: Integers) -> Flags:
    """Whether each text is no longer than the number that it was read as.

    Reading takes nothing but a sign and digits, so such a text is the usual form.
    """
    below = numbers < 0
    further = ids.str.len_bytes().to_numpy().astype(np.int64) - 1 - below
    least = _LEAST.take(further, mode="clip")
    large = numbers >= least
    if below.any():
        large |= numbers <= -least
    usual: Flags = large & (further < _MOST_DIGITS)
    return usual
