"""The windows of all entities while shards hold them, for an engine that takes them to be here.

`spread` gives the pack as the process that leads knows it: its windows are `Spread`, and its judge adds up
the sums of all shards and lets each judge its own entities by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl

from pipeline.judge.verdicts import Verdicts
from pipeline.minute import from_index, to_index
from pipeline.shards import tasks
from pipeline.shards.carrier import ShardLost
from pipeline.shards.leader import LONG_S
from pipeline.shards.parts import as_bytes, as_frame, split

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.facts import Facts
    from baselines.rules import Tuned
    from pipeline.history import History
    from pipeline.judge.together import Together
    from pipeline.judge.verdicts import Integers
    from pipeline.pack import Pack
    from pipeline.shards.leader import Shards, State

#: So many borders of the tiers are remembered: a shard that is built again may need that of the day before.
_BORDERS = 3


def spread(pack: Pack[Any, Any], shards: Shards) -> Pack[Any, Any]:
    """The pack as the process that leads its shards knows it."""
    together, baseline = pack.together, pack.baseline
    if together is None:
        msg = f"the pack {pack.name} has no `together`"
        raise ValueError(msg)
    return replace(
        pack,
        windows=lambda zone, tuned: Spread(pack, together, shards, zone, tuned),
        judge=_judge,
        baseline=None if baseline is None else replace(baseline, of=partial(_usual, pack.entity)),
    )


class Spread:
    """The windows of all entities after the minute `last`; each shard holds those of its own."""

    def __init__(
        self,
        pack: Pack[Any, Any],
        together: Together[Any, Any],
        shards: Shards,
        zone: ZoneInfo,
        tuned: Tuned,
    ) -> None:
        self.entities = Entities(self)
        self.last: int | None = None
        self.together = together
        self.shards = shards
        self._pack = pack
        self._alone = pack.windows(zone, tuned)  # empty: what it says without having seen anything
        self._shape = pack.shape(tuned)
        self._state: State | None = None  # None: nothing was built yet
        self._borders: list[tuple[int, Any]] = []  # of the tiers, each with the minute after which it was set

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the method's own
        """Of the pack's own methods those that ask about one entity: its shard answers."""
        if name.startswith("_"):
            raise AttributeError(name)
        if self._state is None:
            return getattr(self._alone, name)
        if name not in self.together.asks:
            msg = f"windows that shards hold have no {name}"
            raise AttributeError(msg)
        return partial(self._ask, name)

    def _ask(self, name: str, *given: Any) -> Any:  # noqa: ANN401 - the method's own
        holder = self.shards.holder(given[-1])
        (found,) = self.shards.tell(tasks.AskWindows(self.number, name, given), [holder])
        return found

    @property
    def number(self) -> int:
        """Of the state that shards hold."""
        if self._state is None:
            msg = "no shard has built these windows"
            raise ValueError(msg)
        return self._state.number

    @property
    def history_minutes(self) -> int:
        """How many minutes a rebuild has to read: the longest window."""
        minutes: int = self._alone.history_minutes
        return minutes

    def add(self, minute: datetime, rows: pl.DataFrame, positions: Integers | None = None) -> None:
        """Slide to `minute` with its counted rows; those that shards have taken are there already."""
        del positions  # they are the shards' own
        shards = self.shards
        shards.at(to_index(minute))
        if rows is shards.taken:
            parts: Sequence[bytes | None] = [None] * len(shards)
        else:
            parts = [as_bytes(part) for part in split(rows, self._pack.entity, shards.config.slots)]
        added = shards.tell_each([tasks.Add(self.number, minute, part) for part in parts])
        self.last = to_index(minute)
        self._rank([answer.body for answer in added])

    def rebuild(self, history: History, next_minute: datetime, tuned: Tuned) -> None:
        """Have every shard build its windows from the lake, right before `next_minute`.

        After a minute that failed only those begin anew that were lost: the others undo what they have done.
        """
        shards, last = self.shards, to_index(next_minute) - 1
        shards.start()
        standing, shards.standing = shards.standing, None
        lost = list(range(len(shards)))
        if isinstance(standing, Spread) and standing._shape == self._shape:  # noqa: SLF001 - of this very class
            self._state, self._borders = standing._state, standing._borders  # noqa: SLF001 - the same
            self._borders = [(at, border) for at, border in self._borders if at <= last]
            back = shards.tell(tasks.Back(self.number, last))
            lost = [shard for shard, done in enumerate(back) if not done]
        else:
            self._state, self._borders = shards.new_state(), []
        task = tasks.Rebuild(self.number, _without_facts(history), next_minute, tuned)
        waiting = shards.tell(task, lost, LONG_S)
        self.last = last if history.first_minute is not None else None
        if len(lost) == len(shards):
            self._rank(waiting)
        elif lost and self._borders:
            shards.tell(tasks.Rank(self.number, self._borders[-1][1]), lost)
        elif lost:  # nobody knows the border: all begin anew
            self.rebuild(history, next_minute, tuned)

    def look_up(self, facts: Facts, minute: datetime) -> None:
        """Have the facts of all entities at hand at `minute`."""
        self.shards.tell(tasks.LookUp(self.number, self.shards.know(facts), to_index(minute)))

    def at(self, last: int) -> Self | None:
        """The windows as they stood after minute `last`, a few minutes ago at most; None: not known.

        Nor is it where a shard is lost: whoever asks builds them from the lake, which starts it again.
        """
        state = self.shards.new_state()
        try:
            known = all(self.shards.tell(tasks.At(self.number, last, state.number)))
        except ShardLost:
            known = False
        if not known:
            return None
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.entities = Entities(other)
        other._state, other.last = state, last  # noqa: SLF001 - of this very class
        other._borders = [(at, border) for at, border in self._borders if at <= last]  # noqa: SLF001 - the same
        return other

    def undo(self) -> bool:
        """One minute back; False where a shard does not know how."""
        if self.last is None:
            return False
        done = all(self.shards.tell(tasks.Back(self.number, self.last - 1)))
        self.last -= 1
        self._borders = [(at, border) for at, border in self._borders if at <= self.last]
        return done

    def copy(self) -> Self:
        """The same state, free to move on by itself."""
        found = None if self.last is None else self.at(self.last)
        if found is None:
            msg = "these windows have not moved yet"
            raise ValueError(msg)
        return found

    def _rank(self, waiting: Sequence[int | None]) -> None:
        """Where a business day has begun: the border of the tiers by the candidates of all shards."""
        tiers = self.together.tiers
        found = [number for number in waiting if number is not None]
        if tiers is None or not found:
            return
        total = sum(found)
        first = self.shards.tell(tasks.Candidates(self.number, tiers.wanted(total)))
        border = tiers.border([as_frame(frame) for frame in first], total)
        self.shards.tell(tasks.Rank(self.number, border))
        at = -1 if self.last is None else self.last
        self._borders = [*self._borders, (at, border)][-_BORDERS:]

    def verdicts(self, tuned: Tuned, policy: str, facts: Facts, *, whole: bool) -> Gathered:
        """Judge the minute that the windows stand at: sums, and by those of all each its own entities."""
        shards, together = self.shards, self.together
        if self.last is None:
            msg = "no minute has entered the windows"
            raise ValueError(msg)
        known = shards.know(facts)
        sums = together.add(shards.tell(tasks.Sum(self.number, tuned, known)))
        judged = shards.tell(tasks.Judge(self.number, tuned, policy, known, whole, sums))
        rest = [one for _, one in judged]
        everybody = together.everybody(from_index(self.last), tuned, policy, sums, rest)
        frames = [as_frame(frame) for frame, _ in judged]
        return Gathered({}, self._nobody, self._pack.signal, signals=_in_order([*frames, everybody]))

    @property
    def _nobody(self) -> pl.Series:
        return pl.Series("entity_id", [], pl.String)

    def ids(self) -> pl.Series:
        """The ids of all entities, shard by shard."""
        if self._state is None:
            return self._nobody
        return pl.concat([as_frame(ids).to_series() for ids in self.shards.tell(tasks.Known(self.number))])

    def usual(self) -> list[pl.DataFrame]:
        """The pack's baseline of each shard's entities."""
        return [as_frame(frame) for frame in self.shards.tell(tasks.Usual(self.number))]


