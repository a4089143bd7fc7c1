"""Regret: what acting on a message would have kept, and what an hour of waiting, or nobody acting, cost.

A disturbance is looked at minute by minute: for each of them, what is lost up to the end if from then on
nothing more were paid. The pack says what that is (`Exposures.held`), from the published rows alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.minute import MINUTE, Span, floor_minute
from pipeline.money import TRUE_ALARM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.money import Held
    from pipeline.replay.score import Score
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

LATER: Final = timedelta(hours=1)
#: What happens later than this after an incident opened is not taken for a consequence of it.
HORIZON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A disturbance, and when people were first told of it."""

    entity_id: str
    label: str
    start: datetime  # of the disturbance; a curve begins here
    told_at: datetime | None  # None: nobody was
    until: datetime  # the end of what is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """What a disturbance cost, by when somebody acted; minor units of the currency, None: not known.

    Where nobody was told, nobody could act on it: `at_once` and `hour_later` are None. `curve` is what is
    lost if somebody acts at a moment: from each of its moments on, until the next.
    """

    entity_id: str
    entity_name: str | None
    label: str
    start: datetime
    told_at: datetime | None
    until: datetime
    without: int | None  # nobody acts
    at_once: int | None  # on the first message
    hour_later: int | None
    curve: Sequence[tuple[datetime, int]] = ()

    @property
    def kept(self) -> int | None:
        """What acting at once keeps."""
        return None if self.without is None or self.at_once is None else self.without - self.at_once

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "entity_id": self.entity_id,
            "entity_name": self.entity_name,
            "label": self.label,
            "start": self.start.isoformat(),
            "told_at": self.told_at and self.told_at.isoformat(),
            "until": self.until.isoformat(),
            "without": self.without,
            "at_once": self.at_once,
            "hour_later": self.hour_later,
            "kept": self.kept,
            "curve": [[at.isoformat(), lost] for at, lost in self.curve],
        }


def regrets(
    lake: Lake,
    files: Sequence[LakeFile],
    told: Sequence[Told],
    names: Mapping[str, str | None] | None = None,
) -> list[Regret]:
    """What each disturbance cost, from the published `files`; in their order.

    Not known where the pack keeps no book of exposure, or what its book is made of was never published.
    """
    exposures = lake.pack.exposures
    held = None if exposures is None else exposures.held
    return [_regret(lake, files, one, (names or {}).get(one.entity_id), held) for one in told]


def told_by_replay(score: Score, published_through: datetime) -> list[Told]:
    """The labelled disturbances of a backtest; an incident is told of when its minute has closed."""
    return [
        Told(
            entity_id=found.label["entity_id"],
            label=found.label["label"],
            start=found.label["start"],
            told_at=None if found.incident is None else found.incident.opened_minute + MINUTE,
            until=min(found.label["end"], published_through),
        )
        for found in score.detections
    ]


def kept_in(state: State, span: Span) -> list[Regret]:
    """What replays found of disturbances that lasted in `span`, as `keep` kept it."""
    return [_kept(row) for row in state.rows("regrets", start=span.start, end=span.end)]


def labelled_true_in(state: State, span: Span) -> list[int]:
    """Incidents that opened in `span` and that people labelled true, by id."""
    labelled = state.rows("labelled_incidents", start=span.start, end=span.end)
    return [row["incident_id"] for row in labelled if row["label"] == TRUE_ALARM]


def live_regrets(state: State, lake: Lake, ids: Sequence[int]) -> list[Regret]:
    """What incidents cost that opened live, up to what is published now; none where nothing is published."""
    publication = state.publication()
    if publication.published_through is None or not ids:
        return []
    told = told_live(state, ids, publication.published_through)
    return regrets(lake, publication.files, told, names_of(state, told))


def keep(state: State, found: Sequence[Regret]) -> None:
    """Keep what a replay found, for reports; instead of what it found before."""
    with state.changing() as connection:
        for one in found:
            result = {name: one.as_json()[name] for name in ("without", "at_once", "hour_later", "curve")}
            state.ask(
                connection,
                "record_regret",
                entity_id=one.entity_id,
                label=one.label,
                started_at=one.start,
                until=one.until,
                told_at=one.told_at,
                result=json.dumps(result),
            )


def names_of(state: State, told: Sequence[Told]) -> dict[str, str | None]:
    """The names of their entities, of those that have one."""
    ids = sorted({one.entity_id for one in told})
    return {row["entity_id"]: row["name"] for row in state.rows("app_names_of", ids=ids)}


def told_live(state: State, ids: Sequence[int], published_through: datetime) -> list[Told]:
    """Incidents that opened live, by id; what was never sent counts as told at its minute's end."""
    return [
        Told(
            entity_id=row["entity_id"],
            label=f"incident {row['incident_id']}",
            start=row["opened_minute"],
            told_at=row["told_at"] or row["opened_minute"] + MINUTE,
            until=min(row["opened_minute"] + HORIZON, published_through),
        )
        for row in state.rows("first_told", ids=list(ids))
    ]


def _regret(lake: Lake, files: Sequence[LakeFile], told: Told, name: str | None, held: Held | None) -> Regret:
    moments = _moments(told)
    lost = [None] * len(moments) if held is None else _losses(lake, files, told, moments, held)
    at = dict(zip(moments, lost, strict=True))
    first = None if told.told_at is None else min(told.told_at, told.until)
    return Regret(
        entity_id=told.entity_id,
        entity_name=name,
        label=told.label,
        start=told.start,
        told_at=told.told_at,
        until=told.until,
        without=at[told.until],
        at_once=None if first is None else at[first],
        hour_later=None if first is None else at[min(first + LATER, told.until)],
        curve=_steps(moments, lost),
    )


def _kept(row: Mapping[str, Any]) -> Regret:
    result = row["result"]
    return Regret(
        entity_id=row["entity_id"],
        entity_name=row["entity_name"],
        label=row["label"],
        start=row["started_at"],
        told_at=row["told_at"],
        until=row["until"],
        without=result["without"],
        at_once=result["at_once"],
        hour_later=result["hour_later"],
        curve=[(datetime.fromisoformat(at), lost) for at, lost in result["curve"]],
    )


def _moments(told: Told) -> list[datetime]:
    """Each minute of the disturbance, when it was told and an hour later, and the end."""
    first = floor_minute(told.start)
    every = {first + n * MINUTE for n in range((told.until - first) // MINUTE)}
    exact = {told.start, told.until}
    if told.told_at is not None:
        exact |= {min(told.told_at, told.until), min(told.told_at + LATER, told.until)}
    return sorted(every | exact)


def _losses(
    lake: Lake, files: Sequence[LakeFile], told: Told, moments: Sequence[datetime], held: Held
) -> Sequence[int | None]:
    pack, end = lake.pack, floor_minute(told.until)
    span = Span(min(floor_minute(told.start - held.reach), end), end)
    rows = lake.read(files, pack.dataset, span, [told.entity_id])
    beside = {name: lake.read(files, name, span, [told.entity_id]) for name in pack.beside}
    return held.losses(rows, beside, moments, told.until, lake.zone)


def _steps(moments: Sequence[datetime], lost: Sequence[int | None]) -> list[tuple[datetime, int]]:
    """Where the loss becomes another, and the end."""
    steps: list[tuple[datetime, int]] = []
    for at, amount in zip(moments, lost, strict=True):
        if amount is not None and (not steps or amount != steps[-1][1] or at == moments[-1]):
            steps.append((at, amount))
    return steps
