"""The strongest of several windows that looked at a merchant, as columns of a signal. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from pipeline.packs.merchants.schema import BUDGETED_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.merchants.slices import Integers
    from pipeline.judge.verdicts import Columns

    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Strongest:
    """Per merchant the window with the strongest evidence; all arrays have shape (n,)."""

    positions: Integers  # sorted, unique
    passed: Flags
    window_minutes: Integers
    approvals_window: Integers
    cancels_window: Integers
    expected_window: Integers
    evidence: Integers
    evidence_needed: Integers
    # Of a cancel surge; -1 otherwise.
    prior: Integers  # place in PRIORS: what the baseline mostly rests on
    category: Integers  # code of the merchant's category, -1 where it is unknown
    prior_cancels_per_100k: Integers

    @classmethod
    def nothing(cls) -> Strongest:
        """Of nobody."""
        none = np.zeros(0, np.int64)
        return cls(none, np.zeros(0, np.bool_), *(none for _ in _FIELDS[2:]))

    def take(self, chosen: Flags | Integers) -> Strongest:
        """Some of the rows."""
        return Strongest(*(getattr(self, name)[chosen] for name in _FIELDS))

    def only_passed(self) -> Strongest:
        """The rows that passed."""
        return self.take(self.passed)

    def at(self, positions: Integers) -> tuple[Integers, Flags]:
        """For each of `positions` its row here, and whether it has one."""
        rows = np.searchsorted(self.positions, positions)
        rows = np.minimum(rows, max(len(self.positions) - 1, 0))
        held = (
            np.zeros(len(positions), np.bool_)
            if not len(self.positions)
            else self.positions[rows] == positions
        )
        return rows, held

    def columns(self, rows: Integers | None = None, held: Flags | None = None) -> Columns:
        """The columns of a signal, or those of `rows`: null where no window looked at the merchant."""
        columns: Columns = {}
        for name in _WINDOW_COLUMNS:
            values = getattr(self, name)
            if rows is not None and held is not None:
                values, every = np.full(len(rows), -1), values
                values[held] = every[rows[held]]
            columns[name] = values
        return columns


_FIELDS: Final = tuple(f.name for f in fields(Strongest))
_WINDOW_COLUMNS: Final = BUDGETED_COLUMNS[BUDGETED_COLUMNS.index("window_minutes") :]
