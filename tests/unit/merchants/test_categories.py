"""What a source's categories come to before they are kept."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.errors import SourceChanged
from pipeline.schema import FACT
from pipeline.source import answers
from pipeline.source.answers import NAME_LENGTH, conform_facts


def given(*rows: tuple[object, object]) -> dict[str, str]:
    frame = pl.DataFrame(rows, ["merchant_id", "category"], orient="row")
    found = conform_facts(frame, "categories.sql", "merchant_id", "category")
    assert found.schema == FACT
    assert found["entity_id"].is_sorted()
    return dict(found.iter_rows())


def test_null_and_blank_are_unknown() -> None:
    rows = ("b", None), ("c", ""), ("d", " \t"), ("e", "\u200b\x00"), (None, "air"), ("a", " air  line ")
    assert given(*rows) == {"a": "air line"}


def test_a_merchant_of_two_categories_is_of_none() -> None:
    assert given(("a", "air"), ("b", "bus"), ("a", "bus"), ("b", " bus")) == {"b": "bus"}


def test_a_numbered_merchant_has_the_text_of_its_number() -> None:
    assert given((2**53 + 1, "air")) == {str(2**53 + 1): "air"}


def test_what_could_act_on_a_terminal_is_gone_and_length_has_an_end() -> None:
    assert given(("a", "\x1b[2J여\u202e행\n업" + "x" * 500)) == {
        "a": ("[2J여 행 업" + "x" * 500)[:NAME_LENGTH]
    }


def test_no_row_at_all_is_an_answer() -> None:
    empty = pl.DataFrame({"merchant_id": [], "category": []}, {"merchant_id": pl.Int64, "category": pl.Null})
    assert conform_facts(empty, "categories.sql", "merchant_id", "category").schema == FACT


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ({"merchant_id": ["a"]}, "no column category"),
        ({"merchant_id": ["a"], "category": [7]}, "category as Int64"),
        ({"merchant_id": [1.5], "category": ["air"]}, "merchant_id as Float64"),
        ({"merchant_id": ["a"], "category": [b"air"]}, "category as Binary"),
    ],
)
def test_what_is_no_category_is_named_with_its_query(frame: dict[str, list[object]], text: str) -> None:
    with pytest.raises(SourceChanged, match=f"query here.sql gives .*{text}") as caught:
        conform_facts(pl.DataFrame(frame), "here.sql", "merchant_id", "category")
    assert caught.value.hint


def test_more_rows_than_there_are_merchants_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_ENTITIES", 2)
    assert given(("a", "air"), ("b", "bus")) == {"a": "air", "b": "bus"}
    with pytest.raises(SourceChanged, match="more than 2 rows"):
        given(("a", "air"), ("b", "bus"), ("c", "car"))
