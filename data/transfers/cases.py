"""Labelled cases: payments whose outcome is known, read strictly from TOML and placed in time. Pure.

A case says which rule fires at which of its payments, or at none. Its accounts, cards, devices and
merchants are its own and new each time it is placed, so neither ordinary payments nor an earlier run change
its outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from data.transfers.case_file import read_tables
from pipeline.minute import require_aware
from pipeline.packs.transfers.schema import EVENT, REVERSED
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from data.transfers.case_file import Case, Step

#: The demo's cases: of each of the twelve rules one that fires and one that nearly does.
DEFAULT_FILE: Final = Path(__file__).with_name("cases.toml")
#: Local hours of the cases, as of the business day.
ZONE: Final = ZoneInfo("Asia/Seoul")
DAY: Final = timedelta(days=1)

_PARTIES: Final = {
    "account_id": "account",
    "user_id": "user",
    "payee_id": "payee",
    "card_id": "card",
    "device_id": "device",
    "merchant_id": "merchant",
}
_ROW: Final = pl.Schema({**EVENT, "arrives_at": UTC_TIME})


def read_cases(path: Path = DEFAULT_FILE) -> tuple[Case, ...]:
    """The cases of a TOML file, in its order; raises `ConfigurationError` that says what is wrong where."""
    return read_tables(path, DEFAULT_FILE)


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case with the moment (aware, whole seconds) that its payments are counted from."""

    case: Case
    start: datetime

    @property
    def stamp(self) -> str:
        """Tells the placements of one case apart."""
        return f"{self.case.name}.{int(self.start.timestamp()):x}"

    def transfer_id(self, position: int) -> str:
        """The id of its payment at `position`, from 0."""
        return f"{self.stamp}.{position}"

    def label(self) -> dict[str, Any]:
        """What is expected: `fires_at` are ids of payments, in the order of the case."""
        case = self.case
        return {
            "case": case.name,
            "rule": case.rule,
            "expected": case.expected,
            "decision": case.decision,
            "start": self.start,
            "end": max(time for time, _, _ in self._payments()),
            "account_id": self._party(case.watched),
            "fires_at": [self.transfer_id(position) for position in case.fires_at],
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Its payments as they arrive, columns of EVENT and arrives_at."""
        for position, (time, step, number) in enumerate(self._payments()):
            row = self._row(position, time, step, number)
            yield row
            if step.reversed_after is not None:
                yield {**row, "status": REVERSED, "arrives_at": row["arrives_at"] + step.reversed_after}

    def _payments(self) -> list[tuple[datetime, Step, int]]:
        return [
            (self.start + step.at + number * step.every, step, number)
            for step in self.case.steps
            for number in range(step.times)
        ]

    def _row(self, position: int, time: datetime, step: Step, number: int) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(_ROW)
        row.update({name: _turn(values, number) for name, values in step.values.items()})
        for column, party in _PARTIES.items():
            name = _turn(step.parties.get(party, ()), number)
            row[column] = None if name is None else self._party(name)
        row["user_id"] = row["user_id"] or row["account_id"]
        if step.place is not None:
            row["lat_e6"], row["lon_e6"] = step.place
        if step.opened_days is not None:
            row["account_opened"] = self.start - step.opened_days * DAY
        arrives_at = time + step.late
        return {
            **row,
            "transfer_id": self.transfer_id(position),
            "occurred_at": time,
            "arrives_at": arrives_at,
        }

    def _party(self, name: str) -> str:
        return f"{self.stamp}.{name}"


def _turn(values: Sequence[Any], number: int) -> Any:  # noqa: ANN401 - any column's
    return values[number % len(values)] if values else None


def place(cases: Iterable[Case], reference: datetime, past_days: int = 0) -> tuple[PlacedCase, ...]:
    """Give the cases their times around `reference`; the same again on each of the days before it.

    A case of a time of day is placed at its next one.
    """
    second = require_aware(reference).replace(microsecond=0)
    starts = [(case, _start(case, second)) for case in cases]
    return tuple(
        PlacedCase(case, start - day * DAY) for day in range(past_days, -1, -1) for case, start in starts
    )


def _start(case: Case, reference: datetime) -> datetime:
    if case.local_time is None:
        return reference + case.start
    local = reference.astimezone(ZONE)
    today = datetime.combine(local.date(), case.local_time, tzinfo=ZONE)
    return (today if today >= local else today + DAY).astimezone(reference.tzinfo)


def rows_of(placed: Iterable[PlacedCase]) -> pl.DataFrame:
    """All rows of these cases."""
    return pl.DataFrame([row for case in placed for row in case.rows()], schema=_ROW)
