"""Send what is in the outbox, one unit of work per call: nothing lost, nothing told twice unmarked.

    claim (committed) ──> ambiguous? look in the channel, twice ──> found: record it
                               └─ no, or not found ──> send ──> record it
                                                        └─ failed ──> later, or set aside

No database transaction is open while a message is on its way. A message whose earlier attempt may have
arrived but cannot be found is sent again, marked "possible repeat": better told twice than not at all.

All of this is about one channel: each has its own storms and digests (senders.py) and pace (pace.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import structlog

from pipeline.minute import MINUTE
from pipeline.tell import outbox
from pipeline.tell.channels import LeaseShort, NotLooked, Parcel, write_ranges
from pipeline.tell.message import Message, MessageMalformed, read_message
from pipeline.tell.render import render_text
from pipeline.tell.routes import DEFAULT
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from pipeline.pack import Pack
    from pipeline.tell.channels import Channel
    from pipeline.tell.outbox import Claimed, Thread
    from pipeline.tell.pace import Pace

log = structlog.get_logger("minuterisk.deliver")

#: The incidents of a digest are written into its metadata as ranges; Slack limits its size.
DIGEST_KEY_LENGTH: Final = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every number of the delivery, with its reason."""

    lease: timedelta = timedelta(seconds=30)  # longer than the calls of one attempt, 10 s each
    call: timedelta = timedelta(seconds=10)  # what must be left of the lease when a call begins
    margin: timedelta = timedelta(seconds=5)  # Slack may show a message a little later than it took it
    look_gap: timedelta = timedelta(seconds=2)  # between the two looks
    look_patience: timedelta = timedelta(minutes=10)  # older than this, a message does not wait for a look
    back_off_most_s: int = 300
    tries: int = 20
    age: timedelta = timedelta(hours=24)
    overdue: timedelta = timedelta(minutes=10)  # a second channel does not wait longer for the first
    storm: int = 20  # more opened in a minute than this are told together


LIMITS: Final = Limits()
UTC_ZONE: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after its minute had closed people were told that an incident opened; seconds."""

    tier: str
    minute: datetime
    committed_s: float
    delivered_s: float


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one call of `deliver_one` did.

    `outcome` is sent (told now), found (an earlier attempt had arrived), digest (told together with others),
    retry (given back), dead (set aside) or lost (another sender holds the row now). `sent` counts the rows
    that are recorded as told after this call; `delay_s` is the longest time one of these waited; `opened`
    tells of each that opened an incident.
    """

    outcome: str
    outbox_ids: tuple[int, ...]
    sent: int = 0
    message_ts: str | None = None
    repeat: bool = False
    delay_s: float | None = None
    error: str | None = None
    opened: tuple[Delay, ...] = ()


def deliver_one(
    engine: Engine,
    pack: Pack[Any, Any],
    channel: Channel,
    pace: Pace,
    limits: Limits = LIMITS,
    destinations: Sequence[str] = (DEFAULT,),
) -> Delivered | None:
    """Do one unit of a channel's delivery and say what was done; None if there is nothing to do, or a pause.

    `destinations` are the names by which routes know the channel. Where others use it too, the caller has it
    alone (`pace.alone`): waiting for them in here would use up the lease.
    """
    if pace.paused():
        return None
    held = {"lease": limits.lease, "margin": limits.margin}
    claimed = outbox.claim(
        engine, pack.name, pace.now(), storm=limits.storm, destinations=destinations, **held
    )
    if not claimed:
        return None
    unit = _Unit(engine, pack, channel, pace, limits)
    rows = unit.within_one_digest(claimed)
    try:
        return unit.deliver(rows)
    except DeliveryError as error:
        return unit.failed(rows, error)
    except Exception as error:
        # A fault of ours: set the row back so that it cannot stop the others, then say so.
        unit.failed(rows, PerhapsPosted(type(error).__name__))
        raise


