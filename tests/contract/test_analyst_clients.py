"""analyst.duckdb in the hands of analysts: older DuckDBs, in environments of their own, without a network.

Each version is installed by pip from the index that this machine's configuration names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.store.lake import Lake
from pipeline.store.manifest import LakeFile, Publication
from pipeline.store.views.catalog import Shelf, catalog_statements

if TYPE_CHECKING:
    from pathlib import Path


#: The oldest that is promised, and the last one before 2.0.
VERSIONS = ("1.2.2", "1.5.6")
BERLIN = ZoneInfo("Europe/Berlin")
#: 00:30 to 03:30 UTC of the night in which the clocks of Berlin went from 2 to 3 (at 01:00 UTC).
NIGHT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
LATE = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)  # 00:30 of the 30th in Berlin

READ = """
import duckdb, json, sys
config = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
connection = duckdb.connect(sys.argv[1], read_only=True, config=config)
connection.execute("SET TimeZone = 'Asia/Kolkata'")
ask = lambda question: connection.execute(question).fetchall()
views = [name for name, in ask("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1")]
print(json.dumps({
    "version": duckdb.__version__,
    "counts": {view: ask(f"SELECT count(*) FROM {view}")[0][0] for view in views},
    "widths": {view: len(connection.execute(f"SELECT * FROM {view} LIMIT 0").description) for view in views},
    "days": ask("SELECT business_date::VARCHAR, cancel_count, cancel_rate FROM merchant_day ORDER BY 1"),
    "schemas": {
        schema: ask(f"SELECT count(*) FROM {schema}.merchant_day")[0][0] for schema in ("main", "merchants")
    },
    "hours": ask("SELECT epoch(hour)::BIGINT // 3600 % 24, approval_count FROM merchant_hour ORDER BY hour"),
}))
"""


@pytest.fixture(scope="module", params=VERSIONS)
def old_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has this DuckDB and nothing else."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-input"]
    done = subprocess.run([*pip, f"duckdb=={request.param}"], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = f"NOT TESTED: pip cannot install duckdb {request.param}: {done.stderr.strip()[-300:]}"
        if os.environ.get("MINUTERISK_TEST_DUCKDB") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def minutes(first: datetime, count: int) -> pl.DataFrame:
    """Ten approvals and a cancel of one merchant in each minute."""
    numbers = dict.fromkeys(PACK.datasets["merchant_minute"], 0) | {"approval_count": 10, "cancel_count": 1}
    rows = [{**numbers, "minute": first + n * MINUTE, "merchant_id": "가게"} for n in range(count)]
    return pl.DataFrame(rows, PACK.datasets["merchant_minute"])


def project(lake: Lake, files: list[LakeFile | None]) -> None:
    made = [file for file in files if file is not None]
    through = max((file.span.end for file in made), default=None)
    lake.project_catalog(Publication(1, through, made, datetime(2026, 3, 30, tzinfo=UTC)))


def lake_in(folder: Path, zone: ZoneInfo) -> Lake:
    return Lake(PACK, folder / "lake", folder / "manifest.json", folder / "analyst.duckdb", zone)


def ask(python: Path, folder: Path) -> Any:  # noqa: ANN401 - parsed JSON
    """What the client says; it has no home, so no extension that it could load, and no network to get one."""
    nowhere = {
        "HOME": "/nonexistent",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    command = [str(python), "-c", READ, str(folder / "analyst.duckdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=nowhere)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_view_is_read(old_python: Path, tmp_path: Path) -> None:
    lake = lake_in(tmp_path, BERLIN)
    spans = [Span(NIGHT, NIGHT + 180 * MINUTE), Span(LATE, LATE + 60 * MINUTE)]
    files = [lake.write("merchant_minute", minutes(s.start, s.minutes), s) for s in spans]
    signal = dict.fromkeys(PACK.datasets["signal"]) | {"minute": NIGHT, "rule": "cancel_surge"}
    files.append(lake.write("signal", pl.DataFrame([signal], PACK.datasets["signal"]), spans[0]))
    project(lake, files)
    found = ask(old_python, tmp_path)
    counts = {"merchant_minute": 240, "merchant_hour": 6, "merchant_day": 2, "signal": 1, "quarantine": 0}
    assert found["version"] in VERSIONS
    assert found["counts"].items() >= counts.items()
    assert {n for n, rows in found["counts"].items() if rows} == {n for n, rows in counts.items() if rows}
    assert {name: found["widths"][name] for name in PACK.datasets} == {
        n: len(s) for n, s in PACK.datasets.items()
    }
    assert found["days"] == [["2026-03-29", 180, 0.1], ["2026-03-30", 60, 0.1]]
    assert found["schemas"] == {"main": 2, "merchants": 2}
    assert [hour for hour, _ in found["hours"]] == [0, 1, 2, 3, 22, 23]  # of UTC, also for a client in India


def test_before_anything_is_published_the_views_are_empty(old_python: Path, tmp_path: Path) -> None:
    project(lake_in(tmp_path, ZoneInfo("Asia/Seoul")), [])
    assert set(ask(old_python, tmp_path)["counts"].values()) == {0}


def test_files_without_the_newer_columns_are_read(old_python: Path, tmp_path: Path) -> None:
    lake = lake_in(tmp_path, ZoneInfo("Asia/Seoul"))
    span = Span(NIGHT, NIGHT + 3 * MINUTE)
    file = lake.write("merchant_minute", minutes(NIGHT, 3), span)
    assert file is not None
    path = lake.folder / file.path
    pl.read_parquet(path).drop("cancel_fresh_count", "cancel_older_count").write_parquet(path)
    project(lake, [file])
    assert ask(old_python, tmp_path)["counts"]["merchant_day"] == 1


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"])
def test_the_views_use_only_functions_of_the_core_of_an_old_duckdb(tmp_path: Path, zone: str) -> None:
    """Nobody can take the time zone extension out of a wheel, so the functions are counted."""
    span = Span(NIGHT - timedelta(days=300), LATE)
    file = LakeFile("merchant_minute", "a.parquet", span, 1, 1, "")
    statements = catalog_statements([Shelf(PACK, [file])], tmp_path, ZoneInfo(zone))
    text = re.sub(r"--[^\n]*|'[^']*'", "", "\n".join(statements))
    named = {name.lower() for name in re.findall(r"\b(\w+)\(", text)}
    core = {"read_parquet", "coalesce", "sum", "nullif", "cast", "epoch_us", "make_timestamp", "to_timestamp"}
    core |= {"max", "range"}
    # Macros, and what the rows of range are called.
    ours = {"business_day", "minute_of_day", "start_of", "minutes_of", "cancel_rate", "t"}
    assert named - ours <= core
    assert not re.search(r"AT TIME ZONE|INTERVAL|TIMESTAMPTZ\s*[-+]", text)
