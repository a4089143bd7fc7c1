"""What a version would have done beside the one in force: number by number, and which way is better. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is compared, in the order in which it is read, and whether more of it is better. None: neither is.
#: `money` stands for the name of the money in the pack.
_COMPARED: Final[Mapping[str, bool | None]] = {
    "incidents_per_day": False,
    "recall": True,
    "precision": True,
    "delay_minutes_median": False,
    "delay_minutes_p95": False,
    "live_found": True,
    "money_found": True,
    "money_missed": False,
    "notices": False,
}
BETTER: Final = "better"
WORSE: Final = "worse"
SAME: Final = "same"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Compared:
    """One number of both; None is not known."""

    name: str  # of _COMPARED
    in_force: float | None
    candidate: float | None

    @property
    def verdict(self) -> str:
        """Is the candidate better, worse or the same in this? Unknown where one of them is."""
        if self.in_force is None or self.candidate is None:
            return UNKNOWN
        if self.in_force == self.candidate:
            return SAME
        return BETTER if (self.candidate > self.in_force) == _COMPARED[self.name] else WORSE


def compared(found: Mapping[str, Any], money: str | None) -> tuple[Compared, ...]:
    """From what was measured; `money` is the pack's name for it, None: it knows of none.

    Empty where nothing was measured.
    """
    if "candidate" not in found or "in_force" not in found:
        return ()
    names = {name: name.replace("money", money or "") for name in _COMPARED}
    shown = [name for name in names if money is not None or not name.startswith("money")]
    sides = found["in_force"], found["candidate"]
    return tuple(Compared(name, *(_number(side, names[name], name) for side in sides)) for name in shown)


def _number(side: Mapping[str, Any], key: str, name: str) -> float | None:
    """A number, or the sum of several. Of the money of live incidents whose money nobody knew: none."""
    value, live = side.get(key), side.get("live", 0)
    if name.startswith("money") and live and side.get("live_not_priced") == live:
        return None
    if isinstance(value, dict):
        return sum(value.values())
    return value if isinstance(value, int | float) else None
