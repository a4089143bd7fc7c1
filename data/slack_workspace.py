"""What a workspace of the stand-in holds: channels, messages, people, files, home tabs; and Slack's rules.

Knows nothing of HTTP or sockets.
"""

from __future__ import annotations

import json
import time
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn

from data.slack_blocks import block_problem, images_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]

TEAM: Final = "T0STANDIN"
APP: Final = "A0STANDIN"
BOT: Final = "U0MINUTERISK"
PNG: Final = b"\x89PNG\r\n\x1a\n"
ANSWERS: Final = 5  # of one response_url, within `ANSWER_S`
ANSWER_S: Final = 1_800.0


class SlackError(Exception):
    """An answer `ok: false` of the real API."""

    def __init__(self, code: str, retry_after: str | None, place: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.place = place  # of the block that was refused


def _refuse(code: str, *, retry_after: str | None = None, place: str | None = None) -> NoReturn:
    raise SlackError(code, retry_after, place)


@dataclass(slots=True)
class Person:
    """Somebody of the workspace, or of another one whom a shared channel lets in."""

    name: str
    email: str | None = None
    team: str = TEAM
    real_name: str = ""
    email_confirmed: bool = True


#: The addresses of a demo's accounts, which are called like their roles.
DOMAIN: Final = "demo.example"
#: Who is there where nobody says otherwise.
PEOPLE: Final = {
    "U0OPS": Person("ops", f"ops_agent@{DOMAIN}", real_name="한운영"),
    "U0ANALYST": Person("analyst", f"risk_analyst@{DOMAIN}", real_name="이분석"),
    "U0READER": Person("reader", f"read_only@{DOMAIN}", real_name="박열람"),
    "U0NOBODY": Person("nobody", "nobody@elsewhere.example", real_name="미등록"),
    "U0GUEST": Person("guest", "guest@partner.example", team="T0PARTNER", real_name="외부인"),
}


@dataclass(slots=True)
class _Stored:
    channel: str
    message: Json
    posted_at_s: float
    thread_ts: str | None
    broadcast: bool = False  # a reply that the channel shows as well


@dataclass(slots=True)
class File:
    """An upload, in its three steps: a place was asked for, bytes came, it was completed."""

    name: str
    length: int
    content: bytes | None = None
    completed_at_s: float | None = None
    title: str = ""


@dataclass(slots=True)
class Answer:
    """What the app told one person alone, through a response_url or with its acknowledgement."""

    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None  # the message whose button was pressed


@dataclass(slots=True)
class _Hook:
    """A response_url: whom it answers, and how often it may still."""

    user: str
    channel: str
    message_ts: str | None
    made_at_s: float
    left: int = ANSWERS


@dataclass(slots=True, kw_only=True)
class Workspace:
    """Channels, messages and the rest, under Slack's rules."""

    token: str | None = None
    app_token: str | None = None  # None: any that begins with xapp-
    channels: frozenset[str] | None = None  # None: every channel exists
    archived: frozenset[str] = frozenset()
    people: dict[str, Person] = field(default_factory=lambda: deepcopy(PEOPLE))
    shows_email: bool = True  # does the token have users:read.email?
    history_lag_s: float = 0.0
    file_lag_s: float = 0.0  # an upload may be named in a block only so long after it was completed
    messages_per_second: float | None = None
    clock_s: Callable[[], float] = time.monotonic
    stored: list[_Stored] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    homes: dict[str, Json] = field(default_factory=dict)  # by user
    answers: list[Answer] = field(default_factory=list)
    base_url: str = ""
    _hooks: dict[str, _Hook] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _last_ts: int = 0
    _last_post_s: dict[str, float] = field(default_factory=dict)

    def call(self, method: str, token: str, given: Json) -> Json:
        """One API method; raises SlackError where the real one answers `ok: false`."""
        methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._who,
            "chat.postMessage": self.post,
            "chat.update": self.update,
            "conversations.info": self.info,
            "conversations.history": self.history,
            "conversations.replies": self.replies,
            "users.info": self._person,
            "views.publish": self._publish,
            "files.getUploadURLExternal": self._begin_upload,
            "files.completeUploadExternal": self._complete_upload,
        }
        if method not in methods:
            _refuse("unknown_method")
        if not token:
            _refuse("not_authed")
        if self.token is not None and token != self.token:
            _refuse("invalid_auth")
        return methods[method](given)

    def require_app(self, token: str) -> None:
        """Only the app's own token opens sockets."""
        if not token:
            _refuse("not_authed")
        if not token.startswith("xapp-"):
            _refuse("not_allowed_token_type")
        if self.app_token is not None and token != self.app_token:
            _refuse("invalid_auth")

    # Messages

    def post(self, given: Json) -> Json:
        """chat.postMessage."""
        channel = self._channel(given, writing=True)
        content = self._content(given)
        thread_ts = given.get("thread_ts")
        if thread_ts is not None:
            self.get(channel, thread_ts, "thread_not_found")
        self._limit_rate(channel)
        ts = self.timestamp()
        message: Json = {"type": "message", "user": BOT, "bot_id": "B0STANDIN", "ts": ts, **content}
        broadcast = thread_ts is not None and str(given.get("reply_broadcast", "")).lower() in ("1", "true")
        if thread_ts is not None:
            message["thread_ts"] = thread_ts
        if broadcast:
            message["subtype"] = "thread_broadcast"
        self.stored.append(_Stored(channel, message, self.clock_s(), thread_ts, broadcast))
        return {"channel": channel, "ts": ts, "message": deepcopy(message)}

    def timestamp(self) -> str:
        """A moment as Slack writes it. It counts microseconds; two messages never share one in a channel."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1_000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def update(self, given: Json) -> Json:
        """chat.update; what is not given again (metadata) stays."""
        channel = self._channel(given, writing=True)
        stored = self.get(channel, str(given.get("ts", "")), "message_not_found")
        stored.message |= {"edited": {"user": "B0STANDIN"}, **self._content(given)}
        return {"channel": channel, "ts": stored.message["ts"], "text": stored.message.get("text", "")}

    def info(self, given: Json) -> Json:
        """conversations.info: the app is in every channel."""
        channel = self._channel(given)
        return {"channel": {"id": channel, "is_archived": channel in self.archived, "is_member": True}}

    def history(self, given: Json) -> Json:
        """conversations.history: newest first; of thread replies only those that were broadcast."""
        channel = self._channel(given)
        shown = [s for s in self._visible() if s.channel == channel and (s.thread_ts is None or s.broadcast)]
        return _page([s.message for s in reversed(shown)], given)

    def replies(self, given: Json) -> Json:
        """conversations.replies: the parent, then its replies, oldest first."""
        channel = self._channel(given)
        ts = str(given.get("ts", ""))
        self.get(channel, ts, "thread_not_found")
        thread = [
            s.message
            for s in self._visible()
            if s.channel == channel and ts in (s.message["ts"], s.thread_ts)
        ]
        return _page(thread, given)

    def get(self, channel: str, ts: str, missing: str) -> _Stored:
        """A message of a channel; the error `missing` where there is none."""
        found = next((s for s in self.stored if s.channel == channel and s.message["ts"] == ts), None)
        if found is None:
            _refuse(missing)
        return found

    def _visible(self) -> list[_Stored]:
        return [s for s in self.stored if self.clock_s() - s.posted_at_s >= self.history_lag_s]

    def _channel(self, given: Json, *, writing: bool = False) -> str:
        channel = str(given.get("channel", ""))
        if not channel or (self.channels is not None and channel not in self.channels | self.archived):
            _refuse("channel_not_found")
        if writing and channel in self.archived:
            _refuse("is_archived")
        return channel

    def _limit_rate(self, channel: str) -> None:
        if self.messages_per_second is None:
            return
        now, last = self.clock_s(), self._last_post_s.get(channel)
        if last is not None and now - last < 1 / self.messages_per_second:
            _refuse("ratelimited", retry_after="1")
        self._last_post_s[channel] = now

    def _content(self, given: Json) -> Json:
        text, blocks, metadata = given.get("text", ""), given.get("blocks"), given.get("metadata")
        if not text and not blocks:
            _refuse("no_text")
        if len(text) > 40_000:  # noqa: PLR2004 - Slack's number
            _refuse("msg_too_long")
        if blocks is not None:
            self._require_blocks(blocks)
        content: Json = {"text": text} | ({"blocks": blocks} if blocks else {})
        if metadata is not None:
            if not _is_metadata(metadata):
                _refuse("invalid_metadata_format")
            if len(json.dumps(metadata)) > 8_000:  # noqa: PLR2004 - a guess on the low side, Slack names no number
                _refuse("metadata_too_large")
            content["metadata"] = metadata
        return content

    def _require_blocks(self, blocks: object) -> None:
        problem = block_problem(blocks)
        if problem is None and isinstance(blocks, list):
            now = self.clock_s()
            unready = [name for name in images_of(blocks) if not self._is_ready(name, now)]
            problem = f"invalid slack file {unready[0]}" if unready else None
        if problem:
            _refuse("invalid_blocks", place=problem)

    # People

    def _who(self, _: Json) -> Json:
        return {
            "team": "Stand-in",
            "team_id": TEAM,
            "user": "minuterisk",
            "user_id": BOT,
            "bot_id": "B0STANDIN",
        }

    def _person(self, given: Json) -> Json:
        """users.info."""
        user = str(given.get("user", ""))
        person = self.people.get(user)
        if person is None:
            _refuse("user_not_found")
        profile: Json = {"real_name": person.real_name or person.name}
        if self.shows_email and person.email is not None:
            profile["email"] = person.email
        content = {"id": user, "team_id": person.team, "name": person.name, "profile": profile}
        return {"user": content | {"is_email_confirmed": person.email_confirmed, "deleted": False}}

    def _publish(self, given: Json) -> Json:
        """views.publish: the home tab of one person."""
        user, view = str(given.get("user_id", "")), given.get("view")
        if user not in self.people:
            _refuse("user_not_found")
        if isinstance(view, str):  # form-encoded, as the SDK may send it
            view = json.loads(view)
        if not isinstance(view, dict) or view.get("type") != "home":
            _refuse("invalid_arguments")
        if problem := block_problem(view.get("blocks"), at_most=100):
            _refuse("invalid_arguments", place=problem)
        self.homes[user] = deepcopy(view)
        return {"view": {"id": f"V{next(self._numbers)}", "type": "home"}}

    # Files

    def _begin_upload(self, given: Json) -> Json:
        """files.getUploadURLExternal: where the bytes may go."""
        name, length = str(given.get("filename", "")), int(given.get("length") or 0)
        if not name or length < 1:
            _refuse("invalid_arguments")
        number = f"F{next(self._numbers):08d}"
        self.files[number] = File(name, length)
        return {"upload_url": f"{self.base_url}upload/{number}", "file_id": number}

    def upload(self, number: str, content: bytes) -> bool:
        """The bytes of a file; False where nobody asked for a place, or so many were not announced."""
        file = self.files.get(number)
        if file is None or file.length != len(content):
            return False
        file.content = content
        return True

    def _complete_upload(self, given: Json) -> Json:
        """files.completeUploadExternal."""
        wanted = given.get("files")
        if isinstance(wanted, str):  # form-encoded, as the SDK sends it
            wanted = json.loads(wanted)
        numbers = [str(entry.get("id")) for entry in wanted or []]
        if not numbers:
            _refuse("invalid_arguments")
        for number in numbers:
            file = self.files.get(number)
            if file is None or file.content is None:
                _refuse("file_not_found")
            file.completed_at_s = self.clock_s()
        return {"files": [{"id": number, "title": self.files[number].name} for number in numbers]}

    def _is_ready(self, number: str, now_s: float) -> bool:
        file = self.files.get(number)
        if file is None or file.completed_at_s is None or not (file.content or b"").startswith(PNG):
            return False
        return now_s - file.completed_at_s >= self.file_lag_s

    # Answers to one person

    def hook(self, user: str, channel: str, message_ts: str | None) -> str:
        """A response_url for whoever pressed a button or gave a command."""
        number = f"{next(self._numbers):08d}"
        self._hooks[number] = _Hook(user, channel, message_ts, self.clock_s())
        return f"{self.base_url}response/{number}"

    def respond(self, number: str, given: Json) -> str:
        """What comes to a response_url; the error's code, or nothing."""
        hook = self._hooks.get(number)
        if hook is None or self.clock_s() - hook.made_at_s > ANSWER_S:
            return "expired_url"
        if hook.left < 1:
            return "used_url"
        if given.get("blocks") and (problem := block_problem(given["blocks"])):
            return f"invalid_blocks {problem}"
        hook.left -= 1
        if given.get("response_type") == "in_channel":
            self.post({"channel": hook.channel, "text": given.get("text", ""), "blocks": given.get("blocks")})
        else:
            self.tell(hook.user, given, hook.message_ts)
        return ""

    def tell(self, user: str, given: Json, message_ts: str | None = None) -> None:
        """Show something to one person alone."""
        self.answers.append(
            Answer(user, str(given.get("text", "")), list(given.get("blocks") or []), message_ts)
        )


def _page(messages: list[Json], given: Json) -> Json:
    oldest = float(given.get("oldest") or 0)
    start, size = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), 999)
    found = [m for m in messages if float(m["ts"]) >= oldest]
    page = found[start : start + size]
    if str(given.get("include_all_metadata", "")).lower() not in ("1", "true"):
        page = [{k: v for k, v in m.items() if k != "metadata"} for m in page]
    following = str(start + size) if start + size < len(found) else ""
    return {
        "messages": deepcopy(page),
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def _is_metadata(metadata: object) -> bool:
    return (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
