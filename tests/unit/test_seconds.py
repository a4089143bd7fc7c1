"""What was written within the second, and verdicts whose words differ by the minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from baselines.entities import EntityIndex
from pipeline.judge.seconds import TELLS, Written
from pipeline.judge.verdicts import FIRES, HEAD, RAW, Verdicts, verdicts_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
JUDGED = pl.Schema(
    {
        "id": pl.String(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "answer": pl.String(),
        TELLS: pl.Boolean(),
        "late": pl.Boolean(),
    }
)


def judged(*rows: tuple[str, int, str | None, bool]) -> pl.DataFrame:
    made = [
        (name, NOON + timedelta(seconds=second), answer, tells, False) for name, second, answer, tells in rows
    ]
    return pl.DataFrame(made, JUDGED, orient="row")


def test_what_was_written_just_so_is_not_written_again_but_what_tells_is() -> None:
    written = Written("id", ("late",))
    every = judged(("a", 1, None, False), ("b", 2, "x", True), ("c", 3, "y", False))
    assert written.without(every).equals(every)
    written.add(every.head(2).with_columns(late=pl.lit(value=True)))
    assert written.without(every)["id"].to_list() == ["b", "c"]
    written.add(judged(("a", 1, "z", False)))
    assert written.without(every)["id"].to_list() == ["a", "b", "c"]
    written.add(judged(("a", 1, None, False)))
    written.forget(NOON + timedelta(seconds=2))
    assert written.without(every)["id"].to_list() == ["a", "b", "c"]


def signals(minute: int, *texts: str | None) -> pl.DataFrame:
    schema = pl.Schema({**HEAD, "number": pl.Int64(), "text": pl.String()})
    at = NOON + timedelta(minutes=minute)
    rows = [
        (at, "second", f"e{n}", "tail", True, FIRES, RAW, n or None, text) for n, text in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema, orient="row")


def test_verdicts_in_a_pack_s_own_words_come_back_as_they_were_also_joined() -> None:
    index, frames = EntityIndex(), [signals(0, "b", None, "a"), signals(1, "c", "a")]
    found = [verdicts_of(frame, index, ["first", "second"]) for frame in frames]
    assert found[0].frame().equals(frames[0])
    assert [len(positions) for positions in found[0].breached] == [0, 3]
    assert Verdicts.joined(found).frame().equals(pl.concat(frames))
