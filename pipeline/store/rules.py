"""Versions of a pack's tuned numbers and pauses of its rules, as the operational database keeps them.

A file is the way to start: what it holds when a process first leads is the first version. Once people have
let one of their own be in force the file counts no more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import structlog

from baselines.edit import completed, shown
from baselines.rules import read_text
from baselines.versions import Pause, Version, Versions
from pipeline.errors import SettingsError
from pipeline.minute import EPOCH, MINUTE
from pipeline.packs import load_pack
from pipeline.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from baselines.rules import Tuned
    from pipeline.pack import Pack
    from pipeline.settings import Settings
    from pipeline.store.state import State

log = structlog.get_logger()

FROM_FILE: Final = "file"


class StoredRules(Database):
    """Who wrote which numbers, and which are in force when."""

    def rules_in_time(self) -> Sequence[Mapping[str, Any]]:
        """What has been in force from which minute on, and which rules were paused."""
        return self.rows("rules_in_time")

    def rule_texts(self, versions: Sequence[int]) -> dict[int, str]:
        """The texts of some versions."""
        if not versions:
            return {}
        return {row["version"]: row["numbers"] for row in self.rows("rule_texts", versions=list(versions))}

    def rule_version(self, version: int) -> Mapping[str, Any] | None:
        """One version with its text."""
        return next(iter(self.rows("rule_version", version=version)), None)

    def record_file(self, text: str, name: str, parent: int | None, earliest: datetime) -> int:
        """Keep what the file holds as a version; it judges every minute that was never judged so far."""
        with self.committing() as connection:
            self.ask(connection, "lock_rules")
            judged = self.ask(connection, "last_judged").scalar_one()
            start = max(earliest, judged + MINUTE if judged else EPOCH)
            given = {
                "parent": parent,
                "instead_of": parent,
                "origin": FROM_FILE,
                "numbers": text,
                "status": "approved",
            }
            said = {"author": name, "author_id": None, "reason": f"what {name} held at the start"}
            found = self.ask(connection, "insert_rules", **given, **said, in_force_from=start)
            return int(found.scalar_one())

    def store_backtest(self, version: int, summary: Mapping[str, Any], *, started: bool = False) -> bool:
        """Keep what a version would have done; says whether it could still be kept.

        With `started` it is the answer of `start_backtest`, and gives way to one that came meanwhile.
        """
        with self.changing() as connection:
            given = {"version": version, "backtest": json.dumps(summary), "started": started}
            return self.ask(connection, "store_backtest", **given).first() is not None

    def start_backtest(self) -> Mapping[str, Any] | None:
        """The version to measure next, with its text; from now on people see that it is measured."""
        found = next(iter(self.rows("backtest_wanted")), None)
        if found is not None:
            with self.changing() as connection:
                self.ask(connection, "start_backtest", version=found["version"])
        return found

    def next_judged(self, connection: Connection) -> datetime | None:
        """The next minute to judge, which stays the next one until this transaction ends."""
        return self.ask(connection, "next_judged").scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class RulesFile:
    """The file of tuned numbers that the settings name."""

    name: str
    text: str
    tuned: Tuned


def read_rules_file(pack: Pack[Any, Any], path: Path) -> RulesFile:
    """Read and understand it; raises SettingsError where it cannot be."""
    text = read_text(path, f"baselines/{pack.name}/rules.toml")
    return RulesFile(path.name, text, pack.read_tuned(text, str(path)))


def versions_of(state: State, settings: Settings) -> Versions[Any]:
    """What is in force at each minute, for a command that only reads."""
    pack = load_pack(settings.pack)
    return RulesReader(state, pack, read_rules_file(pack, settings.rules)).read()


class RulesReader:
    """Reads which numbers are in force when; a text is understood once, however often this is asked."""

    def __init__(self, state: State, pack: Pack[Any, Any], file: RulesFile) -> None:
        self._state = state
        self._pack = pack
        self._file = file
        self._tuned: dict[int, Tuned] = {}
        self._rows: Sequence[Mapping[str, Any]] | None = None
        self._versions: Versions[Any] = Versions([])
        self._reading = Lock()  # an older answer must not come last

    def newest(self) -> Versions[Any]:
        """What was read last; it holds for every minute up to the one that is judged now."""
        return self._versions if self._rows is not None else self.read()

    def read(self) -> Versions[Any]:
        """All versions so far; where none is kept yet, what the file says."""
        with self._reading:
            rows = self._state.rules_in_time()
            if rows != self._rows:
                self._versions = self._made(rows)
                self._rows = rows
            return self._versions

    def _made(self, rows: Sequence[Mapping[str, Any]]) -> Versions[Any]:
        numbers = [row["version"] for row in rows if row["version"] is not None]
        texts = self._state.rule_texts([number for number in numbers if number not in self._tuned])
        self._tuned |= {number: self._understood(number, text) for number, text in texts.items()}
        kept = [Version(r["start"], self._tuned[r["version"]], r["version"]) for r in rows if r["version"]]
        pauses = [Pause(row["rule"], row["start"], row["ends"]) for row in rows if row["rule"]]
        return Versions(kept or [Version(EPOCH, self._file.tuned)], pauses)

    def keep_file(self) -> None:
        """Keep the file as a version, where none of people is in force and it says something new; to lead."""
        versions = [row for row in self._state.rows("rule_versions") if row["in_force_from"]]
        newest = max(versions, key=lambda row: (row["in_force_from"], row["version"]), default=None)
        if newest is None:
            self._record(None, EPOCH)
        elif self.read().versions[-1].tuned != self._file.tuned:
            if newest["origin"] == FROM_FILE:
                self._record(newest["version"], newest["in_force_from"])
            else:
                log.info("rules.file_not_used", file=self._file.name, in_force=newest["version"])

    def _record(self, parent: int | None, earliest: datetime) -> None:
        version = self._state.record_file(self._file.text, self._file.name, parent, earliest)
        log.info("rules.file_kept", file=self._file.name, version=version)

    def _understood(self, number: int, text: str) -> Tuned:
        """The numbers of a version; one of an earlier program gets what it lacks from the file."""
        name = f"version {number}"
        try:
            found: Tuned = self._pack.read_tuned(text, name)
        except SettingsError as error:
            text, paths = completed(text, self._file.text)
            found = self._pack.read_tuned(text, name)
            log.warning("rules.completed", version=number, why=error.what, of_the_file=[*map(shown, paths)])
        return found
