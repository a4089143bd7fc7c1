"""The report of a day that ended: written once, linked once under Slack's faults, shown behind the gate."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from pipeline.cli import main
from pipeline.desk.people.entrance import Entrance
from pipeline.errors import DifferencesFound
from pipeline.minute import MINUTE, Span
from pipeline.report.about import about_week
from pipeline.report.gathered import about_of, gather
from pipeline.report.job import Reports
from pipeline.report.published import read_published
from pipeline.report.seal import verify_report
from pipeline.report.write import here, make_report
from pipeline.tell.pace import Paces
from pipeline.tell.slack import SlackClient
from tests.integration.delivery import CHANNEL, INCIDENT, TIMEOUT_S, TOKEN, arrived, make_standin
from tests.integration.doorway import Visitor, doorway
from tests.integration.trade_home import pipeline_of, state_database, trade_database
from tests.people import PASSWORD, add_people, do, quick_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.slack_standin import SlackStandIn
    from pipeline.catch_up import Pipeline
    from pipeline.store.state import State

SEOUL = ZoneInfo("Asia/Seoul")
DAY = "2026-03-10"
#: The end of that business day.
END = datetime(2026, 3, 10, 15, tzinfo=UTC)
SURGING = "m7"


@pytest.fixture(scope="module")
def ended(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A pipeline two minutes after the end of a business day, with an incident in its last minutes."""
    with trade_database(postgres_url) as trade, state_database(postgres_url) as state_url:
        trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT 'm' || m, 'APPROVAL', 1000, '{END.isoformat()}'::timestamptz - n * interval '7 minutes'"
            " FROM generate_series(1, 30) AS m, generate_series(1, 222) AS n"
        )
        trade.execute(
            "INSERT INTO transactions (merchant_id, kind, amount, occurred_at)"
            f" SELECT '{SURGING}', 'CANCEL', 900, '{(END - 5 * MINUTE).isoformat()}'::timestamptz"
            " FROM generate_series(1, 20)"
        )
        folder = tmp_path_factory.mktemp("report")
        with pipeline_of(trade, state_url, folder / "home", language="en") as pipeline:
            pipeline.backfill(Span(END - timedelta(hours=26), END - 8 * MINUTE))
            list(pipeline.catch_up(END + 2 * MINUTE))
            yield pipeline


@pytest.fixture
def pipeline(ended: Pipeline) -> Pipeline:
    """The same, with no report written yet."""
    with ended.state.engine.begin() as connection:
        connection.execute(text("DELETE FROM report"))
    return ended


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with make_standin() as standin:
        yield standin


def reports_of(pipeline: Pipeline, slack: SlackStandIn | None = None) -> Reports:
    """The job, with its heavy work in this process."""
    client = None if slack is None else SlackClient(TOKEN, slack.url, TIMEOUT_S)
    if slack is not None:
        object.__setattr__(pipeline.settings, "slack_channel", CHANNEL)
    return Reports(pipeline, Paces(), client)


def written(pipeline: Pipeline) -> list[dict[str, Any]]:
    with pipeline.state.engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM report ORDER BY about")).mappings()
        return [dict(row) for row in rows]


def keep_one(pipeline: Pipeline) -> None:
    """A report in the table, to be linked."""
    with pipeline.state.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO report (pack, about, path, sha256, bytes)"
                " VALUES ('merchants', :day, 'x', 'x', 1)"
            ),
            {"day": DAY},
        )


def test_the_day_that_ended_is_written_once_and_says_what_happened(pipeline: Pipeline) -> None:
    reports = reports_of(pipeline)
    assert [about.key for about in reports.due()] == [DAY]
    made = reports.write_by(reports.due()[0], here)
    assert reports.due() == []
    (row,) = written(pipeline)
    assert (row["about"], row["sha256"], row["bytes"]) == (DAY, made.sha256, made.bytes)
    assert pipeline.settings.home / row["path"] == made.path
    page = made.path.read_text(encoding="utf-8")
    assert f"Report of the day {DAY}" in page
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert SURGING in shown
    assert "Cancel surge" in shown
    assert "1,440 / 1,440" in shown
    content = verify_report(pipeline.settings, made.path)
    assert content["proof"]["differences"] == 0
    assert content["proof"]["holes"] == content["proof"]["files_damaged"] == 0
    assert content["proof"]["ledger"]["cancel_count"] == 20


