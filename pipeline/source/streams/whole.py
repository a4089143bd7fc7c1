"""Are the parts of a minute, read side by side, what the query gives of the whole one? Pure.

A query that takes the newest version of each row, or so many rows at most, gives of each part its own. Two
things show it: a key in two parts, which whoever reads them looks for, and another number of rows. The latter
is asked of the first minute with rows, and again whenever one has twice as many as any that was compared.
"""

from __future__ import annotations


class Whole:
    """Until how many rows the parts were compared with the whole minute."""

    def __init__(self, compared: int = 0) -> None:
        self._compared = compared

    def is_due(self, rows: int) -> bool:
        """Is a minute whose parts have so many rows to be read whole as well?"""
        return rows >= max(2 * self._compared, 1)

    def equals(self, parts: int, whole: int) -> bool:
        """Have parts and whole as many rows? Then no minute of less than twice as many is due."""
        if parts != whole:
            return False
        self._compared = max(self._compared, whole)
        return True
