"""Measures what an event rule would have done in the last 30 days, from the lake, whenever somebody asks.

Whoever approves the rule approves this as well, so it is measured here and never handed in. A running service
does it in a process of its own at low priority: no payment waits for it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import structlog
from sqlalchemy import text

from baselines.transfers.recent import Recent
from pipeline.minute import MINUTE, Span
from pipeline.packs.transfers.backtest import DAYS, LABELS, Tally, Trial, reach_of
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.schema import EVENT
from pipeline.source.pieces import pieces_of_files
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

log = structlog.get_logger()

_PRIORITY: Final = 10  # added to the process's own, of 19


@dataclass(frozen=True, slots=True)
class Past:
    """What another process needs to read the past and to judge it; the last 30 days of it are measured."""

    lake: Lake
    files: Sequence[LakeFile]
    held: Span  # with what the measures reach back for
    measured: Span


#: Judges a past by the versions of a trial, with what is known of its payments.
Judge = Callable[[Past, Trial, pl.DataFrame], dict[str, Any]]


def measure_waiting(state: State, lake: Lake) -> str | None:
    """Measure the version that was asked about first; its name, None where none waits."""
    wanted = _first(state, "event_backtest_wanted")
    if wanted is None:
        return None
    name = f"{wanted['rule']}/{wanted['version']}"
    with _apart() as judge:
        found = _measured(state, lake, wanted, judge)
    kept = _kept(state, wanted, found, waiting=True)
    log.info("event_rules.backtested", version=name, kept=kept)
    return name


def measure_version(state: State, lake: Lake, version: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a version (`rule`, `version`, `content`) would have done, kept beside it; measured here and now.

    None where it was approved or withdrawn meanwhile: what somebody has seen stays.
    """
    found = _measured(state, lake, version, judge_again)
    return found if _kept(state, version, found, waiting=False) else None


def _kept(state: State, version: Mapping[str, Any], found: Mapping[str, Any], *, waiting: bool) -> bool:
    """Keep an answer beside its version; says whether it could still be kept."""
    content = json.dumps(found, sort_keys=True, separators=(",", ":"))
    given = {"backtest": content, "backtest_sha256": hashlib.sha256(content.encode()).hexdigest()}
    key = {name: version[name] for name in ("rule", "version")}
    return _first(state, "store_event_backtest", **key, **given, waiting=waiting) is not None


@contextmanager
def _apart() -> Iterator[Judge]:
    """Judges in a process of its own, at low priority."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=os.nice, initargs=(_PRIORITY,)) as pool:

        def judge(past: Past, trial: Trial, labels: pl.DataFrame) -> dict[str, Any]:
            return pool.submit(judge_again, past, trial, labels).result()

        yield judge


def _measured(state: State, lake: Lake, version: Mapping[str, Any], judge: Judge) -> dict[str, Any]:
    live = _first(state, "live_event_rule", rule=version["rule"])
    versions = {row["version"]: row["content"] for row in (live, version) if row is not None}
    past = _past(state, lake, versions.values())
    if past is None:
        return {"not_measured": "nothing is published yet"}
    entries = _all(state, "lists_in_force", since=past.held.start)
    trial = Trial(version["rule"], versions, version["version"], live["version"] if live else None, entries)
    known = [(row["transfer_id"], row["fraud"]) for row in _all(state, "outcomes_known")]
    labels = pl.DataFrame(known, LABELS, orient="row")
    found = judge(past, trial, labels)
    missing = len(state.unpublished(past.measured))
    period = {"from": past.measured.start.isoformat(), "to": past.measured.end.isoformat()}
    return {**period, "days": _days(past.measured), "missing_minutes": missing, **found}


def judge_again(past: Past, trial: Trial, labels: pl.DataFrame) -> dict[str, Any]:
    """Judge the past by a trial's versions, a piece after the other; plain JSON."""
    tally = Tally(trial, labels, past.lake.zone)
    recent = Recent(trial.timeline.measures(past.held.start))
    dataset = past.lake.pack.dataset
    for piece in pieces_of_files(past.files, dataset, past.held, past.lake.zone):
        events = past.lake.read(past.files, dataset, piece).select(EVENT.names())
        recent.fill(events)
        inside = pl.col("occurred_at") >= past.measured.start
        tally.add(recent, events.filter(inside))
        recent.expire(piece.end)
    return tally.as_json(_days(past.measured))


def _past(state: State, lake: Lake, texts: Any) -> Past | None:  # noqa: ANN401 - the values of a dict
    published = state.published()
    if published.first_minute is None or published.last_minute is None:
        return None
    end = published.last_minute + MINUTE
    start = max(end - DAYS, published.first_minute)
    reach = reach_of(parse(content) for content in texts)
    held = Span(max(start - reach, published.first_minute), end)
    return Past(lake, state.publication().files, held, Span(start, end))


def _days(span: Span) -> float:
    return round((span.end - span.start).total_seconds() / 86_400, 2)


def _all(state: State, query: str, **given: object) -> list[dict[str, Any]]:
    with state.changing() as connection:
        return [
            dict(row) for row in connection.execute(text(sql(f"transfers/ops/{query}")), given).mappings()
        ]


def _first(state: State, query: str, **given: object) -> dict[str, Any] | None:
    return next(iter(_all(state, query, **given)), None)
