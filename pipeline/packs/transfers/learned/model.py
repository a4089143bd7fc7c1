"""A learned model as it is kept and approved, and what it says of an event: points and its reasons. Pure."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipeline.errors import UsageError
from pipeline.packs.transfers.language.explain import explanation_text
from pipeline.packs.transfers.language.rule import TAKEN
from pipeline.packs.transfers.learned.features import MEASURES, NAMES, WORDS, matrix_of, row_of
from pipeline.packs.transfers.learned.forest import Forest, read_forest
from pipeline.packs.transfers.schema import KINDS as EVENT_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

#: Its hits stand beside those of the rules by this name, which no rule may have.
LEARNED_SCORE: Final = TAKEN
MOST_POINTS: Final = 30
#: So many features are named as its reasons.
NAMED: Final = 5


@dataclass(frozen=True)
class Learned:
    """A version of the learned score.

    Points are steps of the score: as many as it has passed of `cuts`, which ascend; so are those of the
    amount alone, its control, which is shown beside it and counts for nothing.
    """

    version: int
    sha256: str
    forest: Forest
    cuts: tuple[float, ...]
    amount_cuts: tuple[float, ...]

    @property
    def measures(self) -> Sequence[Any]:
        """What it asks of earlier events."""
        return tuple(MEASURES.values())

    def points(self, valued: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Of many events, 0..30; their fields and measures stand by column."""
        return np.searchsorted(np.array(self.cuts), self.forest.scores(matrix_of(valued)), side="right")

    def points_of(self, values: Mapping[str, Any]) -> int:
        """Of one event."""
        return bisect_right(self.cuts, self.forest.score(row_of(values)))

    def hit(self, values: Mapping[str, Any], points: int) -> dict[str, Any]:
        """The hit of one event, in the columns of those of the rules."""
        explanation = self._explained(values, points)
        return {
            "transfer_id": values["transfer_id"],
            "rule": LEARNED_SCORE,
            "version": self.version,
            "severity": "medium",
            "score": points,
            "action": "none",
            "mode": "live",
            "occurred_at": values["occurred_at"],
            "explanation": explanation_text(explanation),
            "say_ko": explanation["say"]["ko"],
            "say_en": explanation["say"]["en"],
        }

    def _explained(self, values: Mapping[str, Any], points: int) -> dict[str, Any]:
        row = row_of(values)
        known = dict(zip(NAMES, row, strict=True))
        moved = self.forest.contributions(row, NAMES)
        largest = sorted(moved, key=lambda name: (-abs(moved[name]), name))[:NAMED]
        reasons = [
            {
                "op": "measure",
                "name": name,
                "value": None if np.isnan(known[name]) else int(known[name]),
                "thousandths": round(moved[name] * 1000),  # of log-odds
            }
            for name in largest
        ]
        by_amount = bisect_right(self.amount_cuts, values["amount"])
        return {
            "rule": LEARNED_SCORE,
            "sha256": self.sha256,
            "value": True,
            "on": {"op": "on", "kinds": list(EVENT_KINDS), "value": True},
            "when": {"op": "learned", "value": True, "of": reasons},
            "measures": {"points": points},
            "fields": {name: values[name] for name in ("amount", "currency", "kind")},
            "control": {"amount_points": by_amount},
            "say": _said(points, by_amount, largest),
        }


def _said(points: int, by_amount: int, reasons: Sequence[str]) -> dict[str, str]:
    ko, en = (", ".join(WORDS[name][language] for name in reasons) for language in ("ko", "en"))
    beside = f"{by_amount} by the amount alone"
    return {
        "ko": f"학습된 점수 {points}점 (최대 {MOST_POINTS}점, 금액만 보면 {by_amount}점): {ko}",
        "en": f"Learned score: {points} of {MOST_POINTS} points ({beside}), from {en}",
    }


def content_sha256(model: str, features: Mapping[str, Any]) -> str:
    """What is approved: the trees, and from where on they give how many points."""
    canonical = json.dumps({"model": model, "features": features}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_learned(version: int, model: str, features: Mapping[str, Any]) -> Learned:
    """A version as it is kept. Raises UsageError for one that this program does not read."""
    return _read(version, model, json.dumps(features, sort_keys=True))


@lru_cache(8)
def _read(version: int, model: str, features: str) -> Learned:
    given = json.loads(features)
    cuts = tuple(float(cut) for cut in given["cuts"])
    amount_cuts = tuple(float(cut) for cut in given["amount_cuts"])
    ascending = all(list(some) == sorted(some) and len(some) == MOST_POINTS for some in (cuts, amount_cuts))
    if given["names"] != list(NAMES) or not ascending:
        msg = "this learned model looks at other features than this program, or its steps do not ascend"
        raise UsageError(msg, "learn it anew with `minuterisk learn`")
    return Learned(version, content_sha256(model, given), read_forest(model, NAMES), cuts, amount_cuts)
