"""`check` on both dialects: the same defects, the same words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli import main
from pipeline.minute import MINUTE, floor_minute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.trade_servers import Trade

    Check = Callable[..., tuple[int, dict[str, list[dict[str, Any]]]]]


@pytest.fixture
def trade(numbered: Trade) -> Trade:
    return fill(numbered)


def fill(trade: Trade) -> Trade:
    end = floor_minute(datetime.now(UTC)) - MINUTE
    rows = [
        (
            10 * n + k,
            k % 3,
            "CANCEL" if k == 4 else "APPROVAL",
            1_000 + k,
            end - n * MINUTE,
            None,
            end - n * MINUTE,
        )
        for n in range(20)
        for k in range(5)
    ]
    trade.insert(*((row[0] + 1, *row[1:]) for row in rows))
    for merchant in range(3):
        trade.execute(
            "INSERT INTO merchants (merchant_id, name, category) VALUES (%s, 'Shop', 'air')", merchant
        )
    return trade


@pytest.fixture
def check(
    trade: Trade,
    state_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Check:
    def run(
        url: str | None = None, **changed: tuple[str, str]
    ) -> tuple[int, dict[str, list[dict[str, Any]]]]:
        folder = trade.queries(tmp_path / "queries")
        for name, (old, new) in changed.items():
            text = (folder / f"{name}.sql").read_text()
            assert old in text
            (folder / f"{name}.sql").write_text(text.replace(old, new))
        monkeypatch.setenv("MINUTERISK_SOURCE_URL", url or trade.url)
        monkeypatch.setenv("MINUTERISK_STATE_URL", state_url)
        monkeypatch.setenv("MINUTERISK_HOME", str(tmp_path))
        monkeypatch.setenv("MINUTERISK_SOURCE_QUERIES", str(folder))
        capsys.readouterr()
        code = main(["check", "--json"])
        findings = json.loads(capsys.readouterr().out.splitlines()[-1])["findings"]
        by_check: dict[str, list[dict[str, Any]]] = {}
        for finding in findings:
            by_check.setdefault(finding["check"], []).append(finding)
        return code, by_check

    return run


def bad(found: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    wrong = ("warning", "failure")
    return {name: f["what"] for name, all_of_it in found.items() for f in all_of_it if f["level"] in wrong}


def test_a_healthy_database_has_nothing_to_warn_of(check: Check) -> None:
    code, found = check()
    assert (code, bad(found)) == (0, {})
    assert found["rows"][0]["what"].startswith("100 rows of 3 merchants in 60 minutes")
    assert found["totals"][0]["what"] == "equal to the rows in all 60 minutes"
    assert found["at_risk"][0]["what"].startswith("knows 3 of 3 merchants")
    assert found["plans"]


def test_kinds_that_nobody_translated_fail(check: Check) -> None:
    code, found = check(
        transactions=(" kind,", " CASE kind WHEN 'APPROVAL' THEN 'PAID' ELSE 'VOID' END AS kind,")
    )
    assert code == 1
    assert found["kinds"][0]["what"] == "100 of 100 rows have a kind that is not known: PAID 80, VOID 20"


def test_totals_that_are_not_those_of_the_rows_end_with_3(check: Check) -> None:
    code, found = check(totals=("WHERE", "WHERE merchant_id <> 2 AND"))
    assert (code, found["totals"][0]["level"]) == (3, "failure")


def test_rows_of_another_zone_are_outside_the_span(check: Check, trade: Trade) -> None:
    later = {
        "postgresql": " occurred_at + interval '9 hours' AS occurred_at,",
        "mysql": " occurred_at + INTERVAL 9 HOUR AS occurred_at_utc,",
    }
    _, found = check(transactions=(" occurred_at,", later[trade.dialect]))
    assert found["outside"][0]["level"] == "failure"


def test_a_role_that_may_write_is_a_warning(check: Check, trade: Trade) -> None:
    code, found = check(trade.owner_url)
    assert (code, found["rights"][0]["level"]) == (0, "warning")


def test_a_table_without_its_index_is_said(check: Check, trade: Trade) -> None:
    drop = {
        "postgresql": "DROP INDEX transactions_occurred_at",
        "mysql": "DROP INDEX occurred_at ON transactions",
    }
    trade.execute(drop[trade.dialect])
    code, found = check()
    (finding, *_) = found["plans"]
    assert (code, finding["level"], finding["numbers"]["sequential"]) == (0, "note", ["transactions"])
    assert "no index" in finding["what"]


def test_an_ornament_that_is_wrong_is_a_warning(check: Check) -> None:
    code, found = check(at_risk=("merchant_name", "shop_name"))
    assert (code, list(bad(found))) == (0, ["at_risk"])


def test_a_clock_that_is_apart_fails(check: Check, trade: Trade) -> None:
    one = {
        "postgresql": ("clock_timestamp() ", "clock_timestamp() + interval '1 minute'"),
        "mysql": ("UTC_TIMESTAMP(6)", "UTC_TIMESTAMP(6) + INTERVAL 1 MINUTE"),
    }
    code, found = check(fence=one[trade.dialect])
    assert (code, found["clocks"][0]["level"]) == (1, "failure")
    assert abs(found["clocks"][0]["numbers"]["apart_s"] + 60) < timedelta(seconds=5).total_seconds()
