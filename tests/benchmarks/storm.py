"""5,000 incidents in one minute over four channels: when is the top tier told, how fast is each channel used?

The incidents are written as a minute's commit writes them, to a real PostgreSQL; routes spread them over four
channels; the senders of a running installation deliver to Slack's stand-in over HTTP, which refuses more than
one message a second in a channel. In the first case all of them have just opened, and digests tell of them;
in the second one they resolve, each in a message of its own, for as long as `--seconds` says.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from data.slack_standin import SlackStandIn, Workspace
from pipeline.desk.acts import act
from pipeline.desk.perform import Desk
from pipeline.desk.roles import SUPER_ADMIN, Actor
from pipeline.embedded import open_urls
from pipeline.judge.life import Changes, Incident
from pipeline.judge.life import Event as Told
from pipeline.log import configure_log
from pipeline.minute import floor_minute
from pipeline.money import AtRisk
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.tell import outbox
from pipeline.tell.channels import read_ranges
from pipeline.tell.destinations import open_channel
from pipeline.tell.pace import Paces
from pipeline.tell.senders import Senders
from scheduler import open_state
from tests.benchmarks.home import say

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store.state import State
    from pipeline.tell.deliver import Delivered

INCIDENTS = 5_000
CHANNELS = ("C0A", "C0B", "C0C", "C0D")
TOP_SHARE = 100  # one in so many is of the top tier
TARGET_S = 5.0
PATIENCE_S = 300
NOBODY = Actor(None, "bench", SUPER_ADMIN, "cli")
REASON = {"approvals_hour": 120, "cancels_hour": 36, "approvals_week": 20_160, "cancels_week": 1_008}


@dataclass
class Storm:
    """An installation with four channels, and the stand-in that it tells."""

    state: State
    settings: Settings
    standin: SlackStandIn
    senders: Senders
    delivered: list[Delivered]

    def run(self, seconds: float) -> float:
        """Deliver as the running service does, until nothing waits or for so long; gives how long it took."""
        begun, ending = time.monotonic(), Event()
        while time.monotonic() - begun < seconds:
            self.senders.wake(ending.is_set)
            status = outbox.outbox_status(self.state.engine, self.state.pack)
            if not status.pending + status.sending:
                break
            time.sleep(1)
        taken = time.monotonic() - begun
        ending.set()
        self.senders.quiet()
        return taken


def incidents_of(minute: datetime) -> list[Incident]:
    """So many merchants, spread over the channels; one in a hundred is of the top tier."""
    return [
        Incident(
            incident_id=None,
            rule="cancel_surge",
            entity_id=f"{'ABCD'[number % 4]}{number}",
            tier="top" if number // 4 % TOP_SHARE == TOP_SHARE // 2 else "tail",
            severity="high",
            status="open",
            policy="budgeted",
            opened_minute=minute,
            last_breach_minute=minute,
            reason=REASON,
            at_risk=AtRisk(dict.fromkeys(PACK.parts, number * 1_000), f"가맹점 {number}"),
        )
        for number in range(INCIDENTS)
    ]


def write(state: State, changes: Changes, minute: datetime) -> float:
    """One commit, as of a minute; how many seconds it takes."""
    begun = time.monotonic()
    with state.changing() as connection:
        state._write_changes(connection, changes, minute)
    return time.monotonic() - begun


def measure(home: Path, seconds: float) -> dict[str, Any]:
    """Both cases, one after the other."""
    workspace = Workspace(token="xoxb-any", messages_per_second=1.0)
    with SlackStandIn(workspace) as standin:
        settings = load_settings(
            {
                "MINUTERISK_HOME": str(home),
                "MINUTERISK_LOG_LEVEL": "error",
                "MINUTERISK_SLACK_TOKEN": "xoxb-any",
                "MINUTERISK_SLACK_CHANNEL": "C0RISK",
                "MINUTERISK_SLACK_BASE_URL": standin.url,
            }
        )
        configure_log(settings)
        with open_state(open_urls(settings), settings) as state:
            for letter, channel in zip("ABCD", CHANNELS, strict=True):
                given = {"channel": channel, "match": f"entity={letter}*"}
                act(Desk(state, settings), NOBODY, "add_route", f"to-{letter.lower()}", given)
            delivered: list[Delivered] = []
            senders = Senders(
                state.engine,
                state.url,
                PACK,
                lambda name: open_channel(name, settings, "bench"),
                Paces(),
                delivered.append,
            )
            storm = Storm(state, settings, standin, senders, delivered)
            return {"opened": _opened(storm), "resolved": _resolved(storm, seconds)}


def _opened(storm: Storm) -> dict[str, Any]:
    minute = floor_minute(datetime.now(UTC))
    opened = incidents_of(minute)
    say(f"  {len(opened):,} incidents open …")
    changes = Changes(opened=opened, events=[Told("opened", minute, incident) for incident in opened])
    commit_s = write(storm.state, changes, minute)
    committed = time.monotonic()
    taken_s = storm.run(PATIENCE_S)
    return {
        "incidents": len(opened),
        "commit_s": round(commit_s, 2),
        "all_told_s": round(taken_s, 1),
        "top_first_told_s": _top_first(storm, committed),
        "target_s": TARGET_S,
        **_counts(storm, "opened"),
    }


def _resolved(storm: Storm, seconds: float) -> dict[str, Any]:
    minute = floor_minute(datetime.now(UTC)) + timedelta(minutes=5)
    resolved = [
        replace(incident, status="resolved", resolved_minute=minute)
        for incident in storm.state.unresolved().values()
    ]
    say(f"  they resolve; {seconds:.0f} s of it …")
    before, refused = len(storm.standin.workspace.stored), _refused(storm)
    changes = Changes(resolved=resolved, events=[Told("resolved", minute, i) for i in resolved])
    commit_s = write(storm.state, changes, minute)
    taken_s = storm.run(seconds)
    posted = storm.standin.workspace.stored[before:]
    by_channel = Counter(stored.channel for stored in posted)
    return {
        "commit_s": round(commit_s, 2),
        "seconds": round(taken_s, 1),
        "told_per_second": {c: round(by_channel[c] / taken_s, 2) for c in CHANNELS},
        "refused_by_rate": _refused(storm) - refused,
        "closest_s": _closest(storm),
    }


def _top_first(storm: Storm, committed: float) -> dict[str, float | None]:
    """Seconds from the commit to the first message in each channel that tells of the top tier."""
    with storm.state.reading() as connection:
        ids = set(connection.execute(text("SELECT incident_id FROM incident WHERE tier = 'top'")).scalars())
    found: dict[str, float | None] = dict.fromkeys(CHANNELS)
    for stored in storm.standin.workspace.stored:
        told = read_ranges(stored.message["metadata"]["event_payload"].get("incidents", ""))
        if found[stored.channel] is None and any(number in ids for numbers in told for number in numbers):
            found[stored.channel] = round(stored.posted_at_s - committed, 2)
    return found


def _counts(storm: Storm, event: str) -> dict[str, Any]:
    """Nothing lost, nothing twice, and no channel above the rate as the stand-in counts it."""
    told: Counter[int] = Counter()
    for stored in storm.standin.workspace.stored:
        payload = stored.message["metadata"]["event_payload"]
        told.update(n for numbers in read_ranges(payload.get("incidents", "")) for n in numbers)
        if "incidents" not in payload:
            told.update([int(payload["alert_key"].split("-")[1])])
    assert len(told) == INCIDENTS, f"{INCIDENTS - len(told)} incidents were told nowhere"
    assert set(told.values()) == {1}, "an incident was told twice"
    with storm.state.reading() as connection:
        query = text("SELECT status, count(*) AS many FROM outbox WHERE event = :event GROUP BY status")
        statuses = {row.status: row.many for row in connection.execute(query, {"event": event})}
    assert statuses == {"sent": INCIDENTS}, statuses
    assert _refused(storm) == 0, "a channel was used faster than the stand-in allows"
    return {
        "messages": dict(Counter(s.channel for s in storm.standin.workspace.stored)),
        "refused_by_rate": _refused(storm),
        "closest_s": _closest(storm),
    }


def _refused(storm: Storm) -> int:
    return storm.standin.requests["chat.postMessage"] - len(storm.standin.workspace.stored)


def _closest(storm: Storm) -> dict[str, float | None]:
    """The shortest time between two messages in each channel, seconds, by the stand-in's clock."""
    found = {}
    for channel in CHANNELS:
        times = [s.posted_at_s for s in storm.standin.workspace.stored if s.channel == channel]
        found[channel] = round(min((b - a for a, b in pairwise(times)), default=float("nan")), 3)
    return {channel: None if gap != gap else gap for channel, gap in found.items()}  # noqa: PLR0124 - NaN


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long the second case is watched")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minuterisk-bench-") as folder:
        Path(folder).chmod(0o755)
        content = measure(Path(folder), arguments.seconds)
    lines = [
        f"{case} {name:<20}{value!s}" for case, found in content.items() for name, value in found.items()
    ]
    print(json.dumps(content) if arguments.json else "\n".join(lines))


if __name__ == "__main__":
    main()
