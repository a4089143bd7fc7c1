"""Learning from published payments and reported outcomes; what is kept, handed in, approved and retired."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sqlalchemy import text

from pipeline.cli import main
from pipeline.count import count
from pipeline.errors import UsageError
from pipeline.minute import MINUTE, Span
from pipeline.online.transfers.in_force import read_timeline
from pipeline.online.transfers.learning import _past, keep, learn_from
from pipeline.online.transfers.shipped import install_shipped, shipped_rules
from pipeline.packs.transfers import PACK
from pipeline.packs.transfers.schema import EVENT
from pipeline.settings import load_settings
from pipeline.store.state import MinuteCommit
from scheduler import open_lake
from tests.unit.transfers.made_events import event
from tests.unit.transfers.office import Office, office_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.store.lake import Lake

FIRST = datetime(2026, 3, 9, tzinfo=UTC)
DAYS = 6
END = FIRST + timedelta(days=DAYS)
DELAY = timedelta(hours=12)


def payments(chance: Random) -> tuple[list[dict[str, Any]], list[str]]:
    """What people usually pay, and frauds: four at once to somebody new, of usual amounts."""
    rows, frauds = [], []
    for number in range(3_000):
        at = FIRST + timedelta(seconds=chance.randrange(DAYS * 86_400))
        account = f"A{chance.randrange(300)}"
        payee, amount = (
            f"P{account}{chance.randrange(2)}",
            chance.choice([10_000, 50_000, 400_000, 1_200_000]),
        )
        rows.append(
            event(number, occurred_at=at, account_id=account, user_id=account, payee_id=payee, amount=amount)
        )
    for number in range(80):
        at = FIRST + timedelta(seconds=chance.randrange(DAYS * 86_400 - 600))
        account = f"A{chance.randrange(300)}"
        for part in range(4):
            named = 10_000 + 10 * number + part
            money = {"amount": chance.choice([10_000, 50_000, 400_000]), "payee_id": f"N{number}"}
            moment = at + timedelta(seconds=40 * part)
            rows.append(event(named, occurred_at=moment, account_id=account, user_id=account, **money))
            frauds.append(f"T{named}")
    return sorted(rows, key=lambda row: row["occurred_at"]), frauds


ROWS, FRAUDS = payments(Random(4))


@pytest.fixture
def office(state_engine: Engine, state_url: str) -> Iterator[Office]:
    found = office_of(state_engine, state_url)
    with found.state:
        install_shipped(found.state, [rule for rule in shipped_rules() if rule.rule == "HIGH_VALUE"])
        yield found


@pytest.fixture
def lake(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Six published days."""
    home, url = str(tmp_path / "home"), office.state.url
    for name, value in {"HOME": home, "STATE_URL": url, "SOURCE_URL": url, "PACKS": "transfers"}.items():
        monkeypatch.setenv(f"MINUTERISK_{name}", value)
    settings = load_settings({"MINUTERISK_HOME": home, "MINUTERISK_PACKS": "transfers"})
    lake, files = open_lake(settings), []
    ledger: list[Mapping[str, Any]] = []
    for day in range(DAYS):
        span = Span(FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1))
        rows = pl.DataFrame([e for e in ROWS if span.start <= e["occurred_at"] < span.end], EVENT)
        counted = count(rows, span, 1, END, PACK)
        files.append(lake.write("event", counted.rows, span))
        ledger += counted.ledger
    office.state.lead()
    office.state.commit(MinuteCommit(ledger, [file for file in files if file], END))
    return lake


def report(office: Office, frauds: list[str]) -> None:
    """Say of some payments that they were fraud, half a day after the fact."""
    at = {row["transfer_id"]: row["occurred_at"] for row in ROWS}
    statement = text(
        "INSERT INTO transfers.outcome (transfer_id, fraud, said_by, reported_at)"
        " VALUES (:id, true, 'ann', :at)"
    )
    with office.state.engine.begin() as connection:
        connection.execute(statement, [{"id": name, "at": at[name] + DELAY} for name in frauds])


def learnt_by(office: Office, lake: Lake, delay: timedelta | None = None) -> dict[str, Any]:
    return learn_from(_past(office.state, lake, 60, delay, END))


def test_a_score_is_learned_measured_approved_by_another_and_in_force(office: Office, lake: Lake) -> None:
    report(office, FRAUDS)
    found = learnt_by(office, lake)
    measured, test = found["measured"], found["measured"]["test"]
    assert measured["label_delay_days"] == 0.5, "as long as it took"
    assert measured["known_frauds"] == len(FRAUDS) == 320
    assert measured["trained_on"]["events"] < len(ROWS) * (2 / 3 - 0.5 / DAYS) * 1.1, "no outcome of tomorrow"
    assert test["events"] < len(ROWS) / 3 * 0.85, "nothing of which nobody can have heard yet"
    assert test["learned"]["precision"] > 0.3 > test["rules"]["precision"]
    assert measured["why_off"] is None
    assert learnt_by(office, lake) == found, "the same past gives the same text"

    version = office.do("ray", "learn_score")["version"]
    assert "nothing was learned yet" in office.refused("ann", "submit_learned_score", version)
    keep(office.state, version, found)
    office.do("ann", "submit_learned_score", version)
    keep(office.state, version, {**found, "model": "another"})  # what was handed in stays
    assert "not what was seen" in office.refused("ben", "approve_learned_score", version, sha256="0" * 64)
    start = office.do("ben", "approve_learned_score", version, sha256=found["sha256"])["from_at"]
    assert office.at(start - MINUTE).learned is None
    learned = office.at(start).learned
    assert learned is not None
    assert (learned.version, learned.sha256) == (version, found["sha256"])

    later = office.do("ann", "learn_score")["version"]
    keep(office.state, later, found)
    office.do("ann", "submit_learned_score", later)
    assert "own proposal" in office.refused("ann", "approve_learned_score", later)
    follows = office.do("ben", "approve_learned_score", later)["from_at"]
    assert [one["status"] for one in office.ask("learned_models")] == ["live", "retired"]
    office.do("ann", "retire_learned_score", later, reason="it flaps")
    with office.state.reading() as connection:
        line = read_timeline(connection, FIRST)
    before = line.at(start).learned
    assert before is not None
    assert before.version == version, "what was said then stays so"
    assert line.at(follows + timedelta(days=1)).learned is None


def test_what_is_no_better_than_the_amount_stays_off(office: Office, lake: Lake) -> None:
    with pytest.raises(UsageError, match="0 frauds are left to learn from") as caught:
        learnt_by(office, lake, timedelta(days=5))
    assert "--label-delay" in caught.value.hint
    report(office, Random(1).sample([row["transfer_id"] for row in ROWS], 400))
    found = learnt_by(office, lake)
    assert found["measured"]["why_off"] == "it beats neither the amount alone nor the rules"
    version = office.do("ray", "learn_score")["version"]
    keep(office.state, version, found)
    assert "stays off" in office.refused("ann", "submit_learned_score", version)


def test_the_command_learns_and_leaves_nothing_where_it_cannot(
    office: Office, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    report(office, FRAUDS[:199])
    with office.state.engine.begin() as connection:  # whoever owns an installation without accounts
        connection.exec_driver_sql("DELETE FROM account")
    assert main(["learn"]) == 2
    assert "only 199 frauds are labelled; 200 are needed" in capsys.readouterr().err
    assert office.ask("learned_models") == []
    report(office, FRAUDS[199:])
    assert main(["learn", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["measured"]["why_off"] is None
    assert main(["learned"]) == 0
    listed = capsys.readouterr().out
    assert "it may be handed in" in listed
    assert said["sha256"] in listed
