"""A text that is no rule, with the place, the reason and the next step. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase

if TYPE_CHECKING:
    from pipeline.errors.phrases import Phrase


class RuleRefused(UsageError):
    """A text that is no rule: where in it (`when.all[1].gt[0]`; `text`: as a whole) and why."""

    def __init__(self, place: str, reason: Phrase, hint: Phrase) -> None:
        self.place, self.reason = place, reason
        super().__init__(phrase("{place}: {reason}", place=place, reason=reason), hint)


def refuse(place: str, reason: Phrase, hint: Phrase) -> NoReturn:
    """Say that this cannot stand there."""
    raise RuleRefused(place, reason, hint)


def shown(value: object) -> str:
    """What somebody wrote, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


_SHOWN = 60
