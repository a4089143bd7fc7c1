"""Checks of the published data: questions whose answer must have no rows, of `queries/PACK/checks`.

They read one published version as analysts do, so what they find is in the files that everybody reads.
"""

from __future__ import annotations

import re
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Literal

import duckdb

from pipeline.errors import LakeDamaged, NotChecked, StorageUnavailable
from pipeline.packs import load_pack
from pipeline.store.views.catalog import catalog_statements, newest_shelf
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.errors import MinuteriskError
    from pipeline.settings import Settings

Severity = Literal["error", "warning"]
#: They share the machine with the pipeline, and the disk under the home: what does not fit is not checked.
_OPTIONS: Final[dict[str, Any]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "max_temp_directory_size": "4GB",
}
_HEAD: Final = re.compile(
    r"-- Check: (?P<english>.+)\n-- 검사: (?P<korean>.+)\n-- Severity: (?P<severity>error|warning)\n"
    r"-- Next: (?P<next>.+)\n"
)
_ASIDE: Final = ".checks."
_LEFT_BEHIND: Final = 24 * 3600  # seconds: no check takes so long
_SHOWN: Final = 3  # rows that an alarm names


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what holds where it gives no rows, how bad it is where it does not, and what to do then."""

    name: str
    english: str
    korean: str
    severity: Severity
    next: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check gave: how many rows, and the first of them."""

    check: Check
    rows: int
    first: tuple[str, ...]

    @property
    def what(self) -> str:
        """For people: the sentence that does not hold, and where."""
        more = f" (and {self.rows - len(self.first):,} more)" if self.rows > len(self.first) else ""
        return f"does not hold: {self.check.english} {'; '.join(self.first)}{more}"


def checks_of(pack: str) -> list[Check]:
    """The checks of a pack, by name. A file without a head is a programming error and raises ValueError."""
    found = []
    for path in sorted((FOLDER / pack / "checks").glob("*.sql")):
        text = sql(f"{pack}/checks/{path.stem}")
        head = _HEAD.match(text)
        if head is None:
            raise ValueError(path.name)
        severity: Severity = "error" if head["severity"] == "error" else "warning"
        found.append(Check(path.stem, head["english"], head["korean"], severity, head["next"], text))
    return found


def run_checks(settings: Settings) -> Iterator[Checked]:
    """Every check of the settings' pack over the newest published version; nothing before the first one.

    Raises LakeDamaged or StorageUnavailable where the files cannot be read, NotChecked for what else fails.
    """
    newest = newest_shelf(load_pack(settings.pack), settings.manifest, settings.lake)
    checks = checks_of(settings.pack)
    if newest is None or not checks:
        return
    _, shelf = newest
    asked = "the views"
    try:
        with _aside(settings.home) as aside, duckdb.connect(config=_OPTIONS | aside) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in catalog_statements([shelf], settings.lake, settings.business_timezone):
                connection.execute(statement)
            for check in checks:
                asked = check.name
                yield _run(connection, check)
    except duckdb.Error as error:
        raise _why(error, asked) from error


@contextmanager
def _aside(home: Path) -> Iterator[dict[str, str]]:
    """Where DuckDB lays aside what its memory does not hold: a folder of its own, or none on a full disk."""
    try:
        for left in home.glob(f"{_ASIDE}*"):  # of a process that was killed
            if time.time() - left.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
        folder = TemporaryDirectory(prefix=_ASIDE, dir=home, ignore_cleanup_errors=True)
    except OSError:
        yield {"temp_directory": ""}
        return
    with folder as name:
        yield {"temp_directory": name}


def _why(error: duckdb.Error, asked: str) -> MinuteriskError:
    """What DuckDB met. Only what it says of a file's content is damage: after that all files are hashed."""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    of_a_file = "parquet" in said.lower()
    if isinstance(error, duckdb.IOException):
        what = "a published file cannot be read" if of_a_file else "the checks cannot use their own folder"
        return StorageUnavailable(f"{what}: {said}", "look at the disk under the home")
    # What its reader of Parquet meets in a file has no class of its own.
    if type(error) is duckdb.Error or (isinstance(error, duckdb.InvalidInputException) and of_a_file):
        msg = f"the published data cannot be checked: {said}"
        return LakeDamaged(msg, "`minuterisk run` and `reconcile` build damaged files again")
    return NotChecked(
        f"{asked} of the published data cannot be checked: {said}", "report it; nothing is damaged"
    )


def _run(connection: duckdb.DuckDBPyConnection, check: Check) -> Checked:
    """Counted by DuckDB: where much is wrong, not every row comes here."""
    found = connection.sql(check.text)
    ((rows,),) = found.aggregate("count(*)").fetchall()
    shown = found.limit(_SHOWN).pl().to_dicts() if rows else []
    return Checked(check, rows, tuple(", ".join(f"{name} {v}" for name, v in row.items()) for row in shown))
