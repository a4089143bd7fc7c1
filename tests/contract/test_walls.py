"""What keeps a question in: each wall by itself, the others down; all of them; and answers come through."""

from __future__ import annotations

import ast
import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipeline.errors import Fault, MinuteriskError, UsageError
from pipeline.store.views.analyst import Analyst
from pipeline.store.views.walls import filters, frames, kernel
from pipeline.store.views.walls import process as process_module
from pipeline.store.views.walls.child import lock
from pipeline.store.views.walls.reading import require_reading
from tests.contract.walls_home import CALLS, INSIDE, SECRET, published_home, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LINUX = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_home(tmp_path_factory.mktemp("walls"))


@pytest.fixture(scope="module")
def analyst(settings: Settings) -> Analyst:
    return Analyst.open(settings)


@pytest.fixture
def folder(settings: Settings) -> Iterator[Path]:
    """Where an attack would leave something; what the home holds is there afterwards as it was."""
    place = settings.home.parent

    def held() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(place.rglob("*")) if p.is_file()}

    before = held()
    yield place
    assert held() == before


#: Refused by the check alone, on a connection that could do all of it.
TEXTS = [
    "COPY merchant_minute TO '{folder}/stolen.csv'",
    "WITH x AS (COPY merchant_minute TO '{folder}/stolen.csv') SELECT 1",
    "WITH x AS (SELECT 1), y AS (COPY (FROM x) TO '{folder}/stolen.csv') SELECT * FROM x",
    "SELECT * FROM (WITH x AS (COPY merchant_minute TO '{folder}/stolen.csv') SELECT 1)",
    "FROM query('WITH x AS (COPY merchant_minute TO ''{folder}/stolen.csv'') SELECT 1')",
    "EXPLAIN ANALYZE WITH x AS (COPY merchant_minute TO '{folder}/stolen.csv') SELECT 1",
    "EXPLAIN ANALYZE COPY merchant_minute TO '{folder}/stolen.csv'",
    "WITH x AS (INSERT INTO merchant_minute VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (DELETE FROM merchant_minute RETURNING *) SELECT * FROM x",
    "ATTACH '{folder}/stolen.duckdb'",
    "ATTACH 'postgres:host=127.0.0.1' AS trade (TYPE postgres)",
    "DETACH memory",
    "USE memory",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "PRAGMA add_parquet_key('k', 'v')",
    "INSTALL httpfs",
    "LOAD '{folder}/x.duckdb_extension'",
    "FORCE CHECKPOINT",
    "CALL pragma_version()",
    "CREATE TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE MACRO m() AS TABLE FROM read_text('/etc/passwd')",
    "DROP VIEW merchant_minute",
    "PREPARE p AS SELECT 1",
    "EXPORT DATABASE '{folder}/stolen'",
    "IMPORT DATABASE '{folder}'",
    "BEGIN TRANSACTION",
    "SELECT 1; DROP VIEW merchant_minute",
    "SELECT 1; SELECT 2",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM READ_BLOB('/etc/passwd')",
    "SELECT * FROM main.read_csv('{folder}/secret.csv')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM read_parquet('{folder}/secret.parquet')",
    "SELECT * FROM parquet_metadata('{folder}/secret.parquet')",
    "SELECT * FROM sniff_csv('{folder}/secret.csv')",
    "SELECT * FROM read_json_auto('/proc/self/status')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM query_table('merchant_minute')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM destroy_external_resource('x')",
    "FROM '{folder}/secret.csv'",
    'FROM "{folder}/secret.csv" AS x, merchant_minute',
    "SELECT 1 WHERE 1 IN (FROM '{folder}/secret.csv')",
    (
        "SELECT * FROM '{folder}/secret.csv' WHERE 'a' IN (WITH \"{folder}/secret.csv\" AS (SELECT 'a') FROM "
        '"{folder}/secret.csv")'
    ),
    "FROM secret.csv",
    "WITH csv AS (SELECT 1) FROM secret.csv",
    "DESCRIBE '{folder}/secret.csv'",
    "SUMMARIZE '{folder}/secret.csv'",
    "EXPLAIN FROM '{folder}/secret.csv'",
    "FROM histogram('{folder}/secret.csv', word)",
    "FROM histogram_values('{folder}/secret.csv', word)",
    "FROM summary((FROM '{folder}/secret.csv'))",
    "SELECT json_serialize_plan('FROM read_csv(''{folder}/secret.csv'')')",
    "FROM duckdb_logs",
    "FROM nowhere",
    "SELECT getenv('HOME')",
    "SELECT write_log('told')",
    "SELECT pg_sleep(3600)",
    "SELECT nextval('s')",
    "SELEC 1",
    "",
]
#: Refused by DuckDB's locked settings alone, without a check of the text.
REACHING = [
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "WITH x AS (COPY (SELECT 1) TO '{folder}/stolen.csv') SELECT 1",
    "ATTACH '{folder}/stolen.duckdb'",
    "ATTACH '{folder}/published/analyst.duckdb' (READ_ONLY)",
    "EXPORT DATABASE '{folder}/stolen'",
    "INSTALL spatial",
    "INSTALL spatial FROM 'http://127.0.0.1:9'",
    "LOAD spatial",
    "LOAD '{folder}/x.duckdb_extension'",
    "FROM read_text('/etc/passwd')",
    "FROM read_blob('/etc/passwd')",
    "FROM read_text('{folder}/published/lake/../../secret.csv')",
    "FROM read_csv('{folder}/secret.csv')",
    "FROM read_parquet('{folder}/secret.parquet')",
    "FROM read_parquet('{folder}/published/**/*.parquet')",
    "FROM read_parquet('http://127.0.0.1:9/x.parquet')",
    "FROM read_csv('s3://bucket/x.csv')",
    "FROM glob('/etc/*')",
    "FROM '/etc/passwd'",
    "FROM '{folder}/secret.csv'",
    "FROM query('FROM read_text(''/etc/passwd'')')",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{folder}'",
    "SET memory_limit = '1TB'",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "PRAGMA enable_profiling = 'json'",
    "SET log_query_path = '{folder}/stolen.log'",
    "SET secret_directory = '{folder}'",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_check_alone_refuses_what_does_more_than_ask_the_views(text: str, folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW merchant_minute AS SELECT 1 AS n")
        with pytest.raises(UsageError) as met:
            require_reading(connection, text.format(folder=folder))
    assert met.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "FROM merchant_minute",
        "SELECT n, unnest([1, 2]) FROM merchant_minute, range(3) WHERE n > $least",
        "WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM t WHERE a < 3) FROM t",
        "SELECT * FROM days(3)",
        "SUMMARIZE merchant_minute",
        "EXPLAIN ANALYZE SELECT 1",
        "SHOW ALL TABLES",
        "DESCRIBE merchant_minute",
        "FROM MERCHANT_MINUTE AS m SEMI JOIN main.merchant_minute AS o USING (n)",
        "FROM memory.main.merchant_minute",
        "FROM memory.merchant_minute",
        "FROM information_schema.tables, duckdb_views, sqlite_master, pg_catalog.pg_tables",
        'WITH "가게" AS (SELECT 1 AS a), b AS MATERIALIZED (FROM "가게") SELECT (SELECT max(a) FROM B)',
        "UNPIVOT merchant_minute ON n",
        "VALUES (1)",
    ],
)
def test_the_check_lets_questions_through_and_the_macros_of_the_catalog(text: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE VIEW merchant_minute AS SELECT 1 AS n")
        connection.execute("CREATE MACRO days(n) AS TABLE SELECT range AS day FROM range(n)")
        require_reading(connection, text)


@pytest.fixture(scope="module")
def locked(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    files = [str(path) for path in settings.lake.rglob("*.parquet")]
    with duckdb.connect() as connection:
        lock(connection, files)
        assert connection.execute("SELECT count(*) FROM read_parquet($files)", {"files": files}).fetchone()
        yield connection


@pytest.mark.parametrize("text", REACHING)
def test_the_settings_alone_refuse_what_reaches_beyond_the_published_files(
    text: str, locked: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    with pytest.raises(duckdb.Error) as met:
        locked.execute(text.format(folder=folder)).fetchall()
    assert SECRET not in str(met.value)
    assert "root:" not in str(met.value)


@pytest.fixture(scope="module")
def inside(settings: Settings) -> dict[str, Any]:
    """What a process that took DuckDB over gets done behind the walls of the operating system."""
    if not LINUX:
        pytest.skip("NOT TESTED: these walls stand on Linux; the numbers of the attacks are those of x86_64")
    files = [str(path) for path in settings.lake.rglob("*.parquet")]
    told = json.dumps([str(ROOT), files, str(settings.home.parent), CALLS])
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", INSIDE, told],
        capture_output=True,
        text=True,
        env={},
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def attacks() -> list[str]:
    """The names of the attacks, as the script has them."""
    (table,) = [
        node.value
        for node in ast.parse(INSIDE).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ATTACKS"
    ]
    assert isinstance(table, ast.Dict)
    names = [ast.literal_eval(key) for key in table.keys if key is not None]
    return [*names, *(f"the call {name}" for name in CALLS)]


def refused(told: str) -> bool:
    """Not done, and for that reason: a mistake of the attack would prove nothing."""
    why = ("PermissionError", "Operation not permitted", "Permission denied", "not allowed", "Memory")
    return not told.startswith("done") and any(text in told for text in why)


@pytest.mark.parametrize("attack", attacks())
def test_the_operating_system_alone_refuses_a_process_that_was_taken_over(
    attack: str, inside: dict[str, Any], folder: Path
) -> None:
    assert refused(inside[attack]), inside[attack]


def test_behind_them_the_published_files_can_be_read_by_several_threads(inside: dict[str, Any]) -> None:
    assert inside["walls"] == dict.fromkeys(("limits", "rights", "files", "calls"))
    assert (inside["published rows"], inside["in threads"]) == (180, 1000)
    assert (inside["environment"], inside["files seen"]) == (0, 0)


def test_the_program_of_the_filter_jumps_nowhere_but_forward_and_ends_with_a_refusal() -> None:
    for machine in filters.MACHINES.values():
        text = filters.program(machine)
        steps = [text[at : at + 8] for at in range(0, len(text), 8)]
        assert len(text) % 8 == 0
        assert len(steps) < 4096  # what the kernel takes
        for at, step in enumerate(steps):
            assert at + max(step[2], step[3]) < len(steps)
        assert steps[-1] == bytes((6, 0, 0, 0, 1, 0, 5, 0))
        lost = [name for name in filters.PLAIN if name not in machine.numbers]
        assert lost == []
        assert len(set(machine.numbers.values())) == len(machine.numbers)


def test_where_a_wall_cannot_stand_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    walls = kernel.raise_walls([], 1, 1, 1)
    assert set(walls.values()) == {kernel.NO_LINUX}
    assert len(kernel.missing(walls)) == len(walls)
    assert kernel.missing(dict.fromkeys(walls)) == []


#: One question that needs most of what DuckDB does.
EVERYTHING = """
    WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5),
    many AS (SELECT range AS r, hash(range) % 1000 AS h, repeat('x', 20) AS t FROM range(400000)),
    joined AS (SELECT h, count(*) AS c, max(t) AS t FROM many JOIN n ON many.r % 5 = n.i - 1 GROUP BY h)
    SELECT
        (SELECT count(*) FROM joined) AS groups,
        (SELECT sum(c)::BIGINT FROM joined) AS rows,
        (SELECT list(i ORDER BY i DESC) FROM n) AS listed,
        (SELECT {'a': max(minute) AT TIME ZONE 'Asia/Seoul'} FROM merchant_minute) AS nested,
        (SELECT json_extract_string('{"a": "b"}', '$.a')) AS text,
        regexp_extract('shop 17', '[0-9]+')::INTEGER AS number,
        strftime(DATE '2026-03-10', '%Y') AS year,
        (SELECT count(*) FILTER (k % 2 = 0) FROM (SELECT row_number() OVER (ORDER BY h) k FROM many)) AS half,
        $word AS word, $days AS days, $day + 1 AS day, $at AS at, $nothing AS nothing, $least * 2 AS least
"""


def test_a_question_of_many_parts_is_answered_with_its_parameters(analyst: Analyst) -> None:
    values = {
        "word": ("text", "tte'"),
        "days": ("texts", ["a", "b"]),
        "day": ("date", "2026-03-10"),
        "at": ("time", "2026-03-10T09:00:00+09:00"),
        "nothing": ("nothing", None),
        "least": ("number", "0.25"),
    }
    (row,) = analyst.ask(EVERYTHING, values).rows()
    assert (row["groups"], row["rows"], row["half"]) == (1000, 400_000, 200_000)
    assert (row["listed"], row["text"], row["number"], row["year"]) == ([5, 4, 3, 2, 1], "b", 17, "2026")
    assert row["nested"]["a"].isoformat() == "2026-03-10T21:59:00"
    assert (row["word"], row["days"], str(row["day"])) == ("tte'", ["a", "b"], "2026-03-11")
    assert (row["at"].isoformat(), row["nothing"], float(row["least"])) == (
        "2026-03-10T00:00:00+00:00",
        None,
        0.5,
    )


def test_an_answer_of_many_rows_comes_in_pieces_and_is_drawn_short(analyst: Analyst) -> None:
    asked = "SELECT range AS n FROM range(200000) ORDER BY n"
    sizes = [batch.num_rows for batch in analyst.ask(asked).batches()]
    assert (sum(sizes), len(sizes) > 1) == (200_000, True)
    drawn = analyst.show(asked)
    assert "9999" in drawn
    assert drawn.count("\n") < 100


@pytest.mark.parametrize(
    "asked",
    [
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t) SELECT count(*) FROM t",
        "SELECT count(*) FROM range(999999) a, range(999999) b WHERE a.range * b.range % 7 = 3",
    ],
)
def test_all_walls_together_end_what_takes_too_long(asked: str, analyst: Analyst, folder: Path) -> None:
    hurried = Analyst({**analyst._opening, "seconds": 1}, analyst.clock)
    with pytest.raises(UsageError, match="took more than 1 s"):
        hurried.ask(asked).rows()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("SELECT length(repeat('x', 10000000000))", "maximum supported"),
        ("SELECT list(repeat('x', 1000000) || range) FROM range(10000)", "memory"),
        ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000, "depth"),
        ("SELECT error('no')", "no"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT no_such_column FROM merchant_minute", "no_such_column"),
        ("SELECT $missing FROM merchant_minute", "missing"),
    ],
)
def test_all_walls_together_refuse_what_takes_too_much_or_is_wrong_and_say_why(
    asked: str, why: str, analyst: Analyst, folder: Path
) -> None:
    with pytest.raises(MinuteriskError, match=why) as met:
        analyst.ask(asked).rows()
    assert met.value.hint


