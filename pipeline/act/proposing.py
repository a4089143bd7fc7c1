"""What minuterisk itself proposes about an incident, by its pack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from baselines.rules import Tuned
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.judge.life import Incident
    from pipeline.money import Proposal
    from pipeline.pack import Pack

#: The ornament: an incident goes out although nothing can be proposed.
NAME = "proposals"


class Proposer:
    """Asks the pack; whatever it raises, the incident goes out without a proposal."""

    def __init__(
        self,
        pack: Pack[Any, Any],
        zone: ZoneInfo,
        tuned_at: Callable[[datetime], Tuned],
        ornaments: Ornaments,
    ) -> None:
        self._pack, self._zone = pack, zone
        self._tuned_at, self._ornaments = tuned_at, ornaments

    def __call__(self, incident: Incident, minute: datetime) -> Proposal | None:
        """What to do about it at the end of `minute`; None: nothing."""
        exposures = self._pack.exposures
        if exposures is None or not exposures.actions:
            return None
        try:
            given = (incident.rule, incident.reason, incident.at_risk, minute, self._zone)
            found = exposures.propose(*given, self._tuned_at(minute))
        except Exception as error:  # noqa: BLE001 - whatever it is, the incident goes out
            self._ornaments.raised(NAME, error)
            return None
        self._ornaments.works(NAME)
        if found is None or found.kind not in exposures.actions:
            return None
        return found if found.until is None or found.until > minute else None  # else it helps no more
