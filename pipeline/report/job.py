"""The job: at the end of each business day its report is written once, and people are told where it is.

Written in a process of its own at low priority, as it reads eight days of files: no tick waits for it. The
row that says so is the leader's commit. The link is posted as messages are: `sending` is committed first, so
after a crash or a cut answer the channel is looked into before anything is posted again.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import structlog

from pipeline.alarms.pause import Pause
from pipeline.minute import MINUTE, Span, business_date, business_day, one_minute
from pipeline.prove.reconcile import reconcile
from pipeline.report.about import DAY, ended_in
from pipeline.report.gathered import gather
from pipeline.report.texts import TEXTS
from pipeline.report.write import Written, daily_path, make_report, put
from pipeline.tell.channels import LOOK_BACK, Slack
from pipeline.tell.slack import NotPosted, Refused, SlackClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.catch_up import Pipeline
    from pipeline.report.about import About
    from pipeline.report.gathered import Work
    from pipeline.tell.pace import Paces

log = structlog.get_logger()

REPORT_S: Final = 20
#: What ended longer ago is written when somebody asks for it.
FRESH: Final = timedelta(hours=48)
#: So long the next try of one that could not be made waits: it reads days of files and of the source.
PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
EVENT_TYPE: Final = "minuterisk_report"
_PRIORITY: Final = 10  # added to the process's own, of 19
_MEGABYTE: Final = 1_000_000


class Reports:
    """The reports of one pack. `client` posts in Slack; without Slack the link stands on standard output."""

    def __init__(
        self,
        pipeline: Pipeline,
        paces: Paces,
        client: SlackClient | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        settings = pipeline.settings
        self._pipeline = pipeline
        self._paces = paces
        token = settings.slack_token
        self._client = client or (SlackClient(token, settings.slack_base_url) if token else None)
        self._clock = clock
        self._pauses: dict[str, Pause] = {}  # of those that could not be made, by their key

    def run(self) -> None:
        """Write what has ended and is not written yet, one at a time; then tell of what is not told yet."""
        try:
            self._write_one()
        except Exception as error:  # noqa: BLE001 - an ornament: minutes go on
            self._pipeline.ornaments.raised("report", error)
        with self._pipeline.ornaments.beside("report_link"):
            self.link()

    def _write_one(self) -> None:
        """Write the oldest that need not wait: one that cannot be made keeps no other back."""
        due = self.due()
        self._pauses = {about.key: self._pauses[about.key] for about in due if about.key in self._pauses}
        ready = [about for about in due if about.key not in self._pauses or not self._pauses[about.key].lasts]
        if ready:
            key = ready[0].key
            try:
                self.write(ready[0])
            except Exception:
                self._pauses.setdefault(key, Pause(PAUSE, LONGEST_PAUSE, self._clock)).failed()
                raise
            self._pauses.pop(key, None)
        if not self._pauses:
            self._pipeline.ornaments.works("report")

    def due(self) -> list[About]:
        """Days and weeks that have ended lately and were judged as they were; the oldest first."""
        state, zone = self._pipeline.state, self._pipeline.lake.zone
        next_minute = state.next_minute()
        if next_minute is None:
            return []
        today = business_date(next_minute, zone)
        earliest = business_date(next_minute - FRESH, zone)
        days = Span(business_day(earliest, zone).start, business_day(today, zone).start)
        written = {row["about"] for row in state.rows("reports_written")}
        ended = [about for about in ended_in(days, zone) if about.span.end + FRESH > next_minute]
        return [about for about in ended if about.key not in written and self._was_judged(about)]

    def _was_judged(self, about: About) -> bool:
        """Was its last minute judged, rather than read in bulk as the history of a first start?"""
        rows = self._pipeline.state.minutes(one_minute(about.span.end - MINUTE))
        return any(row["judged_at"] is not None for row in rows)

    def write(self, about: About) -> Written:
        """Write it, in a process of its own, and keep that it was written."""
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(_PRIORITY,)
        ) as pool:
            return self.write_by(about, lambda work, *given: pool.submit(work, *given).result())

    def write_by(self, about: About, work: Work) -> Written:
        """The same, with the heavy work done by `work`."""
        pipeline, began = self._pipeline, self._pipeline.monotonic()
        state, settings = pipeline.state, pipeline.settings
        gathered = gather(state, pipeline.pack, settings, about, self._clock())
        content = make_report(state, pipeline.lake, settings, gathered, work, self._compared)
        written = put(about, daily_path(settings, about, content), content)
        kept = {"about": about.key, "sha256": written.sha256, "bytes": written.bytes}
        path = written.path.relative_to(settings.home).as_posix()
        with state.committing() as connection:
            state.ask(connection, "insert_report", path=path, **kept)
        took_ms = (pipeline.monotonic() - began) * 1000
        log.info("report.written", path=path, took_ms=round(took_ms), **kept)
        state.record_report("report", took_ms, {**kept, "path": path})
        return written

    def _compared(self, span: Span) -> int:
        """In how many minutes the source's totals differ from the ledger's; the nightly proof has rows."""
        pipeline = self._pipeline
        with pipeline.source.again() as source:
            found = reconcile(source, pipeline.state, span, pipeline.lake)
        pipeline.state.request_repairs([difference.minute for difference in found])
        return len(found)

    def link(self) -> int:
        """Tell of reports that people were not told of; how many they are told of now."""
        state = self._pipeline.state
        rows = state.rows("reports_to_link", since=self._clock() - FRESH)
        return sum(self._link(row) for row in rows)

    def _link(self, row: Mapping[str, Any]) -> bool:
        settings = self._pipeline.settings
        if self._client is None or settings.slack_channel is None:
            self._set(row, "told", "console", None)
            sys.stdout.write(f"{self._said(row)}\n")
            sys.stdout.flush()
            return True
        channel = settings.slack_channel
        with self._paces.of(channel).spare(Slack.gap) as free:
            return free and self._post(row, self._client, channel)

    def _post(self, row: Mapping[str, Any], client: SlackClient, channel: str) -> bool:
        """Post it once: where an earlier try may have arrived, the channel is asked first."""
        key = f"{self._pipeline.state.installation()}-report-{self._pipeline.pack.name}-{row['about']}"
        found = self._found(row, client, channel, key) if row["link"] == "sending" else None
        if found is None:
            self._set(row, "sending", channel, None)
            metadata = {"event_type": EVENT_TYPE, "event_payload": {"alert_key": key}}
            try:
                found = client.post(channel, self._said(row), self._blocks(row), metadata)
            except NotPosted:
                self._set(row, "due", None, None)
                raise
            except Refused:
                self._set(row, "refused", channel, None)
                raise
        self._set(row, "told", channel, found)
        return True

    def _found(self, row: Mapping[str, Any], client: SlackClient, channel: str, key: str) -> str | None:
        since = (row["link_at"] or row["written_at"]) - LOOK_BACK
        return next(
            (posted.ts for posted in client.messages(channel, since) if posted.alert_key == key), None
        )

    def _set(self, row: Mapping[str, Any], link: str, channel: str | None, message_ts: str | None) -> None:
        state = self._pipeline.state
        given = {"about": row["about"], "link": link, "channel": channel, "message_ts": message_ts}
        with state.committing() as connection:
            state.ask(connection, "link_report", **given)

    def address(self, key: str) -> str:
        """Where the page shows it to whoever is signed in."""
        return f"{self._pipeline.settings.dashboard_url}report/{self._pipeline.pack.name}/{key}"

    def _title(self, row: Mapping[str, Any]) -> str:
        kind = "week" if "W" in row["about"] else DAY
        words = TEXTS[self._pipeline.settings.language]
        return f"{words[f'link.{kind}'].format(key=row['about'])} ({row['bytes'] / _MEGABYTE:.1f} MB)"

    def _said(self, row: Mapping[str, Any]) -> str:
        return f"{self._title(row)}: {self.address(row['about'])}"

    def _blocks(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        words = TEXTS[self._pipeline.settings.language]
        text = f"📄 *{self._title(row)}*\n<{self.address(row['about'])}|{words['link.open']}>"
        return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
