"""What relays and the leader tell operators: dead events, conflicts, a way in that stands still."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

from pipeline.alarms import Alarm
from pipeline.errors import MinuteriskError
from pipeline.errors.translate import state_errors
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from pipeline.alarms import Alarms
    from pipeline.online.transfers.outbox import Outbox

log = structlog.get_logger()

_LOOK_S: Final = 10.0
#: An alarm ends by itself where no relay is left to say that it goes on.
_LASTS: Final = timedelta(minutes=3)
_LATE_S: Final = 60


class Watchman:
    """Looks every ten seconds, and raises or ends alarms."""

    def __init__(
        self, engine: Engine, url: str, alarms: Alarms, outbox: Outbox | None, monotonic: Callable[[], float]
    ) -> None:
        self._engine, self._url, self._outbox = engine, url, outbox
        self._alarms = alarms
        self._monotonic = monotonic
        self._due = float("-inf")

    def look(self) -> None:
        """See what is wrong now, if it is time to."""
        if self._monotonic() < self._due:
            return
        self._due = self._monotonic() + _LOOK_S
        try:
            self._look()
        except MinuteriskError as error:
            log.warning("relay.not_looked", what=error.what)

    def _look(self) -> None:
        with state_errors(self._url), self._engine.connect() as connection:
            wrong = connection.execute(text(sql("transfers/ops/events_wrong"))).one()
        self._say(
            wrong.dead > 0,
            "events.dead",
            f"{wrong.dead} events of {wrong.accounts} accounts were given up and are judged by nobody",
            "see `minuterisk dead list`; mend what stands there, then `minuterisk dead requeue NUMBER`",
        )
        self._say(
            wrong.conflicts > 0,
            "events.conflict",
            f"{wrong.conflicts} events came a second time with another content within a day; the first stays",
            "ask whoever sends them: one transfer_id is one payment",
        )
        late_s = float(self._outbox.backlog()["oldest_s"] or 0) if self._outbox else 0
        self._say(
            late_s > _LATE_S,
            "events.waiting",
            f"an event has waited in the outbox for {late_s:.0f} s",
            "see `minuterisk relay --show`: is the breaker open, are enough relays at work?",
        )

    def _say(self, wrong: bool, name: str, what: str, hint: str) -> None:  # noqa: FBT001 - one of a table
        if wrong:
            self._alarms.raise_alarm(Alarm(name, what, hint), _LASTS)
        else:
            self._alarms.end(name)
