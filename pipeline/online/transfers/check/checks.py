"""A check before a transfer: judged and reserved in one step, recorded, answered; else the fallback answers.

All of it happens in one thread, and nothing waits between judging a check and reserving what it was asked
about. So two checks at the same time are answered as if one came after the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase
from pipeline.online.transfers.check.asked import (
    BUDGET,
    DATABASE,
    FALLBACK,
    FAULT,
    STANDBY,
    Asked,
    Verdict,
    answer_of,
    from_plain,
    hash_of,
    held_until_of,
)
from pipeline.online.transfers.check.records import Unrecorded
from pipeline.packs.transfers.schema import LONGEST_ID, is_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from pipeline.online.transfers.check.book import Book
    from pipeline.online.transfers.check.records import Outcome, Records

log = structlog.get_logger()

#: What is not answered by then the fallback answers, counted from the request's arrival.
BUDGET_S: Final = 0.05


class State(Protocol):
    """What is known of the events up to now."""

    def doubt_at(self, moment: datetime) -> str | None:
        """Why nothing can be said now of an event of that moment; None: it can."""
        ...

    @property
    def stale_ms(self) -> int:
        """How old the newest look at the events is."""
        ...

    @property
    def seen(self) -> str | None:
        """Which transactions it has read, as a snapshot of the database."""
        ...

    def judge(self, event: Mapping[str, Any], beside: Sequence[Mapping[str, Any]]) -> Verdict:
        """What the rules in force say of an event that has not happened, with others that have not either."""
        ...


class Conflict(UsageError):
    """The id was asked about with another content, or its event has happened."""


class KeyEnded(Exception):
    """The key may not check any more; nothing was recorded."""


class Unknown(UsageError):
    """Nobody has asked about that id."""


class Checks:
    """All checks of a process. `tell` is told of each answer and the seconds that it took."""

    def __init__(
        self,
        state: State,
        book: Book,
        records: Records,
        on_doubt: str,
        clock: Callable[[], datetime],
        *,
        tell: Callable[[Asked, float], None] = lambda *_: None,
        budget_s: float = BUDGET_S,
    ) -> None:
        self._state = state
        self._book = book
        self._records = records
        self._on_doubt = on_doubt
        self._clock = clock
        self._tell = tell
        self._budget_s = budget_s

    def now(self) -> datetime:
        """By the clock that reservations end by."""
        return self._clock()

    def remember(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """What earlier processes answered, and still hold."""
        for row in rows:
            if self._book.known(row["transfer_id"]) is None:
                self._book.add(_earlier(row))

    async def check(self, event: Mapping[str, Any], api_key_id: int, began_s: float) -> Mapping[str, Any]:
        """Answer a check. Raises Conflict, and KeyEnded where the key ended a moment ago.

        `began_s` is when it was asked, by the clock of the event loop.
        """
        content = hash_of(event)
        known = self._book.known(event["transfer_id"])
        if known is not None:
            try:
                return await _again(known, content)
            except KeyEnded:
                if known.api_key_id == api_key_id:
                    raise
                return await self.check(event, api_key_id, began_s)
        asked = Asked(event, content, api_key_id, self._clock())
        asked.settled = asyncio.get_running_loop().create_future()
        asked.settled.add_done_callback(_retrieved)
        doubt = self._judge(asked)
        self._book.add(asked)
        if doubt is None:
            try:
                async with asyncio.timeout_at(began_s + self._budget_s):
                    outcome = await self._records.put(asked)
            except TimeoutError:
                doubt = BUDGET
            except Unrecorded:
                doubt = DATABASE
            else:
                return self._recorded(asked, outcome, began_s)
        return self._fall_back(asked, doubt, began_s)

    async def release(self, transfer_id: str) -> Mapping[str, Any]:
        """What a check holds is free again. Raises Unknown, Unrecorded."""
        if not is_id(transfer_id):  # nobody can have asked about it, and the database takes no such text
            raise _nobody(transfer_id)
        known = self._book.known(transfer_id)
        if known is not None and known.settled is not None:
            await asyncio.wait([known.settled])
        if not self._records.leads:
            raise Unrecorded
        given = {"transfer_ids": [transfer_id], "now": self._clock(), "by": "asked"}
        await self._records.ask("release_checks", **given)
        self._book.release(transfer_id)
        rows = await self._records.ask("check_now", transfer_id=transfer_id)
        if not rows:
            raise _nobody(transfer_id)
        return {name: rows[0][name] for name in ("transfer_id", "released_at", "released_by")}

    def _judge(self, asked: Asked) -> str | None:
        """Judge it and say what it holds; gives the doubt that stands against it."""
        if not self._records.leads:
            return STANDBY
        beside = self._book.beside(asked.account_id, asked.checked_at)
        try:
            doubt = self._state.doubt_at(asked.event["occurred_at"])
            if doubt is not None:
                return doubt
            verdict = self._state.judge(asked.event, [one.event for one in beside])
        except Exception:
            log.exception("checks.fault")
            return FAULT
        asked.seen, asked.beside = self._state.seen, [one.transfer_id for one in beside]
        asked.held_until = held_until_of(verdict, asked.checked_at)
        asked.answer = answer_of(asked.transfer_id, verdict, self._state.stale_ms, asked.held_until)
        return None

    def _recorded(self, asked: Asked, outcome: Outcome, began_s: float) -> Mapping[str, Any]:
        if outcome.recorded:
            return self._settle(asked, began_s, recorded=True)
        self._book.forget(asked)
        error = _refusal(asked, outcome)
        if error is not None:
            if asked.settled is not None:
                asked.settled.set_exception(error)
            raise error
        asked.answer, asked.held_until = outcome.answer or {}, None
        if self._book.known(asked.transfer_id) is None:
            self._book.add(asked)
        return self._settle(asked, began_s, recorded=True)

    def _fall_back(self, asked: Asked, doubt: str, began_s: float) -> Mapping[str, Any]:
        """The rules' answer, if there will be one, comes too late: it holds nothing, and this one counts."""
        self._book.release(asked.transfer_id)
        asked.doubt, asked.decided_by, asked.held_until = doubt, FALLBACK, None
        verdict, stale_ms = Verdict(self._on_doubt, 0), self._state.stale_ms
        asked.answer = answer_of(asked.transfer_id, verdict, stale_ms, None, decided_by=FALLBACK)
        self._records.put_fallback(asked)
        return self._settle(asked, began_s, recorded=False)

    def _settle(self, asked: Asked, began_s: float, *, recorded: bool) -> Mapping[str, Any]:
        if asked.settled is not None:
            asked.settled.set_result(asked.answer)
        if recorded:
            asked.settled = None
        self._tell(asked, asyncio.get_running_loop().time() - began_s)
        return asked.answer


