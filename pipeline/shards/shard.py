"""A shard: the windows of the entities of its slots, and all that can be done with them alone.

One class for every carrier. It speaks to the source, for a slice of each minute, and to the lake, for its own
files; it knows no operational database, and nothing of other shards. What it holds can be made again from the
lake at any time.
"""

from __future__ import annotations

import time
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from baselines.facts import Facts
from pipeline.errors.secrets import SECRETS, dialect
from pipeline.history import windows_from
from pipeline.packs import load_pack
from pipeline.shards import tasks
from pipeline.shards.carrier import Answer, ShardLost
from pipeline.shards.held import as_told
from pipeline.shards.parts import added, as_bytes, as_frame, counted_slice, print_of_hashes, split
from pipeline.source.asked import NotShared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from pipeline.pack import Pack, Windows
    from pipeline.shards.carrier import Message, ShardConfig
    from pipeline.shards.parts import Part
    from pipeline.source.asked import Source
    from pipeline.store.manifest import LakeFile


class Shard:
    """The local half of the pipeline; a carrier calls `handle` and nothing else."""

    def __init__(self, number: int, config: ShardConfig) -> None:
        SECRETS.learn_url(config.source_url)
        self._number = number
        self._config = config
        self._slots = config.slots[number]
        self._pack, self._together = pack_of_shard(config.pack)
        self._lake = copy(config.lake)  # in the leader's process it is the leader's own
        self._lake.pack = self._pack
        self._source: Source | None = None
        self._epoch = 0
        self._states: dict[int, Windows] = {}
        self._facts: dict[int, Facts] = {}
        self._rows: pl.DataFrame | None = None  # of the slice that was read last
        self._taken: dict[str, pl.DataFrame] = {}  # its own counts of the minute in hand, by dataset

    def handle(self, message: Message) -> Answer:
        """Do what a message says; what fails is in the answer."""
        began = time.monotonic()
        try:
            if message.epoch < self._epoch:
                return Answer(error=ShardLost(self._number, f"epoch {message.epoch} leads no more"))
            self._epoch = message.epoch
            answer = self._answer(message)
        except Exception as error:  # noqa: BLE001 - whoever leads decides what becomes of it
            answer = Answer(error=as_told(error))
        return replace(answer, took_ms=(time.monotonic() - began) * 1000)

    def close(self) -> None:
        """Give the connection to the source back."""
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _answer(self, message: Message) -> Answer:
        if isinstance(message.task, tasks.Read):
            return self._read(message.task)
        if isinstance(message.task, tasks.Take):
            return Answer(self._take(message.parts))
        return Answer(_DOES[type(message.task)](self, message.task))

    def _hello(self, task: tasks.Hello) -> int:
        del task
        return print_of_hashes()

    # ---------------------------------------------------------------- counts

    def _read(self, task: tasks.Read) -> Answer:
        """The slice's counts, and for each shard those of its entities."""
        self._rows = None
        self._taken = {}
        try:
            read = self._open_source().part(task.snapshot, task.start, task.end)
        except NotShared as refused:
            return Answer(str(refused))
        said, frames = counted_slice(read, task.span, task.clock, self._pack, self._lake.zone)
        self._rows = read.rows
        return Answer(said, self._parts(frames))

    def _parts(self, frames: dict[str, pl.DataFrame]) -> list[Part]:
        shares = self._config.slots
        apart = {name: split(frame, self._pack.entity, shares) for name, frame in frames.items()}
        return [{name: as_bytes(of[number]) for name, of in apart.items()} for number in range(len(shares))]

    def _raw(self, task: tasks.Raw) -> bytes | None:
        del task
        return None if self._rows is None else as_bytes(self._rows)

    def _take(self, parts: Sequence[Part]) -> Part:
        self._rows = None
        self._taken = {name: added([as_frame(part[name]) for part in parts]) for name in parts[0]}
        return {name: as_bytes(frame) for name, frame in self._taken.items()}

    def _publish(self, task: tasks.Publish) -> list[LakeFile]:
        written = (
            self._lake.write(name, frame, task.span, slots=self._slots) for name, frame in self._taken.items()
        )
        return [file for file in written if file is not None]

    def _open_source(self) -> Source:
        if self._source is None:
            self._source = open_source(self._config, self._pack)
        return self._source

    # ---------------------------------------------------------------- windows

    def _rebuild(self, task: tasks.Rebuild) -> int | None:
        self._states.pop(task.state, None)  # one is enough to hold while another is built
        windows, _ = windows_from(self._lake, task.history, task.next_minute, task.tuned, slots=self._slots)
        self._states[task.state] = windows
        return self._waiting(windows)

    def _add(self, task: tasks.Add) -> int | None:
        windows = self._windows(task.state)
        rows = self._taken[self._pack.dataset] if task.rows is None else as_frame(task.rows)
        del self._states[task.state]  # what fails on its way leaves windows between two minutes
        windows.add(task.minute, rows)
        self._states[task.state] = windows
        return self._waiting(windows)

    def _waiting(self, windows: Windows) -> int | None:
        tiers = self._together.tiers
        return None if tiers is None else tiers.waiting(windows)

    def _candidates(self, task: tasks.Candidates) -> bytes:
        tiers = self._together.tiers
        return as_bytes(tiers.candidates(self._windows(task.state), task.number))

    def _rank(self, task: tasks.Rank) -> None:
        windows = self._states.pop(task.state)
        self._together.tiers.rank(windows, task.border)
        self._states[task.state] = windows

    def _at(self, task: tasks.At) -> bool:
        found = self._windows(task.state).at(task.last)
        if found is None:
            return False
        self._states[task.other] = found
        return True

    def _back(self, task: tasks.Back) -> bool:
        windows = self._states.get(task.state)
        while windows is not None and windows.last is not None and windows.last > task.last:
            if not windows.undo():
                return False
        return windows is not None and windows.last == task.last

    def _let_go(self, task: tasks.Drop) -> None:
        for state in task.states:
            self._states.pop(state, None)

    def _windows(self, state: int) -> Any:  # noqa: ANN401 - the pack's own
        if state not in self._states:
            raise ShardLost(self._number, "it was started again, and its windows are not built yet")
        return self._states[state]

    # ---------------------------------------------------------------- verdicts

    def _know(self, task: tasks.Know) -> None:
        for number in task.forget:
            self._facts.pop(number, None)
        self._facts[task.facts] = Facts(None if task.changes is None else as_frame(task.changes))

    def _look_up(self, task: tasks.LookUp) -> None:
        self._facts[task.facts].codes(task.minute, self._windows(task.state).entities)

    def _sum(self, task: tasks.Sum) -> Any:  # noqa: ANN401 - the pack's own
        return self._together.sums(self._windows(task.state), task.tuned, self._facts[task.facts])

    def _judge(self, task: tasks.Judge) -> tuple[bytes, Any]:
        windows, facts = self._windows(task.state), self._facts[task.facts]
        found = self._together.judge(windows, task.tuned, task.policy, facts, task.whole, task.sums)
        return as_bytes(found.frame()), self._together.rest(windows, task.tuned, task.sums)

    def _ask(self, task: tasks.AskWindows) -> Any:  # noqa: ANN401 - the method's own
        return getattr(self._windows(task.state), task.name)(*task.given)

    def _known(self, task: tasks.Known) -> bytes:
        return as_bytes(self._windows(task.state).entities.ids.to_frame("entity_id"))

    def _usual(self, task: tasks.Usual) -> bytes:
        baseline: Any = self._pack.baseline  # who asks has one
        return as_bytes(baseline.of(self._windows(task.state)))


