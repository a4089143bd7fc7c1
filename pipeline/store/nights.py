"""What a pack measures of itself at night, and the incidents that it is held against."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

#: The policy whose incidents are held against what was measured.
_MEASURED_POLICY: Final = "budgeted"
_NIGHTS: Final = 7


class Nights(Database):
    """Measurements by business day; what is in them only the pack knows."""

    def record_night(self, day: date, result: Mapping[str, Any]) -> None:
        """Store what was measured of a business day, instead of what was there."""
        with self.committing() as connection:
            self.ask(connection, "record_night", day=day, result=json.dumps(result))

    def nights(self) -> Sequence[Mapping[str, Any]]:
        """`day` and `result` of the last nights, newest first."""
        return self.rows("nights", at_most=_NIGHTS)

    def opened_since(self, since: datetime) -> dict[str, int]:
        """How many incidents were opened under that policy, by rule."""
        rows = self.rows("opened_since", policy=_MEASURED_POLICY, since=since)
        return {row["rule"]: row["incidents"] for row in rows}
