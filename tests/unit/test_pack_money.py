"""What a pack hands in for its money and does not fit together is refused when it is imported, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.doors.kept import PACK

if TYPE_CHECKING:
    import polars as pl

    from pipeline.money import Beside

FORCED, PAYMENT = PACK.beside["forced"], PACK.beside["payment"]


def without(schema: pl.Schema, name: str) -> pl.Schema:
    return type(schema)({key: value for key, value in schema.items() if key != name})


@pytest.mark.parametrize(
    ("name", "beside", "said"),
    [
        ("signal", FORCED, "no dataset may be called signal"),
        ("door_minute", FORCED, "no dataset may be called door_minute"),
        ("x", replace(FORCED, schema=without(FORCED.schema, "minute")), "x: its schema lacks minute"),
        ("x", replace(FORCED, schema=without(FORCED.schema, "door_id")), "x: its schema lacks door_id"),
        ("x", replace(FORCED, time="day"), "belong to a query, and it names none"),
        ("x", replace(PAYMENT, time="when"), "payments needs row, conform, and in time a column of row"),
        ("x", replace(PAYMENT, row=None), "payments needs row"),
    ],
)
def test_a_dataset_beside_the_rows_that_cannot_be(name: str, beside: Beside, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(PACK, beside={name: beside})


def test_a_book_that_cannot_be() -> None:
    assert PACK.exposures is not None
    short = replace(PACK.exposures, schema=without(PACK.exposures.schema, "minute"))
    with pytest.raises(ValueError, match="the dataset exposure: its schema lacks minute"):
        replace(PACK, exposures=short)
    with pytest.raises(ValueError, match="shares or by_people name lock, which actions does not"):
        replace(PACK, exposures=replace(PACK.exposures, by_people=("lock",)))
