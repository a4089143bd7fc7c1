"""The screen Health: what it answers in each state and to each role; no text of a database acts on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sqlalchemy import text

from pipeline.desk.roles import ROLES, Actor, may
from pipeline.minute import MINUTE, Span
from pipeline.packs import PACKS
from pipeline.packs.merchants.schema import SET_ASIDE
from pipeline.store.migrate import newest_revision
from queries import sql
from tests.app.merchants.home import HOSTILE, SURGE_REASON, add_incident, lead, publish, recent
from tests.app.seen import figures, html_of, run_again, text_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.engine import Engine
    from streamlit.testing.v1 import AppTest

    Page = Callable[..., AppTest]

PERSONAL = "홍길동 4111-1111-2222-3333"


@pytest.fixture
def span(home: Path) -> Span:
    found = recent(120, datetime.now(UTC))
    publish(home, found, ["m1"], version=7)
    return found


@pytest.fixture
def running(span: Span, state_engine: Engine) -> Span:
    """A pipeline that judges on time, with what its jobs have reported."""
    lead(state_engine, next_minute=span.end)
    with state_engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO minute_ledger (pack, minute, rows, quarantined, sums, source_rows, source_sums,
                source_xmin, source_clock, judged_at, policy)
            SELECT 'merchants', minute, 99, 1, '{}', 100, '{}', 1, minute, minute + interval '66 seconds',
                'budgeted'
            FROM generate_series(CAST(:start AS timestamptz), :last, interval '1 minute') AS minute
            """),
            {"start": span.start, "last": span.end - MINUTE},
        )
    for minute in list(span)[-30:]:
        steps = {"extract": 30, "judge": 12, "commit": 8}
        source = {"transactions": {"times": 1, "ms": 30}, "fence": {"times": 60, "ms": 120}}
        said = {"minute": minute.isoformat(), "steps_ms": steps, "source": source}
        report(state_engine, "minute", 50, said, at=minute + 2 * MINUTE)
    times = {"from": span.start.isoformat(), "to": span.end.isoformat()}
    report(state_engine, "reconcile", 900, {**times, "differences": 0, "rows_without_time": 0})
    report(state_engine, "search", 40, {"depth": "short"})
    return span


def report(
    engine: Engine, job: str, took_ms: float, result: dict[str, Any], at: datetime | None = None
) -> None:
    insert = text(
        "INSERT INTO job_report (pack, job, at, took_ms, result)"
        " VALUES ('merchants', :job, coalesce(:at, now()), :took, CAST(:result AS jsonb))"
    )
    with engine.begin() as connection:
        asked = {"job": job, "at": at, "took": took_ms, "result": json.dumps(result)}
        connection.execute(insert, asked)


def dead(engine: Engine, incident: int, minute: datetime, error: str, message: object = None) -> int:
    content = {"reason": SURGE_REASON} if message is None else message
    insert = text(
        "INSERT INTO outbox (incident_id, event, minute, message, status, attempts, last_error, destination)"
        " VALUES (:incident, 'opened', :minute, CAST(:message AS jsonb), 'dead', 5, :error, 'C0RISK')"
        " RETURNING outbox_id"
    )
    asked = {"incident": incident, "minute": minute, "message": json.dumps(content), "error": error}
    with engine.begin() as connection:
        return int(connection.execute(insert, asked).scalar_one())


def set_aside(home: Path, span: Span, rows: list[dict[str, Any]]) -> None:
    """A published file of rows that were set aside."""
    path = home / "lake" / "quarantine" / "aside.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows, schema=SET_ASIDE).write_parquet(path)
    content = json.loads((home / "manifest.json").read_text())
    of = {"start": span.start.isoformat(), "end": span.end.isoformat(), "rows": len(rows), "sha256": "0" * 64}
    content["datasets"]["quarantine"] = [{"path": "quarantine/aside.parquet", **of}]
    (home / "manifest.json").write_text(json.dumps(content))


