"""What errors say to people who read Korean: the English template of `phrase` -> the same in Korean. Pure.

Both have the same fields. No particle follows a value, whose last letter nobody knows: `은(는)` at most. A
sentence ends without a full stop, as the English ones do; whoever shows it sets one. A test compares both
sides with the code, so that nothing is missing and nothing is left over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.errors.korean.actions import ACTIONS
from pipeline.errors.korean.acts import ACTS
from pipeline.errors.korean.below import BELOW
from pipeline.errors.korean.checks import CHECKS
from pipeline.errors.korean.event_rules import EVENT_RULES
from pipeline.errors.korean.learned import LEARNED
from pipeline.errors.korean.people import PEOPLE
from pipeline.errors.korean.relays import RELAYS
from pipeline.errors.korean.rule_texts import RULE_TEXTS
from pipeline.errors.korean.texts import TEXTS
from pipeline.errors.korean.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: By what they are about; no sentence stands in two of them.
PARTS: Final = (
    ACTIONS,
    ACTS,
    BELOW,
    CHECKS,
    EVENT_RULES,
    LEARNED,
    PEOPLE,
    RELAYS,
    RULE_TEXTS,
    TEXTS,
    WORDS,
)
KOREAN: Final[Mapping[str, str]] = {english: korean for part in PARTS for english, korean in part.items()}
