"""A thin client of the few Slack methods we use. Here, and only here, a failure becomes one of three types.

    DeliveryError
    ├── NotPosted       Slack certainly did not take it (rate limit, connection refused): send it later
    ├── PerhapsPosted   nobody can say (timeout, reset, cut answer, 5xx): look before sending it again
    └── Refused         Slack will never take it (channel gone, token revoked): a person must act

What is not known is PerhapsPosted: a needless look is cheap, a message posted twice is not. The SDK's own
retries are switched off because they post twice when a connection closes after posting.
"""

from __future__ import annotations

import logging
import math
import re
import socket
import ssl
import urllib.error
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from pipeline.errors import MinuteriskError, PassingError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from slack_sdk.web import SlackResponse

Block = dict[str, Any]
Metadata = dict[str, Any]

RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
#: Slack's answers that repeating the call cannot change.
PERMANENT: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "as_user_not_supported",
        "cannot_reply_to_message",
        "cant_update_message",
        "channel_is_limited_access",
        "channel_not_found",
        "channel_type_not_supported",
        "deprecated_endpoint",
        "edit_window_closed",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_auth",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_form_data",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "messages_tab_disabled",
        "metadata_must_be_sent_from_app",
        "metadata_too_large",
        "method_deprecated",
        "method_not_supported_for_channel_type",
        "missing_post_type",
        "missing_scope",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_permission",
        "no_text",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "team_access_not_granted",
        "team_not_found",
        "thread_not_found",
        "token_expired",
        "token_revoked",
        "too_many_attachments",
        "two_factor_setup_required",
        "update_failed",
    }
)
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
PAGE: Final = 200
PAGE_LIMIT: Final = 25

# The SDK writes whole requests and answers to its logger; ours says what happened instead.
SILENT: Final = logging.getLogger("minuterisk.slack_sdk")
SILENT.setLevel(logging.CRITICAL + 1)


class DeliveryError(MinuteriskError):
    """A message was not delivered, or it is not known to be. `code` is a short, fixed word, safe to log."""

    def __init__(self, code: str, hint: str = "") -> None:
        super().__init__(f"message not delivered: {code}", hint)
        self.code = code


