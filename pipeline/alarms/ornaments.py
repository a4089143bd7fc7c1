"""What the pipeline can do without: each may fail in every way, and minutes, verdicts and messages go on.

What fails is said as an alarm with the ornament's name, and what it would have told is told as not known. The
alarm ends when the ornament works again. README.md of this folder holds the table.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from pipeline.alarms import Alarm
from pipeline.errors import FencedOut, MinuteriskError, NotLeader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from pipeline.alarms import Alarms

log = structlog.get_logger()

ALARM: Final = "ornament.failing"
#: Never passed over: this process may not write any more.
LEADERSHIP: Final = (FencedOut, NotLeader)
#: Each ornament of the engine that has an alarm, with what is not known or not shown while it fails.
ORNAMENTS: Final = {
    "without_time": "how many rows of the source no minute can count",
    "manifest": "the newest minutes, on the page and in `minuterisk sql`",
    "analyst.duckdb": "the newest minutes, for analysts",
    "checks": "whether the published data pass their checks",
    "audit_copy": "the newest hashes of the audit, outside of its database",
    "metrics": "the numbers for Prometheus",
    "metrics.minute": "the numbers of judged minutes",
    "report": "the report of the day or week that has ended",
    "report_link": "the link to it in the channel; the page has it",
    "reports": "how long minutes and jobs take, on the screen Health",
    "picture": "pictures of the last day under incidents' messages",
    "presses": "buttons and commands in Slack",
    "proposals": "what is to be done about the money of incidents",
    "actions": "what became of actions about the money of incidents",
    "action_calls": "actions that the company's own systems are to be told of",
    "book": "whether rows do not fit into the book of exposure",
    "budget": "what chance alone opens a day, measured at night",
    "budget.shown": "the false-alarm budget in the metrics",
}


class Ornaments:
    """Says which ornaments fail, from any thread."""

    def __init__(self, alarms: Alarms, of_pack: Mapping[str, str]) -> None:
        self._alarms = alarms
        self._known = {**ORNAMENTS, **of_pack}
        self._traced: dict[str, str] = {}  # faults whose traceback the log has

    def fails(self, name: str, what: str, hint: str = "", lasts: timedelta | None = None) -> None:
        """It does not work now; `lasts` is for what nobody may ever make work again."""
        said = f"not known or not shown: {self._known[name]}; {what}"
        self._alarms.raise_alarm(Alarm(ALARM, said, hint, name), lasts)

    def raised(self, name: str, error: Exception, where: str = "", hint: str = "") -> None:
        """It does not work now: it raised this. The leadership's own errors are raised again.

        `where` names the file at fault where the error does not; `hint` is a better one than the error's.
        """
        if isinstance(error, LEADERSHIP):
            raise error
        what = error.what if isinstance(error, MinuteriskError) else described(error)
        said = f"{where}: {what}" if where not in what else what
        if isinstance(error, MinuteriskError):
            self.fails(name, said, hint or error.hint)
            return
        if self._traced.get(name) != what:
            log.warning("ornament.fault", name=name, exc_info=error)
            self._traced[name] = what
        self.fails(name, said, hint or "see the log of `minuterisk run`")

    def works(self, name: str) -> None:
        """It works; an alarm about it ends."""
        self._traced.pop(name, None)
        self._alarms.end(ALARM, name)

    @contextmanager
    def beside(self, name: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Do something that nothing depends on. What it raises becomes the alarm, but for `but`."""
        try:
            yield
        except but:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the main thing goes on
            self.raised(name, error)
        else:
            self.works(name)


def described(error: Exception) -> str:
    """An error that nobody foresaw, in a line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
