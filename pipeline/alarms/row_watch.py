"""Rows that are counted nowhere are an alarm: set aside in numbers, or given outside the asked span.

The shares come from the ledger, so they hold across restarts and end when a reconciliation has counted the
minutes anew. It looks after a minute is committed and never stands in a minute's way: where nothing is set
aside, it asks nothing. An hour may hold `LEAST - 1` bad rows whatever its share, so that one typing error of
a quiet night is no alarm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.alarms import Alarm
from pipeline.alarms.row_words import reasons_text
from pipeline.errors import MinuteriskError
from pipeline.minute import HOUR_MINUTES, MINUTE, Span, format_minute
from pipeline.outside import minutes_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.alarms import Alarms
    from pipeline.count import Counted
    from pipeline.outside import Outside
    from pipeline.store.state import State

log = structlog.get_logger()

SET_ASIDE: Final = "rows.set_aside"
OUTSIDE: Final = "rows.outside_span"
#: The alarm's subject for hours of the published past.
HISTORY: Final = "history"
#: More than one row in so many set aside is an alarm, from `LEAST` rows an hour on.
ONE_IN: Final = 100
LEAST: Final = 2
#: The past that baselines rest on is looked at; what is older judges nobody any more.
PAST: Final = timedelta(days=8)
_PAST_EVERY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Share:
    """Rows of a period and how many of them were set aside."""

    rows: int
    set_aside: int

    @property
    def wrong(self) -> bool:
        """Too many to be the odd typing error."""
        return self.set_aside >= LEAST and self.set_aside * ONE_IN > self.rows


class RowWatch:
    """Looks at each counted span after its commit, and raises or ends the alarms."""

    def __init__(self, alarms: Alarms, state: State, rows_query: str, monotonic: Callable[[], float]) -> None:
        self._alarms = alarms
        self._rows_query = rows_query
        self._state = state
        self._monotonic = monotonic
        self._reasons = ""  # of the newest minute that set something aside
        self._asking = True  # at first nobody knows what an earlier process left
        self._past_at = -math.inf
        self._clean_minutes = 0  # since a query gave rows outside its span

    def see(self, counted: Counted) -> None:
        """A span was counted and committed. Raises nothing: a watch that fails is said in the log."""
        if counted.published:
            return
        try:
            self._see(counted)
        except MinuteriskError as error:
            log.warning("rows.not_watched", error=error.what, next=error.hint)

    def see_totals(self, found: Sequence[Outside]) -> None:
        """What the reconciliation was given outside of what it asked for."""
        if found:
            self._alarms.raise_alarm(Alarm(OUTSIDE, found[0].what, found[0].hint, "totals"))
        else:
            self._alarms.end(OUTSIDE, "totals")

    def look_at_past(self, until: datetime) -> None:
        """Raise or end the alarm of the published past before `until`."""
        self._past_at = self._monotonic()
        given = {"start": until - PAST, "end": until, "least": LEAST}
        found = self._ask("set_aside_hours", given)
        if not found["hours"]:
            self._alarms.end(SET_ASIDE, HISTORY)
            return
        span = Span(found["first"], found["last"])
        what = (
            f"{found['set_aside']:,} of {found['rows']:,} rows of {found['hours']} hours from"
            f" {format_minute(span.start)}Z to {format_minute(span.end)}Z were set aside{self._because()}"
        )
        self._alarms.raise_alarm(Alarm(SET_ASIDE, what, _hint(span), HISTORY))

    def _see(self, counted: Counted) -> None:
        self._outside(counted.outside)
        aside = not counted.quarantine.is_empty()
        if aside:
            self._reasons = reasons_text(counted.quarantine)
        if counted.span.minutes > 1:  # history, a part at a time
            if aside and _of_ledger(counted).wrong:
                self.look_at_past(counted.span.end)
            return
        if aside or self._asking:
            self._hour(counted.span.end)
        if self._monotonic() - self._past_at >= _PAST_EVERY_S:
            self.look_at_past(counted.span.end.replace(minute=0))

    def _hour(self, end: datetime) -> None:
        span = Span(end - HOUR_MINUTES * MINUTE, end)
        share = Share(**self._ask("set_aside", {"start": span.start, "end": span.end}))
        self._asking = share.set_aside > 0
        if not share.wrong:
            self._alarms.end(SET_ASIDE)
            return
        what = f"{share.set_aside:,} of {share.rows:,} rows of the last hour were set aside"
        self._alarms.raise_alarm(Alarm(SET_ASIDE, what + self._because(), _hint(span)))

    def _outside(self, found: Outside | None) -> None:
        if found is not None:
            self._clean_minutes = 0
            self._alarms.raise_alarm(Alarm(OUTSIDE, found.what, found.hint, found.query))
            return
        self._clean_minutes += 1  # rows that come late lie outside in some minutes and not in others
        if self._clean_minutes == HOUR_MINUTES:
            self._alarms.end(OUTSIDE, self._rows_query)

    def _because(self) -> str:
        return f"; most recently {self._reasons}" if self._reasons else ""

    def _ask(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        (row,) = self._state.rows(name, **given)
        return dict(row)


def _of_ledger(counted: Counted) -> Share:
    return Share(sum(row["source_rows"] for row in counted.ledger), counted.quarantine.height)


def _hint(span: Span) -> str:
    return (
        "`minuterisk check` says which and why; correct the query that gives them, then"
        f" `minuterisk reconcile {minutes_text(span)}` counts these minutes again"
    )