#: What is done for each task, beside the two that concern parts.
_DOES: Final[Mapping[type, Callable[[Shard, Any], Any]]] = {
    tasks.Hello: Shard._hello,  # noqa: SLF001
    tasks.Raw: Shard._raw,  # noqa: SLF001
    tasks.Publish: Shard._publish,  # noqa: SLF001
    tasks.Rebuild: Shard._rebuild,  # noqa: SLF001
    tasks.Add: Shard._add,  # noqa: SLF001
    tasks.Candidates: Shard._candidates,  # noqa: SLF001
    tasks.Rank: Shard._rank,  # noqa: SLF001
    tasks.At: Shard._at,  # noqa: SLF001
    tasks.Back: Shard._back,  # noqa: SLF001
    tasks.Drop: Shard._let_go,  # noqa: SLF001
    tasks.Know: Shard._know,  # noqa: SLF001
    tasks.LookUp: Shard._look_up,  # noqa: SLF001
    tasks.Sum: Shard._sum,  # noqa: SLF001
    tasks.Judge: Shard._judge,  # noqa: SLF001
    tasks.AskWindows: Shard._ask,  # noqa: SLF001
    tasks.Known: Shard._known,  # noqa: SLF001
    tasks.Usual: Shard._usual,  # noqa: SLF001
}


def pack_of_shard(name: str) -> tuple[Pack[Any, Any], Any]:
    """The pack of that name, and how it is judged in shards."""
    pack = load_pack(name)
    together = pack.together
    if together is None:
        msg = f"the pack {name} has no `together`"
        raise ValueError(msg)
    return pack, together


def open_source(config: ShardConfig, pack: Pack[Any, Any]) -> Source:
    """The company's database through a connection of the shard's own; opens nothing yet."""
    given = pack, config.source_url, config.source_queries, config.source_timeout, config.currency
    if dialect(config.source_url) == "mysql":
        from pipeline.source.mysql import MySqlSource  # noqa: PLC0415 - most shards never need it

        return MySqlSource(*given)
    from pipeline.source.postgresql import PostgresSource  # noqa: PLC0415 - the same

    return PostgresSource(*given)