@dataclass(slots=True)
class _Unit:
    """The steps of one `deliver_one`, with what they share."""

    engine: Engine
    pack: Pack[Any, Any]
    channel: Channel
    pace: Pace
    limits: Limits

    def deliver(self, rows: Sequence[Claimed]) -> Delivered:
        """Record what had arrived already, send the rest, record it."""
        messages, bad = _read(rows, self.pack)
        for row, error in bad:  # no other channel could put it into words
            self.dead([row], error.what, error.hint, and_second=False)
        good = [row for row in rows if row.outbox_id in messages]
        if not good:
            return Delivered("dead", tuple(row.outbox_id for row in rows), error=bad[0][1].what)
        thread = (
            outbox.find_thread(self.engine, good[0].incident_id, self.channel.name)
            if len(good) == 1
            else None
        )
        found = self.look([row for row in good if row.ambiguous], thread)
        rest = [row for row in good if row.outbox_id not in found]
        recorded = sum(
            self.record([row], found[row.outbox_id], repeat=False) for row in good if row.outbox_id in found
        )
        if not rest:
            return self.told("found", good, recorded, next(iter(found.values())), repeat=False)
        repeat = any(row.ambiguous for row in rest)
        instead_of = tuple(sorted({row.instead_of for row in rest if row.instead_of}))
        parcel = Parcel(rest, [messages[row.outbox_id] for row in rest], thread, repeat, instead_of)
        try:
            message_ts = self.channel.send(parcel, lambda: self.turn(rest))
        finally:
            self.pace.used()
        self.pace.channel_answers()
        recorded += self.record(rest, message_ts, repeat=repeat)
        return self.told("digest" if len(rest) > 1 else "sent", good, recorded, message_ts, repeat=repeat)

    def within_one_digest(self, rows: Sequence[Claimed]) -> Sequence[Claimed]:
        """As many of the rows as one digest can name in its metadata; the others are given back untried."""
        size = len(rows)
        while len(write_ranges(row.incident_id for row in rows[:size])) > DIGEST_KEY_LENGTH:
            size //= 2
        waits = "waits for the next digest"
        outbox.retry_later(
            self.engine, rows[size:], self.pace.now(), error=waits, ambiguous=False, counted=False
        )
        return rows[:size]

    def look(self, rows: Sequence[Claimed], thread: Thread | None) -> dict[int, str]:
        """Which of these have reached people after all? Looks twice, because a channel may show them late."""
        found: dict[int, str] = {}
        for again in (False, True):
            missing = [row for row in rows if row.outbox_id not in found]
            if not missing:
                break
            if again:
                self.pace.sleep(self.limits.look_gap.total_seconds())
            try:
                found |= self.channel.find(missing, thread)
            except (Refused, PerhapsPosted) as error:
                self.give_up_looking(missing, error)
                break
        return found

    def give_up_looking(self, rows: Sequence[Claimed], error: DeliveryError) -> None:
        """Without the right to look, or after long patience: rather a marked repeat than silence."""
        age = self.pace.now() - min(row.created_at for row in rows)
        if not isinstance(error, Refused) and age < self.limits.look_patience:
            raise NotLooked(error.code)
        log.warning(
            "cannot_look", channel=self.channel.name, error=error.code, hint=error.hint, **_names(rows)
        )

    def turn(self, rows: Sequence[Claimed]) -> None:
        """Wait for the channel's next turn; refuse to begin a call that could outlive the lease."""
        self.pace.wait_turn(self.channel.gap)
        if rows[0].leased_until - self.pace.now() < self.limits.call:
            code = "held up until the lease was nearly over"
            raise LeaseShort(code)

    def record(self, rows: Sequence[Claimed], message_ts: str | None, *, repeat: bool) -> int:
        """Write down that people have been told; how many rows were still ours to record."""
        now = self.pace.now()
        ids = outbox.mark_sent(
            self.engine, rows, now, channel=self.channel.name, message_ts=message_ts, repeat=repeat
        )
        return len(ids)

    def told(
        self, outcome: str, rows: Sequence[Claimed], recorded: int, message_ts: str | None, *, repeat: bool
    ) -> Delivered:
        """Log the success after it was recorded."""
        delay_s = max((self.pace.now() - min(row.created_at for row in rows)).total_seconds(), 0.0)
        outcome = outcome if recorded else "lost"
        ids = tuple(row.outbox_id for row in rows)
        say = log.info if recorded == len(rows) else log.warning
        say(
            "message_" + outcome,
            channel=self.channel.name,
            repeat=repeat,
            recorded=recorded,
            delay_s=round(delay_s, 3),
            **_names(rows),
        )
        opened = tuple(self.delays(rows)) if recorded else ()
        return Delivered(outcome, ids, recorded, message_ts, repeat, delay_s, opened=opened)

    def delays(self, rows: Sequence[Claimed]) -> Iterator[Delay]:
        """Of the rows that tell of an incident that opened, or opened again."""
        now = self.pace.now()
        for row in rows:
            if row.event in ("opened", "reopened") and isinstance(row.message, dict):
                closed = row.minute + MINUTE
                committed_s, delivered_s = (
                    max((at - closed).total_seconds(), 0.0) for at in (row.created_at, now)
                )
                yield Delay(str(row.message["tier"]), row.minute, committed_s, delivered_s)

    def failed(self, rows: Sequence[Claimed], error: DeliveryError) -> Delivered:
        """Decide between later and never, and write it down."""
        ids = tuple(row.outbox_id for row in rows)
        if isinstance(error, Refused):
            return self.dead(rows, error.code, error.hint)
        # What the channel certainly did not take is a failure of the channel, not a try of the message.
        counted = not isinstance(error, NotPosted | NotLooked)
        spent = [row for row in rows if self.is_spent(row, counted=counted)]
        if spent:
            hint = "see the channel's errors, then `minuterisk outbox requeue`"
            self.dead(spent, f"given up: {error.code}", hint, ambiguous=isinstance(error, PerhapsPosted))
        rest = [row for row in rows if row not in spent]
        if rest:
            self.later(rest, error, counted=counted)
        return Delivered("retry" if rest else "dead", ids, error=error.code)

    def is_spent(self, row: Claimed, *, counted: bool) -> bool:
        """Has this row been tried often or long enough?"""
        too_old = self.pace.now() - row.created_at >= self.limits.age
        return too_old or (counted and row.attempts >= self.limits.tries)

    def later(self, rows: Sequence[Claimed], error: DeliveryError, *, counted: bool) -> None:
        """Give rows back: when the channel may be used again, or not before a look makes sense."""
        now, most_s = self.pace.now(), self.limits.back_off_most_s
        perhaps = isinstance(error, PerhapsPosted)
        if isinstance(error, NotPosted):
            at = now + self.pace.channel_away(error.retry_after, most_s)
        else:
            at = now + self.pace.back_off(max(row.attempts for row in rows), most_s)
        if perhaps or isinstance(error, NotLooked):
            at = max(at, rows[0].leased_until + self.limits.margin)
        outbox.retry_later(self.engine, rows, at, error=error.code, ambiguous=perhaps, counted=counted)
        log.warning("message_later", error=error.code, at=at.isoformat(), perhaps=perhaps, **_names(rows))

    def dead(
        self,
        rows: Sequence[Claimed],
        error: str,
        hint: str,
        *,
        ambiguous: bool = False,
        and_second: bool = True,
    ) -> Delivered:
        """Set the rows aside for a person and raise the operator's alarm; second channels are told."""
        outbox.mark_dead(self.engine, rows, error=error, ambiguous=ambiguous, and_second=and_second)
        second = sorted({row.second for row in rows if row.second}) if and_second else []
        said = {"channel": self.channel.name, "error": error, "hint": hint, "second": second}
        log.error("message_dead", alarm=True, **said, **_names(rows))
        return Delivered("dead", tuple(row.outbox_id for row in rows), error=error)


