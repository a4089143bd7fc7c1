"""Every extraction query, failing in every way, at each moment: nothing stops, nothing is silently wrong.

Each fault of `query_faults.py` meets a first start, and a running installation through a live minute with an
incident, a late commit, a reconciliation and `check`. Then the query is mended, and what is published has to
equal a plain count of the source's rows.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from pipeline.alarms import open_alarms
from pipeline.cli import main
from pipeline.errors import MinuteriskError
from pipeline.metrics import Metrics
from pipeline.minute import MINUTE, Span
from pipeline.service import Service
from pipeline.settings import load_settings
from scheduler import open_pipeline
from tests.contract.trade_servers import mariadb_server, mariadb_trade, postgresql_trade
from tests.integration.query_faults import NEEDED, POISON, Fault, faults
from tests.servers import create_database, drop_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.catch_up import Pipeline
    from pipeline.tell.channels import Channel
    from tests.contract.trade_servers import Dialect, Trade

#: The minute with the surge: in Seoul a Wednesday noon, with whole days before it.
NOW = datetime(2026, 3, 11, 3, tzinfo=UTC)
JUDGED_FROM = NOW - 3 * MINUTE
LATE = 950_000
CANCELS = 30
DIALECTS: tuple[Dialect, ...] = ("postgresql", "mysql")


@dataclass(frozen=True)
class Installation:
    """A judged installation that every test copies: its source, its queries, its databases."""

    trade: Trade
    admin_url: str
    queries: Path
    home: Path
    state: str

    def set_clock(self, at: datetime) -> None:
        self.trade.execute("UPDATE test_clock SET at = %s", at.replace(tzinfo=None))

    def truth(self) -> dict[datetime, tuple[int, int]]:
        """Rows and cancels by minute, counted plainly."""
        rows = self.trade.execute("SELECT occurred_at, kind FROM transactions")
        counts: dict[datetime, tuple[int, int]] = {}
        for at, kind in rows:
            minute = at.replace(second=0, microsecond=0, tzinfo=UTC)
            before = counts.get(minute, (0, 0))
            counts[minute] = (before[0] + 1, before[1] + (kind == "CANCEL"))
        return counts


@pytest.fixture(scope="module")
def servers(postgres_url: str) -> Iterator[dict[str, Trade]]:
    with (
        mariadb_server() as socket,
        postgresql_trade(postgres_url, "TEXT") as one,
        mariadb_trade(socket, "TEXT") as other,
    ):
        yield {"postgresql": one, "mysql": other}


@pytest.fixture(scope="module")
def installations(
    servers: dict[str, Trade], postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Installation]:
    return {
        dialect: _install(trade, postgres_url, tmp_path_factory.mktemp(dialect))
        for dialect, trade in servers.items()
    }


def _install(trade: Trade, admin_url: str, folder: Path) -> Installation:
    time_type = "timestamp" if trade.dialect == "postgresql" else "DATETIME(6)"
    trade.execute(f"CREATE TABLE test_clock (at {time_type})")
    if trade.dialect == "postgresql":
        trade.execute("GRANT SELECT ON test_clock TO PUBLIC")
    trade.execute("INSERT INTO test_clock VALUES (%s)", (NOW + timedelta(seconds=5)).replace(tzinfo=None))
    at = NOW - timedelta(hours=5)
    trade.insert(*((n, "M0", "APPROVAL", 1000, at + n * MINUTE, None, at) for n in range(1, 241)))
    surge = ((900_000 + n, "M0", "CANCEL", 5000, NOW, None, NOW) for n in range(CANCELS))
    trade.insert(*surge, (800_000, "M1", "APPROVAL", 7000, NOW, None, NOW))
    trade.execute("INSERT INTO merchants (merchant_id, name, category) VALUES ('M0', 'Shop', 'food')")
    payout = (
        "INSERT INTO settlements (merchant_id, business_date, amount, settled_at) VALUES (%s, %s, %s, %s)"
    )
    trade.execute(
        payout,
        "M0",
        (NOW - timedelta(days=1)).date(),
        900_000,
        (NOW - timedelta(hours=9)).replace(tzinfo=None),
    )
    queries = trade.queries(folder / "queries")
    clock = {"postgresql": ("clock_timestamp()", "(SELECT at AT TIME ZONE 'UTC' FROM test_clock)")}
    clock["mysql"] = ("UTC_TIMESTAMP(6)", "(SELECT at FROM test_clock)")
    fence = (queries / "fence.sql").read_text()
    assert clock[trade.dialect][0] in fence
    (queries / "fence.sql").write_text(fence.replace(*clock[trade.dialect]))
    state = create_database(admin_url, "state")
    made = Installation(trade, admin_url, queries, folder / "home", state)
    with open_pipeline(_settings(made, made.home, state, queries)) as pipeline:
        pipeline.start_history(JUDGED_FROM)
        list(pipeline.catch_up(pipeline.due_until()))
        service = _service(pipeline)
        service.tick()
        service.search()
        service.tick()
    return made


def _settings(made: Installation, home: Path, state: str, queries: Path) -> Any:  # noqa: ANN401
    values = {
        "home": str(home),
        "source_url": made.trade.url,
        "source_queries": str(queries),
        "source_timeout": "1",
        "state_url": url_of(made.admin_url, state),
        "policy": "supported",
        "metrics_port": "0",
    }
    return load_settings({f"MINUTERISK_{name.upper()}": value for name, value in values.items()})


class Deaf:
    """A channel that takes everything."""

    name = "deaf"
    gap = timedelta()

    def send(self, *_: object) -> None:
        return None

    def find(self, *_: object) -> dict[int, str]:
        return {}


def _service(pipeline: Pipeline) -> Service:
    channel: Channel = Deaf()
    return Service(pipeline, lambda _: channel, Metrics("merchants"))


@dataclass
class Run:
    """A copy of the installation, with a fault in its queries until they are mended."""

    made: Installation
    fault: Fault
    settings: Any
    queries: Path

    def break_query(self) -> None:
        path = self.queries / f"{self.fault.query}.sql"
        failing = self.fault.text(path.read_text())
        path.unlink() if failing is None else path.write_text(failing)

    def mend_query(self) -> None:
        shutil.copytree(self.made.queries, self.queries, dirs_exist_ok=True)

    def alarms(self) -> dict[tuple[str, str], str]:
        from pipeline.store.database import connect_state  # noqa: PLC0415 - one place

        engine = connect_state(self.settings.state_url)
        try:
            return {
                (a.name, a.subject): f"{a.what} {a.hint}"
                for a in open_alarms(engine, self.settings.state_url, self.settings.pack)
            }
        finally:
            engine.dispose()


@contextmanager
def run_of(made: Installation, fault: Fault, folder: Path, *, fresh: bool) -> Iterator[Run]:
    made.set_clock(NOW + timedelta(seconds=5))
    queries = shutil.copytree(made.queries, folder / "queries")
    home = folder / "home"
    if not fresh:
        shutil.copytree(made.home, home)
    state = create_database(made.admin_url, "state", "template1" if fresh else made.state)
    try:
        yield Run(made, fault, _settings(made, home, state, queries), queries)
    finally:
        made.trade.execute(f"DELETE FROM transactions WHERE transaction_id >= {LATE}")
        drop_database(made.admin_url, state)


def work(pipeline: Pipeline) -> list[dict[str, Any]]:
    """A tick, a search and a tick that corrects, as the scheduler runs them; gives what the log said."""
    service = _service(pipeline)
    with capture_logs() as said:
        for name, job in (("tick", service.tick), ("search", service.search), ("tick", service.tick)):
            service.guarded(name, job)()
    assert service.failure is None, service.failure
    return [dict(line) for line in said]


def reconcile(pipeline: Pipeline) -> list[dict[str, Any]]:
    service = _service(pipeline)
    with capture_logs() as said:
        service.guarded("reconcile", service.reconcile)()
    assert service.failure is None, service.failure
    return [dict(line) for line in said]


def faults_of_ours(said: list[dict[str, Any]]) -> list[str]:
    return [f"{line}" for line in said if line["event"] == "job.fault" or line.get("exc_info")]


def published(pipeline: Pipeline) -> dict[datetime, tuple[int, int]]:
    """Rows (set-aside ones too) and cancels by minute, as the ledger has them, where there are any."""
    query = "SELECT minute, source_rows, source_sums->'cancels' FROM minute_ledger WHERE source_rows > 0"
    with pipeline.state.reading() as connection:  # every minute there is, but not the days without a row
        return {minute: (rows, cancels) for minute, rows, cancels in connection.execute(text(query))}


def named(fault: Fault, texts: list[str]) -> bool:
    return any(fault.query in text for text in texts)


#: A seventh of the faults meets each moment, another the other; `make test-faults` runs all.
EVERY = os.environ.get("MINUTERISK_TEST_FAULTS") == "all"
FAULTS = [fault for dialect in DIALECTS for fault in faults(dialect)]
RUNNING, FRESH = 0, 1


def seventh(which: int) -> list[Fault]:
    """Every seventh, and one of each way that these happen to leave out."""
    chosen = FAULTS[which::7]
    ways = {fault.way for fault in chosen}
    for way in sorted({fault.way for fault in FAULTS} - ways):
        of_way = [fault for fault in FAULTS if fault.way == way]
        chosen.append(of_way[which % len(of_way)])
    return chosen


def parameters(which: int) -> list[Any]:
    chosen = FAULTS if EVERY else seventh(which)
    return [pytest.param(fault, id=f"{fault.dialect}-{fault.query}-{fault.way}") for fault in chosen]


@pytest.mark.parametrize("moment", [RUNNING, FRESH])
def test_every_run_has_each_query_of_each_dialect_and_each_way_at_each_moment(moment: int) -> None:
    assert {(f.dialect, f.query) for f in seventh(moment)} == {(f.dialect, f.query) for f in FAULTS}
    assert {f.way for f in seventh(moment)} == {f.way for f in FAULTS}


@pytest.mark.parametrize("fault", parameters(RUNNING))
def test_a_running_installation_goes_on_and_says_which_query_fails(
    installations: dict[str, Installation], fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = installations[fault.dialect]
    with run_of(made, fault, tmp_path, fresh=False) as run:
        with open_pipeline(run.settings) as pipeline:
            run.break_query()
            made.set_clock(NOW + timedelta(seconds=66))
            said = work(pipeline)
            made.trade.insert(
                (LATE, "M1", "APPROVAL", 700, NOW - 2 * MINUTE, None, NOW + timedelta(seconds=65))
            )
            said += work(pipeline) + reconcile(pipeline) + work(pipeline)
            assert faults_of_ours(said) == []
            _is_judged_or_said(pipeline, run, said)
        _checked(run, capsys)
        run.mend_query()
        with open_pipeline(run.settings) as pipeline:
            for _ in range(2):  # what the reconciliation finds is repaired by the tick
                assert faults_of_ours(work(pipeline) + reconcile(pipeline)) == []
            work(pipeline)
            _equals_the_source(pipeline, made)
            assert [i["entity_id"] for i in pipeline.state.incidents_between(NOW, NOW)] == ["M0"]


def _is_judged_or_said(pipeline: Pipeline, run: Run, said: list[dict[str, Any]]) -> None:
    """The incident is there, or an alarm or a log line names the query; never a wrong number alone."""
    fault, alarms = run.fault, run.alarms()
    told = [f"{key} {text}" for key, text in alarms.items()]
    told += [json.dumps(line, default=str) for line in said if line["log_level"] in ("warning", "error")]
    incidents = pipeline.state.incidents_between(NOW, NOW)
    if fault.query not in ("fence", "transactions"):
        assert [i["entity_id"] for i in incidents] == ["M0"], told
    right = published(pipeline) == {m: c for m, c in run.made.truth().items() if m <= NOW}
    if not right or not incidents:
        assert named(fault, told), told


def _checked(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` ends, names the query where it does not work, and no fault is ours."""
    with pytest.MonkeyPatch.context() as patch:
        names = (
            "home",
            "source_url",
            "source_queries",
            "source_timeout",
            "state_url",
            "policy",
            "metrics_port",
        )
        for name in names:
            value = getattr(run.settings, name)
            shown = f"{value.total_seconds():g}" if isinstance(value, timedelta) else str(value)
            patch.setenv(f"MINUTERISK_{name.upper()}", shown)
        capsys.readouterr()
        main(["check", "--json"])
    output = capsys.readouterr()
    assert "unexpected fault" not in output.err + output.out, output.err
    content = json.loads(output.out.strip().splitlines()[-1])
    assert run.fault.query in json.dumps(content), content


