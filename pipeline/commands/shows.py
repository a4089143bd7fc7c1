"""What a pack puts on where there is no company: its stand-in, for `demo` and `simulate`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.commands import SHOWS
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from threading import Event
    from zoneinfo import ZoneInfo

    import click
    import polars as pl

    from data.commits import LiveReport
    from data.simulator import LiveOptions
    from pipeline.minute import Span

    #: minutes done so far, and in all
    Done = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a stand-in shall live; what is None is the show's own."""

    now: datetime
    zone: ZoneInfo
    history_days: int
    seed: int
    tps: float | None = None
    per_day: int | None = None
    incidents: Path | None = None
    without_incidents: bool = False
    own: Mapping[str, Any] | None = None  # the options that only this pack has


class Show(Protocol):
    """A pack's stand-in."""

    #: Days of history that the demo begins with.
    history_days: int
    #: This much of its live rows is committed late.
    late_share: float
    #: The command whose page people look at beside the dashboard; none: there is no such page.
    beside: Sequence[str]
    #: Options that only this pack has.
    options: Sequence[click.Option]

    def create(self, admin_url: str, database: str) -> str:
        """Make its database and tables where they are missing; gives its owner's URL."""
        ...

    def newest(self, url: str) -> datetime | None:
        """When its newest row was written; None where there is none."""
        ...

    def begin(self, asked: Asked) -> datetime:
        """Where its history begins."""
        ...

    def traffic(self, asked: Asked) -> Any:  # noqa: ANN401 - the pack's own
        """What happens in its world; raises `ConfigurationError` for a file of incidents that is wrong."""
        ...

    def write_history(self, url: str, traffic: Any, span: Span, done: Done | None) -> int:  # noqa: ANN401 - the same
        """Write its past; gives the number of rows."""
        ...

    def run_live(
        self,
        url: str,
        traffic: Any,  # noqa: ANN401 - the same
        clock: Callable[[], datetime],
        stop: Event,
        options: LiveOptions,
    ) -> LiveReport:
        """Let it live until `stop` is set."""
        ...

    def finished(self, traffic: Any, until: datetime) -> pl.DataFrame:  # noqa: ANN401 - the same
        """Labels (LABEL) of what was wrong and ended before `until`."""
        ...

    def said(self, rows: int, traffic: Any) -> str:  # noqa: ANN401 - the same
        """What its history is, for people."""
        ...


def show_of(pack: str) -> Show:
    """The show of a pack; raises UsageError for one that has none."""
    if pack not in SHOWS:
        msg = f"the pack {pack} has no stand-in"
        raise UsageError(msg, f"{', '.join(SHOWS)} have one")
    show: Show = importlib.import_module(SHOWS[pack]).SHOW
    return show


def own_options() -> list[click.Option]:
    """The options that only one pack has, of all packs."""
    return [option for pack in SHOWS for option in show_of(pack).options]
