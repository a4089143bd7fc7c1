"""Money at risk of entities, as their pack prices it from a query of the company and from what is published.

An incident never waits for it. Whatever is wrong with the query `at_risk`, with one of its values or with an
old file of the lake, the money is not known, the alarm says why, and it is asked again later.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.errors import (
    ConfigurationError,
    LakeDamaged,
    MinuteriskError,
    PassingError,
    SourceChanged,
    SourceTooSlow,
)
from pipeline.minute import floor_minute
from pipeline.money import Priced
from pipeline.source.asked import AT_RISK_S
from pipeline.source.turns import again_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

    import polars as pl

    from baselines.rules import Tuned
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.minute import Span
    from pipeline.money import AtRisk
    from pipeline.pack import Windows
    from pipeline.source.asked import Source
    from pipeline.store.lake import Lake
    from pipeline.store.state import State

log = structlog.get_logger()

NAME: Final = "at_risk"
#: So many incidents without an amount are asked about beside those of a minute.
ASKED_AGAIN: Final = 50
#: An entity whose money the query did not say is asked about again after so long.
UNANSWERED_S: Final = 300.0
#: Looking for the entity that makes the query fail ends after so long.
_SEARCH_S: Final = 3.0
_QUERY: Final = "at_risk.sql"
_SLOW: Final = "it has 3 s: restrict it to the {nouns} asked for, and give its tables an index by {noun}"
#: These fail whoever is asked about.
_FOR_ALL: Final = (ConfigurationError, LakeDamaged, PassingError, SourceChanged)


class Exposure:
    """Asks for money at risk, in the thread that judges; raises nothing but that the leadership is lost."""

    def __init__(
        self,
        source: Source,
        state: State,
        lake: Lake,
        ornaments: Ornaments,
        tuned_at: Callable[[datetime], Tuned],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._state = state
        self._lake = lake
        self._ornaments = ornaments
        self._tuned_at = tuned_at
        self._price = lake.pack.at_risk
        self._pack = lake.pack
        self._monotonic = monotonic
        self._failed: Sequence[str] | None = None  # some of those the query failed for, to try it with
        self._retry_at = -float("inf")
        self._unanswered: dict[str, float] = {}  # entities without an amount: when to ask again
        self._asked: dict[str, float] = {}  # entities that are asked about again: when they last were
        self._wrong: dict[str, str] = {}  # of these, why
        self._strangers = 0  # rows of entities nobody asked for

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the business day."""
        return self._lake.zone

    def source(
        self, query: str, parameters: Mapping[str, object], check: Callable[[Collection[str], str], None]
    ) -> list[dict[str, Any]]:
        """The rows of a query about some entities; it has AT_RISK_S."""
        return self._source.ask(query, parameters, check)

    def published(self, span: Span, entities: Collection[str]) -> pl.DataFrame:
        """The counted rows of some entities that are published of `span`."""
        files = self._state.publication().files
        return self._lake.read(files, self._lake.pack.dataset, span, list(entities))

    def check(self) -> None:
        """Prove that the query can be run at all; say so if not."""
        minute = floor_minute(datetime.now(UTC))
        windows = self._lake.pack.windows(self._lake.zone, self._tuned_at(minute))
        self._tried((), lambda: self._priced((), minute, windows))

    def at_risk(
        self,
        entities: Sequence[str],
        minute: datetime,
        windows: Windows,
        again: Collection[str] | None = None,
    ) -> dict[str, AtRisk]:
        """Money at risk at the end of `minute` of `entities`, and of some of `again`; no entry: not known.

        `again` are all whose incident lasts without an amount, or is snoozed; None leaves what is known of
        them alone.
        """
        if self._price is None:
            return {}
        now = self._monotonic()
        if again is not None:
            kept = {*entities, *again}
            self._wrong = {m: why for m, why in self._wrong.items() if m in kept}
            self._unanswered = {m: at for m, at in self._unanswered.items() if m in kept}
            self._asked = {m: at for m, at in self._asked.items() if m in kept}
        if now < self._retry_at:
            return {}
        due = [m for m in sorted(again or ()) if self._unanswered.get(m, now) <= now]
        due.sort(key=lambda m: self._asked.get(m, -float("inf")))  # of many everybody gets a turn
        self._asked |= dict.fromkeys(due[:ASKED_AGAIN], now)
        asked = sorted({*entities, *due[:ASKED_AGAIN]}) or self._failed
        if asked:
            return self._tried(asked, lambda: self._priced(asked, minute, windows))
        if asked is None:
            self._tell()
        else:
            self.check()
        return {}

    def _tried(self, asked: Sequence[str], ask: Callable[[], dict[str, AtRisk]]) -> dict[str, AtRisk]:
        """What was asked, or nothing; a query that fails is left alone for a while, the longer it took."""
        start = self._monotonic()
        try:
            found = ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, incidents go out without an amount
            self._failed, end = asked[:ASKED_AGAIN], self._monotonic()
            self._retry_at = again_at(start, end)
            hint = (
                _SLOW.format(noun=self._pack.noun, nouns=self._pack.nouns)
                if end - start >= AT_RISK_S or isinstance(error, SourceTooSlow)
                else ""
            )
            self._ornaments.raised(NAME, error, _QUERY, hint)
            return {}
        self._failed = None
        self._tell()
        return found

    def _priced(self, asked: Sequence[str], minute: datetime, windows: Windows) -> dict[str, AtRisk]:
        until = self._monotonic() + _SEARCH_S
        found = self._halved(asked, minute, windows, until)
        self._remember(asked, found)
        self._strangers = found.strangers
        return dict(found.at_risk)

    def _halved(self, asked: Sequence[str], minute: datetime, windows: Windows, until: float) -> Priced:
        """What the pack says; the entities that make its query fail are found by halves and are wrong."""
        if self._price is None:
            return Priced({})
        try:
            return self._price(self, asked, minute, windows, self._tuned_at(minute))
        except _FOR_ALL:
            raise
        except Exception as error:
            if self._monotonic() >= until:
                raise
            if len(asked) <= 1:
                if not isinstance(error, MinuteriskError):  # what the query does is said by the alarm
                    log.warning("at_risk.not_priced", exc_info=error)
                why = f"the query fails: {getattr(error, 'what', error)}"
                return Priced({}, dict.fromkeys(asked, why))
        middle = len(asked) // 2
        one, other = (self._halved(half, minute, windows, until) for half in (asked[:middle], asked[middle:]))
        return Priced(
            {**one.at_risk, **other.at_risk}, {**one.wrong, **other.wrong}, one.strangers + other.strangers
        )

    def _remember(self, asked: Sequence[str], found: Priced) -> None:
        later = self._monotonic() + UNANSWERED_S
        for entity in asked:
            self._wrong.pop(entity, None)
            self._unanswered.pop(entity, None)
            if entity not in found.at_risk or found.at_risk[entity].total is None:
                self._unanswered[entity] = later
        self._wrong |= found.wrong

    def _tell(self) -> None:
        """Say what is wrong with the query's values, or that nothing is."""
        hint = f"correct {_QUERY} (MINUTERISK_SOURCE_QUERIES); it is read anew each time"
        if self._wrong:
            entity, why = next(iter(self._wrong.items()))
            what = f"{_QUERY}: of {len(self._wrong)} {self._pack.nouns}; first {entity}: {why}"
            self._ornaments.fails(NAME, what, hint)
        elif self._strangers:
            whose = f"rows of {self._pack.nouns} that nobody asked for, or of none"
            what = f"{_QUERY} gives {self._strangers} {whose}"
            self._ornaments.fails(NAME, what, hint)
        else:
            self._ornaments.works(NAME)
