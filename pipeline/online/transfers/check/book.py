"""What checks have answered lately and what they hold, in memory; the database has all of them."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline.online.transfers.check.asked import Asked

#: So long an answer is remembered here.
KEPT: Final = timedelta(minutes=10)


class Book:
    """Checks by id, and by account those that hold something."""

    def __init__(self) -> None:
        self._known: dict[str, Asked] = {}  # oldest first
        self._held: dict[str, dict[str, Asked]] = {}
        self._accounts: dict[str, str] = {}  # of what is held: id -> account
        self._ends: deque[tuple[datetime, str, Asked]] = deque()

    @property
    def held(self) -> int:
        """How many checks hold something."""
        return len(self._accounts)

    def known(self, transfer_id: str) -> Asked | None:
        """The check of that id, if it is remembered."""
        return self._known.get(transfer_id)

    def beside(self, account_id: str, now: datetime) -> list[Asked]:
        """What the account's checks hold at this moment, oldest first."""
        found = self._held.get(account_id)
        if not found:
            return []
        return [one for one in found.values() if one.held_until is not None and one.held_until > now]

    def add(self, asked: Asked) -> None:
        """Remember a check, and what it holds."""
        self._known[asked.transfer_id] = asked
        if asked.held_until is None:
            return
        self._held.setdefault(asked.account_id, {})[asked.transfer_id] = asked
        self._accounts[asked.transfer_id] = asked.account_id
        self._ends.append((asked.held_until, asked.transfer_id, asked))

    def release(self, transfer_id: str) -> bool:
        """What the check holds is free again; did it hold anything?"""
        account = self._accounts.pop(transfer_id, None)
        if account is None:
            return False
        held = self._held[account]
        held.pop(transfer_id).held_until = None
        if not held:
            del self._held[account]
        return True

    def forget(self, asked: Asked) -> None:
        """As if it had not been asked."""
        if self._known.get(asked.transfer_id) is asked:
            self.release(asked.transfer_id)
            del self._known[asked.transfer_id]

    def booked(self, transfer_ids: Iterable[str]) -> list[str]:
        """Release what the events with these ids replace; gives those that did."""
        if not self._accounts:
            return []
        return [one for one in transfer_ids if one in self._accounts and self.release(one)]

    def sweep(self, now: datetime) -> None:
        """Let go what time has released, and forget old answers that are recorded."""
        while self._ends and self._ends[0][0] <= now:
            _, transfer_id, asked = self._ends.popleft()
            if self._known.get(transfer_id) is asked:
                self.release(transfer_id)
        before = now - KEPT
        old = []
        for transfer_id, asked in self._known.items():
            if asked.checked_at > before:
                break
            if asked.settled is None:
                old.append(transfer_id)
        for transfer_id in old:
            del self._known[transfer_id]