def row(minute: datetime, reason: str, **changes: object) -> dict[str, Any]:
    usual = {
        "transaction_id": "77",
        "merchant_id": "m1",
        "kind": "APPROVAL",
        "amount": 1,
        "occurred_at": minute,
    }
    return {"minute": minute, "reason": reason, **usual, **changes}


def raise_alarm(engine: Engine, name: str, what: str, *, ended: bool = False, subject: str = "") -> None:
    insert = text(
        "INSERT INTO alarm (pack, name, subject, what, hint, since, ended_at) VALUES ('merchants', :name,"
        " :subject, :what, '', now() - interval '2 hours', CASE WHEN :ended THEN now() END)"
    )
    with engine.begin() as connection:
        given = {"name": name, "subject": subject, "what": what, "ended": ended}
        connection.execute(insert, given)


def test_a_pipeline_that_is_well_is_said_to_be(page: Page, running: Span) -> None:
    tested = page("health")
    seen = text_of(tested)
    assert "모두 정상입니다." in seen
    assert "6.0초" in seen  # from the end of the minute to its verdict
    assert "50 ms" in seen
    assert "0.15초" in seen  # of the source, each minute
    assert "다른 분 0개" in seen
    assert newest_revision() in seen
    assert "1.00 %" in seen  # set aside
    assert figures(tested) == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("All is well.", "Freshness", "extract", "minutes that differ: 0", "Rules in force")),
        ("ko", ("모두 정상입니다.", "신선도", "원천 읽기", "다른 분 0개", "적용 중인 규칙")),
    ],
)
def test_it_speaks_both_languages(
    page: Page, running: Span, monkeypatch: pytest.MonkeyPatch, language: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MINUTERISK_LANGUAGE", language)
    seen = text_of(page("health"))
    assert [word for word in words if word not in seen] == []
    assert "health." not in seen


def test_an_empty_installation_says_what_to_do(page: Page, home: Path) -> None:
    tested = page("health")
    seen = text_of(tested)
    assert "minuterisk demo" in seen
    assert "모두 정상" not in seen
    assert figures(tested) == 0


def test_what_nothing_was_reported_of_is_not_known(page: Page, span: Span, state_engine: Engine) -> None:
    lead(state_engine, next_minute=span.end)
    seen = text_of(page("health"))
    assert "아직 보고가 없습니다" in seen
    assert "알 수 없음" in seen
    assert "0.00 %" not in seen
    assert "0 ms" not in seen


def test_a_stopped_pipeline_is_the_first_thing_that_is_said(
    page: Page, running: Span, state_engine: Engine
) -> None:
    lead(state_engine, age=timedelta(minutes=5))
    seen = text_of(page("health"))
    assert "정상이 아닌 것 1가지" in seen
    assert "파이프라인이 멈췄습니다" in seen


def test_without_the_operational_database_it_says_that_alone(
    page: Page, span: Span, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINUTERISK_STATE_URL", "postgresql://nobody@127.0.0.1:1/none")
    seen = text_of(page("health"))
    assert "모두 정상" not in seen
    assert "연결할 수 없습니다" in seen


def test_everything_that_is_not_well_is_in_the_first_lines(
    page: Page, running: Span, state_engine: Engine
) -> None:
    incident = add_incident(state_engine, running.start)
    dead(state_engine, incident, running.start, "channel_not_found")
    raise_alarm(state_engine, "minutes.differ", "5 minutes differ")
    raise_alarm(state_engine, "ornament.failing", "slow", subject="reports")
    report(
        state_engine,
        "reconcile",
        1,
        {"from": running.start.isoformat(), "to": running.end.isoformat(), "differences": 3},
    )
    proven = {
        "minutes": 9,
        "differences_found": 2,
        "differences_left": 1,
        "files_verified": 4,
        "files_damaged": 0,
    }
    proven |= {"files_damaged_left": 0, "final_minutes": 1, "statement": "statement-2026-03-10.json"}  # type: ignore[dict-item]
    report(state_engine, "prove", 5_000, proven)
    seen = text_of(page("health"))
    for said in (
        "정상이 아닌 것 5가지",
        "전달하지 못한 알림 1건",
        "숫자가 틀리거나 빠질 수 있는 경보 1건",
        "그 밖의 경보 1건",
        "원천과 다른 분이 3개",
        "고쳐지지 않은 차이가 1개",
        "statement-2026-03-10.json",
    ):
        assert said in seen, said


def test_a_dead_message_says_what_it_was_to_tell_and_why_it_failed(
    page: Page, running: Span, state_engine: Engine
) -> None:
    incident = add_incident(state_engine, running.start, merchant_name=HOSTILE)
    dead(state_engine, incident, running.start, f"not_in_channel {HOSTILE}")
    dead(state_engine, incident, running.start + MINUTE, "damaged", message=["no message"])
    tested = page("health")
    seen = text_of(tested)
    assert "최근 1시간 취소 48건" in seen
    assert "not_in_channel" in seen
    assert "알리려던 내용을 읽을 수 없습니다" in seen
    assert "C0RISK" in seen
    assert "<img" not in html_of(tested)
    assert "\u202e" not in seen
    assert [b.key for b in tested.button if str(b.key).startswith("requeue")] == []  # nobody is signed in


@pytest.mark.parametrize("role", ROLES)
def test_sending_again_is_offered_to_those_who_may(
    page: Page, running: Span, state_engine: Engine, signed_in: Callable[[str], None], role: str
) -> None:
    signed_in(role)
    number = dead(state_engine, add_incident(state_engine, running.start), running.start, "gone")
    keys = [str(b.key) for b in page("health").button if str(b.key).startswith("requeue")]
    allowed = may(Actor(1, "kim", role, "page"), "deliver", "message")
    assert keys == (["requeue-all", f"requeue-{number}"] if allowed else [])


@pytest.mark.parametrize("which", ["one", "all"])
def test_a_press_sends_again_and_says_so(
    page: Page, running: Span, state_engine: Engine, signed_in: Callable[[str], None], which: str
) -> None:
    signed_in("OPS_AGENT")
    incident = add_incident(state_engine, running.start)
    numbers = [dead(state_engine, incident, running.start + n * MINUTE, "gone") for n in range(3)]
    tested = page("health")
    tested.button(key="requeue-all" if which == "all" else f"requeue-{numbers[0]}").click()
    seen = text_of(tested.run())
    assert "다시 보내도록 넣었습니다" in seen
    with state_engine.connect() as connection:
        waiting = (
            connection.execute(text("SELECT outbox_id FROM outbox WHERE status = 'pending'")).scalars().all()
        )
        audited = connection.execute(text("SELECT act FROM audit ORDER BY number DESC LIMIT 1")).scalar_one()
    assert sorted(waiting) == (numbers if which == "all" else numbers[:1])
    assert audited == "requeue"


def test_one_that_was_sent_again_meanwhile_is_a_notice(
    page: Page, running: Span, state_engine: Engine, signed_in: Callable[[str], None]
) -> None:
    signed_in("OPS_AGENT")
    number = dead(state_engine, add_incident(state_engine, running.start), running.start, "gone")
    tested = page("health")
    with state_engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET status = 'pending', last_error = NULL"))
    tested.button(key=f"requeue-{number}").click()
    tested.run()
    assert not tested.exception
    assert "넣었습니다" not in text_of(tested)


def test_rows_that_were_set_aside_are_counted_by_reason_and_shown_without_a_value(
    page: Page, home: Path, running: Span
) -> None:
    minute = running.end - 5 * MINUTE
    rows = [row(minute, "amount_negative", amount=-98765) for _ in range(7)]
    rows += [row(minute, "kind_unknown", kind=PERSONAL, transaction_id=PERSONAL, merchant_id=HOSTILE)]
    rows += [row(minute, HOSTILE, merchant_id=None)]
    set_aside(home, running, rows)
    tested = page("health")
    seen = text_of(tested)
    assert "음수 금액" in seen
    assert "모르는 종류" in seen
    assert seen.count("-00000") == 3  # a few of each reason
    for personal in ("홍길동", "4111", "3333", "98765"):
        assert personal not in seen, personal
    assert "xxx 0000-0000-0000-0000" in seen
    assert "<img" not in html_of(tested)


@pytest.mark.parametrize("role", ROLES)
def test_values_are_shown_to_those_who_may_see_them_and_have_said_why(
    page: Page, home: Path, running: Span, state_engine: Engine, signed_in: Callable[[str], None], role: str
) -> None:
    signed_in(role)
    set_aside(home, running, [row(running.start, "kind_unknown", kind=PERSONAL)])
    tested = page("health")
    offered = any(b.key == "health-unmask" for b in tested.button)
    assert offered == may(Actor(1, "kim", role, "page"), "unmask", "data")
    if not offered:
        return
    tested.button(key="health-unmask").click()
    assert PERSONAL not in text_of(tested.run())  # without a reason
    tested.text_input(key="health-unmask-reason").set_value("ticket 9")
    tested.button(key="health-unmask").click()
    assert PERSONAL in text_of(tested.run())
    with state_engine.connect() as connection:
        asked = text("SELECT outcome, why FROM audit WHERE act = 'unmask' ORDER BY number")
        assert [tuple(r) for r in connection.execute(asked)][1:] == [("done", "ticket 9")]
    tested.session_state["health-unmasked"] = ("another session", datetime(2100, 1, 1, tzinfo=UTC))
    assert PERSONAL not in text_of(tested.run())
    assert PERSONAL not in text_of(page("health"))  # who comes anew sees masks


def test_a_file_of_set_aside_rows_that_is_gone_is_said_and_the_rest_stays(
    page: Page, home: Path, running: Span
) -> None:
    set_aside(home, running, [row(running.start, "kind_unknown")])
    (home / "lake" / "quarantine" / "aside.parquet").unlink()
    seen = text_of(page("health"))
    assert "게시된 파일을 읽을 수 없습니다" in seen
    assert "모두 정상입니다." in seen


def test_alarms_have_a_title_in_the_persons_language_and_their_own_words_beside_it(
    page: Page, running: Span, state_engine: Engine
) -> None:
    raise_alarm(state_engine, "source.failing", f"the query {HOSTILE} fails", subject=HOSTILE)
    raise_alarm(state_engine, "rows.set_aside", "many rows", ended=True)
    tested = page("health")
    seen = text_of(tested)
    assert "거래 데이터베이스의 조회가 실패합니다" in seen
    assert "기술 정보 (영어)" in seen
    assert "끝난 경보 1건" in seen
    assert "제외된 거래가 많습니다" in seen
    assert "2시간" in seen
    assert "<img" not in html_of(tested)


def test_those_who_may_export_take_the_figures_along(
    page: Page, running: Span, signed_in: Callable[[str], None]
) -> None:
    signed_in("AUDITOR")
    keys = {str(i.key) for i in page("health").text_input}
    assert {f"download-reason-{n}" for n in ("minute-delays", "minute-steps", "business-days")} <= keys


def test_another_pack_has_no_word_of_merchants(
    page: Page, home: Path, state_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PACKS, "doors", "tests.doors")
    monkeypatch.setenv("MINUTERISK_PACKS", "doors")
    with state_engine.begin() as connection:
        connection.execute(text(sql("ops/enter_pack")), {"pack": "doors"})
    lead(state_engine)
    raise_alarm(state_engine, "rows.set_aside", "of the other pack")
    seen = text_of(page("health"))
    assert "파이프라인" in seen
    assert [w for w in ("가맹점", "취소", "승인", "erchant", "ancel") if w in seen] == []
    assert "of the other pack" not in seen


def test_what_changes_shows_at_the_next_drawing(page: Page, running: Span, state_engine: Engine) -> None:
    tested = page("health")
    assert "모두 정상입니다." in text_of(tested)
    dead(state_engine, add_incident(state_engine, running.start), running.start, "gone")
    assert "전달하지 못한 알림 1건" in text_of(run_again(tested))
