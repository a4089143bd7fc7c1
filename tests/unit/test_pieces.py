"""A span in pieces: whole, in order, short where there is much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceTooSlow
from pipeline.minute import MINUTE, Span, business_date
from pipeline.source.asked import TooManyRows
from pipeline.source.pieces import MOST_ROWS, PATIENT_PIECES, PIECE_ROWS, Pieces, at_most, pieces_of_files
from pipeline.store.manifest import LakeFile

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 1, 15, tzinfo=UTC)  # midnight in Seoul
DAY = timedelta(days=1)
SLOW = "the query took too long"


def follow(span: Span, pieces: list[Span]) -> bool:
    """Do the pieces cover the span, each minute once and in order?"""
    return [minute for piece in pieces for minute in piece] == list(span)


def rows_between(per_minute: list[tuple[int, int]], piece: Span) -> int:
    """Rows of a piece, where from each minute number on so many come in a minute."""
    found = 0
    for minute in piece:
        index = (minute - START) // MINUTE
        found += next((rows for first, rows in reversed(per_minute) if index >= first), 0)
    return found


@settings(max_examples=30)
@given(
    traffic=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 200)), max_size=5).map(sorted),
    minutes=st.integers(1, 4000),
    slow_rows=st.integers(300, 2000),
)
def test_pieces_cover_the_span_once_and_none_holds_far_too_much(
    traffic: list[tuple[int, int]], minutes: int, slow_rows: int
) -> None:
    span, most, read, slow = Span(START, START + minutes * MINUTE), 1500, list[int](), list[int]()

    def work(piece: Span) -> tuple[int, Span]:
        rows = rows_between(traffic, piece)
        if piece.minutes > 1 and rows > most:
            raise TooManyRows
        if piece.minutes > 1 and rows > slow_rows:
            slow.append(rows)
            raise SourceTooSlow(SLOW)
        read.append(rows)
        return rows, piece

    done = list(Pieces(SEOUL, rows=500).work_through(span, work))
    assert all(piece == result for piece, result in done)
    assert follow(span, [piece for piece, _ in done])
    assert all(business_date(p.start, SEOUL) == business_date(p.end - MINUTE, SEOUL) for p, _ in done)
    # Each time that the source was too slow, some short pieces come before a longer one is tried again.
    patient = 2 * PATIENT_PIECES * (1 + len(slow))
    assert len(done) < 30 + patient + 4 * sum(read) // min(500, slow_rows) + 3 * minutes // 1440


def test_after_quiet_days_a_full_one_is_read_in_small_pieces() -> None:
    lengths, given_up = list[int](), list[int]()

    def work(piece: Span) -> tuple[int, None]:
        rows = rows_between([(5 * 1440, 10_000)], piece)
        if rows > (at_most(piece) or rows):
            given_up.append(piece.minutes)
            raise TooManyRows
        lengths.append(piece.minutes)
        return rows, None

    list(Pieces(SEOUL).work_through(Span(START, START + 6 * DAY), work))
    assert max(lengths) == 1440, "quiet days are read whole"
    assert given_up == [1440, 360], "the full day is given up and read shorter"
    assert lengths[-10:-1] == [PIECE_ROWS // 10_000] * 9


def test_a_length_that_was_too_long_for_the_source_is_not_tried_again_soon() -> None:
    asked = []

    def work(piece: Span) -> tuple[int, None]:
        asked.append(piece.minutes)
        if piece.minutes > 10:
            raise SourceTooSlow(SLOW)
        return 1, None

    list(Pieces(SEOUL).work_through(Span(START, START + 8 * DAY), work))
    slow = [minutes for minutes in asked if minutes > 10]
    assert len(slow) < len(asked) // 15


def test_a_single_minute_that_is_too_slow_is_an_error() -> None:
    asked = []

    def work(piece: Span) -> tuple[int, None]:
        asked.append(piece.minutes)
        raise SourceTooSlow(SLOW)

    with pytest.raises(SourceTooSlow):
        list(Pieces(SEOUL).work_through(Span(START, START + DAY), work))
    assert asked == [15, 7, 3, 1]


def test_a_single_minute_is_read_whole_however_large_it_is() -> None:
    assert at_most(Span(START, START + MINUTE)) is None
    assert at_most(Span(START, START + 2 * MINUTE)) == MOST_ROWS


@settings(max_examples=30)
@given(rows=st.lists(st.integers(1, 3_000_000), max_size=6), minutes=st.integers(0, 5000))
def test_published_spans_are_cut_by_what_their_files_hold(rows: list[int], minutes: int) -> None:
    files = [
        LakeFile("merchant_minute", "f", Span(START + n * DAY / 2, START + (n + 1) * DAY / 2), count, 1, "")
        for n, count in enumerate(rows)
    ]
    other = LakeFile("signal", "s", Span(START, START + DAY), 9_000_000, 1, "")
    span = Span(START, START + minutes * MINUTE)
    pieces = list(pieces_of_files([*files, other], "merchant_minute", span, SEOUL))
    assert follow(span, pieces)
    per_minute = [count / 720 for count in rows for _ in range(720)]
    held = [sum(per_minute[(p.start - START) // MINUTE : (p.end - START) // MINUTE]) for p in pieces]
    assert max(held, default=0) <= PIECE_ROWS + 2 * max(per_minute, default=0)
    assert len(pieces) <= sum(held) // PIECE_ROWS + -(-minutes // 1440)
