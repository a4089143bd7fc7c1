"""The senders of a pack, one for each channel: what is slow or away holds up nothing but itself.

`wake` looks which channels something waits for and sets their senders to work, each in a thread of its own
that ends when there is nothing left to do. What fails in one is raised by the next call of `wake`.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors.translate import state_errors
from pipeline.tell import outbox
from pipeline.tell.deliver import LIMITS, deliver_one
from pipeline.tell.route_texts import MOST_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from pipeline.pack import Pack
    from pipeline.tell.channels import Channel
    from pipeline.tell.deliver import Delivered, Limits
    from pipeline.tell.pace import Pace, Paces

#: Routes name so many channels at most; those that they named before may have something left.
_THREADS: Final = 2 * MOST_CHANNELS


@dataclass(slots=True)
class Outlet:
    """A channel, the names by which routes know it, and how fast all packs together may use it."""

    channel: Channel
    pace: Pace
    destinations: list[str] = field(default_factory=list)
    work: Future[None] | None = None


class Senders:
    """Delivers what waits in the outbox of one pack, channel by channel."""

    def __init__(
        self,
        engine: Engine,
        url: str,
        pack: Pack[Any, Any],
        open_channel: Callable[[str], Channel],
        paces: Paces,
        told: Callable[[Delivered], None],
        limits: Limits = LIMITS,
    ) -> None:
        self._engine, self._url, self._pack, self._limits = engine, url, pack, limits
        self._open_channel, self._paces, self._told = open_channel, paces, told
        self._outlets: dict[str, Outlet] = {}  # by destination; several may be one channel
        self._pool = ThreadPoolExecutor(_THREADS, f"send-{pack.name}")
        self._ending: Callable[[], bool] = lambda: False

    def wake(self, ending: Callable[[], bool]) -> None:
        """Set the senders to work that have something to do and are idle; `ending` stops them all."""
        self._ending = ending
        self._raise_failures()
        outbox.tell_overdue(self._engine, self._pack.name, datetime.now(UTC) - self._limits.overdue)
        for outlet in self._due():
            if outlet.work is None:
                outlet.work = self._pool.submit(self._drain, outlet)

    def quiet(self) -> None:
        """Wait until every sender is idle; raises what failed in one."""
        wait([outlet.work for outlet in self._outlets.values() if outlet.work is not None])
        self._raise_failures()

    def rest(self, at_most: int) -> None:
        """Deliver what is left, so many units of each channel at most, and wait for it."""
        self.quiet()
        for outlet in self._due():
            outlet.work = self._pool.submit(self._drain, outlet, at_most)
        self.quiet()

    def _due(self) -> list[Outlet]:
        margin = self._limits.margin
        names = outbox.destinations_due(self._engine, self._pack.name, datetime.now(UTC), margin)
        found = {outlet.channel.name: outlet for outlet in map(self._outlet, names)}
        return list(found.values())

    def _outlet(self, destination: str) -> Outlet:
        if destination not in self._outlets:
            channel = self._open_channel(destination)
            known = (o for o in self._outlets.values() if o.channel.name == channel.name)
            outlet = next(known, None) or Outlet(channel, self._paces.of(channel.name))
            outlet.destinations = [*outlet.destinations, destination]
            self._outlets[destination] = outlet
        return self._outlets[destination]

    def _drain(self, outlet: Outlet, at_most: int | None = None) -> None:
        """Deliver until nothing is left, or a pause."""
        done = 0
        given = (self._engine, self._pack, outlet.channel, outlet.pace, self._limits)
        while at_most is None or done < at_most:
            with outlet.pace.alone(), state_errors(self._url):
                if at_most is None and self._ending():
                    return
                delivered = deliver_one(*given, outlet.destinations)
            if delivered is None:
                return
            self._told(delivered)
            done += 1

    def _raise_failures(self) -> None:
        """Forget the work that has ended; raises what one of them met, each once."""
        for outlet in {id(o): o for o in self._outlets.values()}.values():
            if outlet.work is not None and outlet.work.done():
                ended, outlet.work = outlet.work, None
                ended.result()