async def _again(known: Asked, content: str) -> Mapping[str, Any]:
    """The answer that was given, or will be."""
    if known.content_sha256 != content:
        raise _other_content(known.transfer_id)
    if known.settled is not None:
        return await asyncio.shield(known.settled)
    return known.answer


def _refusal(asked: Asked, outcome: Outcome) -> Conflict | KeyEnded | None:
    """Why a check that was not recorded has no answer; None: an earlier one has it."""
    if not outcome.usable:
        return KeyEnded()
    if outcome.answer is None:
        msg = phrase("{id} has happened already", id=asked.transfer_id)
        return Conflict(msg, "ask before the event is booked, with an id of its own for each")
    return None if outcome.content_sha256 == asked.content_sha256 else _other_content(asked.transfer_id)


def _nobody(transfer_id: str) -> Unknown:
    msg = phrase("nobody has asked about {id}", id=transfer_id[: LONGEST_ID + 1])
    return Unknown(msg, "give the id that the check was asked with")


def _other_content(transfer_id: str) -> Conflict:
    msg = phrase("{id} was asked about with another content", id=transfer_id)
    return Conflict(msg, "give each event an id of its own, and repeat a question as it was")


def _earlier(row: Mapping[str, Any]) -> Asked:
    held = row["held_until"] if row["held_until"] > row["checked_at"] else None
    return Asked(
        from_plain(row["event"]),
        row["content_sha256"],
        0,
        row["checked_at"],
        row["answer"],
        row["decided_by"],
        row["doubt"],
        held_until=held,
    )


def _retrieved(settled: asyncio.Future[Mapping[str, Any]]) -> None:
    """Nobody else may have waited for it: a refusal that only its own check saw is no lost error."""
    if not settled.cancelled():
        settled.exception()
