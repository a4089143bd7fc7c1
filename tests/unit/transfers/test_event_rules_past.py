"""What an event rule would have done, and why one fired or did not: from the files and what came since."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.cli import main
from pipeline.count import count
from pipeline.errors import UsageError
from pipeline.minute import Span
from pipeline.online.transfers.backtest import Past, judge_again, measure_version, measure_waiting
from pipeline.online.transfers.explain import explain_at
from pipeline.packs.transfers import PACK
from pipeline.packs.transfers.backtest import LABELS, Trial
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.tree_text import tree_text
from pipeline.settings import load_settings
from pipeline.store.state import MinuteCommit
from scheduler import open_lake
from tests.unit.transfers.office import Office, office_of, rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.store.lake import Lake

FIRST = datetime(2026, 3, 9, tzinfo=UTC)
END = FIRST + timedelta(days=2)
BURST = rule(
    "BURST",
    measures={"n": {"count": "*", "match": {"account_id": "account_id"}, "within": "24h"}},
    when={"ge": [{"measure": "n"}, 3]},
)


def payment(number: int, at: datetime, account: str = "A", **changes: object) -> dict[str, Any]:
    plain = dict.fromkeys(EVENT.names())
    given = {"transfer_id": f"T{number}", "kind": "transfer", "status": "completed", "account_id": account}
    money = {"user_id": account, "amount": 1000 * number, "currency": "KRW", "occurred_at": at}
    return {**plain, **given, **money, **changes}


#: Account A pays every four hours for two days, B once; the second one of A's is given back.
EVENTS = [
    *(payment(n, FIRST + timedelta(hours=4 * n)) for n in range(12)),
    payment(20, FIRST + timedelta(hours=30), "B"),
]
EVENTS[1] = {**EVENTS[1], "status": "reversed"}


@pytest.fixture
def office(state_engine: Engine, state_url: str) -> Iterator[Office]:
    found = office_of(state_engine, state_url)
    with found.state:
        yield found


@pytest.fixture
def lake(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Two published days, and one payment that came since."""
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "STATE_URL": office.state.url,
        "SOURCE_URL": office.state.url,
    }.items():
        monkeypatch.setenv(f"MINUTERISK_{name}", value)
    settings = load_settings({"MINUTERISK_HOME": str(tmp_path / "home"), "MINUTERISK_PACKS": "transfers"})
    lake, files = open_lake(settings), []
    ledger: list[Mapping[str, Any]] = []
    for day in range(2):
        span = Span(FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1))
        rows = pl.DataFrame([e for e in EVENTS if e["occurred_at"] in span], EVENT)
        counted = count(rows, span, 1, END, PACK)
        files.append(lake.write("event", counted.rows, span))
        ledger += counted.ledger
    office.state.lead()
    office.state.commit(MinuteCommit(ledger, [file for file in files if file], END))
    since = payment(30, END + timedelta(minutes=1), amount=5_000_000)
    names = ", ".join(EVENT)
    with office.state.engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO transfers.event ({names}) VALUES ({', '.join(['%s'] * len(EVENT))})",
            tuple(since[name] for name in EVENT),
        )
    return lake


def past_of(office: Office, lake: Lake) -> Past:
    whole = Span(FIRST, END)
    return Past(lake, office.state.publication().files, whole, whole)


def test_what_it_would_have_done_is_told_in_hits_money_accounts_and_by_outcomes(
    office: Office, lake: Lake
) -> None:
    labels = pl.DataFrame({"transfer_id": ["T5", "T6", "T20"], "fraud": [True, False, True]}, LABELS)
    high = rule("BURST", when={"ge": [{"field": "amount"}, 9_000]})
    trial = Trial("BURST", {2: json.dumps(BURST), 1: json.dumps(high)}, asked=2, live=1, entries=[])
    found = judge_again(past_of(office, lake), trial, labels)
    # Of A's payments T0 .. T11 without T1 each sees the 24 h before it, open at their start: 6 of them.
    hits = [n for n in range(12) if len([m for m in range(12) if m != 1 and n - 6 < m <= n]) >= 3]
    assert hits == list(range(3, 12))
    side = found["candidate"]
    assert (side["hits"], side["accounts"], side["hits_per_day"]) == (9, 1, 4.5)
    assert side["money"] == {"KRW": 1000 * sum(hits)}
    assert side["by_day"] == {"2026-03-09": 1, "2026-03-10": 6, "2026-03-11": 2}  # Seoul's days
    assert (side["true_hits"], side["false_hits"], side["precision"]) == (1, 1, 0.5)
    assert 0 < side["precision_low"] < 0.5 < side["precision_high"] < 1
    assert (found["events"], found["frauds_known"]) == (13, 2)
    assert (found["version_live"], found["live"]["hits"], found["only_candidate"]) == (1, 4, 6)


def test_only_what_is_measured_is_counted_but_windows_reach_back_before_it(
    office: Office, lake: Lake
) -> None:
    past = replace(past_of(office, lake), measured=Span(END - timedelta(days=1), END))
    trial = Trial("BURST", {1: json.dumps(BURST)}, asked=1, live=None, entries=[])
    found = judge_again(past, trial, LABELS.to_frame())
    assert (found["events"], found["candidate"]["hits"], found["live"]) == (7, 6, None)
    assert found["candidate"]["precision"] is None