def _read(
    rows: Sequence[Claimed], pack: Pack[Any, Any]
) -> tuple[dict[int, Message], list[tuple[Claimed, MessageMalformed]]]:
    """The messages by outbox_id, and the rows that hold none."""
    messages: dict[int, Message] = {}
    bad: list[tuple[Claimed, MessageMalformed]] = []
    for row in rows:
        try:
            message = read_message(row.message, row.incident_id, pack)
            render_text(
                message, "en", UTC_ZONE
            )  # one that nobody can put into words must not hold up the others
        except MessageMalformed as error:
            bad.append((row, error))
        except Exception as error:  # noqa: BLE001 - whatever is in the row, it is the row that is set aside
            what = f"the message cannot be put into words: {type(error).__name__}"
            bad.append((row, MessageMalformed(what, "correct the row, then `minuterisk outbox requeue`")))
        else:
            messages[row.outbox_id] = message
    return messages, bad


def _names(rows: Sequence[Claimed]) -> dict[str, Any]:
    """What a log line says about rows: ids and counts, nothing about anybody."""
    if len(rows) > 1:
        return {"rows": len(rows), "outbox_ids": write_ranges(row.outbox_id for row in rows)}
    row = rows[0]
    return {
        "outbox_id": row.outbox_id,
        "incident_id": row.incident_id,
        "notice": row.event,
        "attempts": row.attempts,
    }
