"""What leaves the process of a question: names apart, kinds that others hold, nothing that swells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.errors import Fault, UsageError
from pipeline.store.views.analyst import Analyst
from pipeline.store.views.walls import frames
from tests.contract.walls_home import published_home, say

if TYPE_CHECKING:
    from pipeline.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_home(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def analyst(settings: Settings) -> Analyst:
    return Analyst.open(settings)


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        ("SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a", {"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}),
        (
            "SELECT * FROM (SELECT 1 AS n) x JOIN (SELECT 1 AS n, 5 AS k) y ON x.n = y.n",
            {"n": 1, "n_1": 1, "k": 5},
        ),
        ("SELECT union_value(k := 1) AS u, 2::VARIANT AS v, 3::BIGNUM AS b", {"u": "1", "v": "2", "b": "3"}),
        ("SELECT '101'::BIT AS b, '12:00:00+01'::TIMETZ AS t", {"b": "101", "t": "12:00:00+01"}),
        ("SELECT 'x'::ENUM('x') AS e, ['x'::ENUM('x')] AS l, NULL AS n", {"e": "x", "l": ["x"], "n": None}),
        ("SELECT {'size': 'x'::ENUM('x'), 'n': 1} AS s", {"s": {"size": "x", "n": 1}}),
        ("SELECT [INTERVAL 1 DAY] AS i, MAP{'k': NULL} AS m", {"i": ["1 day"], "m": "{k=NULL}"}),
    ],
)
def test_what_nothing_outside_of_duckdb_holds_leaves_it_apart_and_as_text(
    asked: str, row: dict[str, Any], analyst: Analyst
) -> None:
    assert analyst.ask(asked).rows() == [row]


@pytest.mark.parametrize(
    "value",
    [
        "'infinity'::TIMESTAMP",
        "'-infinity'::DATE",
        "'infinity'::TIMESTAMPTZ",
        "['infinity'::DATE]",
        "{'a': MAP{1: ['-infinity'::TIMESTAMP]}}",
        "'290000-01-01'::TIMESTAMP_S",
    ],
)
def test_a_moment_that_no_calendar_has_is_named(value: str, analyst: Analyst) -> None:
    with pytest.raises(UsageError, match="infinite or outside") as met:
        analyst.ask(f"SELECT {value} AS at").rows()
    assert "AS VARCHAR" in met.value.hint
    assert analyst.ask(f"SELECT CAST({value} AS VARCHAR) AS at").frame().height == 1


def test_no_few_bytes_of_another_process_become_many(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 10, pa.int8()), pa.array(["x" * 1000]))
    for column in (
        words,
        pa.nulls(10),
        pa.ListArray.from_arrays([0, 10], pa.nulls(10)),
        pa.array([True] * 70_000),
    ):
        batch = pa.record_batch([column], names=["a"])
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        rows = sink.getvalue().to_pybytes()
        said = frames.HEAD.pack(b"W", 2) + b"{}" + frames.HEAD.pack(b"R", len(rows)) + rows
        said += frames.HEAD.pack(b"D", 0)
        say(monkeypatch, said)
        with pytest.raises(Fault):
            Analyst.open(settings).ask("SELECT 1").rows()
