"""Other ways to people, through the library Apprise: e-mail, Teams, a webhook, SMS, KakaoWork and many more.

Such a way says yes or no to a message and nothing else. So nothing is edited, answered or found again: each
event is a message of its own, and after a failure that may have arrived it is sent again, marked as a
possible repeat. What a server certainly did not take is known from the status that Apprise logs, if it does.
The library is imported when the first message leaves.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import timedelta
from threading import local
from typing import TYPE_CHECKING, Any, Final

from pipeline.figures import unescape
from pipeline.tell.channels import parcel_lines, parcel_text
from pipeline.tell.render import page_link, render_title
from pipeline.tell.route_texts import APPRISE
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.tell.channels import Parcel
    from pipeline.tell.outbox import Claimed, Thread

_LEAST_GAP: Final = timedelta(seconds=1)
#: Statuses of HTTP that ask to come back: too early, too many, the server took too long to read.
_LATER: Final = (408, 425, 429)


@dataclass(slots=True)
class ByApprise:
    """One address of Apprise as a channel. The address is a secret: it is in no error and in no log."""

    name: str
    url: str = field(repr=False)
    language: str
    zone: ZoneInfo
    dashboard_url: str
    _service: Any = None
    _gap: timedelta = _LEAST_GAP

    @property
    def gap(self) -> timedelta:
        """What the service asks for between two messages, at least a second."""
        return self._gap

    def send(self, parcel: Parcel, turn: Callable[[], None]) -> str | None:
        """Tell people; there is no id of the message. What was sent stays as it is."""
        if parcel.messages[0].only_edits:
            return None
        service = self.service()
        title = render_title(parcel.messages, self.language)
        lines = [parcel_text(parcel, self.language, self.zone), *parcel_lines(parcel, self.language)]
        body = unescape("\n".join([*lines, self._link(parcel)]))
        turn()
        _heard.status = None
        try:
            taken = service.notify(body=body, title=title, notify_type="info", body_format="text")
        except Exception as error:  # noqa: BLE001 - a service of somebody else may raise anything
            failure: DeliveryError = PerhapsPosted(type(error).__name__)
        else:
            if taken:
                return None
            failure = self._failure(_heard.status)
        # Raised out here: the service's own error holds the address.
        raise failure

    def find(self, rows: Sequence[Claimed], thread: Thread | None) -> Mapping[int, str]:  # noqa: ARG002 - as Channel
        """Nobody can look what was sent."""
        return {}

    def service(self) -> Any:  # noqa: ANN401 - Apprise makes a class of each kind of address
        """What Apprise makes of the address; raises Refused where it makes nothing of it."""
        if self._service is None:
            import apprise  # noqa: PLC0415 - only where it is used

            _listen()
            made = apprise.Apprise.instantiate(self.url)
            if made is None:
                code = "address_not_understood"
                raise Refused(code, self._hint())
            self._gap = max(_LEAST_GAP, timedelta(seconds=made.request_rate_per_sec))
            made.request_rate_per_sec = 0  # the pace of the channel keeps it, and Apprise need not sleep
            self._service = made
        return self._service

    def _failure(self, status: int | None) -> DeliveryError:
        if status is None:
            return PerhapsPosted("not_taken")
        if status in _LATER:
            return NotPosted(f"HTTP {status}")
        if status < 500:  # noqa: PLR2004 - HTTP's own number
            return Refused(f"HTTP {status}", self._hint())
        return PerhapsPosted(f"HTTP {status}")

    def _hint(self) -> str:
        setting = f"MINUTERISK_APPRISE_{self.name.removeprefix(APPRISE).upper()}"
        return f"correct {setting}, then `minuterisk outbox requeue`"

    def _link(self, parcel: Parcel) -> str:
        return page_link(self.dashboard_url, parcel.rows[0].incident_id if len(parcel.rows) == 1 else None)


class _Heard(local):
    """The status of HTTP that Apprise has logged last in this thread."""

    status: int | None = None


_heard = _Heard()


class _Ear(logging.Handler):
    """Hears what Apprise logs of a failure, and lets nothing of it through: addresses and names are in it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status, if one is named."""
        found = re.search(r"\berror=(\d{3})\b", record.getMessage())
        if found:
            _heard.status = int(found[1])


def _listen() -> None:
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not any(isinstance(handler, _Ear) for handler in logger.handlers):
        logger.handlers = [_Ear()]
    # The library below it writes each path that it asks for to its log, and keys stand in paths.
    logging.getLogger("urllib3").setLevel(logging.WARNING)
