"""Where a judged minute is written: files into the lake, everything else in one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.minute import MINUTE
from pipeline.money import EXPOSURE
from pipeline.store.state import MinuteCommit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from baselines.versions import Versions
    from pipeline.count import Counted
    from pipeline.judge.life import Changes, Incident, Key
    from pipeline.judge.seconds import Write, Written
    from pipeline.minute import Span
    from pipeline.money import AtRisk
    from pipeline.pack import Windows
    from pipeline.steps import Steps
    from pipeline.store.exposure import Exposure
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State


class StateBook:
    """The real book: operational database and lake."""

    def __init__(
        self,
        state: State,
        lake: Lake,
        exposure: Exposure,
        policy: str,
        versions: Callable[[], Versions[Any]],
        written: Written | None = None,
        among: Sequence[str] | None = None,
    ) -> None:
        self._state = state
        self._lake = lake
        self._exposure = exposure
        self._policy = policy
        self._versions = versions
        self._written = written
        self._among = among  # incidents of these entities are asked for; None: all

    def unresolved(self) -> Mapping[Key, Incident]:
        """Incidents that are not resolved, as people may have changed them a moment ago."""
        return self._state.unresolved(self._among)

    def resolved_since(self, since: datetime) -> Mapping[Key, Incident]:
        """The newest incident of each rule and entity that has resolved after `since` and may come back."""
        return self._state.resolved_since(since, self._among)

    def dismissed(self, since: datetime) -> Mapping[Key, Incident]:
        """Incidents that a person resolved and whose rule was breached after `since`."""
        return self._state.dismissed(since, self._among)

    def at_risk(
        self,
        entities: Sequence[str],
        minute: datetime,
        windows: Windows,
        again: Collection[str] | None = None,
    ) -> Mapping[str, AtRisk]:
        """See `Exposure.at_risk`."""
        return self._exposure.at_risk(entities, minute, windows, again)

    def names(self, entities: Sequence[str]) -> Mapping[str, str]:
        """Names of some entities, as the source last gave them."""
        return {row["entity_id"]: row["name"] for row in self._state.rows("app_names_of", ids=list(entities))}

    def record(
        self,
        minute: datetime,
        counted: Counted,
        signals: pl.DataFrame,
        changes: Changes,
        steps: Steps,
        judged: pl.DataFrame | None = None,
        exposure: pl.DataFrame | None = None,
    ) -> None:
        """Write the minute's files, then commit it; the commit makes the files count."""
        retired: list[str] = []
        with steps.time("publish"):
            files = self.publish(counted)
            written = self._lake.write("signal", signals, counted.span)
            files += [written] if written else []
            if exposure is not None:
                shown = self._lake.write(EXPOSURE, exposure, counted.span)
                files += [shown] if shown else []
                retired = self._state.exposures_to_retire(minute, self._lake.zone) if shown else []
        with steps.time("commit"):
            minutes, writes = self._ledger_rows(minute, counted), self._own_rows(counted.span, judged)
            self._state.commit(
                MinuteCommit(minutes, files, minute + MINUTE, changes, minute, writes=writes, retired=retired)
            )

    def _own_rows(self, span: Span, judged: pl.DataFrame | None) -> Sequence[Write]:
        """What the pack writes of a closed minute: what was not written before just so."""
        watch = self._lake.pack.watch
        if judged is None or watch is None:
            return ()
        return list(watch.writes(judged if self._written is None else self._written.without(judged), span))

    def publish(self, counted: Counted) -> list[LakeFile]:
        """Write the files of a counted span; one that was read from the lake is there already."""
        if counted.published:
            return []
        lake, held = self._lake, counted.held
        frames = {lake.pack.dataset: counted.rows, "quarantine": counted.quarantine, **counted.beside}
        apart = [] if held is None else held.publish(counted.span)
        own = {name: rows for name, rows in frames.items() if held is None or name not in held.datasets}
        written = [lake.write(name, rows, counted.span) for name, rows in own.items()]
        return [*apart, *(file for file in written if file)]

    def _ledger_rows(self, minute: datetime, counted: Counted) -> list[dict[str, Any]]:
        judged = {"policy": self._policy, "rules_version": self._versions().at(minute).number}
        if counted.published:
            return [as_json(row) | judged for row in self._state.minutes(counted.span)]
        return [dict(row) | judged for row in counted.ledger]


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger as a commit takes it."""
    times = ("minute", "source_clock", "judged_at")
    return dict(row) | {name: row[name] and row[name].isoformat() for name in times}
