"""An installation of the version before packs, started by this one: nothing is lost, nothing is judged twice.

`version_0011` holds what that version left after 8 days of history and 75 judged minutes, with a message that
waits, an incident somebody took on, repairs asked for and a stray minute: its files, a dump of the rows of
its operational database, the transactions of its source, and what its own commands and views answered.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars.selectors as cs
import psycopg
import pytest

from pipeline.cli import main
from pipeline.minute import MINUTE, Span
from pipeline.prove.corrector import Corrector
from pipeline.prove.proof import find_faults
from pipeline.store.database import connect_state
from pipeline.store.migrate import migrate
from pipeline.store.state import State
from scheduler import open_lake, open_pipeline
from tests.integration.trade_home import settings_of, state_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings
    from tests.integration.trade_home import Trade

BEFORE = Path(__file__).parent / "version_0011"
NEXT = datetime(2026, 3, 11, 4, 15, tzinfo=UTC)
#: What the old version answered, by command and by question.
ANSWERS: dict[str, Any] = json.loads((BEFORE / "answers.json").read_text(encoding="utf-8"))
VIEWS: dict[str, list[Any]] = json.loads((BEFORE / "views.json").read_text(encoding="utf-8"))


@pytest.fixture
def trade(trade: Trade) -> Trade:
    rows = json.loads((BEFORE / "transactions.json").read_text(encoding="utf-8"))
    trade.insert(*((*row[:4], datetime.fromisoformat(row[4])) for row in rows))
    return trade


@pytest.fixture
def settings(trade: Trade, postgres_url: str, tmp_path: Path) -> Iterator[Settings]:
    """The installation, as the old version left it."""
    shutil.copytree(BEFORE / "lake", tmp_path / "home" / "lake")
    shutil.copy(BEFORE / "manifest.json", tmp_path / "home")
    with state_database(postgres_url, "template1") as url:
        engine = connect_state(url)
        migrate(engine, url, until="0011_history_until")
        engine.dispose()
        rows = gzip.decompress((BEFORE / "state.sql.gz").read_bytes())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("TRUNCATE leader, watermark, source_fence CASCADE")
            connection.execute(b"SET session_replication_role = replica;" + rows)
        yield settings_of(trade, url, tmp_path / "home")


def command(settings: Settings, *arguments: str) -> Any:  # noqa: ANN401 - parsed JSON
    names = ("home", "source_url", "state_url", "policy")
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        for name in names:
            patch.setenv(f"MINUTERISK_{name.upper()}", str(getattr(settings, name)))
        assert main([*arguments, "--json"]) == 0
    return json.loads(out.getvalue().strip().splitlines()[-1])


def state_of(settings: Settings) -> State:
    assert settings.state_url is not None
    engine = connect_state(settings.state_url)
    migrate(engine, settings.state_url, settings.currency)
    return State(engine, settings.state_url, settings.pack, settings.currency)


def answer(question: str, catalog: Path) -> Any:  # noqa: ANN401 - rows as JSON gives them back
    with duckdb.connect(catalog, read_only=True) as connection:
        rows = connection.sql(question).pl()
    utc = rows.with_columns(cs.datetime().dt.convert_time_zone("UTC"))
    return json.loads(json.dumps(utc.to_dicts(), default=lambda value: value.isoformat()))


#: What has another name since: the cancels that are not recovered include those of sales long paid out.
RENAMED = {"cancelled_unrecovered": "unrecovered"}


def test_its_commands_answer_as_before(settings: Settings) -> None:
    for asked, before in ANSWERS.items():
        whole = ["--all"] if asked == "incidents list" else []
        assert_holds(command(settings, *asked.split(), *whole), before, asked)


def assert_holds(now: Any, before: Any, where: str) -> None:  # noqa: ANN401 - parsed JSON
    """Whatever was answered before is answered the same; what people do since is said beside it."""
    if isinstance(before, dict):
        for name, value in before.items():
            assert_holds(now[RENAMED.get(name, name)], value, f"{where} {name}")
    elif isinstance(before, list):
        assert len(now) == len(before), where
        for place, value in enumerate(before):
            assert_holds(now[place], value, f"{where} {place}")
    else:
        assert now == before, where


def test_its_views_answer_as_before(settings: Settings) -> None:
    with state_of(settings) as state:
        open_lake(settings).project_catalog(state.publication())
    for question, before in VIEWS.items():
        found = answer(question, settings.catalog)
        if question == "SHOW TABLES":  # there are more now; of the old ones none is gone
            found = [view for view in found if view in before]
        assert found == before, question


def test_everything_it_held_is_there(settings: Settings) -> None:
    with state_of(settings) as state:
        ledger = state.minutes(Span(NEXT - timedelta(days=9), NEXT))
        assert len(ledger) == 8 * 1440 + 13 * 60 + 15
        held = [row["rows"] + row["quarantined"] for row in ledger]
        assert held == [row["source_rows"] for row in ledger]
        judged = [row["minute"] for row in ledger if row["judged_at"]]
        assert (len(judged), judged[-1]) == (75, NEXT - MINUTE)
        assert {row["policy"] for row in ledger if row["judged_at"]} == {"supported"}
        assert state.next_minute() == NEXT
        assert state.repairs_waiting()
        assert state.facts().rows() == [
            (datetime(1970, 1, 1, tzinfo=UTC), "M0", "mart"),
            (datetime(1970, 1, 1, tzinfo=UTC), "M1", "air"),
            (datetime(2026, 3, 11, 3, tzinfo=UTC), "M0", None),
        ]
        assert state.source_fence() is not None
        money = {key[1]: (i.at_risk.total, dict(i.at_risk.parts)) for key, i in state.unresolved().items()}
        assert money == {
            "M1": (150007, {"paid_out_cancelable": 150000, "unrecovered": 7}),
            "M2": (None, {"paid_out_cancelable": None, "unrecovered": 3}),
        }
        with state.engine.connect() as connection:
            strays = connection.exec_driver_sql("SELECT pack, minute, reason FROM stray_minute").all()
            assert [tuple(row) for row in strays] == [("merchants", datetime(2026, 1, 1, tzinfo=UTC), "past")]
            revised = connection.exec_driver_sql(
                "SELECT pack, minute, revision, cause, rows_before, rows_after, sums_before, sums_after "
                "FROM minute_revision"
            ).one()
            assert tuple(revised) == (
                "merchants",
                datetime(2026, 3, 11, 1, tzinfo=UTC),
                1,
                "late_commit",
                6,
                7,
                {"amount": "6000"},
                {"amount": "7234"},
            )


def test_it_goes_on_where_it_stood_and_judges_nothing_twice(settings: Settings, trade: Trade) -> None:
    trade.insert(*((900_000 + n, "M0", "CANCEL", 5000, NEXT) for n in range(30)))
    with open_pipeline(settings) as pipeline:
        ids = {key: i.incident_id for key, i in pipeline.state.unresolved().items()}
        judged = [judged.minute for judged in pipeline.catch_up(NEXT + 3 * MINUTE)]
        assert judged == [NEXT, NEXT + MINUTE, NEXT + 2 * MINUTE]
        known = pipeline.state.unresolved()
        assert {key: known[key].incident_id for key in ids} == ids  # the same ones go on
        assert ("cancel_surge", "M0") in known
        for _ in range(5):
            Corrector(pipeline).poll()
        assert not find_faults(pipeline, pipeline.source, Span(NEXT - timedelta(hours=3), NEXT)).any
        files = pipeline.state.publication().files
        folders = {file.path.partition("/")[0] for file in files}
        assert folders == {"merchant_minute", "signal", "quarantine", "merchants"}
