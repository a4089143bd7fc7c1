"""Datasets beside the rows are read around what cannot be read, without waiting for it again and again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest

from pipeline.errors import SourceTooSlow, SourceValueWrong
from pipeline.minute import DAY_MINUTES, MINUTE, Span
from pipeline.source.asked import ReadBeside
from pipeline.source.beside import SHORT_MINUTES, read_around

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.source.asked import Source

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [Span(START + timedelta(days=n), START + timedelta(days=n + 1)) for n in range(3)]


class Asked:
    """A source of one dataset; `wrong` says what keeps a span from being read."""

    def __init__(self, wrong: Callable[[Span], Exception | None]) -> None:
        self.wrong = wrong
        self.spans: list[Span] = []

    def beside(self, datasets: list[str], span: Span) -> ReadBeside:
        """One question."""
        self.spans.append(span)
        error = self.wrong(span)
        if error is not None:
            return ReadBeside({}, dict.fromkeys(datasets, error))
        return ReadBeside(dict.fromkeys(datasets, pl.DataFrame({"minutes": [span.minutes]})))


def read(wrong: Callable[[Span], Exception | None]) -> tuple[list[tuple[Span, Any]], list[Span]]:
    asked = Asked(wrong)
    return list(read_around(cast("Source", asked), "some", DAYS)), asked.spans


@pytest.mark.parametrize("too_slow", [1, SHORT_MINUTES - 20])
def test_a_query_that_is_slow_for_a_few_minutes_is_not_waited_for_any_further(too_slow: int) -> None:
    """Each question waits for the whole timeout: thousands of them would be days."""
    error = SourceTooSlow("too slow", "an index")
    pieces, asked = read(lambda span: error if span.minutes >= too_slow else None)
    assert pieces == [(Span(DAYS[0].start, DAYS[-1].end), error)]
    assert len(asked) == 6  # a day, a half … down to 45 minutes


def test_a_query_that_is_slow_for_long_spans_alone_is_read_in_shorter_ones() -> None:
    error = SourceTooSlow("too slow", "an index")
    pieces, asked = read(lambda span: error if span.minutes > DAY_MINUTES // 4 else None)
    assert [span.minutes for span, _ in pieces] == [DAY_MINUTES // 4] * 12
    assert sum(frame["minutes"].sum() for _, frame in pieces) == 3 * DAY_MINUTES
    assert len(asked) == 3 * 7


def test_everything_but_the_minute_with_a_wrong_value_is_read() -> None:
    error, bad = SourceValueWrong("wrong", "correct it"), START + timedelta(hours=30)
    pieces, _ = read(lambda span: error if span.start <= bad < span.end else None)
    assert [(span, found) for span, found in pieces if isinstance(found, Exception)] == [
        (Span(bad, bad + MINUTE), error)
    ]
    assert sum(span.minutes for span, _ in pieces) == 3 * DAY_MINUTES
    assert [span.start for span, _ in pieces] == sorted(span.start for span, _ in pieces)
