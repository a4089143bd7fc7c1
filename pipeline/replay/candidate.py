"""What a version of the tuned numbers would have done in the last 7 days, beside the one that is in force.

The summary is kept beside the version, so that whoever approves it knows. It is measured, never handed in.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from baselines.versions import always
from pipeline.catch_up import no_progress
from pipeline.errors.translate import storage_errors
from pipeline.minute import MINUTE, Span
from pipeline.replay.backtest import Backtest, backtest, compare_with
from pipeline.replay.labels import live_labels
from pipeline.replay.replay import whole_period

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars as pl

    from baselines.rules import Tuned
    from baselines.versions import Version
    from pipeline.catch_up import Pipeline
    from pipeline.judge.life import Incident, Key
    from pipeline.replay.replay import Stretch
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

DAYS: Final = timedelta(days=7)
#: An incident of the backtest is the live one where it opened so long before it at most, or while it lasted.
_EARLIER: Final = timedelta(hours=1)
#: Of those that only one side opens so many are named.
_NAMED: Final = 10
_PRIORITY: Final = 10  # added to the process's own, of 19


@dataclass(frozen=True, slots=True)
class Trial:
    """Two sets of numbers over one period."""

    lake: Lake
    state: State
    policy: str
    in_force: Version[Any]
    candidate: Tuned
    labels: pl.DataFrame | None = None  # LABEL, of everything that was wrong; None: what people labelled live


def measure(trial: Trial, home: Path, judge: Callable[[Stretch], Backtest]) -> dict[str, Any]:
    """Judge the last 7 published days by both; plain JSON. Where they have a hole, it says so instead."""
    span = _last_days(trial.state)
    if span is None:
        return {"not_measured": "the last 7 days are not published without a hole"}
    sides: dict[str, _Side] = {}
    for name, tuned in (("in_force", trial.in_force.tuned), ("candidate", trial.candidate)):
        with storage_errors(home), TemporaryDirectory(dir=home, prefix="candidate-") as folder:
            whole = whole_period(trial.lake, trial.state, span, trial.policy, always(tuned), Path(folder))
            sides[name] = _side(trial, whole, judge(whole))
    alone = {name: _only(sides[name], sides[other]) for name, other in _OTHERS.items()}
    return {
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "policy": trial.policy,
        "version_in_force": trial.in_force.number,
        **{name: {**side.numbers, "alone": len(alone[name])} for name, side in sides.items()},
        **{f"only_{name}": [list(key) for key in keys[:_NAMED]] for name, keys in alone.items()},
    }


def measure_waiting(pipeline: Pipeline) -> int | None:
    """Measure a version that was asked about, or handed in without it; its number, None where none waits."""
    state, pack = pipeline.state, pipeline.pack
    found = state.start_backtest()
    if found is None:
        return None
    tuned = pack.read_tuned(found["numbers"], f"version {found['version']}")
    newest = pipeline.versions.versions[-1]
    trial = Trial(pipeline.lake, state, pipeline.settings.policy, newest, tuned)
    with _apart() as judge:
        measured = measure(trial, pipeline.settings.home, judge)
        state.store_backtest(found["version"], measured, started=True)
    return int(found["version"])


@contextmanager
def _apart() -> Iterator[Callable[[Stretch], Backtest]]:
    """Judges in a process of its own, at low priority: no minute may wait for it."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=os.nice, initargs=(_PRIORITY,)) as pool:

        def judge(whole: Stretch) -> Backtest:
            parts = pool.submit(_parts, whole).result()
            return Backtest(whole.span, whole.policy, whole.lake.pack, *parts)

        yield judge


def _parts(whole: Stretch) -> tuple[Any, ...]:
    """A backtest without its pack, which no other process gets."""
    found = backtest(whole, no_progress, 1)
    return found.replayed, found.opened, found.reopened, dict(found.notices)


_OTHERS: Final = {"in_force": "candidate", "candidate": "in_force"}


@dataclass(frozen=True, slots=True)
class _Side:
    numbers: Mapping[str, Any]
    keys: frozenset[Key]


def _last_days(state: State) -> Span | None:
    """The newest 7 days that are published, or fewer; None where a minute of them is missing."""
    published = state.published()
    if published.first_minute is None or published.last_minute is None:
        return None
    end = published.last_minute + MINUTE
    span = Span(max(end - DAYS, published.first_minute), end)
    return None if state.unpublished(span) else span


def _side(trial: Trial, whole: Stretch, result: Backtest) -> _Side:
    """One side's numbers: incidents, labels, delay, and the money of live incidents that it finds again."""
    said = result.as_json()
    names = ("incidents_opened", "incidents_reopened", "incidents_per_day", "notices")
    numbers = {name: said[name] for name in names}
    opened = [*result.opened, *result.reopened]
    numbers |= _money(trial, whole.span, opened)
    pack, complete = trial.lake.pack, trial.labels is not None
    labels = live_labels(trial.state, whole.span, pack) if trial.labels is None else trial.labels
    if not labels.is_empty():
        found, money = compare_with(labels, result, whole, complete=complete)
        numbers |= {**found.as_json(), **money}
    return _Side(numbers, frozenset(incident.key for incident in opened))


def _money(trial: Trial, span: Span, opened: Sequence[Incident]) -> dict[str, int]:
    """Live incidents of the period that were opened again, and what was at risk in them and in the others."""
    minutes: dict[Key, list[Any]] = {}
    for incident in opened:
        minutes.setdefault(incident.key, []).append(incident.opened_minute)
    live = [
        row
        for row in trial.state.incidents_between(span.start, span.end - MINUTE)
        if row["opened_minute"] >= span.start and row["corrected_minute"] is None
    ]
    again = [row for row in live if _is_found(row, minutes.get((row["rule"], row["entity_id"]), ()))]
    pack = trial.lake.pack
    # What is at risk of everybody together is theirs, one by one.
    of_one, found = ([row for row in rows if row["rule"] not in pack.of_everybody] for rows in (live, again))
    money = pack.at_risk_name
    return {
        "live": len(live),
        "live_found": len(again),
        "live_not_priced": sum(None in (row["parts"] or {}).values() for row in of_one),
        f"{money}_found": sum(_total(row) for row in found),
        f"{money}_missed": sum(_total(row) for row in of_one) - sum(_total(row) for row in found),
    }


def _is_found(row: Mapping[str, Any], minutes: Sequence[Any]) -> bool:
    last = row["resolved_minute"] or row["last_breach_minute"]
    return any(row["opened_minute"] - _EARLIER <= minute <= last for minute in minutes)


def _total(row: Mapping[str, Any]) -> int:
    """What is known of the money; a part that nobody knows is left out."""
    return sum(part for part in (row["parts"] or {}).values() if part is not None)


def _only(side: _Side, other: _Side) -> list[Key]:
    return sorted(side.keys - other.keys)
