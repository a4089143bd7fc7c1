"""The audit from the command line: what was done stands there; a cut end is found by the copy."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from pipeline.cli import main
from pipeline.prove.heads import keep_head, kept_heads
from pipeline.settings import Settings, load_settings
from pipeline.store.manifest import Publication, manifest_text
from pipeline.store.state import State
from tests.people import do

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


FILTERS = ("actor", "act", "kind", "thing", "outcome", "since", "until")


@pytest.fixture
def settings(state_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    given = {"MINUTERISK_HOME": str(tmp_path / "home"), "MINUTERISK_STATE_URL": state_url}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load_settings(given)


@pytest.fixture
def state(state_engine: Engine, state_url: str) -> State:
    found = State(state_engine, state_url, "merchants", "KRW")
    for _ in range(3):
        do(found, "requeue")
    return found


def audit(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["audit", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_it_is_listed_and_whole(settings: Settings, state: State, capsys: pytest.CaptureFixture[str]) -> None:
    del settings, state
    code, found = audit(capsys, "list", "--act", "requeue", "--limit", "2")
    assert (code, [row["number"] for row in found["audit"]]) == (0, [3, 2])
    assert audit(capsys, "list", "--actor", "nobody")[1] == {"audit": []}
    code, found = audit(capsys, "verify")
    assert (code, found["rows"], found["wrong"]) == (0, 3, [])


def test_an_end_that_was_cut_off_is_found_by_the_copy(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keep_head(state, settings)
    assert not keep_head(state, settings)  # nothing new
    change(state.engine, "ALTER TABLE audit DISABLE TRIGGER audit_is_final")
    change(state.engine, "DELETE FROM audit WHERE number = 3")
    code, found = audit(capsys, "verify")
    assert (code, found["wrong"]) == (3, ["row 3 is gone: its hash was kept elsewhere"])


def test_a_copy_with_a_torn_line_still_holds_what_it_held(settings: Settings, state: State) -> None:
    keep_head(state, settings)
    with settings.audit_copy.open("a") as file:
        file.write('{"number": 4, "sha')
    assert [kept.number for kept in kept_heads(settings)] == [3]
    (settings.home / "reports").mkdir(parents=True)
    (settings.home / "reports" / "statement-2026-03-01.json").write_text(
        '{"audit": {"number": 2, "sha256": "ab"}}'
    )
    assert sorted(kept.number for kept in kept_heads(settings)) == [2, 3]


def test_it_is_not_everybodys_to_read(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    del settings
    change(state.engine, "INSERT INTO account (name, role) VALUES ('kim', 'SUPER_ADMIN')")
    assert main(["audit", "list"]) == 2
    assert "READ_ONLY, which may not read_audit" in capsys.readouterr().err


def test_a_rule_admin_reads_of_rules_alone(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings
    monkeypatch.setattr("pipeline.commands.actor._user", lambda: "lee")
    change(state.engine, "INSERT INTO account (name, role, os_user) VALUES ('lee', 'RULE_ADMIN', 'lee')")
    assert audit(capsys, "list") == (0, {"audit": []})
    assert main(["audit", "list", "--kind", "message"]) == 2
    assert main(["audit", "verify"]) == 2


def test_sql_asks_for_a_reason_where_there_are_accounts_and_keeps_it(
    settings: Settings, state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    settings.home.mkdir(parents=True)
    settings.manifest.write_text(manifest_text(Publication(1, now, [], now), ()), encoding="utf-8")
    assert main(["sql", "-c", "SELECT 1 AS one"]) == 0  # nobody has an account yet
    monkeypatch.setattr("pipeline.commands.actor._user", lambda: "lee")
    change(state.engine, "INSERT INTO account (name, role, os_user) VALUES ('lee', 'RISK_ANALYST', 'lee')")
    assert main(["sql", "-c", "SELECT 2 AS two"]) == 2
    assert "--reason" in capsys.readouterr().err
    assert main(["sql", "-c", "SELECT 3 AS three", "--reason", "case 7"]) == 0
    change(state.engine, "UPDATE account SET role = 'OPS_AGENT'")
    assert main(["sql", "-c", "SELECT 4 AS four", "--reason", "case 7"]) == 2
    rows = state.rows("audit_list", **dict.fromkeys(FILTERS), at_most=4)
    assert [(row["outcome"], row["after"]) for row in rows] == [
        ("refused", None),
        ("done", {"what": "SELECT 3 AS three"}),
        ("refused", None),
        ("done", {"what": "SELECT 1 AS one"}),
    ]
    assert rows[1]["why"] == "case 7"