class Entities:
    """The known entities where shards hold them; none of them has a place that all agree on."""

    def __init__(self, windows: Spread) -> None:
        self._windows = windows

    @property
    def ids(self) -> pl.Series:
        """All known ids, in no order."""
        return self._windows.ids()

    def positions(self, ids: pl.Series) -> Integers:
        """Nobody reads these: shards look their own entities up."""
        return np.zeros(len(ids), np.int64)


@dataclass(frozen=True, slots=True)
class Gathered(Verdicts):
    """Verdicts that shards have put into words already."""

    signals: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __len__(self) -> int:
        return self.signals.height

    def frame(self) -> pl.DataFrame:
        """As the pack's signals: by minute, top tier first, then by entity and rule."""
        return self.signals


def _in_order(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Signals of all shards as one process gives them."""
    signals = pl.concat([frame for frame in frames if frame.height] or frames[:1])
    return signals.sort("minute", pl.col("tier") != "top", "entity_id", "rule", maintain_order=True)


def _judge(windows: Spread, tuned: Tuned, policy: str, facts: Facts, whole: bool) -> Verdicts:  # noqa: FBT001 - as every pack
    return windows.verdicts(tuned, policy, facts, whole=whole)


def _usual(entity: str, windows: Spread) -> pl.DataFrame:
    return pl.concat(windows.usual()).sort(entity)


def _without_facts(history: History) -> History:
    """Shards learn facts by themselves, see `Shards.know`."""
    return replace(history, facts=history.facts.clear())
