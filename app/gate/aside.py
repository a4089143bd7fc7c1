"""Work that blocks, in a bounded number of threads of its own: one kind never takes the places of another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable


class Aside:
    """So many places; whoever comes later waits without a thread."""

    def __init__(self, places: int) -> None:
        self._limiter = CapacityLimiter(places)

    async def __call__(self, work: Callable[..., Any], *given: Any) -> Any:  # noqa: ANN401 - passed through
        """Do the work and give what it gives."""
        return await to_thread.run_sync(partial(work, *given), limiter=self._limiter)

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return self._limiter.statistics().tasks_waiting