def test_nothing_that_a_process_says_is_believed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    analyst = Analyst.open(settings)
    for said, error in (
        ("HTTP/1.1 200 OK", Fault),  # no piece of ours
        ("", Fault),  # it ends
        (frames.HEAD.pack(b"W", 1 << 30).decode("latin1"), Fault),  # too long a piece
        (frames.HEAD.pack(b"R", 2).decode("latin1") + "{}", Fault),  # rows before the walls
        (frames.HEAD.pack(b"W", 2).decode("latin1") + "xx", Fault),  # no JSON
        (frames.HEAD.pack(b"W", 2).decode("latin1") + "[]", Fault),  # no object
        (frames.HEAD.pack(b"F", 2).decode("latin1") + "xx", Fault),  # a failure in no words
        (frames.HEAD.pack(b"X", 2).decode("latin1") + "{}", Fault),
        (frames.HEAD.pack(b"X", 4).decode("latin1") + "\xff\xfe\xfd\xfc", Fault),  # no text
    ):
        say(monkeypatch, said.encode("latin1"), reads=False)
        with pytest.raises(error):
            analyst.walls()
    ready = frames.HEAD.pack(b"W", 2) + b"{}"
    rows = frames.HEAD.pack(b"R", 8) + b"no arrow" + frames.HEAD.pack(b"D", 0)
    say(monkeypatch, ready + rows)
    with pytest.raises(Fault, match="rows"):
        analyst.ask("SELECT 1").rows()


def test_a_process_that_breaks_is_named_by_its_signal(analyst: Analyst) -> None:
    process = process_module.Process(analyst._opening)
    os.kill(process._process.pid, signal.SIGSEGV)
    with pytest.raises(UsageError, match="SIGSEGV"):
        process.hear(frames.DONE)


def test_an_answer_that_would_fill_the_disk_is_ended(
    analyst: Analyst, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "LARGEST_ANSWER", 1 << 20)
    with pytest.raises(UsageError, match="the answer has more than"):
        for _ in analyst.ask("SELECT repeat('x', 1000) || range FROM range(100000)").batches():
            pass


def test_a_published_file_that_is_gone_is_said(settings: Settings, analyst: Analyst) -> None:
    opening = {**analyst._opening, "files": [str(settings.home / "gone.parquet")]}
    with pytest.raises(MinuteriskError, match="gone"):
        Analyst(opening, analyst.clock).ask("SELECT 1")
