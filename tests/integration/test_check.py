"""`check` over a database of each defect: what it says, how bad it says it is, and how it ends."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli import main
from pipeline.minute import MINUTE, floor_minute
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.trade_home import Trade


@dataclass(frozen=True)
class Checked:
    """What a run of `check --json` gave."""

    code: int
    report: dict[str, Any]
    err: str

    def of(self, check: str) -> list[dict[str, Any]]:
        return [finding for finding in self.report["findings"] if finding["check"] == check]

    def level(self, check: str) -> str:
        levels = ("ok", "note", "warning", "failure")
        return max((f["level"] for f in self.of(check)), key=levels.index)

    def what(self, check: str) -> str:
        return " | ".join(finding["what"] for finding in self.of(check))

    def next(self, check: str) -> str:
        return " | ".join(finding["next"] for finding in self.of(check))

    @property
    def bad(self) -> dict[str, str]:
        found = self.report["findings"]
        return {f["check"]: f["what"] for f in found if f["level"] in ("warning", "failure")}


@dataclass(frozen=True)
class Desk:
    """Runs `check` against a trade database with some of its queries changed."""

    trade: Trade
    state_url: str
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def set(self, **changed: str) -> Desk:
        folder = self.home.parent / "queries"
        shutil.copytree(load_settings({}).source_queries, folder, dirs_exist_ok=True)
        for name, text in changed.items():
            (folder / f"{name}.sql").write_text(text, encoding="utf-8")
        self.monkeypatch.setenv("MINUTERISK_SOURCE_QUERIES", str(folder))
        return self

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self.monkeypatch.setenv("MINUTERISK_HOME", str(self.home))
        self.monkeypatch.setenv("MINUTERISK_STATE_URL", self.state_url)
        self.monkeypatch.setenv("MINUTERISK_SOURCE_URL", self.trade.source_url)
        self.capsys.readouterr()
        code = main(["check", *arguments])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def check(self, *arguments: str, **changed: str) -> Checked:
        self.set(**changed)
        code, out, err = self.run("--json", *arguments)
        assert out, err
        return Checked(code, json.loads(out.splitlines()[-1]), err)


@pytest.fixture
def desk(
    trade: Trade,
    state_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    home = tmp_path / "home"
    home.mkdir()
    return Desk(trade, state_url, home, monkeypatch, capsys)


def now() -> datetime:
    return floor_minute(datetime.now(UTC))


def fill(trade: Trade, minutes: int = 30, newest: datetime | None = None) -> None:
    """Four approvals and a cancel a minute of three named merchants."""
    end = newest or now() - MINUTE
    rows = [
        (10 * minute + n, f"m{n % 3}", "CANCEL" if n == 4 else "APPROVAL", 12_340 + 7 * n, end - minute * MINUTE)
        for minute in range(minutes)
        for n in range(5)
    ]
    trade.insert(*rows)
    trade.execute("UPDATE transactions SET created_at = occurred_at")
    names = ", ".join(f"('m{n}', 'Shop {n}', 'air')" for n in range(3))
    trade.execute(f"INSERT INTO merchants (merchant_id, name, category) VALUES {names}")
    trade.execute("INSERT INTO settlements VALUES ('m0', current_date - 2, 9000, now() - interval '1 day')")
    trade.execute("ANALYZE")


def test_a_healthy_database_has_nothing_to_warn_of(desk: Desk) -> None:
    fill(desk.trade)
    found = desk.check()
    print(json.dumps(found.report, indent=1, ensure_ascii=False))
    print(desk.run()[1])
    assert found.bad == {}
