"""The judge: it calls each rule once and puts their rows together as verdicts. Pure.

A verdict carries a reason, not only a yes or no. Every breach of a raw condition is a row of SIGNAL with the
kind `rule`; `passed` says whether the policy lets it become an incident, `reason` names the gate that held
it back. `literal` lets every breach of the brief's two rules pass and knows no other, `supported` those with
enough counts, `budgeted` those that chance does not explain within the false-alarm budget; it adds what its
own windows see beyond that, as rows of other kinds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from pipeline.judge.verdicts import SEVERITIES, Verdicts
from pipeline.minute import to_index
from pipeline.packs.merchants.own import find
from pipeline.packs.merchants.rules.rule import EntityRule, PlatformRule, Situation
from pipeline.packs.merchants.rules.sums import Sums, sums_of
from pipeline.packs.merchants.schema import BUDGETED_COLUMNS, SIGNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from baselines.facts import Facts
    from baselines.merchants.rules import Rules, Severity
    from baselines.merchants.slices import Integers
    from baselines.merchants.windows import Windows
    from pipeline.judge.verdicts import Columns, Flags
    from pipeline.money import AtRisk
    from pipeline.packs.merchants.rules.platform import Most
    from pipeline.packs.merchants.rules.rule import Found, MerchantRule

    Reason = Mapping[str, Any]

Asked = TypeVar("Asked", bound="MerchantRule")
_NOBODY: Final = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Judge:
    """All rules of merchants, and what goes over all of them."""

    rules: Sequence[MerchantRule]

    @cached_property
    def schema(self) -> pl.Schema:
        """SIGNAL, and the columns that only one rule has."""
        own = {n: pl.Int64() for rule in self.rules for n in rule.numbers if n not in SIGNAL}
        return pl.Schema({**SIGNAL, **own})

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the rules."""
        return tuple(rule.name for rule in self.rules)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Of all rules, "fires" first."""
        return _every(rule.reasons for rule in self.rules)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Of all rules, "rule" first."""
        return _every(rule.kinds for rule in self.rules)

    def judge(self, windows: Windows, tuned: Rules, policy: str, facts: Facts, whole: bool) -> Verdicts:  # noqa: FBT001 - as every pack
        """The verdicts of the minute that `windows` stand at; `facts` are the merchants' categories.

        Where not `whole`, only those that settle something: the others, nearly all, are just counted.
        """
        return self.verdicts(Situation(windows, tuned, policy, facts, whole))

    def verdicts(self, situation: Situation) -> Verdicts:
        """What all rules that the policy knows have found, where one shard holds everybody."""
        if situation.policy == "literal":  # which knows no rule that asks for sums
            return self.about_merchants(situation, {})
        windows, tuned = situation.windows, situation.tuned
        sums = Sums.joined([sums_of(situation)])
        everybody = self.about_everybody(tuned, situation.policy, sums, [self.rest(windows, tuned, sums)])
        return self.about_merchants(replace(situation, sums=sums), everybody)

    def about_merchants(self, situation: Situation, others: Mapping[str, Found]) -> Verdicts:
        """What the rules that judge each merchant by itself have found in its shard, and `others`."""
        windows = situation.windows
        known = _known(self._of_merchants, situation.policy)
        found = {**{rule.name: find(rule, situation) for rule in known}, **others}
        made = self.put_together(found, situation.minute, windows.entities.ids, windows.is_top)
        return made if situation.whole else made.take(made.settles)

    def rest(self, windows: Windows, tuned: Rules, sums: Sums) -> Mapping[str, Most] | None:
        """By rule about everybody, who deviates most of a shard; None: the sums of all suffice."""
        if sums.platform is None:
            return None
        asked = {rule.name: rule.most(windows, sums.platform, tuned) for rule in self._of_everybody}
        return {name: most for name, most in asked.items() if most is not None} or None

    def about_everybody(
        self, tuned: Rules, policy: str, sums: Sums, rest: Sequence[Mapping[str, Most] | None]
    ) -> dict[str, Found]:
        """What the rules about all merchants together have found; `rest` of each shard."""
        if sums.platform is None:
            return {}
        return {
            rule.name: rule.find(sums.platform, [(said or {}).get(rule.name) for said in rest], tuned)
            for rule in _known(self._of_everybody, policy)
        }

    def put_together(
        self, found: Mapping[str, Found], minute: datetime, ids: pl.Series, top: Flags
    ) -> Verdicts:
        """The rows of each rule under each other, in the words of all; `top` is the tier by position."""
        judged = [rule for rule in self.rules if rule.name in found]
        parts = [self._in_common(rule, part) for rule in judged for part in found[rule.name].parts]
        borders = np.cumsum([0, *(len(part["position"]) for part in parts)]).tolist()
        numbers = (name for name, dtype in self.schema.items() if dtype == pl.Int64)
        words = {name: words for rule in found.values() for name, words in rule.words.items()}
        names = ("position", *self._words, *numbers)
        columns = {name: np.full(borders[-1], -1) for name in names}
        for part, start, end in zip(parts, borders, borders[1:], strict=False):
            for name, values in part.items():
                columns[name][start:end] = values
        # All merchants together stand at position -1, behind the last one.
        columns["top"] = np.append(top, True)[columns["position"]].astype(np.int64)
        columns["minute"] = np.full(borders[-1], to_index(minute))
        breached = tuple(found[name].breached if name in found else _NOBODY for name in self.names)
        return Verdicts(columns, ids, self.schema, self._words | words, breached)

    def _in_common(self, rule: MerchantRule, part: Columns) -> Columns:
        """A part of what a rule has found, its places now in the lists of all rules."""
        reasons, kinds = self._places[rule.name]
        kind = part.get("kind", np.zeros(1, np.int64))
        rows = np.full(len(part["position"]), self.names.index(rule.name))
        return {**part, "rule": rows, "reason": reasons[part["reason"]], "kind": kinds[kind]}

    @cached_property
    def _places(self) -> dict[str, tuple[Integers, Integers]]:
        """By rule, where its reasons and kinds stand among those of all rules."""
        return {
            rule.name: (
                np.array([self.reasons.index(reason) for reason in rule.reasons]),
                np.array([self.kinds.index(kind) for kind in rule.kinds]),
            )
            for rule in self.rules
        }

    @cached_property
    def _words(self) -> dict[str, Sequence[str]]:
        """The columns whose values are words; those of one rule are empty where it was not asked."""
        words = dict.fromkeys((n for n, dtype in self.schema.items() if dtype == pl.String), ())
        del words["entity_id"], words["tier"]
        return {**words, "rule": self.names, "reason": self.reasons, "kind": self.kinds}

    @cached_property
    def _of_merchants(self) -> tuple[EntityRule, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, EntityRule))

    @cached_property
    def _of_everybody(self) -> tuple[PlatformRule, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, PlatformRule))

    def of(self, name: str) -> MerchantRule:
        """The rule of that name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, MerchantRule]:
        return {rule.name: rule for rule in self.rules}

    def reason(self, row: Reason, merchants_held: int) -> dict[str, Any]:
        """Every number that led to a signal (row of SIGNAL); of all merchants also whom it holds back."""
        rule = self.of(row["rule"])
        numbers = {name: row[name] for name in rule.numbers}
        if rule.of_everybody:
            return {"kind": row["kind"], **numbers, "merchants_held": merchants_held}
        said = {name: row[name] for name in BUDGETED_COLUMNS if row["evidence"] is not None}
        return numbers | {name: value for name, value in said.items() if value is not None}

    def severity(self, rule: str, reason: Reason, at_risk: AtRisk, tuned: Rules) -> str:
        """Severity from the size of the deviation and the money: the expected loss where it is known.

        The borders are those of one merchant; the sum of everybody passes them on any day.
        """
        if not self.of(rule).of_everybody and _is_critical(at_risk, tuned.severity):
            return SEVERITIES[-1]
        return SEVERITIES[self.of(rule).severity(reason, tuned.severity)]

    def say(self, rule: str, reason: Reason, event: str, language: str) -> str:
        """What happened, from the stored reason of an incident."""
        return self.of(rule).say(reason, event, language)

    def deviation(self, rule: str, reason: Reason) -> float:
        """How many times the usual it is."""
        return self.of(rule).deviation(reason)

    def lines(self, signals: pl.DataFrame) -> pl.Series:
        """Breaches (SIGNAL) of merchants as text: merchant, minute, rule (but of bare lines), its numbers."""
        merchants = [rule for rule in self.rules if not rule.of_everybody]
        return pl.concat([_lines(rule, signals.filter(rule=rule.name)) for rule in merchants])["line"]


def _is_critical(at_risk: AtRisk, borders: Severity) -> bool:
    if at_risk.expected_loss is not None:
        return at_risk.expected_loss >= borders.critical_expected_loss
    return (at_risk.total or 0) >= borders.critical_krw_at_risk


def _known(rules: Iterable[Asked], policy: str) -> list[Asked]:
    """Those that a policy knows."""
    return [rule for rule in rules if rule.of_the_brief or policy != "literal"]


def _lines(rule: MerchantRule, signals: pl.DataFrame) -> pl.DataFrame:
    head = [pl.col("entity_id"), pl.col("minute").dt.strftime("%Y-%m-%dT%H:%M")]
    name = [] if rule.bare_lines else [pl.lit(rule.name)]
    line = pl.concat_str([*head, *name, *(pl.col(n) for n in rule.numbers)], separator=" ")
    return signals.select(line.alias("line"))


def _every(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Each word once, in the order in which it comes."""
    return tuple(dict.fromkeys(word for words in lists for word in words))
