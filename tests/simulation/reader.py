"""One reader process: reads every way there is until it is told to stop; prints what it has seen as JSON.

`python reader.py HOME`; a file `stop` under the home ends it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipeline.settings import load_settings
from pipeline.store.manifest import read_manifest
from pipeline.store.views.analyst import Analyst

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.settings import Settings

QUESTION = (
    "SELECT sum(approval_count + cancel_count)::bigint AS n, count(DISTINCT minute) AS m FROM merchant_minute"
)


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


WAYS: dict[str, Callable[[Settings], tuple[int, int]]] = {
    "manifest": through_manifest,
    "catalog": through_catalog,
    "analyst": through_analyst,
}


def main(home: Path) -> None:
    """Read until a file `stop` appears."""
    settings = load_settings({"MINUTERISK_HOME": str(home)})
    errors: list[str] = []
    answers: dict[str, list[tuple[int, int]]] = {name: [] for name in WAYS}
    reads = 0
    while not (home / "stop").exists():
        for name, way in WAYS.items():
            try:
                answer = way(settings)
            except Exception as error:  # noqa: BLE001 - every kind of error is what is counted here
                errors.append(f"{name}: {type(error).__name__}: {error}"[:300])
                continue
            reads += 1
            if not answers[name] or answers[name][-1] != answer:
                answers[name].append(answer)
        time.sleep(0.01)
    print(json.dumps({"reads": reads, "errors": errors[:5], "error_count": len(errors), "answers": answers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
