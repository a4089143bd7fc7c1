"""The job of actions: a turn every few seconds, beside the minute. What fails in it is its own alarm."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pipeline.act.calls import call_one
from pipeline.act.following import end_by_time, follow_money, follow_outcomes, mark_told
from pipeline.act.receiver import Receiver
from pipeline.errors import PassingError, PermanentError
from pipeline.minute import MINUTE
from pipeline.tell.pace import real_pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from baselines.rules import Tuned
    from pipeline.alarms.ornaments import Ornaments
    from pipeline.settings import Settings
    from pipeline.store.lake import Lake
    from pipeline.store.state import State
    from pipeline.tell.pace import Pace

#: So many calls a turn: what waits behind them is looked at in between.
_CALLS: Final = 20
#: Weeks of files are read for each action that is followed, and what they show comes once a day.
_READ_EVERY: Final = timedelta(minutes=10)
#: The ornaments of this job.
_ACTIONS: Final = "actions"
_CALLED: Final = "action_calls"


class Actions:
    """What is done about money, turn by turn, by the leader alone."""

    def __init__(
        self,
        state: State,
        lake: Lake,
        settings: Settings,
        ornaments: Ornaments,
        tuned_at: Callable[[datetime], Tuned],
        pace: Pace | None = None,
    ) -> None:
        self._state, self._lake, self._ornaments = state, lake, ornaments
        self._tuned_at = tuned_at
        url, secret = settings.action_url, settings.action_secret
        self._receiver = Receiver(url, secret) if url and secret else None
        self._pace = pace or real_pace()
        self._followed: datetime | None = None  # the newest minute whose money was looked at
        self._read: datetime | None = None  # the newest one up to which outcomes were read
        self._unread: Mapping[int, str] = {}  # actions whose outcome could not be read then, and why

    def turn(self) -> None:
        """One turn: proposals, calls, what was told, what ended; each fails by itself."""
        exposures = self._lake.pack.exposures
        if exposures is None or not exposures.actions:
            return
        with self._ornaments.beside(_ACTIONS):
            end_by_time(self._state)
            self._follow()
            self._say_unread()
        with self._ornaments.beside(_CALLED):
            for _ in range(_CALLS):
                if call_one(self._state, self._receiver, self._pace) is None:
                    break
            mark_told(self._state)
            self._say_dead()

    def _follow(self) -> None:
        """Once for each judged minute."""
        next_minute = self._state.next_minute()
        if next_minute is None or next_minute == self._followed:
            return
        follow_money(self._state, next_minute - MINUTE)
        if self._read is None or next_minute - self._read >= _READ_EVERY:
            tuned = self._tuned_at(next_minute - MINUTE)
            self._unread = follow_outcomes(self._state, self._lake, next_minute, tuned)
            self._read = next_minute
        self._followed = next_minute  # not before: what raises is tried again in the next turn

    def _say_unread(self) -> None:
        """An alarm until the next reading: nothing is known better before."""
        if self._unread:
            action_id, why = next(iter(self._unread.items()))
            what = f"the outcome of {len(self._unread)} actions could not be read, action {action_id}: {why}"
            raise PassingError(what, "see the log of `minuterisk run`")

    def _say_dead(self) -> None:
        """An alarm as long as something was given up; `retell` ends it. One decision a turn, or it flaps."""
        found = self._state.rows("calls_status")[0]
        if found["dead"]:
            number = found["dead_action"]
            newest = f"action.{found['dead_event']} of action {number}"
            what = f"{found['dead']} calls were given up, the newest {newest}: {found['error']}"
            hint = f"tell them yourself; then minuterisk incidents action retell {number}"
            raise PermanentError(what, hint)
