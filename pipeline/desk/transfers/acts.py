"""All acts of the pack's rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.desk.transfers import event_rules, events, learned, lists, outcomes

if TYPE_CHECKING:
    from pipeline.desk.perform import Act

ACTS: Final[tuple[Act, ...]] = (*event_rules.ACTS, *lists.ACTS, *outcomes.ACTS, *events.ACTS, *learned.ACTS)
