"""Two packs in one operational database and one lake: neither sees, leads or deletes what is the other's."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from sqlalchemy import text

from pipeline.errors import FencedOut, NotLeader, UsageError
from pipeline.judge.life import Changes, Event, Incident
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.money import AtRisk
from pipeline.packs import PACKS
from pipeline.packs.merchants import PACK
from pipeline.schema import FACT_CHANGE
from pipeline.settings import load_settings
from pipeline.source.asked import Fence, KnownFence
from pipeline.store.compact import sweep_orphans
from pipeline.store.database import connect_state
from pipeline.store.lake import Lake
from pipeline.store.leader import lead_or_stand_by
from pipeline.store.manifest import read_manifest
from pipeline.store.start_anew import size_of, start_anew
from pipeline.store.state import Correction, MinuteCommit, State
from pipeline.store.views.analyst import Analyst
from tests.people import do

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
#: A second domain that counts as the first does; only its name is another.
OTHER = replace(PACK, name="others")
COUNTED = dict.fromkeys(PACK.counted.names(), 0)


@pytest.fixture
def other_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKS, "others", __name__)
    monkeypatch.setattr(
        "pipeline.store.views.catalog.load_pack", {"merchants": PACK, "others": OTHER}.__getitem__
    )


@pytest.fixture
def ours(state_url: str) -> Iterator[State]:
    with State(connect_state(state_url), state_url, "merchants", "KRW") as state:
        state.lead()
        yield state


@pytest.fixture
def theirs(state_url: str) -> Iterator[State]:
    with State(connect_state(state_url), state_url, "others", "JPY") as state:
        state.lead()
        yield state


def ledger_row(minute: datetime, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a row
    row = {
        "minute": minute.isoformat(),
        "rows": 3,
        "quarantined": 1,
        "sums": {"approval_count": 2, "cancel_count": 1, "approval_amount": 2**62, "cancel_amount": 0},
        "source_rows": 4,
        "source_sums": {"cancels": 1, "amount": "12345678901234567890123.45"},
        "source_xmin": 7,
        "source_clock": (minute + MINUTE).isoformat(),
        "policy": None,
    }
    return row | changes


def incident(**changes: Any) -> Incident:  # noqa: ANN401 - values of a row
    made = Incident(
        incident_id=None,
        rule="cancel_surge",
        entity_id="M1",
        tier="top",
        severity="high",
        status="open",
        policy="budgeted",
        opened_minute=NOON,
        last_breach_minute=NOON,
        reason={"cancels_hour": 7},
        at_risk=AtRisk({"paid_out_cancelable": 5, "unrecovered": 2}, "Shop"),
        told_minute=NOON,
    )
    return replace(made, **changes)


def open_one(state: State, **changes: Any) -> Incident:  # noqa: ANN401 - values of a row
    opened = incident(**changes)
    changed = Changes(opened=[opened], events=[Event("opened", NOON, opened, visible=True)])
    state.commit(MinuteCommit([], [], NOON + MINUTE, changed, NOON))
    return state.unresolved()[opened.key]


def messages(state: State) -> list[dict[str, Any]]:
    with state.engine.connect() as connection:
        return list(connection.execute(text("SELECT message FROM outbox ORDER BY outbox_id")).scalars())


def lake_of(pack: Any, home: Path) -> Lake:  # noqa: ANN401 - a pack of any kind
    settings = load_settings({"MINUTERISK_HOME": str(home)})
    manifest = home / ("manifest.json" if pack is PACK else f"manifest-{pack.name}.json")
    return Lake(pack, settings.lake, manifest, settings.catalog, SEOUL)


def publish(state: State, lake: Lake, minute: datetime = NOON, approvals: int = 10) -> None:
    row = COUNTED | {"minute": minute, PACK.entity: "M1", "approval_count": approvals}
    file = lake.write(lake.pack.dataset, pl.DataFrame([row], PACK.counted), one_minute(minute))
    assert file is not None
    state.commit(MinuteCommit([ledger_row(minute)], [file], minute + MINUTE))
    lake.project(state.publication())
    lake.project_catalog(state.publication())


def test_ledger_rows_come_back_as_they_were_given_to_the_last_digit(ours: State) -> None:
    ours.commit(MinuteCommit([ledger_row(NOON)], [], NOON + MINUTE))
    (row,) = ours.minutes(one_minute(NOON))
    given = ledger_row(NOON)
    for name in ("rows", "quarantined", "sums", "source_rows", "source_sums", "source_xmin"):
        assert row[name] == given[name], name
    assert (row["minute"], row["revision"], row["policy"]) == (NOON, 0, None)


def test_a_minute_that_is_judged_later_keeps_its_numbers(ours: State) -> None:
    ours.commit(MinuteCommit([ledger_row(NOON)], [], NOON))
    judged = ledger_row(NOON, rows=0, source_rows=0, quarantined=0, sums={}, policy="budgeted")
    ours.commit(MinuteCommit([judged], [], NOON + MINUTE))
    (row,) = ours.minutes(one_minute(NOON))
    assert (row["rows"], row["policy"], row["judged_at"] is not None) == (3, "budgeted", True)


def test_a_correction_keeps_what_was_before(ours: State) -> None:
    ours.commit(MinuteCommit([ledger_row(NOON)], [], NOON + MINUTE))
    sums = {"cancels": 0, "amount": "1"}
    revised = ledger_row(NOON, rows=1, source_rows=2, source_sums=sums)
    ours.correct(Correction("late_commit", [revised], [], [], Changes(), (), NOON))
    (row,) = ours.minutes(one_minute(NOON))
    assert (row["revision"], row["rows"], row["source_sums"]) == (1, 1, sums)
    with ours.engine.connect() as connection:
        kept = connection.execute(text("SELECT * FROM minute_revision")).mappings().one()
    assert (kept["rows_before"], kept["rows_after"]) == (4, 2)
    assert (kept["sums_before"]["amount"], kept["sums_after"]) == ("12345678901234567890123.45", sums)


def test_an_incident_comes_back_as_it_was_opened(ours: State) -> None:
    found = open_one(ours)
    assert found == replace(incident(), incident_id=found.incident_id)
    half = replace(found, at_risk=AtRisk({"paid_out_cancelable": None, "unrecovered": 2}))
    ours.commit(MinuteCommit([], [], NOON, Changes(continued=[half]), NOON))
    assert ours.unresolved()[found.key].at_risk == replace(half.at_risk, name="Shop")  # a name is kept
    ours.commit(MinuteCommit([], [], NOON, Changes(resolved=[found]), NOON + 5 * MINUTE))
    assert ours.unresolved() == {}
    (resolved,) = ours.resolved_since(NOON).values()
    assert (resolved.status, resolved.resolved_minute) == ("resolved", NOON + 5 * MINUTE)
    back = replace(resolved, times=2, last_breach_minute=NOON + 9 * MINUTE, told_minute=NOON + 9 * MINUTE)
    ours.commit(MinuteCommit([], [], NOON, Changes(reopened=[back]), NOON + 9 * MINUTE))
    assert ours.unresolved()[found.key] == replace(back, status="open", resolved_minute=None)


def test_whoever_takes_an_incident_on_is_told_of_with_the_message_of_every_other_event(ours: State) -> None:
    found = open_one(ours)
    assert found.incident_id is not None
    answer = do(ours, "acknowledge", found.incident_id, by="김위험\n")
    assert answer["acknowledged_by"] == "김위험"
    with pytest.raises(UsageError, match="is already acknowledged by 김위험"):
        do(ours, "acknowledge", found.incident_id, by="somebody else")
    opened, taken = messages(ours)
    assert opened["parts"] == {"paid_out_cancelable": 5, "unrecovered": 2}
    said = {"status": "acknowledged", "visible": False, "acknowledged_by": "김위험"}
    assert taken == opened | {"event": "acknowledged", **said}
    assert ours.unresolved()[found.key].status == "acknowledged"


def test_packs_do_not_see_each_others_rows(ours: State, theirs: State) -> None:
    ours.commit(MinuteCommit([ledger_row(NOON)], [], NOON + MINUTE, history_until=NOON))
    theirs.commit(MinuteCommit([ledger_row(NOON, rows=0, source_rows=1)], [], NOON + 9 * MINUTE))
    one, other = open_one(ours), open_one(theirs)
    assert one.incident_id != other.incident_id
    assert len(ours.unresolved()) == len(theirs.unresolved()) == 1
    assert (ours.minutes(one_minute(NOON))[0]["rows"], theirs.minutes(one_minute(NOON))[0]["rows"]) == (3, 0)
    assert (ours.history_until(), theirs.history_until()) == (NOON, None)
    fence = KnownFence(Fence(1, 2, NOON, None), NOON, NOON)
    ours.record_fence(fence)
    assert theirs.source_fence() is None
    ours.request_repairs([NOON])
    ours.record_strays({"past": [NOON]})
    ours.record_facts(NOON, pl.DataFrame([(NOON, "M1", "air")], FACT_CHANGE, orient="row"))
    ours.record_night(NOON.date(), {"incidents": 1})
    assert (ours.repairs_waiting(), theirs.repairs_waiting()) == (True, False)
    assert (ours.strays(), theirs.strays()) == ({"past": 1, "future": 0}, {"past": 0, "future": 0})
    assert (ours.facts().height, theirs.facts().height) == (1, 0)
    assert ([night["result"] for night in ours.nights()], theirs.nights()) == ([{"incidents": 1}], [])
    assert theirs.opened_since(NOON) == {"cancel_surge": 1}
    assert other.incident_id is not None
    with pytest.raises(UsageError, match="there is no incident"):
        do(ours, "acknowledge", other.incident_id, by="me")
    with ours.engine.connect() as connection:
        money = connection.execute(text("SELECT pack, currency FROM incident ORDER BY pack")).all()
    assert [tuple(row) for row in money] == [("merchants", "KRW"), ("others", "JPY")]


def test_each_pack_has_a_leader_of_its_own(state_url: str, ours: State, theirs: State) -> None:
    ours.heartbeat()
    theirs.heartbeat()
    assert ours.installation() != theirs.installation()
    with closing(State(connect_state(state_url), state_url, "others", "JPY")) as third:
        with pytest.raises(NotLeader, match="another process leads"):
            third.lead()
        theirs.close()
        assert third.lead() == 2
        ours.heartbeat()
    with closing(State(connect_state(state_url), state_url, "others", "JPY")) as late:
        late.epoch = 1
        with pytest.raises(FencedOut):
            late.commit(MinuteCommit([], [], NOON))


def test_a_leader_that_ends_gives_its_place_up_before_the_server_has_ended_its_session(
    monkeypatch: pytest.MonkeyPatch, state_url: str, ours: State
) -> None:
    with (
        monkeypatch.context() as server,
        closing(State(connect_state(state_url), state_url, "merchants", "KRW")) as next_one,
    ):
        server.setattr(ours.engine, "dispose", lambda: None)  # busy: it ends the session later
        ours.close()
        assert next_one.lead() == 2
    ours.close()


def test_a_leader_whose_session_was_cut_ends_as_any_other(state_url: str, ours: State) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON oid = database"
        " WHERE locktype = 'advisory' AND datname = current_database()"
    )
    with closing(State(connect_state(state_url), state_url, "others", "JPY")) as other:
        with other.engine.begin() as connection:
            assert connection.execute(text(cut)).scalars().all() == [True]
        ours.close()


def test_a_silent_leader_of_one_pack_is_taken_over_and_the_other_pack_goes_on(
    state_url: str, ours: State, theirs: State
) -> None:
    with ours.engine.begin() as connection:
        connection.execute(text("UPDATE leader SET heartbeat_at = now() - interval '1 minute'"))
    ours.heartbeat()
    with closing(State(connect_state(state_url), state_url, "others", "JPY")) as next_one:
        assert lead_or_stand_by(next_one, Flag())
        ours.heartbeat()
        with pytest.raises(FencedOut):
            theirs.heartbeat()


@pytest.mark.usefixtures("other_pack")
def test_one_catalog_has_the_views_of_all_packs(tmp_path: Path, ours: State, theirs: State) -> None:
    mine, other = lake_of(PACK, tmp_path), lake_of(OTHER, tmp_path)
    publish(ours, mine, approvals=10)
    publish(theirs, other, approvals=77)
    publish(ours, mine, NOON + MINUTE, approvals=1)
    assert {p.name for p in (tmp_path / "lake").iterdir()} == {"merchants", "others"}
    asked = "SELECT sum(approval_count) FROM {}"
    with duckdb.connect(str(tmp_path / "analyst.duckdb"), read_only=True) as analyst:
        for views, expected in (("", 11), ("main.", 11), ("merchants.", 11), ("others.", 77)):
            found = analyst.execute(asked.format(f"{views}merchant_minute")).fetchone()
            assert found == (expected,), views
        assert analyst.execute(asked.format("merchant_day")).fetchone() == (11,)
    settings = load_settings({"MINUTERISK_HOME": str(tmp_path)})
    analyst_here = Analyst.open(settings)
    assert [*analyst_here.ask(asked.format("others.merchant_minute")).rows()[0].values()] == [77]
    assert [*analyst_here.ask(asked.format("merchant_day")).rows()[0].values()] == [11]


@pytest.mark.usefixtures("other_pack")
@pytest.mark.parametrize("damage", ["its list", "a file"])
def test_a_damaged_pack_leaves_the_catalog_to_the_others(
    tmp_path: Path, ours: State, theirs: State, damage: str
) -> None:
    publish(theirs, lake_of(OTHER, tmp_path))
    if damage == "its list":
        (tmp_path / "manifest-others.json").write_text("{")
    else:
        next((tmp_path / "lake" / "others").rglob("*.parquet")).unlink()
    publish(ours, lake_of(PACK, tmp_path))
    with duckdb.connect(str(tmp_path / "analyst.duckdb"), read_only=True) as analyst:
        assert analyst.execute("SELECT count(*) FROM merchant_minute").fetchone() == (1,)


@pytest.mark.usefixtures("other_pack")
def test_neither_sweeping_nor_starting_anew_touches_another_packs_files(
    tmp_path: Path, ours: State, theirs: State
) -> None:
    mine, other = lake_of(PACK, tmp_path), lake_of(OTHER, tmp_path)
    publish(ours, mine)
    publish(theirs, other)
    old = tmp_path / "lake" / "merchant_minute" / "old.parquet"
    old.parent.mkdir()
    old.write_bytes(b"from before there were packs")
    open_one(theirs)
    assert sweep_orphans(mine, ours, datetime.now(UTC) + timedelta(days=1)) == 1  # the file of no pack
    assert not old.exists()
    assert size_of(ours).files == size_of(theirs).files == 1
    start_anew(ours, mine, load_settings({"MINUTERISK_HOME": str(tmp_path)}))
    assert (size_of(ours).minutes, size_of(ours).files) == (0, 0)
    assert (size_of(theirs).minutes, size_of(theirs).incidents, size_of(theirs).messages) == (1, 1, 1)
    assert not mine.own.exists()
    assert other.damaged(theirs.publication().files) == []
    assert not (tmp_path / "manifest.json").exists()
    shown = read_manifest(tmp_path / "manifest-others.json")
    assert shown is not None
    assert [f.path for f in shown.files] == [f.path for f in theirs.publication().files]
    whole = Span(NOON, NOON + MINUTE)
    assert other.read(shown.files, OTHER.dataset, whole).height == 1


def test_the_list_of_files_reads_as_it_was_written(tmp_path: Path, ours: State) -> None:
    publish(ours, lake_of(PACK, tmp_path))
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert list(content) == ["version", "published_through", "generated_at", "datasets"]
    (entry,) = content["datasets"]["merchant_minute"]
    assert list(entry) == ["path", "start", "end", "rows", "sha256"]
    assert entry["path"].startswith("merchants/merchant_minute/2026-03-10/")
    shown = read_manifest(tmp_path / "manifest.json")
    assert shown is not None
    assert [replace(f, bytes=None) for f in ours.publication().files] == shown.files


def test_one_correction_may_give_an_incident_its_beginning_and_its_support_back(ours: State) -> None:
    number = open_one(ours).incident_id
    assert number is not None
    with ours.engine.begin() as connection:
        connection.execute(text("UPDATE incident SET corrected_minute = opened_minute"))
    earlier = {number: NOON - MINUTE}
    ours.correct(
        Correction("late_commit", [], [], [], Changes(), [], NOON, supported=[number], earlier=earlier)
    )
    with ours.engine.connect() as connection:
        row = connection.execute(text("SELECT corrected_minute, opened_minute FROM incident")).one()
    assert tuple(row) == (None, NOON - MINUTE)
    ours.correct(Correction("late_commit", [], [], [], Changes(), [], NOON, earlier={number: NOON}))
    with ours.engine.connect() as connection:
        assert connection.execute(text("SELECT opened_minute FROM incident")).scalar_one() == NOON - MINUTE


def test_the_first_two_engines_may_be_made_at_once() -> None:
    """What an engine imports is there before: two threads that import it at once see each other's half."""
    program = (
        "import sys, pipeline.store.database; print('sqlalchemy.dialects.postgresql.psycopg' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "True"
