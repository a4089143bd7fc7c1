"""Migrations: from nothing to the newest schema, and nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from baselines.slots import EVERY
from pipeline.errors import ConfigurationError
from pipeline.store.database import connect_state
from pipeline.store.migrate import current_revision, migrate, newest_revision
from pipeline.store.state import State

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


INCIDENT = """
    INSERT INTO incident (pack, rule, entity_id, tier, severity, policy, opened_minute, last_breach_minute,
                          currency, parts, reason, latest_reason)
    SELECT 'merchants', 'cancel_surge', '{id}', 'top', 'high', 'p', '2026-03-01T00:00Z', '2026-03-01T00:00Z',
           'KRW', '{parts}', '{{}}', '{{}}'
    FROM generate_series(1, {times})
"""
SLOTS = """
    INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256, slots)
    SELECT 'merchants', 'signal', slots, '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1, repeat('0', 64),
           slots::int4range
    FROM (VALUES ('{one}'), ('{other}')) AS given (slots)
"""
IMPOSSIBLE = {
    "a watermark within a minute": """
        INSERT INTO watermark (pack, next_minute) VALUES ('merchants', '2026-03-01T00:00:30Z')
    """,
    "a second leader of a pack": "INSERT INTO leader (scope) VALUES ('merchants')",
    "a watermark of no pack": "INSERT INTO watermark (pack, next_minute) VALUES ('x', '2026-03-01T00:00Z')",
    "two published files of one minute": """
        INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256)
        SELECT 'merchants', 'signal', 'p' || n, '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1,
               repeat('0', 64)
        FROM generate_series(1, 2) AS n
    """,
    "two published files of one minute that share a slot": SLOTS.format(one="[0,512)", other="[511,1024)"),
    "a file of slots that there are not": SLOTS.format(one="[0,512)", other="[512,1025)"),
    "a file of no slot": SLOTS.format(one="[0,512)", other="[512,512)"),
    "a minute whose rows are not all counted": """
        INSERT INTO minute_ledger
            (pack, minute, rows, sums, source_rows, source_sums, source_xmin, source_clock)
        VALUES ('merchants', '2026-03-01T00:00Z', 2, '{}', 3, '{}', 1, now())
    """,
    "a minute with a negative sum": """
        INSERT INTO minute_ledger
            (pack, minute, rows, sums, source_rows, source_sums, source_xmin, source_clock)
        VALUES ('merchants', '2026-03-01T00:00Z', 0, '{"amount": -1}', 0, '{}', 1, now())
    """,
    "two unresolved incidents of one entity and rule": INCIDENT.format(id="A", parts="{}", times=2),
    "an incident with less than nothing at risk": INCIDENT.format(id="A", parts='{"a": -1}', times=1),
    "an incident with a word at risk": INCIDENT.format(id="A", parts='{"a": "much"}', times=1),
}
POSSIBLE = {
    "two packs that publish one minute under one name": """
        INSERT INTO pack (pack) VALUES ('doors');
        INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256)
        SELECT pack, 'signal', pack, '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1, repeat('0', 64) FROM pack
    """,
    "two datasets of one minute": """
        INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256)
        SELECT 'merchants', name, name, '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1, repeat('0', 64)
        FROM (VALUES ('signal'), ('quarantine')) AS dataset (name)
    """,
    "two files of one minute that share no slot": SLOTS.format(one="[0,512)", other="[512,1024)"),
    "an incident with half of the money known": INCIDENT.format(id="A", parts='{"a": null, "b": 1}', times=1),
    # Not only everybody is called so: a merchant's id may be any text, and no minute may fail because of it.
    "an incident of an entity called * with half of the money known": INCIDENT.format(
        id="*", parts='{"a": null, "b": 1}', times=1
    ),
    "a pack without money": INCIDENT.format(id="*", parts="{}", times=1),
}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_an_impossible_row_is_refused_by_the_database_itself(engine: Engine, impossible: str) -> None:
    migrate(engine, "postgresql:///test")
    with pytest.raises(Exception, match=r"violates|conflicting"), engine.begin() as connection:
        connection.exec_driver_sql(IMPOSSIBLE[impossible])


@pytest.mark.parametrize("possible", POSSIBLE)
def test_a_possible_row_is_taken(engine: Engine, possible: str) -> None:
    migrate(engine, "postgresql:///test")
    with engine.begin() as connection:
        connection.exec_driver_sql(POSSIBLE[possible])


def test_an_old_incident_of_a_merchant_called_everybody_is_kept(engine: Engine) -> None:
    migrate(engine, "postgresql:///test", until="0011_history_until")
    with engine.begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO incident (
                rule, merchant_id, tier, severity, policy, opened_minute, last_breach_minute,
                reason, latest_reason
            )
            VALUES (
                'cancel_surge', '*', 'tail', 'high', 'budgeted', '2026-03-10T00:00Z', '2026-03-10T00:00Z',
                '{}', '{}'
            )
        """)
    migrate(engine, "postgresql:///test")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT entity_id, at_risk FROM incident").one() == ("*", None)


def test_a_file_from_before_there_were_slots_holds_all_of_them(engine: Engine) -> None:
    migrate(engine, "postgresql:///test", until="0030_forecast")
    with engine.begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256)
            VALUES ('merchants', 'signal', 'p', '2026-03-01T00:00Z', '2026-03-01T01:00Z', 1, 1,
                    repeat('0', 64))
        """)
    migrate(engine, "postgresql:///test")
    (file,) = State(engine, "postgresql:///test", "merchants", "KRW").publication().files
    assert file.slots == EVERY


@pytest.mark.parametrize(
    ("parts", "total"),
    [("{}", None), ('{"a": 1, "b": null}', None), ('{"a": 9007199254740993, "b": 1}', 9007199254740994)],
)
def test_money_at_risk_is_the_sum_of_its_parts_or_not_known(
    engine: Engine, parts: str, total: int | None
) -> None:
    migrate(engine, "postgresql:///test")
    with engine.begin() as connection:
        connection.exec_driver_sql(INCIDENT.format(id="A", parts=parts, times=1))
        assert connection.exec_driver_sql("SELECT at_risk FROM incident").scalar_one() == total
