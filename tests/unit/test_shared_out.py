"""What a pack hands in so that shards can judge its entities is refused where it does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from baselines.facts import Facts
from pipeline.minute import EPOCH
from pipeline.money import Beside
from pipeline.schema import UTC_TIME
from tests import doors
from tests.doors import shared


def test_it_goes_with_neither_watch_nor_told() -> None:
    for asks in ({"watch": doors.PACK.watch}, {"told": ["mandates"]}):
        with pytest.raises(ValueError, match="the pack doors: `together` goes with neither"):
            replace(shared.PACK, **asks)


@pytest.mark.parametrize("dtype", [pl.Int32(), pl.Float64(), pl.String()])
def test_what_is_counted_is_added_up(dtype: pl.DataType) -> None:
    counted = pl.Schema({**doors.DOOR_MINUTE, "newest": dtype})
    with pytest.raises(ValueError, match="of counted newest is no Int64"):
        replace(shared.PACK, counted=counted)


def test_so_is_what_follows_from_the_rows_beside_them() -> None:
    schema = pl.Schema({"minute": UTC_TIME, "door_id": pl.String(), "share": pl.Float64()})
    with pytest.raises(ValueError, match="of half share is no Int64"):
        replace(shared.PACK, beside={"half": Beside(schema=schema, count=lambda rows, *_: rows)})


def test_one_process_judges_by_the_same_functions() -> None:
    hours = doors.DoorHours()
    rows = [(EPOCH, "a", 4, 0), (EPOCH, "b", 0, 3), (EPOCH, "c", 1, 2)]
    hours.add(EPOCH, pl.DataFrame(rows, doors.DOOR_MINUTE, orient="row"))
    rules = doors.read_rules((Path(doors.__file__).parent / "rules.toml").read_text("utf-8"), "rules.toml")
    found = shared.PACK.judge(hours, rules, "budgeted", Facts(None), True)  # noqa: FBT003 - as every pack
    assert found.frame().select("entity_id", "rule", "tier", "forced_hour").rows() == [
        ("*", "raid", "top", 5),
        ("b", "forced_entry", "tail", 3),
    ]
    assert [breached.tolist() for breached in found.breached] == [[1]]
