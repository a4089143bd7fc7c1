"""The language of rules: a JSON tree, read strictly, asked in bulk, alone and with reasons. Pure.

    cond  = {"all":[cond,..16]} | {"any":[cond,..16]} | {"not":cond} | {"known":value}
          | {"gt"|"ge"|"lt"|"le":[int,int]} | {"eq"|"ne":[value,value]} | {"in":[value,[const,..256]]}
          | {"listed":[field,"name of a list"]}
    value = const | {"field":name} | {"measure":name} | {"times":[field|measure, 1..1000]}
          | {"plus"|"minus":[int,int]}

A value that is not known makes its comparison unknown; all, any and not follow Kleene; a rule fires only
where its answer is true. Nothing of a text is ever run.
"""

from __future__ import annotations

from pipeline.packs.transfers.language.bulk import bulk
from pipeline.packs.transfers.language.explain import explain, explanation_text
from pipeline.packs.transfers.language.refused import RuleRefused
from pipeline.packs.transfers.language.rule import parse
from pipeline.packs.transfers.language.say import say
from pipeline.packs.transfers.language.single import single
from pipeline.packs.transfers.language.tree import RuleText

__all__ = [
    "RuleRefused",
    "RuleText",
    "bulk",
    "explain",
    "explanation_text",
    "parse",
    "say",
    "single",
]
