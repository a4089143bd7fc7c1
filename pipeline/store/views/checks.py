"""Checks of the published data: questions whose answer must have no rows, of `queries/PACK/checks`.

They read one published version as analysts do, so what they find is in the files that everybody reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import duckdb

from pipeline.errors import LakeDamaged, StorageUnavailable
from pipeline.packs import load_pack
from pipeline.store.views.catalog import catalog_statements, newest_shelf
from queries import FOLDER, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

Severity = Literal["error", "warning"]
#: They share the machine with the pipeline.
_OPTIONS: Final[dict[str, Any]] = {"threads": 1, "memory_limit": "1GB"}
_HEAD: Final = re.compile(
    r"-- Check: (?P<english>.+)\n-- 검사: (?P<korean>.+)\n-- Severity: (?P<severity>error|warning)\n"
    r"-- Next: (?P<next>.+)\n"
)
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

    Raises LakeDamaged or StorageUnavailable where the files cannot be read.
    """
    newest = newest_shelf(load_pack(settings.pack), settings.manifest, settings.lake)
    checks = checks_of(settings.pack)
    if newest is None or not checks:
        return
    _, shelf = newest
    try:
        with duckdb.connect(config=_OPTIONS) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in catalog_statements([shelf], settings.lake, settings.business_timezone):
                connection.execute(statement)
            for check in checks:
                yield _run(connection, check)
    except duckdb.IOException as error:
        msg = f"a published file cannot be read: {str(error).splitlines()[0]}"
        raise StorageUnavailable(msg, "look at the disk under the home") from error
    except duckdb.Error as error:
        msg = f"the published data cannot be checked: {str(error).splitlines()[0]}"
        raise LakeDamaged(msg, "`minuterisk run` and `reconcile` build damaged files again") from error


def _run(connection: duckdb.DuckDBPyConnection, check: Check) -> Checked:
    found = connection.sql(check.text).pl()
    first = tuple(
        ", ".join(f"{name} {value}" for name, value in row.items()) for row in found.head(_SHOWN).to_dicts()
    )
    return Checked(check, found.height, first)
