"""What is said of rows that nothing counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.alarms import Alarm
from pipeline.minute import format_minute

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline

#: What is said of rows that nothing counts, by reason.
_STRAYS = {
    "past": (
        "got rows over 48 hours late; they are recorded (stray_minute), not counted",
        "`minuterisk reconcile --from TIME --to TIME` counts them where the minutes are published",
    ),
    "future": (
        "have rows ahead of the source's clock (stray_minute)",
        "they are counted when their time comes; see which system writes such times",
    ),
}


def tell_strays(pipeline: Pipeline) -> None:
    """One alarm for each reason why rows are not counted, however many minutes hold some."""
    found = {strays.reason: strays for strays in pipeline.state.stray_spans()}
    for reason, (said, hint) in _STRAYS.items():
        if reason not in found:
            pipeline.alarms.end("minutes.stray", reason)
            continue
        of = found[reason]
        span = f"{format_minute(of.first_minute)}Z to {format_minute(of.last_minute)}Z"
        what = f"{of.minutes:,} minutes ({span}) {said}"
        pipeline.alarms.raise_alarm(Alarm("minutes.stray", what, hint, reason))
