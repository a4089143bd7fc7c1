"""The sentence of a rule about one event, in the language of whoever reads it. Pure.

Values come from other people's tables: they are put in once and never read as a template. Whoever shows a
sentence passes it through `one_line` or its like, as any text from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from baselines.transfers.measure import MEAN, PREVIOUS, SUM
from pipeline.amounts import DEFAULT_CURRENCY, minor_places
from pipeline.packs.transfers.language.rule import NAMED

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from pipeline.packs.transfers.language.tree import Known, RuleText

_UNKNOWN: Final = {"ko": "알 수 없음", "en": "unknown"}


def say(rule: RuleText, language: str, values: Mapping[str, Known]) -> str:
    """The sentence with the values of one event by their columns; amounts in units of its currency."""

    def filled(found: re.Match[str]) -> str:
        name = found[1]
        value = values[rule.measures[name].column if name in rule.measures else name]
        if value is None:
            return _UNKNOWN[language]
        if isinstance(value, int):
            return _number(value, str(values["currency"]), amount=_is_amount(rule, name))
        return value

    return NAMED.sub(filled, rule.say[language])


def _is_amount(rule: RuleText, name: str) -> bool:
    measure = rule.measures.get(name)
    if measure is None:
        return name == "amount"
    return measure.of in (SUM, MEAN) or (measure.of == PREVIOUS and measure.value == "amount")


def _number(value: int, currency: str, *, amount: bool) -> str:
    places = minor_places(currency or DEFAULT_CURRENCY) if amount else 0
    if not places:
        return f"{value:,}"
    whole, rest = divmod(value, 10**places)
    return f"{whole:,}.{rest:0{places}}"
