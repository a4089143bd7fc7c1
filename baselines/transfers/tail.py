"""The events of the last minutes by their ids: whose answers does a late one alter? Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from baselines.transfers.alike import HOUR_MS
from baselines.transfers.asked import keys_asked
from baselines.transfers.codes import MISSING, Codes32
from baselines.transfers.lanes import Content, content_of
from baselines.transfers.measure import EXACT_MS, LONGEST_MS, Measure
from baselines.transfers.runs import Run, run_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from baselines.transfers.codes import Key
    from baselines.transfers.encoded import Bools, Encoded, Ints

#: How far behind the newest event ids are kept: three closed minutes and the one that is under way.
TAIL_MS: Final = 240_000
#: Pieces are joined up to this size, so that many small batches are few pieces.
_PIECE: Final = 10_000

Question = tuple[Content, tuple[str, ...]]  # what is held, and the fields of the event that asks


@dataclass(frozen=True, slots=True)
class Piece:
    """Events that were taken together."""

    at: Ints
    codes: Mapping[Key, Codes32]
    ids: pl.Series
    newest: int


@dataclass(slots=True)
class Tail:
    """Pieces of events; nothing older than TAIL_MS before the newest is needed."""

    pieces: list[Piece] = field(default_factory=list)
    newest: int = -(1 << 62)

    def add(self, events: Encoded, ids: pl.Series, keys: Iterable[Key]) -> None:
        """Keep the ids of those that are recent."""
        if not ids.len():
            return
        self.newest = max(self.newest, int(events.at.max()))
        chosen = np.flatnonzero(events.at >= self.newest - TAIL_MS)
        if chosen.size:
            codes = {key: events.codes[key][chosen] for key in keys}
            at = events.at[chosen]
            self._join(Piece(at, codes, ids.gather(chosen), int(at.max())))
        self.pieces = [piece for piece in self.pieces if piece.newest >= self.newest - TAIL_MS]

    def affected(self, late: Encoded, since: int, measures: Iterable[Measure]) -> pl.Series:
        """The ids of the events from `since` on whose answers the late ones may alter."""
        runs = _runs(late, measures)
        oldest = max(since, int(late.at.min())) if late.at.size else since
        found = [piece.ids.filter(pl.Series(_hit(piece, oldest, runs))) for piece in self.pieces if runs]
        return pl.concat([pl.Series("transfer_id", [], pl.String), *found]).unique(maintain_order=True)

    def copy(self) -> Tail:
        """Another one with the same pieces."""
        return Tail(list(self.pieces), self.newest)

    def _join(self, piece: Piece) -> None:
        last = self.pieces[-1] if self.pieces else None
        if (
            last is None
            or last.ids.len() + piece.ids.len() > _PIECE
            or last.codes.keys() != piece.codes.keys()
        ):
            self.pieces.append(piece)
            return
        codes = {key: np.concatenate([last.codes[key], piece.codes[key]]) for key in piece.codes}
        ids = pl.concat([last.ids, piece.ids])
        self.pieces[-1] = Piece(
            np.concatenate([last.at, piece.at]), codes, ids, max(last.newest, piece.newest)
        )


def _runs(late: Encoded, measures: Iterable[Measure]) -> dict[Question, tuple[Run, set[tuple[int, int]]]]:
    """The late events as each question would find them, with the windows in which it looks."""
    found: dict[Question, tuple[Run, set[tuple[int, int]]]] = {}
    for measure in measures:
        content = content_of(measure)
        bare = Content(content.fields, content.where, content.placed, amount=False, values=())
        question = bare, tuple(ours for _, ours in measure.match)
        if question not in found:
            chosen = bare.chosen(late)
            if not chosen.any():
                continue
            found[question] = run_of(bare.columns(late, chosen)), set()
        within = LONGEST_MS if measure.within_ms is None else min(measure.within_ms, LONGEST_MS)
        found[question][1].add((within, measure.before_ms))
    return found


def _hit(piece: Piece, oldest: int, runs: Mapping[Question, tuple[Run, set[tuple[int, int]]]]) -> Bools:
    """Which events of a piece find a late one in one of their windows."""
    hit = np.zeros(len(piece.at), np.bool_)
    young = np.flatnonzero(piece.at >= oldest)
    for (content, ours), (run, windows) in runs.items():
        keys = keys_asked(ours, content.fields)
        if not piece.codes.keys() >= set(keys):  # taken before anybody asked: no rule judges it by this
            continue
        numbers = [piece.codes[key] for key in keys]
        some = young[_known(run, numbers[0][young])]
        for number in numbers:
            some = some[number[some] != MISSING]
        second = numbers[1][some] if len(numbers) > 1 else None
        low, high = run.spans(numbers[0][some], second)
        some, low, high = some[high > low], low[high > low], high[high > low]
        for within, before in windows:
            opens = piece.at[some] - within
            opens = opens if within <= EXACT_MS else opens // HOUR_MS * HOUR_MS
            hit[some] |= run.upto(low, high, piece.at[some] - before) > run.upto(low, high, opens)
    return hit


def _known(run: Run, numbers: Codes32) -> Bools:
    """Which of these first numbers may stand in the run: most do not, and a table tells it fastest."""
    table = np.zeros(run.greatest + 2, np.bool_)  # the last place is for all that are greater
    table[run.firsts] = True
    table[-1] = False
    return table.take(numbers, mode="clip")