@pytest.mark.slow
def test_written_in_a_process_of_its_own_it_is_the_same(pipeline: Pipeline) -> None:
    reports = reports_of(pipeline)
    (about,) = reports.due()
    apart = verify_report(pipeline.settings, reports.write(about).path)
    assert apart["proof"] == verify_report(pipeline.settings, reports.write_by(about, here).path)["proof"]
    assert len(written(pipeline)) == 1  # the first one counts


def test_a_day_whose_end_was_read_as_history_is_not_written(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = reports_of(pipeline)
    asked = list[Span]()

    def unjudged(span: Span) -> list[dict[str, Any]]:
        asked.append(span)
        return [{"judged_at": None}]

    monkeypatch.setattr(pipeline.state, "minutes", unjudged)
    assert reports.due() == []
    assert asked[-1] == Span(END - MINUTE, END)


def test_a_difference_from_the_source_is_said_and_repaired(pipeline: Pipeline) -> None:
    with pipeline.state.engine.begin() as connection:
        given = {"minute": END - 60 * MINUTE}
        change = (
            "UPDATE minute_ledger SET rows = rows + 1, source_rows = source_rows + 1 WHERE minute = :minute"
        )
        connection.execute(text(change), given)
    try:
        reports = reports_of(pipeline)
        made = reports.write_by(reports.due()[0], here)
        assert verify_report(pipeline.settings, made.path)["proof"]["differences"] == 1
        assert "Something is not proven" in made.path.read_text(encoding="utf-8")
        assert pipeline.state.repairs_waiting()
    finally:
        with pipeline.state.engine.begin() as connection:
            connection.execute(text(change.replace("+", "-")), given)
            connection.execute(text("DELETE FROM repair_request"))


def test_a_correction_that_commits_while_the_rows_are_read_is_no_fault_of_the_files(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, ask = pipeline.state, pipeline.state.ask
    change = "UPDATE minute_ledger SET sums = sums || :sums WHERE minute = :minute"
    sums = state.minutes(Span(END - 60 * MINUTE, END - 59 * MINUTE))[0]["sums"]

    def corrected(by: int) -> None:
        found = {**sums, "approval_count": sums["approval_count"] + by}
        with state.engine.begin() as connection:
            given = {"minute": END - 60 * MINUTE, "sums": json.dumps(found)}
            connection.execute(text(change.replace(":sums", "CAST(:sums AS jsonb)")), given)

    def between(connection: Any, name: str, /, **given: Any) -> Any:  # noqa: ANN401 - as `ask`
        if name == "published_minutes":
            corrected(1)
        return ask(connection, name, **given)

    monkeypatch.setattr(state, "ask", between)
    try:
        page = make_report_of(pipeline, DAY)
    finally:
        corrected(0)
    assert "Something is not proven" not in page


def test_what_is_not_listed_is_counted_as_well(pipeline: Pipeline) -> None:
    state, opened_before = pipeline.state, END - 2_000 * MINUTE
    asked = {"start": END - 1440 * MINUTE, "stop": END, "incident_id": None, "at_most": 1}
    with state.engine.connect() as connection:
        (before,) = state.ask(connection, "report_incidents", **asked).mappings()
        for number, opened in enumerate((opened_before, END - 9 * MINUTE, END - 9 * MINUTE)):
            given = {"merchant_id": f"more-{number}", "minute": opened, "tier": "tail", "at_risk": 1}
            made = connection.execute(text(INCIDENT), given).scalar_one()
            ended = text(
                "UPDATE incident SET resolved_minute = :at, resolved_at = now(), status = 'resolved'"
                " WHERE incident_id = :id"
            )
            connection.execute(ended, {"at": END - (number - 1) * MINUTE, "id": made})
        (row,) = state.ask(connection, "report_incidents", **asked).mappings()
        connection.rollback()
    more = [row[name] - before[name] for name in ("total", "opened", "resolved")]
    assert more == [3, 2, 1]


def test_a_picture_shows_nothing_of_the_days_before_anything_was_published(pipeline: Pipeline) -> None:
    """There is less than a day before the shown one: nobody knows what is usual, and it is not 0."""
    state, settings, now = pipeline.state, pipeline.settings, END + MINUTE
    about = about_of(state, DAY, settings, now)
    gathered = gather(state, pipeline.pack, settings, about, now)
    (chart,) = read_published(pipeline.lake, gathered).pictures.values()
    curves = [curve for panel in chart.panels[1:] for curve in panel.curves if curve.usual]
    assert len(chart.steps) == 144
    assert curves
    for curve in curves:
        assert set(curve.values[:-12]) == {None}  # two hours of the day before are known


def test_the_link_stands_in_the_channel_once(pipeline: Pipeline, slack: SlackStandIn) -> None:
    keep_one(pipeline)
    reports = reports_of(pipeline, slack)
    assert reports.link() == 1
    assert reports.link() == 0
    (message,) = slack.messages
    assert f"report/merchants/{DAY}" in message["text"]
    assert written(pipeline)[0]["link"] == "told"


@pytest.mark.parametrize(
    ("fault", "posted"),
    [("close_posted", 1), ("hang_posted", 1), ("500_unposted", 0), ("limited", 0), ("close_unposted", 0)],
)
def test_a_link_whose_first_try_failed_is_told_once(
    pipeline: Pipeline, slack: SlackStandIn, fault: str, posted: int
) -> None:
    keep_one(pipeline)
    slack.fail_next(fault)
    with pytest.raises(Exception, match="message not delivered"):
        reports_of(pipeline, slack).link()
    arrived(slack)
    assert len(slack.messages) == posted
    assert reports_of(pipeline, slack).link() == 1  # another process goes on
    assert len(slack.messages) == 1
    assert written(pipeline)[0]["message_ts"] == slack.messages[0]["ts"]


def test_a_link_that_slack_refuses_is_an_alarm_and_not_tried_again(
    pipeline: Pipeline, slack: SlackStandIn
) -> None:
    reports = reports_of(pipeline, slack)
    reports.write_by(reports.due()[0], here)
    slack.fail_next("channel_not_found")
    reports.run()
    assert written(pipeline)[0]["link"] == "refused"
    reports.run()
    assert slack.messages == []


def test_without_slack_the_link_stands_on_standard_output(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_one(pipeline)
    assert reports_of(pipeline).link() == 1
    assert f"report/merchants/{DAY}" in capsys.readouterr().out


def test_a_day_tells_what_was_done_about_the_money_of_its_incidents_whenever_that_was(
    pipeline: Pipeline,
) -> None:
    state = pipeline.state
    number = state.rows("list_incidents", **LIST)[0]["incident_id"]
    given: Any = {"kind": "rolling_reserve", "percent": 12, "reason": "buyers cancel"}
    do(state, "propose_action", number, by="Kim", **given)
    shown = shown_of(make_report_of(pipeline, DAY))
    actions = shown.partition("Keep a reserve of payouts 12 %")[2]
    assert actions
    assert "proposed" in actions.partition("Regret")[0]


def test_each_step_of_an_action_stands_once_in_what_happened(
    pipeline: Pipeline,
) -> None:
    state = pipeline.state
    number = state.rows("list_incidents", **LIST)[0]["incident_id"]
    do(state, "propose_action", number, by="Kim", kind="shorter_cycle", reason="buyers cancel")
    do(state, "decline_action", _action_of(state, number), by="Lee", reason="not needed")
    steps = state.rows("report_timeline", ids=[number])
    mine = [row for row in steps if row["what"] == "action" and row["said"].get("kind") == "shorter_cycle"]
    assert [row["said"]["status"] for row in mine] == ["proposed", "declined"]
    assert not [row for row in steps if row["what"] == "action" and row["by"] is None]


def _action_of(state: State, number: int) -> int:
    rows = state.rows("report_actions", start=None, stop=None, incident_id=number, at_most=100)
    return next(int(row["action_id"]) for row in rows if row["kind"] == "shorter_cycle")


def test_a_week_is_written_linked_and_says_what_of_it_is_published(
    pipeline: Pipeline, slack: SlackStandIn
) -> None:
    reports, week = reports_of(pipeline, slack), about_week(date.fromisoformat(DAY), SEOUL)
    made = reports.write_by(week, here)
    shown = shown_of(made.path.read_text(encoding="utf-8"))
    assert "Report of the week 2026-W11" in shown
    assert "Of this period only 2026-03-09 22:00 KST – 2026-03-11 00:02 KST is published" in shown
    assert SURGING in shown
    assert "1,562 / 1,562" in shown
    assert verify_report(pipeline.settings, made.path)["proof"]["differences"] == 0
    assert [row["about"] for row in written(pipeline)] == ["2026-W11"]
    assert [about.key for about in reports.due()] == [DAY]  # the week stands for none of its days
    assert reports.link() == 1
    assert "report/merchants/2026-W11" in slack.messages[0]["text"]


def make_report_of(pipeline: Pipeline, about: str) -> str:
    """The file of a report that somebody asks for."""
    state, settings, now = pipeline.state, pipeline.settings, END + MINUTE
    asked = about_of(state, about, settings, now)
    gathered = gather(state, pipeline.pack, settings, asked, now)
    return make_report(state, pipeline.lake, settings, gathered).decode()


def shown_of(page: str) -> str:
    """Its text, without what a browser does not show."""
    text = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_names_and_words_of_people_are_in_it_only_where_they_were_asked_for(pipeline: Pipeline) -> None:
    state, now = pipeline.state, END + MINUTE
    number = state.rows("list_incidents", **LIST)[0]["incident_id"]
    do(state, "note", number, text="Call 010-1234-5678", by="Somebody Kim")
    about = about_of(state, str(number), pipeline.settings, now)
    pages = [
        make_report(
            state,
            pipeline.lake,
            pipeline.settings,
            gather(state, pipeline.pack, pipeline.settings, about, now, named=named),
        ).decode()
        for named in (False, True)
    ]
    assert ["010-1234-5678" in page for page in pages] == [False, True]
    assert ["Somebody Kim" in page for page in pages] == [False, True]
    assert "xxxxxxxx xxx" in pages[0]


LIST: dict[str, Any] = {
    **dict.fromkeys(("entity_id", "start", "end", "severities", "states", "rules", "owner")),
    "with_resolved": True,
    "limit": 1,
}


def test_the_page_shows_it_to_whoever_is_signed_in_and_only_as_it_was_written(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_passwords(monkeypatch)
    reports, settings = reports_of(pipeline), pipeline.settings
    made = reports.write_by(reports.due()[0], here)
    add_people(pipeline.state, {"boss": "SUPER_ADMIN", "reader": "READ_ONLY"})
    with doorway(Entrance(settings, local=False)) as address:
        way = f"/report/merchants/{DAY}"
        visitor = Visitor(address, accept="text/html")
        outside = visitor.get(way)
        assert (outside.status_code, outside.headers["location"]) == (
            303,
            f"/login?next=%2Freport%2Fmerchants%2F{DAY}",
        )
        assert visitor.sign_in("reader", PASSWORD).status_code == 303
        shown = visitor.get(way)
        assert shown.content == made.path.read_bytes()
        assert shown.headers["content-security-policy"].startswith("sandbox allow-scripts")
        assert shown.headers["cache-control"] == "no-store"
        for other in ("transfers/" + DAY, "merchants/2026-03-09", "x/y/z"):
            assert visitor.get(f"/report/{other}").status_code == 404, other
        made.path.write_bytes(made.path.read_bytes().replace(b"1,440", b"1,441"))
        assert visitor.get(way).status_code == 404
    with pytest.raises(DifferencesFound):
        verify_report(settings, made.path)


def test_the_command_writes_and_verifies(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings, file = pipeline.settings, tmp_path / "day.html"
    for name in ("home", "source_url", "state_url"):
        monkeypatch.setenv(f"MINUTERISK_{name.upper()}", str(getattr(settings, name)))
    assert main(["report", DAY, "--language", "ko", "--output", str(file), "--json"]) == 0
    made = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (made["about"], made["incidents"], made["bytes"]) == (DAY, 1, file.stat().st_size)
    assert "취소 급증" in file.read_text(encoding="utf-8")
    assert main(["report", "--verify", str(file)]) == 0
    assert "not compared" in capsys.readouterr().out
    file.write_bytes(file.read_bytes().replace("취소".encode(), "승인".encode(), 1))
    assert main(["report", "--verify", str(file)]) == 3
    manifest = settings.home / "manifest.json"
    before = manifest.read_bytes()
    assert main(["report", DAY, "--output", str(manifest)]) == 2  # its own file, of which every reader lives
    assert manifest.read_bytes() == before
    os.mkfifo(tmp_path / "pipe")  # as /dev/null, which a file would replace for everybody
    assert main(["report", DAY, "--output", str(tmp_path / "pipe")]) == 2
    assert not (tmp_path / "pipe").is_file()
    assert main(["incidents", "action", "list", "--incident", "9" * 20]) == 0
    assert main(["outbox", "requeue", "9" * 20]) == 2
    assert main(["report"]) == 2
    assert main(["report", "2031-01-01"]) == 2
    assert main(["report", "999999"]) == 2
    assert main(["report", DAY, "--names"]) == 2
    said = capsys.readouterr().err
    for words in ("no day, week or incident", "nothing of 2031-01-01", "no incident 999999", "no reason"):
        assert words in said
