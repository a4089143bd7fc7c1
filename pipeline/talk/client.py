"""What else we ask of Slack than to post: who somebody is, a home tab, an upload, an answer to one person."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slack_sdk.webhook import WebhookClient

from pipeline.tell.slack import SILENT, NotPosted, PerhapsPosted, SlackClient, call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.tell.slack import Block

#: An answer to a person is worth so much time: the next press waits for it.
ANSWER_S: Final = 5
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Who a Slack user is; `email` only where Slack has had it confirmed and it is nobody from elsewhere."""

    team: str
    email: str | None


class TalkClient(SlackClient):
    """The same token and errors as for posting."""

    def socket_address(self, app_token: str) -> str:
        """Where a socket may be opened, once (apps.connections.open)."""
        url = call(lambda: self._web.apps_connections_open(app_token=app_token)).get("url")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            code = "answer without url"
            raise NotPosted(code)
        return url

    def team(self) -> str:
        """The workspace that the token is of (auth.test)."""
        return str(call(self._web.auth_test).get("team_id", ""))

    def person(self, user: str) -> Person:
        """Who a user is (users.info)."""
        found = call(lambda: self._web.users_info(user=user)).get("user") or {}
        profile = found.get("profile") or {}
        email = profile.get("email")
        trusted = (
            isinstance(email, str)
            and found.get("is_email_confirmed", True)
            and not found.get("deleted")
            and not found.get("is_bot")
            and not found.get("is_stranger")
        )
        return Person(str(found.get("team_id", "")), email if trusted else None)

    def publish_home(self, user: str, blocks: Sequence[Block]) -> None:
        """Replace the home tab of one person (views.publish)."""
        call(lambda: self._web.views_publish(user_id=user, view={"type": "home", "blocks": list(blocks)}))

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file that messages can show, into no channel; its id."""
        place = call(lambda: self._web.files_getUploadURLExternal(filename=name, length=len(content)))
        self._send_bytes(str(place.get("upload_url", "")), content)
        number = str(place.get("file_id", ""))
        call(lambda: self._web.files_completeUploadExternal(files=[{"id": number, "title": name}]))
        return number

    def _send_bytes(self, url: str, content: bytes) -> None:
        if not url.startswith(("https://", "http://")):
            code = "answer without upload_url"
            raise PerhapsPosted(code)
        request = urllib.request.Request(url, content, {"Content-Type": "image/png"})  # noqa: S310 - looked at
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310 - the same
                if answer.status != _OK:
                    code = f"HTTP {answer.status}"
                    raise PerhapsPosted(code)
        except (OSError, ValueError) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            code = f"upload: {type(error).__name__}"
            raise PerhapsPosted(code) from None


def respond(url: str, text: str, blocks: Sequence[Block] = ()) -> bool:
    """Answer the one person who pressed or asked; False where that failed, which harms nothing."""
    if not url.startswith(("https://", "http://")):
        return False
    hook = WebhookClient(url, timeout=ANSWER_S, retry_handlers=[], logger=SILENT)
    content: dict[str, Any] = {"text": text, "response_type": "ephemeral", "replace_original": False}
    try:
        return hook.send(**content, blocks=list(blocks) or None).status_code == _OK
    except Exception:  # noqa: BLE001 - whatever the SDK lets through: the act is done, only its answer is not
        return False
