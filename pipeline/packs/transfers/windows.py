"""The windows of the pack: events of closed minutes, rules and lists in force. Pure but for state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.entities import EntityIndex
from baselines.transfers.measure import EXACT_MS, LONGEST_MS
from baselines.transfers.recent import Recent
from pipeline.minute import MINUTE, MINUTES_BACK, floor_minute, from_index, to_index
from pipeline.pack import Windows
from pipeline.packs.transfers.ruleset import Timeline, timeline_of
from pipeline.packs.transfers.schema import EVENT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.transfers.measure import Measure
    from pipeline.judge.verdicts import Integers

#: Queries of the pack's own tables that say which rules and lists are in force.
RULES_IN_FORCE: Final = "rules_in_force"
LISTS_IN_FORCE: Final = "lists_in_force"
LEARNED_IN_FORCE: Final = "learned_in_force"
#: All of them, in the order in which `timeline_of` takes their rows.
IN_FORCE: Final = (RULES_IN_FORCE, LISTS_IN_FORCE, LEARNED_IN_FORCE)
#: Events of so many closed minutes are kept as they are: those that a late one may alter are judged again.
KEPT_MINUTES: Final = 3
#: What is forgotten is forgotten once an hour.
_EXPIRED_EVERY: Final = 60
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """Events of which something was told before their minute closed, with their answers."""

    log: pl.DataFrame | None = None  # judging.LOG
    hits: pl.DataFrame | None = None  # judging.HITS
    events: pl.DataFrame | None = None  # EVENT


class EventWindows(Windows):
    """Events up to the end of the minute `last`, in a form that answers what rules ask."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.entities = EntityIndex()
        self.last: int | None = None
        self.recent = Recent()
        self.timeline = Timeline()
        self.closed: deque[tuple[int, pl.DataFrame]] = deque(maxlen=KEPT_MINUTES)  # minute, its events
        #: Of a view, which has moved on beyond the minute `last`: what it holds besides, and has told of.
        self.pending = EVENT.to_frame()
        self.told = Told()
        self._rows: Mapping[str, Sequence[Mapping[str, Any]]] = {}
        self._since: datetime | None = None
        self._asked: frozenset[Measure] = frozenset()  # what `recent` answers
        self._before: deque[EventWindows] = deque(maxlen=MINUTES_BACK)  # right before the newest minutes

    @property
    def history_minutes(self) -> int:
        """As far as any rule in force looks back, and a day at least."""
        measures = () if self._since is None else self.timeline.measures(self._since)
        longest = max((measure.within_ms or LONGEST_MS for measure in measures), default=0)
        return max(longest, EXACT_MS) // _MINUTE_MS + 60

    def know(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], since: datetime) -> bool:
        """The rules and lists in force, for events from `since` on.

        A rule that asks what is not held does not judge, and the version before it goes on: who has not
        counted must not judge. A minute builds its windows anew then. All other changes count at once.
        """
        timeline = self.timeline
        if rows != self._rows:
            timeline = timeline_of(*(rows.get(name, ()) for name in IN_FORCE))
        asked = frozenset(timeline.measures(since))
        if not asked <= self._asked:
            recent = self.recent.copy()
            if recent.want(asked):
                self.timeline, self._since = timeline.asking_only(self._asked), since
                return False
            self.recent, self._asked = recent, self._asked | asked
        if self.last is None:  # of the history that follows only what somebody can ask for is taken
            self.recent.expire(since)
        self._rows, self._since, self.timeline = rows, since, timeline
        return True

    def add(self, minute: datetime, rows: pl.DataFrame, positions: Integers | None = None) -> None:
        """Take the events of a closed minute."""
        del positions
        self._before.append(self._alone())
        events = rows.select(EVENT.names())
        self.recent.take(events)
        self.last = to_index(minute)
        self.closed.append((self.last, events))
        if self.last % _EXPIRED_EVERY == 0:
            self.recent.expire(minute + MINUTE)

    def fill(
        self, start: datetime, end: datetime, rows: pl.DataFrame, missing: Collection[datetime] = ()
    ) -> None:
        """Take the events of [start, end) in bulk."""
        del missing, start
        self._before.clear()
        self.recent.expire(end)  # before: what nobody can ask for any more is not even taken
        self.recent.fill(rows.select(EVENT.names()))
        self.last = to_index(end) - 1
        for index in range(self.last - KEPT_MINUTES + 1, self.last + 1):
            of_minute = rows.filter(pl.col("minute") == from_index(index))
            self.closed.append((index, of_minute.select(EVENT.names())))

    @property
    def reach(self) -> datetime | None:
        """Events from then on are kept as they are."""
        return None if self.last is None else from_index(self.last - KEPT_MINUTES + 1)

    def held(self, ids: pl.Series, since: datetime | None = None) -> pl.DataFrame:
        """Those of these events that are kept, as they count now; only from a moment on, if one is given."""
        among = pl.col("transfer_id").is_in(ids.implode())
        pending = self.pending.filter(among)
        first = None if since is None else to_index(floor_minute(since))
        wanted = (events for index, events in self.closed if first is None or index >= first)
        closed = pl.concat([EVENT.to_frame(), *(events.filter(among) for events in wanted)])
        if closed.is_empty():
            return pending
        return pl.concat([closed.join(pending, on="transfer_id", how="anti"), pending])

    def copy(self) -> EventWindows:
        """The same state; what is held is shared, as it never changes."""
        other = self._alone()
        other._before = self._before.copy()  # noqa: SLF001 - of this very class; what it holds never moves
        return other

    def at(self, last: int) -> EventWindows | None:
        """A copy as they stood after minute `last`; None where that was not a moment ago."""
        if last not in {self.last, *(before.last for before in self._before)}:
            return None
        other = self.copy()
        while other.last != last:
            other.undo()
        return other

    def undo(self) -> bool:
        """Go one minute back, with the rules and lists known then; False where that is not known any more."""
        if not self._before:
            return False
        self._take(self._before.pop())
        return True

    def _alone(self) -> EventWindows:
        """A copy without what was before."""
        other = EventWindows(self.zone)
        other._take(self)
        return other

    def _take(self, other: EventWindows) -> None:
        """Be in the state of another one, which may be there for others too."""
        self.entities, self.last = other.entities, other.last
        self.recent, self.timeline = other.recent.copy(), other.timeline
        self.closed = other.closed.copy()
        self._rows, self._since, self._asked = other._rows, other._since, other._asked
        self.pending, self.told = other.pending, other.told
