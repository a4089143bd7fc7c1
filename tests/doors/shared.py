"""The toy pack shared out: each door is judged where it is held, all of them by the sums of all shards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.judge.together import Together, judge_alone
from pipeline.judge.verdicts import EVERYBODY, FIRES, RAW
from pipeline.pack import Rule
from pipeline.schema import conform
from tests import doors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.judge.verdicts import Verdicts

    Sums = tuple[int, int]  # forced, opened

RAID: Final = Rule(name="raid", numbers=("forced_hour", "opened_hour"), of_everybody=True)
RULES: Final = (doors.FORCED, RAID)
#: So many doors that are forced in an hour are a raid.
RAID_MINIMUM: Final = 5


def sums(hours: doors.DoorHours, *_: object) -> Sums:
    hour = hours.hour()
    return int(hour["forced_count"].sum()), int(hour["opened_count"].sum())


def add(parts: Sequence[Sums]) -> Sums:
    return sum(forced for forced, _ in parts), sum(opened for _, opened in parts)


def judge(hours: doors.DoorHours, rules: doors.DoorRules, *_: object) -> Verdicts:
    found = doors.judge(hours, rules)
    return replace(found, words={**found.words, "rule": [rule.name for rule in RULES]})


def everybody(
    minute: datetime, _rules: doors.DoorRules, _policy: str, said: Sums, *_: object
) -> pl.DataFrame:
    forced, opened = said
    row: dict[str, Any] = {
        "minute": minute,
        "rule": RAID.name,
        "entity_id": EVERYBODY,
        "tier": "top",
        "passed": True,
        "reason": FIRES,
        "kind": RAW,
        "forced_hour": forced,
        "opened_hour": opened,
    }
    return conform(pl.DataFrame([row] if forced >= RAID_MINIMUM else [], doors.SIGNAL), doors.SIGNAL)


TOGETHER: Final[Together[doors.DoorHours, doors.DoorRules]] = Together(
    windows=lambda *_: doors.DoorHours(),
    sums=sums,
    add=add,
    judge=judge,
    rest=lambda *_: None,
    everybody=everybody,
)
WORDS: Final = {
    "ko": {**doors.WORDS["ko"], "raid": "습격", "everybody": "모든 문"},
    "en": {**doors.WORDS["en"], "raid": "raid", "everybody": "all doors"},
}
PACK: Final = replace(
    doors.PACK,
    rules=RULES,
    words=WORDS,
    judge=judge_alone(TOGETHER, [rule.name for rule in RULES]),
    together=TOGETHER,
    watch=None,  # which would ask windows of everybody
)
