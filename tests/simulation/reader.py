"""One reader process: reads every way there is until it is told to stop; prints what it has seen as JSON.

`python reader.py HOME`; a file `stop` under the home ends it. While it reads, a file
`reading-PID` says since when.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipeline.settings import load_settings
from pipeline.store.manifest import read_manifest
from pipeline.store.views.analyst import Analyst

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from pipeline.settings import Settings

QUESTION = (
    "SELECT sum(approval_count + cancel_count)::bigint AS n, count(DISTINCT minute) AS m FROM merchant_minute"
)
#: What has to be of one publication: the book, the incidents' money, the ledger, counted rows, their days.
TOGETHER = """
WITH open AS (
    SELECT incident, exposure_now AS book FROM incident JOIN exposure_now USING (merchant_id)
    WHERE status <> 'resolved'
)
SELECT
    (SELECT count(DISTINCT minute) FROM exposure_now) AS minutes,
    (SELECT epoch(max(minute))::bigint FROM exposure_now) AS book,
    (SELECT epoch(max(minute))::bigint FROM minute_ledger WHERE judged_at IS NOT NULL) AS judged,
    (SELECT count(*) FROM open) AS incidents,
    (SELECT count(*) FROM open WHERE incident.unrecovered IS DISTINCT FROM book.unrecovered
        OR incident.paid_out_cancelable IS DISTINCT FROM book.paid_out_cancelable) AS otherwise_priced,
    (SELECT sum(approval_count + cancel_count)::bigint FROM minute_ledger) AS promised,
    (SELECT sum(approval_count + cancel_count)::bigint FROM merchant_minute) AS counted,
    (SELECT sum(approval_count + cancel_count)::bigint FROM merchant_day) AS by_day
"""


def half(found: dict[str, Any]) -> bool:
    """Are parts of the answer of different publications?"""
    book = found["minutes"] <= 1 and found["book"] == found["judged"] and not found["otherwise_priced"]
    return not book or len({found["promised"], found["counted"], found["by_day"]}) > 1


def through_manifest(settings: Settings) -> tuple[int, int]:
    """As the dashboard: the manifest's own files."""
    manifest = read_manifest(settings.manifest)
    assert manifest
    paths = [str(settings.lake / f.path) for f in manifest.datasets["merchant_minute"]]
    with duckdb.connect() as connection:
        found = connection.execute(QUESTION.replace("merchant_minute", f"read_parquet({paths})")).fetchone()
    assert found
    return found[0], found[1]


def through_catalog(settings: Settings) -> tuple[int, int]:
    """As a person with a DuckDB client: opened for each question."""
    with duckdb.connect(str(settings.catalog), read_only=True) as connection:
        found = connection.execute(QUESTION).fetchone()
    assert found
    return found[0], found[1]


def through_analyst(settings: Settings) -> tuple[int, int]:
    """As `minuterisk sql`."""
    found = Analyst.open(settings).ask(QUESTION).rows()[0]
    return found["n"], found["m"]


def catalog_together(settings: Settings) -> dict[str, Any]:
    """As a person with a DuckDB client: the tables and views of one file."""
    with duckdb.connect(str(settings.catalog), read_only=True) as connection:
        found: pl.DataFrame = connection.sql(TOGETHER).pl()
    return found.to_dicts()[0]


def analyst_together(settings: Settings) -> dict[str, Any]:
    """As `minuterisk sql`."""
    return Analyst.open(settings).ask(TOGETHER).rows()[0]


WHOLE: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "catalog": catalog_together,
    "analyst": analyst_together,
}
WAYS: dict[str, Callable[[Settings], tuple[int, int]]] = {
    "manifest": through_manifest,
    "catalog": through_catalog,
    "analyst": through_analyst,
}


@dataclass
class Seen:
    """What a reader has seen."""

    reads: int = 0
    errors: list[str] = field(default_factory=list)
    #: Each new answer by way.
    answers: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: {name: [] for name in WAYS})
    halves: list[str] = field(default_factory=list)
    books: set[int] = field(default_factory=set)  # the minutes of books that had an open incident

    def read(self, settings: Settings) -> None:
        """Every way once."""
        for name, way in WAYS.items():
            answer = self._tried(name, way, settings)
            if answer is not None and (not self.answers[name] or self.answers[name][-1] != answer):
                self.answers[name].append(answer)
        for name, whole in WHOLE.items():
            found = self._tried(name, whole, settings)
            if found is not None and half(found):
                self.halves.append(f"{name}: {found}")
            if found is not None and found["incidents"]:
                self.books.add(found["book"])

    def _tried(self, name: str, way: Callable[[Settings], Any], settings: Settings) -> Any:  # noqa: ANN401 - as `way`
        mark = settings.home / f"reading-{os.getpid()}"
        mark.touch()
        try:
            found = way(settings)
        except Exception as error:  # noqa: BLE001 - every kind of error is what is counted here
            self.errors.append(f"{name}: {type(error).__name__}: {error}"[:300])
            return None
        finally:
            mark.unlink()
        self.reads += 1
        return found

    def told(self) -> dict[str, Any]:
        """For the test."""
        errors = {"errors": self.errors[:5], "error_count": len(self.errors)}
        halves = {"halves": self.halves[:5], "half_count": len(self.halves), "books": len(self.books)}
        return {"reads": self.reads, "answers": self.answers} | errors | halves


def main(home: Path) -> None:
    """Read until a file `stop` appears."""
    settings, seen = load_settings({"MINUTERISK_HOME": str(home)}), Seen()
    while not (home / "stop").exists():
        seen.read(settings)
        time.sleep(0.01)
    print(json.dumps(seen.told()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
