"""Whether an event fits a measure, and which times a window takes: the meaning, for single events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from baselines.transfers.measure import EXACT_MS, LONGEST_MS, SPEED, Measure, OneOf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOUR_MS: Final = 3_600_000
#: The statuses that stand in the windows of a measure that does not name any. An event that is only asked
#: about counts as if it were completed.
COMPLETED, INTENDED = "completed", "intended"


def within_of(measure: Measure) -> int:
    """How far its window reaches back, but for the hour that it is rounded to."""
    return LONGEST_MS if measure.within_ms is None else min(measure.within_ms, LONGEST_MS)


def opens_at(within: int, at_ms: int) -> int:
    """The time after which the window of an event at `at_ms` begins; it is open there."""
    start = at_ms - within
    return start if within <= EXACT_MS else start // HOUR_MS * HOUR_MS


def fits(measure: Measure, event: Mapping[str, Any]) -> bool:
    """Whether `event` is one that the measure takes, whoever asks."""
    status = COMPLETED if event["status"] == INTENDED else event["status"]
    if status != COMPLETED and all(name != "status" for name, _ in measure.where):
        return False
    if measure.of == SPEED and (event["lat_e6"] is None or event["lon_e6"] is None):
        return False
    return all(
        _holds(condition, status if name == "status" else event[name]) for name, condition in measure.where
    )


def same(match: Sequence[tuple[str, str]], earlier: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the fields of `match` are known and the same in both."""
    for theirs, ours in match:
        value = earlier[theirs]
        if value is None or value != event[ours]:
            return False
    return True


def _holds(condition: object, value: str | int | None) -> bool:
    if value is None:
        return False
    if isinstance(condition, OneOf):
        return value in condition.values
    return condition.low <= value <= condition.high  # type: ignore[attr-defined, no-any-return]
