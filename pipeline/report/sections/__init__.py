"""The sections of a report, in their order; each is a function of the facts that gives its HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.report.sections.actions import actions
from pipeline.report.sections.budget import budget
from pipeline.report.sections.delays import delays
from pipeline.report.sections.incidents import incidents
from pipeline.report.sections.money import money
from pipeline.report.sections.movers import movers
from pipeline.report.sections.proof import proof
from pipeline.report.sections.regret import regret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.report.facts import Facts
    from pipeline.report.html import Html

#: By the key of their heading.
SECTIONS: Final[Mapping[str, Callable[[Facts], Html]]] = {
    "money": money,
    "incidents": incidents,
    "actions": actions,
    "regret": regret,
    "budget": budget,
    "delays": delays,
    "movers": movers,
    "proof": proof,
}
#: What the report of one incident tells of.
OF_INCIDENT: Final = ("incidents", "actions", "regret", "money", "proof")
