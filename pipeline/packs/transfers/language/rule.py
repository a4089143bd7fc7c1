"""Reads the text of a rule: the outer form, and all that stands in it. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors.phrases import phrase
from pipeline.packs.transfers.language.conditions import Reader
from pipeline.packs.transfers.language.measures import read_measures
from pipeline.packs.transfers.language.refused import refuse, shown
from pipeline.packs.transfers.language.strict import read_strictly
from pipeline.packs.transfers.language.tree import RuleText
from pipeline.packs.transfers.language.words import (
    ACTIONS,
    MOST_SCORE,
    RULE_NAME,
    SEVERITIES,
    a_list,
    a_name,
    a_text,
    an_integer,
    an_object,
    one_of,
    only_keys,
)
from pipeline.packs.transfers.schema import FIELDS, KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from baselines.transfers.measure import Measure

LANGUAGES: Final = ("ko", "en")
_NEEDED: Final = ("rule", "on", "severity", "score", "action", "when", "say")
#: The hits of the learned score stand beside those of the rules by this name.
TAKEN: Final = "LEARNED_SCORE"
#: A name in a sentence, or a brace that belongs to none.
NAMED: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def parse(text: str, lists: Collection[str] | None = None) -> RuleText:
    """The rule that a text holds; `lists` are the names that it may look on, None: any.

    Raises RuleRefused with the place, the reason and the next step.
    """
    given = an_object(read_strictly(text), "text")
    only_keys(given, "text", _NEEDED, ("measures",))
    given.setdefault("measures", {})
    measures = read_measures(given["measures"], "measures")
    reader = Reader(measures, lists)
    rule = _rule(given["rule"])
    on = _kinds(given["on"])
    when = reader.condition(given["when"], "when")
    say = _sentences(given["say"], measures)
    said = {name for sentence in say.values() for name in NAMED.findall(sentence) if name in FIELDS}
    return RuleText(
        canonical=json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        rule=rule,
        on=on,
        severity=one_of(given["severity"], "severity", SEVERITIES),
        score=an_integer(given["score"], "score", 0, MOST_SCORE),
        action=one_of(given["action"], "action", ACTIONS),
        measures=measures,
        when=when,
        say=say,
        fields=tuple(sorted({*reader.fields, *said, "kind", "currency"})),
        lists=frozenset(reader.lists),
    )


def _rule(given: Any) -> str:  # noqa: ANN401 - JSON
    rule = a_name(given, "rule", RULE_NAME)
    if rule == TAKEN:
        refuse(
            "rule",
            phrase("{name} is what the learned score is called", name=rule),
            phrase("take another name"),
        )
    return rule


def _kinds(given: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    kinds = a_list(given, "on", 1, len(KINDS))
    for n, kind in enumerate(kinds):
        one_of(kind, f"on[{n}]", KINDS)
        if kind in kinds[:n]:
            refuse(
                f"on[{n}]", phrase("{value} stands there twice", value=shown(kind)), phrase("write it once")
            )
    return tuple(kinds)


def _sentences(given: Any, measures: Mapping[str, Measure]) -> dict[str, str]:  # noqa: ANN401 - JSON
    say = an_object(given, "say")
    only_keys(say, "say", LANGUAGES)
    for language in LANGUAGES:
        _look_at_sentence(a_text(say[language], f"say.{language}"), f"say.{language}", measures)
    return {language: say[language] for language in LANGUAGES}


def _look_at_sentence(sentence: str, place: str, measures: Mapping[str, Measure]) -> None:
    if not sentence.strip():
        refuse(place, phrase("is empty"), phrase("write what people shall be told"))
    for name in NAMED.findall(sentence):
        if name not in measures and name not in FIELDS:
            refuse(
                place,
                phrase("{name} is neither a field nor a measure of the rule", name=name),
                phrase("write one of {names}", names=", ".join((*measures, *FIELDS))),
            )
    if re.search(r"[{}]", NAMED.sub("", sentence)):
        refuse(
            place,
            phrase("a brace belongs to no name"),
            phrase("a value is written as its name in braces, with nothing else in them"),
        )