def test_a_running_service_measures_what_was_handed_in_and_what_somebody_asked_about(
    office: Office, lake: Lake
) -> None:
    version = office.draft("ray", BURST)
    assert measure_waiting(office.state, lake) is None
    office.do("ann", "submit_event_rule", version)
    assert measure_waiting(office.state, lake) == "BURST/1"
    assert measure_waiting(office.state, lake) is None
    (kept,) = office.ask("event_rule", rule="BURST", version=1)
    assert kept["backtest"]["candidate"]["hits"] == 9
    assert (kept["backtest"]["days"], kept["backtest"]["missing_minutes"]) == (2.0, 0)
    assert len(kept["backtest_sha256"]) == 64
    office.do("ben", "approve_event_rule", version, backtest_sha256=kept["backtest_sha256"])
    asked = {"rule": "BURST", "version": 1, "content": kept["content"]}
    assert measure_version(office.state, lake, asked) is None  # what was signed stays


def test_a_hit_is_explained_by_the_same_bytes_after_its_rule_was_changed(office: Office, lake: Lake) -> None:
    office.do("ben", "approve_event_rule", office.submitted(content=BURST))
    stored = '{"rule":"BURST","value":true}'
    with office.state.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO transfers.risk_rule_hit (transfer_id, rule, version, severity, score, action, mode, "
            "occurred_at, explanation) VALUES ('T9', 'BURST', 1, 'high', 40, 'review', 'live', %s, %s)",
            (FIRST, stored),
        )
    before = explain_at(office.state, lake, "T9", "BURST")
    changed = {**BURST, "when": {"ge": [{"measure": "n"}, 4]}}
    office.do("ben", "approve_event_rule", office.submitted(content=changed))
    after = explain_at(office.state, lake, "T9", "BURST")
    assert before.explanation == after.explanation == stored
    assert (after.stored, after.version) == (True, 1)
    newer = explain_at(office.state, lake, "T9", "BURST", 2)
    assert (newer.stored, newer.as_json()["explanation"]["measures"]) == (False, {"n": 6})


def test_why_not_is_told_with_every_value_by_the_version_that_judged_then(office: Office, lake: Lake) -> None:
    office.do("ben", "approve_event_rule", office.submitted(content=BURST))
    for transfer, n in (("T0", 1), ("T1", 1), ("T2", 2), ("T3", 3), ("T11", 6), ("T20", 1), ("T30", 6)):
        found = explain_at(office.state, lake, transfer, "BURST").as_json()
        assert (found["explanation"]["measures"], found["fires"]) == ({"n": n}, n >= 3), transfer
        assert (found["stored"], found["mode"]) == (False, None)  # it was approved long after
    said = tree_text(explain_at(office.state, lake, "T2", "BURST").as_json()["explanation"])
    assert said == "BURST does not fire\n  ge: no\n    measure n: 2\n    against 3"
    with pytest.raises(UsageError, match="nobody knows the transfer 'T99'"):
        explain_at(office.state, lake, "T99", "BURST")
    with pytest.raises(UsageError, match="there is no rule 'NOTHING'"):
        explain_at(office.state, lake, "T2", "NOTHING")


def test_the_commands_tell_it(
    office: Office, lake: Lake, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    del lake
    with office.state.engine.begin() as connection:  # whoever owns an installation without accounts
        connection.exec_driver_sql("DELETE FROM account")
    file = tmp_path / "burst.json"
    file.write_text(json.dumps(BURST), encoding="utf-8")

    def ran(*command: str) -> str:
        assert main(list(command)) == 0
        return capsys.readouterr().out

    assert "BURST 1 is a draft" in ran("event-rules", "draft", str(file), "--reason", "bursts")
    assert "nothing" in ran("event-rules", "diff", "BURST", "1")
    assert '"rule": "BURST"' in ran("event-rules", "show", "BURST")
    submitted = ran("event-rules", "submit", "BURST", "1")
    assert "hits_per_day" in submitted
    assert "13 payments" in submitted
    assert "judges in the shadow from" in ran("event-rules", "shadow", "BURST", "1")
    listed = json.loads(ran("event-rules", "--json"))["versions"]
    assert [(row["rule"], row["mode"], row["warming"]) for row in listed] == [("BURST", "shadow", True)]
    assert "does not fire" in ran("explain", "T2", "BURST")
    assert json.loads(ran("explain", "T3", "BURST/1", "--json"))["fires"] is True
    assert "stands on the list deny" in ran("lists", "add", "deny", "A", "--reason", "case 7")
    assert json.loads(ran("lists", "list", "deny", "--json"))["entries"][0]["value"] == "A"
    assert "is off the list deny" in ran("lists", "remove", "1", "--reason", "cleared")
    assert "is known to be fraud" in ran("event-rules", "outcome", "T30", "fraud")
    assert main(["event-rules", "approve", "BURST", "1"]) == 2
    assert "own proposal" in capsys.readouterr().err
    assert main(["event-rules", "show", "BURST", "9" * 20]) == 2
    assert "range" in capsys.readouterr().err
