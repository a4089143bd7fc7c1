"""The ways to people: Slack, and the console for an installation without it.

A channel sends one parcel, or finds out what an earlier attempt has left there. It keeps no state and
decides nothing about retries: that is pipeline/tell/deliver.py.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final, Protocol

from pipeline.figures import unescape
from pipeline.tell.render import (
    render_blocks,
    render_digest_blocks,
    render_digest_lines,
    render_digest_text,
    render_header,
    render_instead_blocks,
    render_instead_text,
    render_reply_blocks,
    render_text,
)
from pipeline.tell.slack import DeliveryError, PerhapsPosted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TextIO
    from zoneinfo import ZoneInfo

    from pipeline.tell.message import Message
    from pipeline.tell.outbox import Claimed, Thread
    from pipeline.tell.slack import Block, Posted, SlackClient

EVENT_TYPE: Final = "minuterisk_incident"
DIGEST_TYPE: Final = "minuterisk_digest"
BLOCKS_REFUSED: Final = ("invalid_blocks", "invalid_blocks_format")
#: Slack's clock and ours may differ by this much; the look begins so much earlier.
LOOK_BACK: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a channel gets: rows with their messages (several: a digest), and the thread they belong to."""

    rows: Sequence[Claimed]
    messages: Sequence[Message]
    thread: Thread | None
    repeat: bool
    instead_of: Sequence[str] = ()  # the channels that did not take it


def parcel_text(parcel: Parcel, language: str, zone: ZoneInfo) -> str:
    """What a parcel tells, on one line."""
    if len(parcel.messages) > 1:
        text = render_digest_text(parcel.messages, language, repeat=parcel.repeat)
    else:
        text = render_text(parcel.messages[0], language, zone, repeat=parcel.repeat)
    return render_instead_text(parcel.instead_of, language) + text


def parcel_lines(parcel: Parcel, language: str) -> list[str]:
    """The lines under the text of a digest."""
    return render_digest_lines(parcel.messages, language) if len(parcel.messages) > 1 else []


class Channel(Protocol):
    """A way to people. Both methods raise only DeliveryError."""

    name: str

    @property
    def gap(self) -> timedelta:
        """The time from one message to the next, at least."""
        ...

    def send(self, parcel: Parcel, turn: Callable[[], None]) -> str | None:
        """Tell people, calling `turn()` before each write; the channel's id of the message, if it has one."""

    def find(self, rows: Sequence[Claimed], thread: Thread | None) -> Mapping[int, str]:
        """The ids of messages that earlier attempts have left in the channel, by outbox_id."""


