"""Events made by hand, and windows that answer what a test tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.ruleset import LIVE, InForce
from pipeline.packs.transfers.schema import EVENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.transfers.measure import Measure

NOON: Final = datetime(2026, 3, 2, 3, tzinfo=UTC)  # in Seoul
RULES: Final = Path(__file__).resolve().parents[3] / "baselines" / "transfers" / "rules"


def event(number: int = 1, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """A transfer that no rule of the twelve minds."""
    return {
        **dict.fromkeys(EVENT.names()),
        "transfer_id": f"T{number}",
        "kind": "transfer",
        "status": "completed",
        "account_id": "A1",
        "user_id": "A1",
        "amount": 50_000,
        "currency": "KRW",
        "country": "KR",
        "occurred_at": NOON + timedelta(seconds=number),
        **changes,
    }


def events(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EVENT)


def shipped(name: str, mode: str = LIVE) -> InForce:
    return InForce(parse((RULES / f"{name.lower()}.json").read_text(encoding="utf-8")), 1, mode)


class Told:
    """Windows that answer by the measure's column, the same for every event; else unknown."""

    def __init__(self, answers: Mapping[str, int | str | None] | None = None) -> None:
        self.answers = answers or {}

    def ask(self, asked: pl.DataFrame, measures: Sequence[Measure]) -> pl.DataFrame:
        columns = {m.column: [self.answers.get(m.column)] * asked.height for m in measures}
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))

    def ask_one(
        self, asked: Mapping[str, Any], measures: Sequence[Measure], extra: Sequence[Mapping[str, Any]] = ()
    ) -> dict[str, int | str | None]:
        del asked, extra
        return {m.column: self.answers.get(m.column) for m in measures}
