"""A toy pack for the engine's own tests: the doors and lifts of a building, opened and sometimes forced."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from baselines.entities import EntityIndex
from baselines.rules import AtOnce, Bounds, IncidentRules, parse_sections
from pipeline.judge.seconds import Seen, Watch
from pipeline.judge.verdicts import FIRES, HEAD, RAW, Verdicts
from pipeline.minute import EPOCH, HOUR_MINUTES, Span, from_index, to_index
from pipeline.pack import Asked, Explained, Pack, Rule, Screened, Windows
from pipeline.schema import UTC_TIME, conform, conform_rows

if TYPE_CHECKING:
    from datetime import datetime

    from baselines.facts import Facts
    from pipeline.judge.verdicts import Integers

EVENT: Final = pl.Schema(
    {"event_id": pl.Int64(), "door_id": pl.String(), "kind": pl.String(), "occurred_at": UTC_TIME}
)
COUNTS: Final = ("opened_count", "forced_count")
DOOR_MINUTE: Final = pl.Schema(
    {"minute": UTC_TIME, "door_id": pl.String(), **dict.fromkeys(COUNTS, pl.Int64())}
)
ASIDE: Final = pl.Schema({"minute": UTC_TIME, **EVENT, "event_id": pl.String(), "reason": pl.String()})
SIGNAL: Final = pl.Schema({**HEAD, "forced_hour": pl.Int64(), "opened_hour": pl.Int64()})
FORCED: Final = Rule(name="forced_entry", numbers=("forced_hour", "opened_hour"))
WORDS: Final = {
    "ko": {"forced_entry": "강제 개방", "entity": "문", "top": "주 출입문", "tail": "일반 문"},
    "en": {"forced_entry": "forced entry", "entity": "door", "top": "main door", "tail": "door"},
}
SENTENCES: Final = {
    "ko": "최근 1시간 강제 개방 {forced_hour}회, 정상 개방 {opened_hour}회입니다.",
    "en": "Forced {forced_hour} times in the last hour, opened {opened_hour} times.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedEntry:
    minimum_forced_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRules:
    forced_entry: ForcedEntry
    incident: IncidentRules
    pending: AtOnce


def read_rules(text: str, origin: str) -> DoorRules:
    bounds, sections = Bounds(shipped=origin), {"forced_entry": ForcedEntry, "incident": IncidentRules}
    read = parse_sections(text, origin, sections, bounds)
    return DoorRules(**read, pending=AtOnce())


class DoorHours(Windows):
    history_minutes = HOUR_MINUTES

    def __init__(self) -> None:
        self.entities = EntityIndex()
        self.last: int | None = None
        self.minutes: deque[pl.DataFrame] = deque(maxlen=HOUR_MINUTES)
        self.seen = EVENT.to_frame()  # of a view: the events of minutes that have not closed

    def add(self, minute: datetime, rows: pl.DataFrame, positions: Integers | None = None) -> None:
        if positions is None:
            self.entities.positions(rows["door_id"])
        self.minutes.append(rows)
        self.last = to_index(minute)

    def copy(self) -> DoorHours:
        return deepcopy(self)

    def hour(self) -> pl.DataFrame:
        open_minutes = count(self.seen, Span(EPOCH, EPOCH))
        return (
            pl.concat([*self.minutes, open_minutes])
            .group_by("door_id")
            .agg(pl.col(name).sum() for name in COUNTS)
        )


def screen(events: pl.DataFrame, not_after: datetime) -> Screened:
    missing, future = pl.col("door_id").is_null(), pl.col("occurred_at") > not_after
    reason = pl.when(missing).then(pl.lit("door_missing")).when(future).then(pl.lit("time_future"))
    rows = events.with_columns(reason.alias("reason"))
    bad = rows.filter(pl.col("reason").is_not_null()).with_columns(pl.col("event_id").cast(pl.String))
    return Screened(rows.filter(pl.col("reason").is_null()).drop("reason"), bad, events.clear())


def count(events: pl.DataFrame, span: Span) -> pl.DataFrame:
    del span  # each event says when it was
    forced, minute = (pl.col("kind") == "forced").cast(pl.Int64), pl.col("occurred_at").dt.truncate("1m")
    by_door = events.group_by(minute.alias("minute"), "door_id")
    counted = by_door.agg(opened_count=(1 - forced).sum(), forced_count=forced.sum())
    return conform(counted, DOOR_MINUTE).sort("minute", "door_id")


def judge(hours: DoorHours, rules: DoorRules, *_: object) -> Verdicts:
    forced = pl.col("forced_count") >= rules.forced_entry.minimum_forced_hour
    found = hours.hour().filter(forced).sort("door_id")
    nothing = np.zeros(found.height, np.int64)
    columns = {
        "position": hours.entities.positions(found["door_id"]),
        "minute": nothing + (hours.last or 0),
        **dict.fromkeys(("top", "rule", "reason", "kind"), nothing),
        "forced_hour": found["forced_count"].to_numpy(),
        "opened_hour": found["opened_count"].to_numpy(),
    }
    words = {"rule": [FORCED.name], "reason": [FIRES], "kind": [RAW]}
    return Verdicts(columns, hours.entities.ids, SIGNAL, words, (columns["position"],))


def renew(hours: DoorHours, view: DoorHours | None) -> DoorHours:
    """What was seen of minutes that are open still; the others are counted now."""
    if view is not None:
        hours.seen = view.seen.filter(pl.col("occurred_at") >= first_open(hours))
    return hours


def first_open(hours: DoorHours) -> datetime:
    return from_index((hours.last or 0) + 1)


def see(view: DoorHours, rules: DoorRules, events: pl.DataFrame, _: object) -> Seen:
    """A door that was forced often enough is told of while its minute lasts; late events wait for theirs."""
    new = events.filter(pl.col("occurred_at") >= first_open(view))
    view.seen = pl.concat([view.seen, new])
    minute = new.group_by("door_id").agg(minute=pl.col("occurred_at").max().dt.truncate("1m"))
    found = judge(view, rules).frame().drop("minute")
    signals = found.join(minute, left_on="entity_id", right_on="door_id")
    return Seen(conform(signals, SIGNAL), EVENT.to_frame(), {"new": new.height})


def explain(hours: DoorHours, rules: DoorRules, _facts: Facts, asked: Asked) -> Explained:
    forced = int(hours.hour().filter(door_id=asked.entity_id)["forced_count"].sum())
    needed = rules.forced_entry.minimum_forced_hour
    why = {"rule": FORCED.name, "forced_hour": forced, "needed": needed}
    return Explained([why], f"{asked.entity_id}: forced {forced} times of {needed}")


PACK: Final[Pack[DoorHours, DoorRules]] = Pack(
    name="doors",
    entity="door_id",
    key=("event_id",),
    database="doors",
    rows={"events": EVENT},
    counted=DOOR_MINUTE,
    sums=COUNTS,
    row_sums=COUNTS,
    quarantine=ASIDE,
    signal=SIGNAL,
    conform=lambda frame, query, _: conform_rows(frame, EVENT, query),
    bad=screen,
    count=count,
    rules=(FORCED,),
    read_tuned=read_rules,
    windows=lambda *_: DoorHours(),
    judge=judge,
    reason=lambda row, _: {name: row[name] for name in FORCED.numbers},
    severity=lambda *_: "high",
    say=lambda _rule, reason, _event, language: SENTENCES[language].format(**reason),
    words=WORDS,
    watch=Watch(renew=renew, see=see, key="event_id"),
    explain=explain,
)
