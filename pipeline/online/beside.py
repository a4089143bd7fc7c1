"""A job that a pack's leader does beside the minute, in a thread of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.catch_up import Pipeline


@dataclass(frozen=True, slots=True)
class Job:
    """What is done how often; nothing of it may touch the windows that the minute owns."""

    run: Callable[[Pipeline], object]
    every_s: float
