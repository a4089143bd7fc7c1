"""What became of incidents that people labelled, as the book of exposure said when their horizon was over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.errors import LakeDamaged
from pipeline.minute import MINUTE, business_date, business_day
from pipeline.money import EXPOSURE, LEARNED, TRUE_ALARM, Case
from pipeline.store.manifest import runs_of_files, span_of_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.money import ExposureBook
    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

log = structlog.get_logger()

#: What people said earlier is of another business.
REMEMBERED: Final = timedelta(days=365)
#: What happens later than this after an incident opened is not taken for a consequence of it.
HORIZON: Final = timedelta(days=14)


class Labelled:
    """Hands labelled incidents to a book. What was read is kept: a business day changes no more."""

    def __init__(self, lake: Lake, state: State) -> None:
        self._lake = lake
        self._state = state
        self._read: dict[date, dict[str, Mapping[str, Any]]] = {}  # by the horizon's last day and entity

    def tell(self, book: ExposureBook, until: datetime) -> None:
        """All whose horizon was over at the start of the business day of `until`."""
        today, zone = business_date(until, self._lake.zone), self._lake.zone
        end = business_day(today, zone).start - HORIZON
        rows = self._state.rows("labelled_incidents", start=end - REMEMBERED, end=end)
        lasts = {row["incident_id"]: business_date(row["opened_minute"] + HORIZON, zone) for row in rows}
        true: dict[date, set[str]] = {}
        for row in rows:
            if row["label"] == TRUE_ALARM:
                true.setdefault(lasts[row["incident_id"]], set()).add(row["entity_id"])
        self._read_days(true)
        found = book.measure([self._case(row, lasts[row["incident_id"]]) for row in rows])
        self._state.record_report(LEARNED, 0.0, found)

    def _case(self, row: Mapping[str, Any], last: date) -> Case:
        return Case(
            incident_id=row["incident_id"],
            rule=row["rule"],
            entity_id=row["entity_id"],
            opened_minute=row["opened_minute"],
            last_breach_minute=row["last_breach_minute"],
            is_true=row["label"] == TRUE_ALARM,
            after=self._read.get(last, {}).get(row["entity_id"]),
        )

    def _read_days(self, wanted: Mapping[date, Collection[str]]) -> None:
        new = {day: ids for day, ids in wanted.items() if not self._read.get(day, {}).keys() >= set(ids)}
        if not new:
            return
        zone, files = self._lake.zone, self._state.publication().files
        newest = {
            business_date(span_of_files(run).end - MINUTE, zone): run
            for run in runs_of_files(file for file in files if file.dataset == EXPOSURE)
        }
        for day, ids in new.items():
            if day in newest:
                self._read[day] = self._of(newest[day], sorted(ids))

    def _of(self, files: Sequence[LakeFile], ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        try:
            rows = self._lake.read(files, EXPOSURE, span_of_files(files), ids)
        except LakeDamaged as error:  # a snapshot cannot be built again: nothing is known of that day
            log.warning("labelled.not_read", file=files[0].path, error=error.what)
            return {}
        return {row[self._lake.pack.entity]: row for row in rows.iter_rows(named=True)}
