"""What the operational database keeps of the search for late commits: fence, suspects, repairs, strays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.minute import TIME_END
from pipeline.source.asked import Fence, KnownFence
from pipeline.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A minute to read again: `cause` reconciliation differs for certain, late_commit is only suspected."""

    minute: datetime
    cause: str
    requested_at: datetime  # by the operational database's clock


@dataclass(frozen=True, slots=True)
class Strays:
    """Minutes with rows that nothing has counted."""

    reason: str  # past: over 48 hours late; future: ahead of the source's clock
    minutes: int
    first_minute: datetime
    last_minute: datetime


#: The fence of a pack's only database has no name.
_ONLY: Final = ""


class Search(Database):
    """How far the search has come, and what it and other checks have left to do."""

    def source_fence(self) -> KnownFence | None:
        """The fence of the newest deep search and what goes with it; None before the first read."""
        found = self.rows("fence_of_source", source=_ONLY)
        if not found:
            return None
        (row,) = found
        fence = Fence(row["xmin"], row["xmax"], row["clock"], row["started"])
        return KnownFence(fence, row["look_back"], row["open_since"])

    def record_fence(self, known: KnownFence) -> None:
        """Move the search for late commits on."""
        fence = known.fence
        given = {"xmin": fence.xmin, "xmax": fence.xmax, "clock": fence.clock, "started": fence.started}
        given |= {"look_back": known.look_back, "open_since": known.open_since}
        with self.committing() as connection:
            self.ask(connection, "record_fence", source=_ONLY, **given)

    def record_strays(self, strays: Mapping[str, Sequence[datetime]]) -> None:
        """Keep minutes, by reason, that hold rows which nothing counts."""
        if not any(strays.values()):
            return
        with self.committing() as connection:
            for reason, minutes in strays.items():
                self.ask(connection, "record_strays", minutes=list(minutes), reason=reason)

    def strays(self) -> dict[str, int]:
        """How many minutes hold rows that nothing has counted, by reason."""
        (row,) = self.rows("count_strays")
        return dict(row)

    def stray_spans(self) -> list[Strays]:
        """The same with the first and the last minute; nothing for a reason without any."""
        return [Strays(**row) for row in self.rows("stray_spans")]

    def request_repairs(self, minutes: Sequence[datetime], cause: str = "reconciliation") -> None:
        """Ask whoever leads to read these minutes again; any process may ask."""
        if minutes:
            with self.changing() as connection:
                self.ask(connection, "request_repairs", minutes=list(minutes), cause=cause)

    def repair_requests(self, since: datetime | None = None, limit: int = 240) -> list[Asked]:
        """Minutes to read again: those that differ for certain first, then suspects from `since` on.

        Each newest first: what people look at becomes right first, and little is judged again.
        """
        return [Asked(**row) for row in self.rows("repair_requests", since=since, limit=limit)]

    def repairs_waiting(self) -> bool:
        """Is there a minute that differs for certain and was not read again yet?"""
        return bool(self.repair_requests(since=TIME_END, limit=1))

    def old_suspects(self, before: datetime, limit: int = 60) -> list[Asked]:
        """The newest suspects before `before`, all of one hour."""
        return [Asked(**row) for row in self.rows("old_suspects", before=before, limit=limit)]

    def forget_repairs(self, done: Sequence[Asked]) -> None:
        """These minutes have been read again; one that was asked for again meanwhile stays."""
        if done:
            given = {"minutes": [a.minute for a in done], "asked_until": max(a.requested_at for a in done)}
            with self.committing() as connection:
                self.ask(connection, "forget_repairs", **given)
