"""The single door to the data: the operational database, and the published files (`Door.lake`, app/lake.py).

Pages ask here and nowhere else. The door reads, never writes: its connection to the operational database
refuses writes. Failures come out as `pipeline.errors`; nothing here knows Streamlit or reads a clock.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError

from app.lake import Lake
from app.rows import Entry, Event, Filters, Heartbeat, Incident, IncidentList
from pipeline.alarms import OpenAlarm
from pipeline.desk.precision import labelled, since
from pipeline.errors import ConfigurationError, StateUnavailable
from pipeline.errors.phrases import phrase
from pipeline.packs import load_pack
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Engine

    from pipeline.desk.precision import Labelled
    from pipeline.pack import Budget, Pack
    from pipeline.settings import Settings

STATE_OPTIONS: Final = "-c default_transaction_read_only=on -c statement_timeout=5000 -c timezone=UTC"
INCIDENTS_SHOWN: Final = 50
EVENTS_SHOWN: Final = 100
ALL: Final = Filters()


class Door:
    """Reads for the pages of one pack. One per process; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self.pack: Pack[Any, Any] = load_pack(settings.pack)
        self.settings = settings
        self.lake = Lake(settings, self.pack)
        self._engines: dict[str, Engine] = {}
        self._lock = Lock()

    def heartbeat(self) -> Heartbeat:
        """The leader's sign of life, and a hash of all that pages show of this database."""
        return Heartbeat(**self.rows("ops/app_seen", {})[0])

    def revision(self) -> str:
        """At which revision the tables stand. Raises ConfigurationError where there are none."""
        return str(self.rows("ops/app_revision", {})[0]["revision"])

    def incidents(
        self, filters: Filters = ALL, *, at_most: int = INCIDENTS_SHOWN, past: int = 0
    ) -> IncidentList:
        """The incidents with most at risk, unresolved ones first; `past` so many."""
        asked = {"incident_id": None, "at_most": at_most, "past": past, **_asked(filters)}
        rows = self.rows("ops/app_incidents", asked)
        total = rows[0]["total"] if rows else 0
        return IncidentList(tuple(Incident(**_without(row, "total")) for row in rows), total)

    def incident(self, incident_id: int) -> Incident | None:
        """One incident, or None when there is none of this number."""
        asked = {"incident_id": incident_id, "at_most": 1, "past": 0, **_asked(Filters(with_resolved=True))}
        rows = self.rows("ops/app_incidents", asked)
        return Incident(**_without(rows[0], "total")) if rows else None

    def pack_of(self, incident_id: int) -> str | None:
        """Whose an incident is, whatever the door's own pack; None when there is none of this number."""
        rows = self.rows("ops/app_pack_of", {"incident_id": incident_id})
        return rows[0]["pack"] if rows else None

    def events(self, incident_id: int, *, at_most: int = EVENTS_SHOWN) -> tuple[Event, ...]:
        """What people were told about an incident, newest first, with the state of each delivery."""
        rows = self.rows("ops/app_events", {"incident_id": incident_id, "at_most": at_most})
        return tuple(Event(**row) for row in rows)

    def timeline(self, incident_id: int) -> tuple[Entry, ...]:
        """What happened to an incident, oldest first: what people did, and what the judge told of."""
        return tuple(Entry(**row) for row in self.rows("ops/incident_timeline", {"id": incident_id}))

    def precision(self, now: datetime) -> tuple[Labelled, ...]:
        """Incidents of the last weeks and what people labelled them, by rule, tier and week."""
        zone = self.settings.business_timezone
        asked = {"since": since(now, zone), "zone": zone.key}
        return tuple(labelled(self.rows("ops/labels_by_week", asked)))

    def alarms(self) -> tuple[OpenAlarm, ...]:
        """What is wrong now, oldest first."""
        return tuple(OpenAlarm(**row) for row in self.rows("ops/open_alarms", {}))

    def budget(self, day_start: datetime) -> Budget | None:
        """The false-alarm budget: what was opened since `day_start`, and what chance alone opens a day.

        None: the pack has none.
        """
        if self.pack.nightly is None:
            return None
        opened = self.rows("ops/opened_since", {"policy": "budgeted", "since": day_start})
        nights = self.rows("ops/nights", {"at_most": 7})
        return self.pack.nightly.shown(nights, {row["rule"]: row["incidents"] for row in opened})

    def close(self) -> None:
        """Give the database connections back."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def rows(self, query: str, asked: Mapping[str, object]) -> list[dict[str, Any]]:
        """What a query of the operational database gives, asked for the door's own pack (`:pack`)."""
        try:
            with self._engine().connect() as connection:
                found = connection.execute(text(sql(query)), {"pack": self.pack.name, **asked})
                names = list(found.keys())
                # SQLAlchemy's own rows take four times as long: felt where 100,000 entities are read.
                return [dict(zip(names, row, strict=True)) for row in found.cursor.fetchall()]
        except (OperationalError, InterfaceError) as error:
            msg = phrase("the operational database does not answer: {met}", met=_first_line(error))
            raise StateUnavailable(msg, "start it, or check MINUTERISK_STATE_URL") from error
        except (SQLAlchemyError, ArgumentError) as error:
            msg = phrase("the operational database refuses a read: {met}", met=_first_line(error))
            raise ConfigurationError(msg, "start the pipeline once: it creates the tables") from error

    def _engine(self) -> Engine:
        url = state_url(self.settings)
        with self._lock:
            if url not in self._engines:
                self._engines[url] = create_engine(
                    make_url(url).set(drivername="postgresql+psycopg"),
                    pool_size=2,
                    max_overflow=2,
                    pool_pre_ping=True,
                    connect_args={
                        "connect_timeout": 3,
                        "options": STATE_OPTIONS,
                        "application_name": "minuterisk dashboard",
                    },
                )
            return self._engines[url]


@cache
def newest_revision() -> str:
    """The revision of the database's tables that this program knows."""
    return max(path.stem for path in (FOLDER / "ops" / "schema").glob("*.sql"))


def state_url(settings: Settings) -> str:
    """Address of the operational database: the setting, or what the running embedded server wrote down.

    The embedded server comes and goes with the pipeline, so its address is asked for at each read.
    """
    if settings.state_url is not None:
        return settings.state_url
    from pipeline.embedded import connect_urls  # noqa: PLC0415 - not needed where an address is set

    try:
        return connect_urls(settings).state_url
    except ConfigurationError as error:
        raise StateUnavailable(error.what, error.hint) from error


def _asked(filters: Filters) -> dict[str, object]:
    """What the query takes; null where nothing is restricted."""
    return {
        "with_resolved": filters.with_resolved,
        "states": list(filters.states) or None,
        "severities": list(filters.severities) or None,
        "rules": list(filters.rules) or None,
        "tiers": list(filters.tiers) or None,
        "owner": filters.owner,
        "first": filters.first,
        "stop": filters.stop,
        "text": filters.text or None,
    }


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
