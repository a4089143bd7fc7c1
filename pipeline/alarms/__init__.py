"""What is wrong now, told to operators: in the log, on the page, by `check --live` and in the metrics.

An alarm is an ornament itself: it never stops what it is about. Where the operational database does not take
it, the log still has it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import text

from pipeline.errors.secrets import clean
from pipeline.errors.translate import state_errors
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from sqlalchemy import Engine

log = structlog.get_logger()

#: Counts may be missing or wrong, or nothing is judged: `check --live` fails.
WRONG: Final = "wrong"
#: Everything is counted, judged and told; something beside it is not known or not shown.
DEGRADED: Final = "degraded"

#: Every alarm by name, with what it means for the numbers. The page has a title for each (app/texts).
ALARMS: Final = {
    "source.unreachable": WRONG,
    "source.failing": WRONG,  # it answers, but a query, a right or a value is wrong; subject: the query
    "source.standby_lags": WRONG,
    "source.clock_apart": WRONG,
    "source.transaction_open": DEGRADED,
    "rows.set_aside": WRONG,  # more than 1 % of an hour
    "rows.outside_span": WRONG,  # subject: the query
    "rows.unreadable": WRONG,  # values that nobody could read were left out; subject: the smallest span
    "rows.conflict": WRONG,  # a row came again with other values; the first word stays
    "minutes.differ": WRONG,  # read again, and still not what the source's own totals say
    "minutes.stray": WRONG,  # rows that no minute counts any more
    "events.dead": WRONG,  # given up by relays: nobody judges them
    "events.conflict": DEGRADED,  # came again with another content
    "events.waiting": WRONG,  # for more than a minute in the outbox that they come from
    "checks.differ": WRONG,  # what was answered at once does not follow from what was known then
    "limit.ahead": DEGRADED,  # of somebody's rules for us; subject: which
    "data.wrong": WRONG,  # a check of the published data found rows; subject: the check
    "data.doubtful": DEGRADED,  # the same, of a check that only warns
    "book.doubtful": DEGRADED,  # rows that enter no book, or twice the same; subject: the pack's kind
    "rows.rewritten": DEGRADED,  # changed or deleted after they were published; subject: the dataset
    "job.failing": WRONG,  # subject: the job
    "ornament.failing": DEGRADED,  # subject: what is not known or not shown
}

#: A driver may say pages.
LENGTH: Final = 2_000
#: An alarm that goes on is written again after so long, and said again in the log after `_SAID_AGAIN_S`.
_WRITTEN_AGAIN_S: Final = 60.0
_SAID_AGAIN_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong: the value that was met, and the next step."""

    name: str  # of ALARMS
    what: str
    hint: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm as it is shown."""

    name: str
    subject: str
    what: str
    hint: str
    since: datetime
    seen_at: datetime

    @property
    def wrong(self) -> bool:
        """May numbers be wrong or missing? An unknown name (a newer version's) is taken for the worse."""
        return ALARMS.get(self.name, WRONG) == WRONG


class Alarms:
    """Raises and ends alarms, from any thread; repeats cost nothing."""

    def __init__(
        self, engine: Engine, url: str, pack: str = "", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._url = url
        self._pack = pack  # empty: of the whole installation
        self._monotonic = monotonic
        self._lock = Lock()
        self._open: dict[tuple[str, str], tuple[float, float]] | None = None  # when written, when said

    def raise_alarm(self, alarm: Alarm, lasts: timedelta | None = None) -> None:
        """Something is wrong, or still is; `lasts` is for what happened once and has no end of its own."""
        if alarm.name not in ALARMS:
            raise KeyError(alarm.name)
        texts = {name: _storable(clean(getattr(alarm, name))) for name in ("what", "hint", "subject")}
        alarm = replace(alarm, **texts)
        key, now = (alarm.name, alarm.subject), self._monotonic()
        with self._lock:
            known = self._known()
            written, said = known.get(key, (-_WRITTEN_AGAIN_S, -_SAID_AGAIN_S))
            new = key not in known
            if new or now - said >= _SAID_AGAIN_S:
                log.error(alarm.name, subject=alarm.subject, what=alarm.what, next=alarm.hint, alarm=True)
                said = now
            if new or now - written >= _WRITTEN_AGAIN_S:
                lasts_s = lasts.total_seconds() if lasts else None
                given = {"what": alarm.what, "hint": alarm.hint, "lasts_s": lasts_s}
                if self._write("raise_alarm", name=alarm.name, subject=alarm.subject, **given):
                    written = now
            known[key] = (written, said)

    def end(self, name: str, subject: str = "") -> None:
        """What was wrong is right again; nothing happens where it was not."""
        if name not in ALARMS:
            raise KeyError(name)
        with self._lock:
            known = self._known()
            if (name, subject) in known and self._write("end_alarm", name=name, subject=subject):
                del known[name, subject]
                log.info("alarm.ended", name=name, subject=subject)

    def counts(self) -> dict[str, int]:
        """How many alarms of each name are open, also of those of which none is."""
        with self._lock:
            names = [name for name, _ in self._known()]
        return {name: names.count(name) for name in ALARMS}

    def subjects(self, name: str) -> list[str]:
        """What the open alarms of a name are about, also those that an earlier process left."""
        with self._lock:
            return [subject for known, subject in self._known() if known == name]

    def _known(self) -> dict[tuple[str, str], tuple[float, float]]:
        """Open alarms, at first those that an earlier process left."""
        if self._open is None:
            try:
                found = open_alarms(self._engine, self._url, self._pack)
            except Exception:  # noqa: BLE001 - an alarm is in nobody's way
                return {}  # asked again next time
            now = self._monotonic()
            self._open = {(a.name, a.subject): (now - _WRITTEN_AGAIN_S, now - _SAID_AGAIN_S) for a in found}
        return self._open

    def _write(self, query: str, **given: Any) -> bool:  # noqa: ANN401 - parameters of a query
        try:
            with state_errors(self._url), self._engine.begin() as connection:
                connection.execute(text(sql(f"ops/{query}")), {"pack": self._pack, **given})
        except Exception as error:  # noqa: BLE001 - an alarm is in nobody's way
            log.warning("alarm.not_recorded", name=given["name"], error=str(error))
            return False
        return True


def _storable(text: str) -> str:
    """Text that the database takes, whatever a driver said; not endless."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:LENGTH]


def open_alarms(engine: Engine, url: str, pack: str) -> list[OpenAlarm]:
    """What is wrong now, oldest first, with a pack or the installation. Raises what the database says."""
    with state_errors(url), engine.connect() as connection:
        rows = connection.execute(text(sql("ops/open_alarms")), {"pack": pack}).mappings().all()
    return [OpenAlarm(**row) for row in rows]
