"""The operational database: ledger, incidents, outbox and watermark, changed in one transaction.

That transaction is the commit point of a minute. Everything readers see (manifest, catalog, messages)
is made from it afterwards, so a crash leaves the old state or the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pipeline.judge.life import Changes, Incident
from pipeline.store.database import as_json
from pipeline.store.facts import StoredFacts
from pipeline.store.incidents import Incidents
from pipeline.store.leader import Leadership
from pipeline.store.ledger import Ledger
from pipeline.store.nights import Nights
from pipeline.store.reports import JobReports
from pipeline.store.rules import StoredRules
from pipeline.store.search import Search

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.judge.seconds import Write
    from pipeline.store.manifest import LakeFile


@dataclass(frozen=True, slots=True)
class MinuteCommit:
    """Everything one commit writes; `minutes` are ledger rows as `count` makes them."""

    minutes: Sequence[Mapping[str, Any]]
    files: Sequence[LakeFile]
    next_minute: datetime
    changes: Changes = field(default_factory=Changes)
    minute: datetime | None = None  # the judged minute, when one was judged
    #: Where a first start's history ends; only its first commit records it.
    history_until: datetime | None = None
    writes: Sequence[Write] = ()  # into the pack's own tables
    retired: Sequence[str] = ()  # paths that the new files replace


@dataclass(frozen=True, slots=True)
class Correction:
    """Everything one correcting commit writes."""

    cause: str
    minutes: Sequence[Mapping[str, Any]]  # ledger rows
    retired: Sequence[str]  # paths that the new files replace
    files: Sequence[LakeFile]
    changes: Changes
    corrected: Sequence[Incident]
    at: datetime  # the newest judged minute
    supported: Sequence[int] = ()  # ids of incidents that were marked corrected and hold after all
    earlier: Mapping[int, datetime] = field(default_factory=dict)  # when incidents began, by id
    writes: Sequence[Write] = ()  # into the pack's own tables


class State(Leadership, Ledger, Incidents, Nights, StoredFacts, StoredRules, Search, JobReports):
    """The operational database of one pack; what changes several of its parts at once stands here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def commit(self, commit: MinuteCommit) -> int:
        """Write ledger, files, incidents, outbox and watermark in one transaction; gives the new version."""
        with self.committing() as connection:
            self._replace_files(connection, commit.retired, commit.files)
            self.ask(connection, "record_minutes", minutes=as_json(commit.minutes))
            self._write_changes(connection, commit.changes, commit.minute)
            self.write_own(connection, commit.writes)
            mark = {"next_minute": commit.next_minute, "history_until": commit.history_until}
            return int(self.ask(connection, "advance_watermark", **mark).scalar_one())

    def tell_at_once(self, changes: Sequence[tuple[datetime, Changes]], writes: Sequence[Write]) -> None:
        """Write what was found before its minute has closed: incidents, messages, the pack's rows."""
        with self.committing() as connection:
            for minute, of_minute in changes:
                self._write_changes(connection, of_minute, minute)
            self.write_own(connection, writes)

    def correct(self, correction: Correction) -> None:
        """Write a correction: new files for old ones, revisions, incidents and messages, as one."""
        with self.committing() as connection:
            self._replace_files(connection, correction.retired, correction.files)
            given = {"minutes": as_json(correction.minutes), "cause": correction.cause}
            self.ask(connection, "revise_minutes", **given)
            corrected = [i.incident_id for i in correction.corrected]
            self.ask(connection, "mark_corrected", ids=corrected, minute=correction.at)
            earlier = [
                {"incident_id": i, "opened_minute": m.isoformat()} for i, m in correction.earlier.items()
            ]
            mends = {"supported": list(correction.supported), "widened": as_json(earlier)}
            self.ask(connection, "mend_incidents", **mends)
            self._write_changes(connection, correction.changes, correction.at)
            self.write_own(connection, correction.writes)
            self.ask(connection, "grow_version")
