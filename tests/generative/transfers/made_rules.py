"""Random rules and random values for them: near their constants, at their bounds, and unknown everywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from baselines.transfers.measure import PREVIOUS
from pipeline.packs.transfers.language import RuleRefused, parse
from pipeline.packs.transfers.language.conditions import MEASURE_BOUNDS
from pipeline.packs.transfers.schema import DERIVED, FIELDS, KINDS, STATUSES

if TYPE_CHECKING:
    from random import Random

    from pipeline.packs.transfers.language import RuleText

TEXTS: Final = ("A", "B", "KR", "가", "a'b\"{n}")
LISTS: Final = {"allow": frozenset({"A", "가"}), "deny": frozenset({"B"})}  # `watched` is not there
CONSTANTS: Final = (0, 1, 2, 5, 10, 1_000, 1_000_000, 10**13, 10**15, -1, -(10**15))
NUMBERS: Final = ("amount", *DERIVED)
WORDS: Final = tuple(name for name, kind in FIELDS.items() if kind is str and name not in ("kind", "status"))
_MATCH: Final = {"account_id": "account_id"}
MEASURES: Final = {
    "n": {"count": "*", "match": _MATCH, "within": "60s"},
    "s": {"sum": "amount", "match": _MATCH, "within": "1h"},
    "m": {"mean": "amount", "match": _MATCH, "within": "30d"},
    "d": {"distinct": "payee_id", "match": _MATCH, "within": "1h"},
    "q": {"since_last": "*", "match": _MATCH, "before": "1h"},
    "p": {"previous": "country", "match": _MATCH},
    "v": {"speed": "kmh", "match": {"card_id": "card_id"}},
    "a": {"previous": "amount", "match": _MATCH},
}
_INTEGERS: Final = ("n", "s", "m", "q", "v", "a")


class Maker:
    """Makes rules and values from one source of chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def rule(self) -> RuleText:
        """Any rule; those whose numbers could leave 64 bits are made anew."""
        while True:
            try:
                return parse(json.dumps(self._outer()))
            except RuleRefused as refused:
                if not any(limit in refused.what for limit in ("64 bits", "64 parts", "constants")):
                    raise

    def values(self, rule: RuleText, rows: int) -> pl.DataFrame:
        """So many events, each with any values of any of its columns."""
        texts, numbers = [*TEXTS, None], [n for c in CONSTANTS for n in (c - 1, c, c + 1)]
        columns: list[pl.Series] = []
        for name, kind in FIELDS.items():
            if name in ("kind", "status"):
                drawn: list[Any] = [
                    self.chance.choice(KINDS if name == "kind" else STATUSES) for _ in range(rows)
                ]
            elif kind is str:
                drawn = [self.chance.choice(texts) for _ in range(rows)]
            else:
                bounds = (
                    (0, 10**13)
                    if name == "amount"
                    else (0, 23)
                    if name == "local_hour"
                    else (-4_000_000, 4_000_000)
                )
                drawn = [self._number(numbers, bounds) for _ in range(rows)]
            columns.append(pl.Series(name, drawn, pl.String if kind is str else pl.Int64))
        for measure in {m.column: m for m in rule.measures.values()}.values():
            if measure.of == PREVIOUS and measure.value != "amount":
                drawn = [self.chance.choice(texts) for _ in range(rows)]
                columns.append(pl.Series(measure.column, drawn, pl.String))
            else:
                drawn = [self._number(numbers, MEASURE_BOUNDS[measure.of]) for _ in range(rows)]
                columns.append(pl.Series(measure.column, drawn, pl.Int64))
        return pl.DataFrame(columns)

    def _number(self, numbers: list[int], bounds: tuple[int, int]) -> int | None:
        low, high = bounds
        fitting = [n for n in numbers if low <= n <= high]
        return self.chance.choice([None, low, high, self.chance.randint(low, high), *fitting])

    def _outer(self) -> dict[str, Any]:
        names = self.chance.sample(sorted(MEASURES), self.chance.randint(0, 8))
        self.measures = names
        return {
            "rule": "MADE",
            "on": self.chance.sample(KINDS, self.chance.randint(1, 3)),
            "severity": "high",
            "score": self.chance.randint(0, 100),
            "action": self.chance.choice(["none", "review", "block"]),
            "measures": {name: MEASURES[name] for name in names},
            "when": self._condition(3),
            "say": {"ko": "{amount} {kind}", "en": " ".join(f"{{{name}}}" for name in [*names, "country"])},
        }

    def _condition(self, depth: int) -> dict[str, Any]:
        kinds = ["compare", "compare", "text", "in", "known", "listed", "distinct"]
        kind = self.chance.choice([*kinds, "all", "any", "not", "all", "any"] if depth else kinds)
        if kind in ("all", "any"):
            return {kind: [self._condition(depth - 1) for _ in range(self.chance.randint(1, 3))]}
        if kind == "not":
            return {"not": self._condition(depth - 1)}
        made: dict[str, Any] = getattr(self, f"_{kind}")()
        return made

    def _compare(self) -> dict[str, Any]:
        op = self.chance.choice(["gt", "ge", "lt", "le", "eq", "ne"])
        sides = [self._integer(2), self._constant() if self.chance.random() < 0.5 else self._integer(2)]
        self.chance.shuffle(sides)
        return {op: sides}

    def _text(self) -> dict[str, Any]:
        sides = [self._word(), self.chance.choice([self.chance.choice(TEXTS), self._word()])]
        self.chance.shuffle(sides)
        return {self.chance.choice(["eq", "ne"]): sides}

    def _in(self) -> dict[str, Any]:
        if self.chance.random() < 0.5:
            return {"in": [self._word(), self.chance.sample(TEXTS, self.chance.randint(1, 4))]}
        return {"in": [self._integer(1), [self._constant() for _ in range(self.chance.randint(1, 4))]]}

    def _known(self) -> dict[str, Any]:
        return {"known": self.chance.choice([self._word(), self._integer(1)])}

    def _listed(self) -> dict[str, Any]:
        return {"listed": [{"field": self.chance.choice(WORDS)}, self.chance.choice([*LISTS, "watched"])]}

    def _distinct(self) -> dict[str, Any]:
        if "d" not in self.measures:
            return self._compare()
        return {self.chance.choice(["ge", "lt"]): [{"measure": "d"}, self.chance.randint(0, 32)]}

    def _constant(self) -> int:
        return self.chance.choice(CONSTANTS)

    def _word(self) -> dict[str, str]:
        if "p" in self.measures and self.chance.random() < 0.3:
            return {"measure": "p"}
        return {"field": self.chance.choice(WORDS)}

    def _named(self) -> dict[str, str]:
        measures = [name for name in self.measures if name in _INTEGERS]
        if measures and self.chance.random() < 0.6:
            return {"measure": self.chance.choice(measures)}
        return {"field": self.chance.choice(NUMBERS)}

    def _integer(self, depth: int) -> Any:  # noqa: ANN401 - JSON
        shape = self.chance.random()
        if depth and shape < 0.25:
            of = [self._integer(depth - 1), self.chance.choice([self._constant(), self._integer(depth - 1)])]
            return {self.chance.choice(["plus", "minus"]): of}
        if shape < 0.5:
            return {"times": [self._named(), self.chance.choice([1, 2, 10, 1000])]}
        return self._named()
