"""Migrations: from nothing to the newest schema, and nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from pipeline.errors import ConfigurationError
from pipeline.store.migrate import current_revision, migrate, newest_revision
from pipeline.store.state import connect_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

#: Everything a schema is made of, as text: columns, constraints, indexes.
SCHEMA = """
SELECT concat_ws(' ', table_name || '.' || column_name, data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1
"""


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    engine = connect_state(fresh_database)
    yield engine
    engine.dispose()


def schema(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text(SCHEMA)).scalars())


def revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return current_revision(connection)


def test_an_empty_database_stands_at_the_newest_revision_after_one_run(engine: Engine) -> None:
    assert revision(engine) is None
    migrate(engine, "postgresql:///test")
    assert revision(engine) == newest_revision()
    assert any(line.startswith("minute_ledger.minute ") for line in schema(engine))


def test_a_second_run_changes_nothing(engine: Engine) -> None:
    migrate(engine, "postgresql:///test")
    before = schema(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE leader SET epoch = 41, holder = 'me'"))
    migrate(engine, "postgresql:///test")
    assert schema(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT epoch, holder FROM leader")).all() == [(41, "me")]


def test_four_processes_that_start_at_once_make_one_schema(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(engine, "postgresql:///test"), range(4)))
    assert revision(engine) == newest_revision()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine: Engine) -> None:
    migrate(engine, "postgresql:///test")
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version_num = '9999_future'"))
    with pytest.raises(ConfigurationError) as caught:
        migrate(engine, "postgresql:///test")
    assert "9999_future" in caught.value.what
    assert caught.value.hint
    assert revision(engine) == "9999_future"


IMPOSSIBLE = {
    "a watermark within a minute": "INSERT INTO watermark (next_minute) VALUES ('2026-03-01T00:00:30Z')",
    "a second leader": "INSERT INTO leader (only_row) VALUES (false)",
    "two published files of one minute": """
        INSERT INTO lake_file (dataset, path, start_minute, end_minute, rows, bytes, sha256)
        SELECT 'signal', 'p' || n, '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1, repeat('0', 64)
        FROM generate_series(1, 2) AS n
    """,
    "a minute whose rows are not all counted": """
        INSERT INTO minute_ledger (minute, approval_count, cancel_count, approval_amount, cancel_amount,
                                   source_rows, source_cancels, source_amount, source_xmin, source_clock)
        VALUES ('2026-03-01T00:00Z', 1, 1, 0, 0, 3, 1, 0, 1, now())
    """,
    "two unresolved incidents of one merchant and rule": """
        INSERT INTO incident (rule, merchant_id, tier, severity, policy, opened_minute, last_breach_minute,
                              krw_at_risk, paid_out_cancelable, cancelled_unrecovered, reason, latest_reason)
        SELECT 'cancel_surge', 'A', 'top', 'high', 'p', '2026-03-01T00:00Z', '2026-03-01T00:00Z',
               0, 0, 0, '{}', '{}'
        FROM generate_series(1, 2)
    """,
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_an_impossible_row_is_refused_by_the_database_itself(engine: Engine, impossible: str) -> None:
    migrate(engine, "postgresql:///test")
    with pytest.raises(Exception, match=r"violates|conflicting"), engine.begin() as connection:
        connection.execute(text(IMPOSSIBLE[impossible]))
