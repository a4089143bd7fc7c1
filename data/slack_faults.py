"""What goes wrong on Slack's bad days: with calls of the Web API, and with envelopes of Socket Mode."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong: whether the request takes effect first, and how the answer is spoilt."""

    takes_effect: bool
    how: str  # close, reset, hang, half, json, http, html, empty; nothing: not spoilt
    status: int = 200
    error: str = ""
    retry_after: str | None = None


FAULTS: Final[Mapping[str, Fault]] = {
    "close_posted": Fault(takes_effect=True, how="close"),
    "close_unposted": Fault(takes_effect=False, how="close"),
    "reset_posted": Fault(takes_effect=True, how="reset"),
    "reset_unposted": Fault(takes_effect=False, how="reset"),
    "hang_posted": Fault(takes_effect=True, how="hang"),
    "hang_unposted": Fault(takes_effect=False, how="hang"),
    "half_body_posted": Fault(takes_effect=True, how="half"),
    "limited": Fault(takes_effect=False, how="http", status=429, error="ratelimited", retry_after="2"),
    "limited_garbage": Fault(
        takes_effect=False, how="http", status=429, error="ratelimited", retry_after="soon"
    ),
    "limited_200": Fault(takes_effect=False, how="json", error="ratelimited"),
    "internal_error_posted": Fault(takes_effect=True, how="json", error="internal_error"),
    "internal_error_unposted": Fault(takes_effect=False, how="json", error="internal_error"),
    "fatal_error_posted": Fault(takes_effect=True, how="json", error="fatal_error"),
    "500_posted": Fault(takes_effect=True, how="http", status=500),
    "500_unposted": Fault(takes_effect=False, how="http", status=500),
    "503_posted": Fault(takes_effect=True, how="http", status=503),
    "503_unposted": Fault(takes_effect=False, how="http", status=503),
    "html_posted": Fault(takes_effect=True, how="html"),
    "html_unposted": Fault(takes_effect=False, how="html"),
    "empty_posted": Fault(takes_effect=True, how="empty"),
}

#: What goes wrong with an envelope on its way to the app.
ENVELOPE_FAULTS: Final = (
    "twice",  # delivered again at once, on another socket where there is one
    "twice_late",  # delivered again a while after it was acknowledged
    "out_of_order",  # held back until the next one has gone
    "cut_before",  # the socket is cut and the envelope never leaves on it
    "cut_after",  # the socket is cut after the envelope left, before an answer can come
    "ack_lost",  # the answer of the app never arrives: the envelope comes again
    "refresh",  # Slack asks for another socket and closes this one
)


class Schedule:
    """A seeded choice of faults: each kind once before any comes again: a short run meets them all."""

    def __init__(self, seed: int, kinds: Iterable[str]) -> None:
        self._random = Random(seed)
        self._kinds = tuple(kinds)
        self._bag: list[str] = []

    def next(self, rate: float) -> str:
        """The fault of this occasion, or none."""
        if self._random.random() >= rate or not self._kinds:
            return ""
        self._bag = self._bag or self._random.sample(self._kinds, len(self._kinds))
        return self._bag.pop()