class Console:
    """Prints each message to a stream: the channel of an installation without Slack."""

    name = "console"
    gap = timedelta()

    def __init__(self, language: str, zone: ZoneInfo, stream: TextIO | None = None) -> None:
        self._language, self._zone = language, zone
        self._stream = stream or sys.stdout
        if isinstance(self._stream, TextIOWrapper):  # a terminal without Korean shows what it can
            self._stream.reconfigure(errors="backslashreplace")

    def send(self, parcel: Parcel, turn: Callable[[], None]) -> str | None:
        """Print the text, on a terminal under a coloured header; what was printed is not changed."""
        if parcel.messages[0].only_edits:
            return None
        turn()
        try:
            self._stream.write(unescape("\n".join(self._lines(parcel))) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            code = type(error).__name__
            raise PerhapsPosted(code) from error
        return None

    def find(self, rows: Sequence[Claimed], thread: Thread | None) -> Mapping[int, str]:  # noqa: ARG002
        """Nobody can look what a terminal has shown."""
        return {}

    def _lines(self, parcel: Parcel) -> list[str]:
        if len(parcel.messages) > 1:
            return [parcel_text(parcel, self._language, self._zone), *parcel_lines(parcel, self._language)]
        message = parcel.messages[0]
        text = parcel_text(parcel, self._language, self._zone)
        colour = "32" if message.is_over else {"critical": "31", "high": "33"}.get(message.severity, "36")
        header = f"\x1b[1;{colour}m{render_header(message, self._language)}\x1b[0m"
        return [header, text] if self._stream.isatty() else [text]


class Slack:
    """One message per incident: posted when it opens; what comes later edits it and answers in its thread."""

    gap = timedelta(seconds=1)  # Slack's own limit per channel

    def __init__(
        self,
        client: SlackClient,
        channel: str,
        *,
        installation: str,
        language: str,
        zone: ZoneInfo,
        dashboard_url: str,
        buttons: bool = False,
    ) -> None:
        self.name = channel
        self._buttons = buttons  # only where somebody listens to a press
        self._client = client
        self._installation = installation
        self._language, self._zone, self._dashboard_url = language, zone, dashboard_url

    def send(self, parcel: Parcel, turn: Callable[[], None]) -> str | None:
        """Post, or edit and answer. The edit comes first: it may be repeated, the answer needs a record."""
        if len(parcel.rows) > 1:
            return self._post_digest(parcel, turn)
        if parcel.messages[0].only_edits:
            return self._only_edit(parcel, parcel.thread, turn)
        if parcel.thread is None:
            return self._post(parcel, self._blocks(parcel), None, turn)
        if not self._edit(parcel, parcel.thread, turn):
            return self._post(parcel, self._blocks(parcel), None, turn)
        blocks = render_reply_blocks(parcel.messages[0], self._language, self._zone, repeat=parcel.repeat)
        return self._post(parcel, blocks, parcel.thread.message_ts, turn)

    def _only_edit(self, parcel: Parcel, thread: Thread | None, turn: Callable[[], None]) -> str | None:
        """Where there is no message any more, there is nothing to tell.

        The id is that of the edited message: what is older and sent late must not turn it back.
        """
        if thread is None or not self._edit(parcel, thread, turn):
            return None
        return thread.message_ts

    def find(self, rows: Sequence[Claimed], thread: Thread | None) -> Mapping[int, str]:
        """Look in the channel, and in the incident's thread, for the keys of `rows` and digests with them."""
        since = min(row.created_at for row in rows) - LOOK_BACK
        found = self._match(rows, self._client.messages(self.name, since))
        if thread is not None and len(found) < len(rows):
            found |= self._match(rows, self._client.messages(self.name, since, thread.message_ts))
        return found

    def _match(self, rows: Sequence[Claimed], posted: Iterable[Posted]) -> dict[int, str]:
        keys = {self._key(row): row.outbox_id for row in rows}
        found: dict[int, str] = {}
        for message in posted:
            if message.alert_key in keys:
                found[keys[message.alert_key]] = message.ts
            elif (
                message.event_type == DIGEST_TYPE
                and message.payload.get("installation") == self._installation
            ):
                told = [row for row in rows if _in_digest(row, message.payload)]
                found |= {row.outbox_id: message.ts for row in told}
            if len(found) == len(rows):
                break
        return found

    def _key(self, row: Claimed | Thread) -> str:
        return alert_key(self._installation, row)

    def _metadata(self, row: Claimed | Thread) -> dict[str, Any]:
        return {"event_type": EVENT_TYPE, "event_payload": {"alert_key": self._key(row)}}

    def _blocks(self, parcel: Parcel, picture: str | None = None) -> list[Block]:
        blocks = render_blocks(
            parcel.messages[0],
            self._language,
            self._zone,
            self._dashboard_url,
            repeat=parcel.repeat,
            picture=picture,
            buttons_of=self._installation if self._buttons else None,
        )
        return [*render_instead_blocks(parcel.instead_of, self._language), *blocks]

    def _post(
        self, parcel: Parcel, blocks: list[Block], thread_ts: str | None, turn: Callable[[], None]
    ) -> str:
        text = parcel_text(parcel, self._language, self._zone)
        turn()
        metadata, broadcast = self._metadata(parcel.rows[0]), parcel.messages[0].visible
        return self._client.post(self.name, text, blocks, metadata, thread_ts, broadcast=broadcast)

    def _post_digest(self, parcel: Parcel, turn: Callable[[], None]) -> str:
        incidents = write_ranges(row.incident_id for row in parcel.rows)
        payload = {
            "alert_key": f"{self._key(parcel.rows[0])}-digest",
            "installation": self._installation,
            "event": parcel.rows[0].event,
            "minute": _key_minute(parcel.rows[0]),
            "incidents": incidents,
        }
        text = parcel_text(parcel, self._language, self._zone)
        blocks = render_digest_blocks(
            parcel.messages, self._language, self._dashboard_url, repeat=parcel.repeat
        )
        blocks = [*render_instead_blocks(parcel.instead_of, self._language), *blocks]
        turn()
        return self._client.post(
            self.name, text, blocks, {"event_type": DIGEST_TYPE, "event_payload": payload}
        )

    def _edit(self, parcel: Parcel, thread: Thread, turn: Callable[[], None]) -> bool:
        """Bring the incident's message up to date; False if it is gone and a new one must take its place."""
        if thread.shared or thread.newest_outbox_id > parcel.rows[0].outbox_id:
            return True  # a digest tells of others too; an old row sent late must not turn the message back
        try:
            self._update(parcel, thread, turn)
        except Refused as error:
            if error.code in ("message_not_found", "thread_not_found"):
                return False
            if error.code not in ("cant_update_message", "edit_window_closed", "update_failed"):
                raise
        except PerhapsPosted as error:
            raise Unchanged(error.code) from None
        return True

    def _update(self, parcel: Parcel, thread: Thread, turn: Callable[[], None]) -> None:
        """Edit with the picture; one that Slack does not take any more, or not yet, is left out."""
        try:
            self._show(parcel, thread, turn, thread.picture)
        except Refused as error:
            if thread.picture is None or error.code not in BLOCKS_REFUSED:
                raise
            self._show(parcel, thread, turn, None)

    def _show(self, parcel: Parcel, thread: Thread, turn: Callable[[], None], picture: str | None) -> None:
        instead_of = (thread.instead_of,) if thread.instead_of else ()
        as_posted = replace(parcel, repeat=thread.repeat, instead_of=instead_of)
        text, blocks = parcel_text(as_posted, self._language, self._zone), self._blocks(as_posted, picture)
        turn()
        self._client.update(self.name, thread.message_ts, text, blocks, self._metadata(thread))

    def show_picture(self, message: Message, thread: Thread) -> None:
        """Edit the incident's message, as it stands, so that it shows the thread's picture."""
        parcel = Parcel((), (message,), thread, thread.repeat)
        self._show(parcel, thread, lambda: None, thread.picture)


class Unchanged(DeliveryError):
    """Only an edit failed, which may be repeated without harm: nothing was told that could be told twice."""


class NotLooked(DeliveryError):
    """Only the look for an earlier attempt failed: nothing was sent, and what is known stays as it was."""


class LeaseShort(DeliveryError):
    """The sender was held up so long that another may take over before the call would end."""


def alert_key(installation: str, row: Claimed | Thread) -> str:
    """The name of what is told, the same for every attempt to tell it."""
    key = f"{installation}-{row.incident_id}-{row.event}-{_key_minute(row)}"
    return f"{key}-{row.number}" if row.number else key


def _key_minute(row: Claimed | Thread) -> str:
    return f"{row.minute.astimezone(UTC):%Y%m%dT%H%M}"


def _in_digest(row: Claimed, payload: Mapping[str, Any]) -> bool:
    """Does the digest with this payload tell of the row? One opens once, but may be silenced often."""
    event = payload.get("event", "opened")
    if row.event != event or (event != "opened" and payload.get("minute") != _key_minute(row)):
        return False
    return any(row.incident_id in numbers for numbers in read_ranges(str(payload.get("incidents", ""))))


def write_ranges(numbers: Iterable[int]) -> str:
    """Numbers as text, neighbours drawn together: 1-3,7."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number <= ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)


def read_ranges(text: str) -> list[range]:
    """The inverse of `write_ranges`; what is not a range is passed over."""
    pairs = (part.partition("-") for part in text.split(","))
    return [
        range(int(low), int(high or low) + 1)
        for low, _, high in pairs
        if low.isdecimal() and (high or low).isdecimal()
    ]
