"""The picture of the last day under an incident's message: drawn, uploaded, shown, after the text was posted.

An ornament: whatever fails here, the text is there already and later messages do not wait. While messages
wait for a channel nothing is uploaded for it, and the edit takes a turn that no message wants; what gets none
for `FRESH` goes without. The file is recorded before the message is edited, so that an edit of the delivery
shows it too; an edit of ours that may have come after a newer one is made again from what was told last.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.alarms.pause import Pause
from pipeline.desk.evidence import charts_of
from pipeline.minute import Span
from pipeline.tell import outbox
from pipeline.tell.channels import BLOCKS_REFUSED, Slack
from pipeline.tell.message import read_message
from pipeline.tell.picture import draw
from pipeline.tell.slack import NotPosted, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.catch_up import Pipeline
    from pipeline.pack import Chart
    from pipeline.talk.client import TalkClient
    from pipeline.tell.channels import Channel
    from pipeline.tell.pace import Paces

    Row = Mapping[str, Any]

ORNAMENT: Final = "picture"
#: So many at once: one look into the files is for all of them.
AT_ONCE: Final = 10
#: An incident that was told longer ago is known; its picture would be of another day.
FRESH: Final = timedelta(minutes=30)
#: Slack takes a while until an uploaded file may stand in a message, a second or so
#: (slackapi/python-slack-sdk, issue 1521); one uploaded into no channel is the app's, which posts it.
READY: Final = timedelta(minutes=1)
PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=5)
#: What an edit of a message that is gone, or may not be edited any more, is answered.
GONE: Final = ("message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found")


_HINT: Final = "give the app files:write, or see what Slack says of the error; the text was posted"


class Pictures:
    """Makes the pictures of one pack's incidents, for the channels that can show them: those of Slack."""

    def __init__(
        self,
        pipeline: Pipeline,
        client: TalkClient,
        opened: Callable[[str], Channel],
        paces: Paces,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pipeline = pipeline
        self._client = client
        self._opened = opened
        self._paces = paces
        self._channels: dict[str, Slack | None] = {}
        self._clock = clock
        self._pause = Pause(PAUSE, LONGEST_PAUSE, clock)

    def make(self) -> int:
        """Draw, upload and show what is wanted; how many messages show theirs now."""
        if self._pipeline.pack.picture is None or self._pause.lasts:
            return 0
        try:
            shown = self._make()
        except Exception as error:  # noqa: BLE001 - an ornament: the text is there
            self._pause.failed(error.retry_after if isinstance(error, NotPosted) else None)
            self._pipeline.ornaments.raised(ORNAMENT, error)
            return 0
        if shown:
            self._pause.worked()
            self._pipeline.ornaments.works(ORNAMENT)
        return shown

    def _make(self) -> int:
        now, state = self._clock(), self._pipeline.state
        wanted = state.rows(
            "pictures_wanted", since=now - FRESH, now=now, home_channel=state.home_channel, limit=AT_ONCE
        )
        rows = [row for row in wanted if self._channel(row["channel"]) is not None]
        self._upload([row for row in rows if row["file_id"] is None])
        return sum(self._show(row) for row in rows)

    def _upload(self, rows: Sequence[Row]) -> None:
        charts = self._charts(rows)
        settings = self._pipeline.settings
        for row in rows:
            if self._paces.of(row["channel"]).busy:
                continue  # messages have come meanwhile
            chart, file_id = charts[row["incident_id"]], None
            if chart is not None:
                png = draw(chart, row["opened_minute"], settings.language, settings.business_timezone)
                try:
                    file_id = self._client.upload(f"incident-{row['incident_id']}.png", png)
                except Refused as error:  # this one never; the next one perhaps
                    self._pipeline.ornaments.raised(ORNAMENT, error, hint=_HINT)
            self._record("record_picture", row, file_id=file_id)

    def _charts(self, rows: Sequence[Row]) -> dict[int, Chart | None]:
        """What each picture shows, by incident; one reading of the files for all entities."""
        state = self._pipeline.state
        published = state.published()
        if not rows or published.first_minute is None or published.next_minute is None:
            return dict.fromkeys((row["incident_id"] for row in rows), None)
        known = Span(published.first_minute, published.next_minute)
        files, language = state.publication().files, self._pipeline.settings.language
        return charts_of(self._pipeline.lake, files, rows, known, language)

    def _show(self, row: Row) -> bool:
        """Edit the message; False where it is to be tried again, or there is nothing to show."""
        state, channel = self._pipeline.state, self._channel(row["channel"])
        thread = outbox.find_thread(state.engine, row["incident_id"], row["channel"])
        told = self._told(row)
        if channel is None or thread is None or thread.picture is None or told is None or told["sending"]:
            return False
        message = read_message(told["message"], row["incident_id"], self._pipeline.pack)
        try:
            with self._paces.of(row["channel"]).spare(channel.gap) as free:
                if not free:
                    return False
                channel.show_picture(message, thread)
        except Refused as error:
            if error.code in BLOCKS_REFUSED and self._clock() - self._made_at(row) < READY:
                return False
            self._record("forget_picture", row)
            if error.code not in GONE:
                self._pipeline.ornaments.raised(ORNAMENT, error, hint=_HINT)
            return False
        after = self._told(row)
        if after is None or after["sending"] or after["outbox_id"] != told["outbox_id"]:
            return False  # an edit of the delivery may have come before ours: once more, from what is newest
        self._record("show_picture", row)
        return True

    def _channel(self, name: str) -> Slack | None:
        """Slack's channel of that name; other ways to people show no pictures."""
        if name not in self._channels:
            opened = self._opened(name)
            self._channels[name] = opened if isinstance(opened, Slack) else None
        return self._channels[name]

    def _made_at(self, row: Row) -> datetime:
        made_at: datetime | None = row["made_at"]
        return made_at or self._clock()

    def _told(self, row: Row) -> Row | None:
        asked = {"incident_id": row["incident_id"], "channel": row["channel"]}
        return next(iter(self._pipeline.state.rows("picture_told", **asked)), None)

    def _record(self, query: str, row: Row, **given: object) -> None:
        place = {name: row[name] for name in ("incident_id", "channel", "message_ts")}
        with self._pipeline.state.changing() as connection:
            self._pipeline.state.ask(connection, query, **place, **given)