def _equals_the_source(pipeline: Pipeline, made: Installation) -> None:
    until = pipeline.state.next_minute()
    assert until is not None
    assert published(pipeline) == {m: c for m, c in made.truth().items() if m < until}


@pytest.mark.parametrize("fault", parameters(FRESH))
def test_a_first_start_goes_on_or_refuses_by_the_querys_name(
    installations: dict[str, Installation], fault: Fault, tmp_path: Path
) -> None:
    made = installations[fault.dialect]
    with run_of(made, fault, tmp_path, fresh=True) as run:
        run.break_query()
        made.set_clock(NOW + timedelta(seconds=66))
        told, right = _started(run)
        assert right or named(fault, told), told
        run.mend_query()
        with open_pipeline(run.settings) as pipeline:
            pipeline.start_history(JUDGED_FROM)
            for _ in range(2):
                work(pipeline)
                reconcile(pipeline)
            work(pipeline)
            recent = Span(NOW - timedelta(minutes=30), NOW + MINUTE)
            truth = {m: c for m, c in made.truth().items() if m in recent}
            assert {m: c for m, c in published(pipeline).items() if m in recent} == truth


def _started(run: Run) -> tuple[list[str], bool]:
    """What a first start said, and whether what it published is right; where it refused, nothing is."""
    fault, told = run.fault, list[str]()
    refusal: MinuteriskError | None = None
    right = True
    with capture_logs() as said:
        try:
            with open_pipeline(run.settings) as pipeline:
                pipeline.start_history(JUDGED_FROM)
                told += [json.dumps(line, default=str) for line in work(pipeline)]
                incidents = pipeline.state.incidents_between(NOW, NOW)
                right = published(pipeline) == {m: c for m, c in run.made.truth().items() if m <= NOW}
        except MinuteriskError as error:
            refusal, incidents = error, []
    if fault.query not in NEEDED:
        assert refusal is None
        assert [i["entity_id"] for i in incidents] == ["M0"]
    if refusal is not None:
        assert fault.query in str(refusal)
        assert refusal.hint
    told += [json.dumps(line, default=str) for line in said]
    if not right:
        told += [f"{key} {text}" for key, text in run.alarms().items()]
    return told, right


assert POISON < 900_000 + CANCELS  # it is one of the surge's rows