class NotPosted(DeliveryError, PassingError):
    """It certainly did not reach people. `retry_after` is the wait that was asked for, if one was."""

    def __init__(self, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class PerhapsPosted(DeliveryError, PassingError):
    """It may have reached people although the call failed."""


class Refused(DeliveryError, PermanentError):
    """It will never be taken as it is."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message found in Slack: its timestamp and the metadata we gave it."""

    ts: str
    event_type: str
    payload: Mapping[str, Any]

    @property
    def alert_key(self) -> str | None:
        """The key that names what was told, once for all attempts."""
        key = self.payload.get("alert_key")
        return key if isinstance(key, str) else None


class SlackClient:
    """Post, update and find messages. Raises only DeliveryError; the token is in none of them."""

    def __init__(self, token: str, base_url: str = "https://slack.com/api/", timeout_s: float = 10) -> None:
        self._web = WebClient(token=token, base_url=base_url, retry_handlers=[], logger=SILENT)
        # The SDK declares whole seconds and hands the value to urllib, which takes fractions.
        self._web.timeout = timeout_s  # type: ignore[assignment]
        self.timeout_s = timeout_s

    def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Block],
        metadata: Metadata,
        thread_ts: str | None = None,
        *,
        broadcast: bool = False,
    ) -> str:
        """Post a message, in a thread if `thread_ts` is given, with `broadcast` in the channel as well.

        Returns its timestamp.
        """
        answer = call(
            lambda: self._web.chat_postMessage(
                channel=channel,
                text=text,
                blocks=list(blocks),
                metadata=metadata,
                thread_ts=thread_ts,
                reply_broadcast=True if broadcast and thread_ts else None,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        ts = answer.get("ts")
        if not isinstance(ts, str):
            code = "answer without ts"
            raise PerhapsPosted(code)
        return ts

    def update(self, channel: str, ts: str, text: str, blocks: Sequence[Block], metadata: Metadata) -> None:
        """Replace a message. The same update twice is the same message once."""
        call(
            lambda: self._web.chat_update(
                channel=channel, ts=ts, text=text, blocks=list(blocks), metadata=metadata
            )
        )

    def messages(self, channel: str, since: datetime, thread_ts: str | None = None) -> Iterator[Posted]:
        """Our messages since a time, of the channel or of one thread; at most PAGE × PAGE_LIMIT are read."""
        method = self._web.conversations_history if thread_ts is None else self._web.conversations_replies
        wanted: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{since.timestamp():.6f}",
            "include_all_metadata": True,
            "inclusive": True,
            "limit": PAGE,
            **({} if thread_ts is None else {"ts": thread_ts}),
        }
        for _ in range(PAGE_LIMIT):
            answer = call(lambda: method(**wanted))
            yield from (_posted(message) for message in answer.get("messages", []) if "metadata" in message)
            wanted["cursor"] = (answer.get("response_metadata") or {}).get("next_cursor")
            if not wanted["cursor"]:
                return

    def check(self) -> str:
        """Ask Slack who the token is (auth.test); the name of the workspace."""
        return str(call(self._web.auth_test).get("team", ""))

    def channel(self, channel: str) -> Mapping[str, Any]:
        """What Slack says of a channel (conversations.info); a right that an app need not have."""
        found = call(lambda: self._web.conversations_info(channel=channel)).get("channel")
        return found if isinstance(found, dict) else {}


def _posted(message: Mapping[str, Any]) -> Posted:
    metadata = message["metadata"] or {}
    return Posted(
        str(message["ts"]), str(metadata.get("event_type", "")), metadata.get("event_payload") or {}
    )


def call(request: Callable[[], SlackResponse]) -> dict[str, Any]:
    """Call the API once; the answer, or a DeliveryError that knows nothing of the token."""
    try:
        answer = request().data
        if isinstance(answer, dict):
            return answer
        failure: DeliveryError = PerhapsPosted("answer is not an object")
    except Exception as error:  # noqa: BLE001 - whatever the SDK and urllib let through has to be classified
        failure = classify(error)
    # Raised out here so that the SDK's error, which holds the request with the token, is not chained to ours.
    raise failure


def classify(error: Exception) -> DeliveryError:
    """The one place where an error of the SDK, of urllib or of the network gets its meaning."""
    if isinstance(error, SlackApiError):
        return _classify_answer(error.response)
    cause = error.reason if isinstance(error, urllib.error.URLError) else None
    # Only a failure to connect proves that nothing was sent; the same timeout later proves nothing.
    if isinstance(cause, ConnectionRefusedError):
        return NotPosted("connection refused")
    if isinstance(cause, socket.gaierror):
        return NotPosted("host name not found")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NotPosted("certificate not accepted")
    met = cause if isinstance(cause, Exception) else error
    return PerhapsPosted("timeout" if isinstance(met, TimeoutError) else type(met).__name__)


def _classify_answer(response: SlackResponse) -> DeliveryError:
    status = response.status_code
    name = response.data.get("error") if isinstance(response.data, dict) else None
    code = name if isinstance(name, str) and re.fullmatch(r"[a-z0-9_]{1,60}", name) else None
    if status == 429 or code in RATE_LIMITED:  # noqa: PLR2004 - HTTP's own number
        return NotPosted(code or "ratelimited", read_retry_after(response.headers))
    if status >= 500:  # noqa: PLR2004
        return PerhapsPosted(f"HTTP {status}")
    if code in PERMANENT:
        return Refused(code, _HINTS.get(code, "correct it, then `minuterisk outbox requeue`"))
    if code is None and status >= 400:  # noqa: PLR2004 - a gate before Slack said no
        return NotPosted(f"HTTP {status}")
    return PerhapsPosted(code or "answer is not JSON")


_HINTS: Final = {
    "channel_not_found": "MINUTERISK_SLACK_CHANNEL must be the id of a channel that the app is in",
    "not_in_channel": "invite the app to the channel, then `minuterisk outbox requeue`",
    "is_archived": "name another channel in MINUTERISK_SLACK_CHANNEL, then `minuterisk outbox requeue`",
    "invalid_auth": "check MINUTERISK_SLACK_TOKEN, then `minuterisk outbox requeue`",
    "token_revoked": "make a new token, set MINUTERISK_SLACK_TOKEN, then `minuterisk outbox requeue`",
    "missing_scope": "give the app chat:write and channels:history (private channel: groups:history)",
}


def read_retry_after(headers: Mapping[str, str | Sequence[str]]) -> timedelta | None:
    """Slack's Retry-After in seconds, at most an hour; None for a missing, negative or senseless one."""
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    text = found if isinstance(found, str) or found is None else next(iter(found), None)
    try:
        seconds = float(text or "nan")
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds()))
