"""A pipeline with many merchants of a quiet day, and queries that a test may break."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from pipeline.alarms import open_alarms
from pipeline.minute import MINUTE, floor_minute
from pipeline.packs.merchants import PACK
from pipeline.tell.message import read_message
from pipeline.tell.render import render_text

if TYPE_CHECKING:
    from pipeline.catch_up import Pipeline
    from tests.integration.trade_home import Trade

SHIPPED = Path(__file__).resolve().parents[2] / "queries" / "merchants" / "extract" / "postgresql"
SEOUL = ZoneInfo("Asia/Seoul")
START = floor_minute(datetime.now(UTC)) - timedelta(hours=4)
MERCHANTS = 150
UNKNOWN = "위험 금액 알 수 없음"


@dataclass
class Home:
    """A pipeline with many merchants of a quiet day, and queries that a test may break."""

    pipeline: Pipeline
    trade: Trade
    folder: Path
    used: int = 0

    def merchant(self) -> str:
        """One that no test has used."""
        self.used += 1
        return f"m{self.used}"

    def ask(self, query: str, name: str = "at_risk") -> None:
        """Let a query be this; one that is meant to take too long need not be waited for."""
        (self.folder / f"{name}.sql").write_text(query)
        self.pipeline.exposure._retry_at = 0.0
        limit = timedelta(seconds=1 if "pg_sleep" in query else 20)
        self.pipeline.source._timeout = limit  # type: ignore[attr-defined]

    def surge(self, merchant: str, minute: datetime) -> None:
        self.trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT '{merchant}', 'CANCEL', 900, '{minute.isoformat()}'::timestamptz"
            " FROM generate_series(1, 20)"
        )

    @property
    def next(self) -> datetime:
        found = self.pipeline.state.next_minute()
        assert found is not None
        return found

    def judge(self) -> None:
        list(self.pipeline.catch_up(self.next + MINUTE))

    def incident(self, merchant: str) -> dict[str, Any]:
        return rows(self.pipeline, f"SELECT * FROM incident WHERE entity_id = '{merchant}'")[0]

    def told(self, merchant: str) -> list[tuple[str, str]]:
        """What people are told: events and their lines."""
        number = self.incident(merchant)["incident_id"]
        found = rows(self.pipeline, f"SELECT * FROM outbox WHERE incident_id = {number} ORDER BY outbox_id")
        return [
            (r["event"], render_text(read_message(r["message"], number, PACK), "ko", SEOUL)) for r in found
        ]

    def end_all(self) -> None:
        statement = (
            "UPDATE incident SET status = 'resolved', resolved_at = now(),"
            " resolved_minute = last_breach_minute + interval '1 minute' WHERE status <> 'resolved'"
        )
        with self.pipeline.state.engine.begin() as connection:
            connection.execute(text(statement))


def rows(pipeline: Pipeline, query: str) -> list[dict[str, Any]]:
    with pipeline.state.engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def failing(pipeline: Pipeline) -> dict[str, str]:
    """The alarms of ornaments."""
    found = open_alarms(pipeline.state.engine, pipeline.state.url, pipeline.state.pack)
    assert {alarm.name for alarm in found} <= {"ornament.failing"}
    return {alarm.subject: alarm.what for alarm in found}


def fill(trade: Trade) -> None:
    trade.execute(
        "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
        f" SELECT 'm' || m, 'APPROVAL', 1000, '{START.isoformat()}'::timestamptz - n * interval '150 seconds'"
        f" FROM generate_series(1, {MERCHANTS}) AS m, generate_series(1, 200) AS n"
    )


def queries(folder: Path) -> Path:
    shutil.copytree(SHIPPED, folder)
    return folder
