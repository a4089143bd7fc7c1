"""What a picture of an incident shows, as data: a pack says it, tell/picture.py draws it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

#: What the numbers of a panel are: how many, how much money in minor units, or a share of one.
COUNT: Final = "count"
MONEY: Final = "money"
SHARE: Final = "share"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a value for each step, None where there is none. `usual`: what it is to be compared with."""

    label: str
    values: Sequence[float | None]
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over one axis."""

    title: str
    unit: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels over the same steps of time; `steps` are their starts. Holds no name of anybody."""

    steps: Sequence[datetime]
    step: timedelta
    panels: Sequence[Panel]
