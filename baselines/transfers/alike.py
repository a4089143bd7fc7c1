"""Whether an event fits a measure, and which times a window takes: the meaning, for single events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from baselines.transfers.measure import EXACT_MS, LONGEST_MS, SPEED, Measure, OneOf

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUR_MS: Final = 3_600_000
#: The statuses that stand in the windows of a measure that does not name any. An event that is only asked
#: about counts as if it were completed.
COMPLETED, INTENDED = "completed", "intended"


def opens_at(measure: Measure, at_ms: int) -> int:
    """The time after which the window of an event at `at_ms` begins; it is open there."""
    within = LONGEST_MS if measure.within_ms is None else min(measure.within_ms, LONGEST_MS)
    start = at_ms - within
    return start if within <= EXACT_MS else start // HOUR_MS * HOUR_MS


def ends_at(measure: Measure, at_ms: int) -> int:
    """The last time that the window of an event at `at_ms` takes."""
    return at_ms - measure.before_ms


def fits(measure: Measure, event: Mapping[str, Any]) -> bool:
    """Whether `event` is one that the measure takes, whoever asks."""
    status = COMPLETED if event["status"] == INTENDED else event["status"]
    where = dict(measure.where)
    if "status" not in where and status != COMPLETED:
        return False
    if measure.of == SPEED and (event["lat_e6"] is None or event["lon_e6"] is None):
        return False
    return all(
        _holds(condition, status if name == "status" else event[name]) for name, condition in measure.where
    )


def same(measure: Measure, earlier: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the fields of `match` are known and the same in both."""
    return all(
        earlier[theirs] is not None and earlier[theirs] == event[ours] for theirs, ours in measure.match
    )


def _holds(condition: object, value: str | int | None) -> bool:
    if value is None:
        return False
    if isinstance(condition, OneOf):
        return value in condition.values
    return condition.low <= value <= condition.high  # type: ignore[attr-defined, no-any-return]
