"""Verdicts: which entities breach a rule, and what the policy makes of it. Pure.

A verdict carries a reason, not only a yes or no. A pack makes them as columns of integers, because a replay
need not make a frame of every minute; `frame` puts words and ids to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipeline.minute import MINUTE_US
from pipeline.schema import UTC_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.entities import EntityIndex

    Flags = NDArray[np.bool_]
    Integers = NDArray[np.int64]
    #: Columns of signals by name, as integers: words by their place in a list, -1 for null. Shape (rows,).
    Columns = dict[str, Integers]

#: Stands where an entity's id stands otherwise. What is of everybody is told by the rule, not by the id.
EVERYBODY: Final = "*"

#: Reasons of the engine; a pack has further ones.
FIRES: Final = "fires"
PENDING: Final = "pending"
INHIBITED: Final = "inhibited_by_platform"
#: Somebody has paused the rule: it opens nothing until the pause ends, and what is open goes on.
PAUSED: Final = "paused"
#: Of a rule about everybody: as extreme for hours. It opens nothing, but keeps open.
NOT_SUDDEN: Final = "not_sudden"
#: Breached, but chance may explain it within the false-alarm budget.
HELD_BY_BUDGET: Final = "held_by_budget"
#: People hold it back: planned work, or an entity that is none of the business, such as a test shop.
MAINTENANCE: Final = "maintenance"
EXCLUDED: Final = "excluded"
#: Signals with these can change an incident: they open one or keep one open.
SETTLING: Final = (FIRES, HELD_BY_BUDGET, NOT_SUDDEN)

#: What becomes an incident: what chance does not explain, what has enough counts, or every breach.
POLICIES: Final = ("budgeted", "supported", "literal")
TIERS: Final = ("tail", "top")
SEVERITIES: Final = ("medium", "high", "critical")
#: The kind of a signal whose raw condition held; others were seen beside it.
RAW: Final = "rule"

#: What the engine knows of a signal.
HEAD: Final = pl.Schema(
    {
        "minute": UTC_TIME,
        "rule": pl.String(),
        "entity_id": pl.String(),
        "tier": pl.String(),
        "passed": pl.Boolean(),  # did the policy in force let it become an incident
        "reason": pl.String(),  # the gate that held it back, or "fires"
        "kind": pl.String(),  # "rule": the raw condition held; others were seen beside it
    }
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Signals of one or more minutes before words and ids are put to them.

    `columns` has `position` (of the entity in `ids`; -1: all together), `minute` (since the epoch), `top`,
    the columns of `words`, and numbers.
    """

    columns: Columns
    ids: pl.Series  # the id at position i
    schema: pl.Schema  # of the signals
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by column: its words in order
    #: Of one minute: positions of all breaches, in the order of the pack's rules, also of rows left out.
    breached: tuple[Integers, ...] = ()
    judged: pl.DataFrame | None = None  # of one minute: what its pack writes of each row, see `Watch.writes`

    def __len__(self) -> int:
        return len(self.columns["position"])

    @property
    def settles(self) -> Flags:
        """Which of them can change an incident: those that pass, and those that keep one open."""
        return np.isin(self.words["reason"], SETTLING)[self.columns["reason"]]

    def take(self, chosen: Flags) -> Verdicts:
        """Only some of the rows."""
        return replace(self, columns={name: a[chosen] for name, a in self.columns.items()})

    @staticmethod
    def joined(parts: Sequence[Verdicts]) -> Verdicts:
        """The rows of several minutes in their order; entities have their position for ever."""
        parts = _in_the_same_words(parts)
        names = parts[0].columns
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in names}
        return replace(parts[-1], columns=columns, breached=(), judged=None)

    def frame(self) -> pl.DataFrame:
        """As the pack's signals: by minute, top tier first, then by entity and rule."""
        if not len(self):
            return self.schema.to_frame()
        made: dict[str, pl.Expr] = {
            name: pl.when(pl.col(name) >= 0).then(pl.col(name))
            for name, dtype in self.schema.items()
            if dtype.is_integer()
        }
        made |= {name: word(name, list_) for name, list_ in self.words.items()}
        made["tier"] = word("top", TIERS)
        made["minute"] = (pl.col("minute") * MINUTE_US).cast(self.schema["minute"])
        made["passed"] = pl.col("reason") == self.words["reason"].index(FIRES)
        position = pl.when(pl.col("position") >= 0).then(pl.col("position"))
        made["entity_id"] = pl.lit(self.ids).gather(position).fill_null(EVERYBODY)
        frame = pl.DataFrame(self.columns).lazy().select(made[name].alias(name) for name in self.schema)
        # One pass of the engine for all of it: its start costs more than these few rows.
        return frame.sort("minute", pl.col("tier") != "top", "entity_id", "rule").collect()


def _in_the_same_words(parts: Sequence[Verdicts]) -> list[Verdicts]:
    """The same, where a column's words are other ones in each minute: as texts are."""
    first, made = parts[0].words, list(parts)
    for name in first:
        if all(part.words[name] == first[name] for part in parts):
            continue
        places: dict[str, int] = {}
        for number, part in enumerate(made):
            known = [places.setdefault(word, len(places)) for word in part.words[name]]
            moved = np.array([*known, -1], np.int64)[part.columns[name]]
            made[number] = replace(part, columns={**part.columns, name: moved})
        made = [replace(part, words={**part.words, name: list(places)}) for part in made]
    return made


def verdicts_of(frame: pl.DataFrame, index: EntityIndex, rules: Sequence[str]) -> Verdicts:
    """Signals of one minute that a pack has put into words itself; numbers that are not known are null.

    `rules` are the names of the pack's rules in order.
    """
    everybody = (frame["entity_id"] == EVERYBODY).to_numpy()
    position = np.full(frame.height, -1, np.int64)
    position[~everybody] = index.positions(frame["entity_id"].filter(~everybody))
    columns: Columns = {
        "position": position,
        "minute": frame["minute"].dt.epoch("us").to_numpy() // MINUTE_US,
        "top": (frame["tier"] == TIERS[1]).cast(pl.Int64).to_numpy(),
    }
    words: dict[str, list[str]] = {"rule": [*rules], "reason": [FIRES], "kind": [RAW]}
    for name, dtype in frame.schema.items():
        if dtype.is_integer():
            columns[name] = frame[name].fill_null(-1).to_numpy()
        elif dtype == pl.String and name not in ("entity_id", "tier"):
            places = {word: place for place, word in enumerate(words.get(name, []))}
            found = [-1 if text is None else places.setdefault(text, len(places)) for text in frame[name]]
            columns[name], words[name] = np.array(found, np.int64), list(places)
    breached = tuple(position[~everybody & (columns["rule"] == place)] for place in range(len(rules)))
    return Verdicts(columns, index.ids, frame.schema, words, breached)


def word(name: str, words: Sequence[str]) -> pl.Expr:
    """The word at each place of a column, null for -1."""
    place = pl.col(name)
    return pl.lit(pl.Series(list(words), dtype=pl.String)).gather(pl.when(place >= 0).then(place))
