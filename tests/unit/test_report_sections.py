"""The sections of a report: the same numbers as they were given, and each missing part said plainly."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from pipeline.desk.precision import Labelled
from pipeline.minute import Span
from pipeline.packs import load_pack
from pipeline.replay.regret import Regret
from pipeline.report.about import about_day
from pipeline.report.facts import Facts, axis_amounts
from pipeline.report.gathered import Gathered
from pipeline.report.page import compose
from pipeline.report.published import Exposed, Mover, Published, _movers
from pipeline.report.seal import verify_report
from pipeline.report.sections import SECTIONS
from pipeline.report.sections.proof import holds
from pipeline.settings import Settings
from pipeline.store.actions import said_of_action
from pipeline.store.manifest import Publication

if TYPE_CHECKING:
    from pathlib import Path

SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2026, 3, 10)
ABOUT = about_day(DAY, SEOUL)
END = ABOUT.span.end
EVIL = "<script>alert('x')</script>\n\u202e`shop`"
PROOF = {
    "minutes": 1440,
    "minutes_expected": 1440,
    "holes": 0,
    "revised_minutes": 3,
    "files_verified": 12,
    "files_damaged": 0,
    "files_equal_ledger": True,
    "differences": None,
    "ledger": {"approval_count": 12_345},
    "ledger_sha256": "ab" * 32,
}
REASON = {
    "cancels_hour": 227,
    "approvals_hour": 357,
    "cancels_week": 2062,
    "approvals_week": 33_961,
    "window_minutes": 60,
    "prior": None,
    "cause": None,
}
INCIDENT = {
    "incident_id": 7,
    "rule": "cancel_surge",
    "entity_id": "100478",
    "entity_name": EVIL,
    "tier": "top",
    "severity": "critical",
    "status": "open",
    "policy": "budgeted",
    "times": 1,
    "opened_minute": END - timedelta(hours=2),
    "last_breach_minute": END - timedelta(minutes=5),
    "resolved_minute": None,
    "at_risk": 653_486_190,
    "expected_loss": 40_000_001,
    "parts": {"paid_out_cancelable": 600_000_000, "unrecovered": 53_486_190},
    "figures": {"pending_payout": 7_654_321, "next_payout_date": "2026-03-12", "expected_loss": 40_000_001},
    "reason": REASON,
    "latest_reason": None,
    "opened_at": END - timedelta(hours=2),
    "label": "true_alarm",
    "total": 1,
    "opened": 1,
    "resolved": 0,
}
ACTION = {
    "action_id": 3,
    "incident_id": 7,
    "entity_id": "100478",
    "entity_name": None,
    "rule": "cancel_surge",
    "kind": "hold_payout",
    "percent": None,
    "amount": 7_654_321,
    "helps_until": END + timedelta(hours=9),
    "status": "confirmed",
    "proposed_at": END - timedelta(hours=1),
    "proposed_by": "minuterisk",
    "by_machine": True,
    "decided_at": END - timedelta(minutes=50),
    "approved_by": "Lee",
    "told_at": END - timedelta(minutes=49),
    "ended_at": None,
    # As it is kept: the pack's figures, and a flag of ours.
    "outcome": {
        "due": 7_654_321,
        "kept": 7_000_000,
        "paid": 654_321,
        "held_amount_days": 7_000_000,
        "false_alarm_amount_days": None,
        "settled": False,
    },
    "total": 1,
}
SECONDS = timedelta(seconds=6.5)
DELAY = {
    "tier": "top",
    "incidents": 1,
    "delivered": 1,
    **{f"{step}_{name}": SECONDS for step in ("committed", "sent", "whole") for name in ("median", "p95")},
}
REGRET = Regret(
    entity_id="100478",
    entity_name="Shop",
    label="bankrupt",
    start=END - timedelta(hours=5),
    told_at=END - timedelta(hours=4),
    until=END,
    without=900_000_000,
    at_once=100_000_000,
    hour_later=300_000_000,
    curve=(
        (END - timedelta(hours=5), 100_000_000),
        (END - timedelta(hours=3), 300_000_000),
        (END, 900_000_000),
    ),
)
UNTOLD = {"at_risk": None, "sent_at": None}
STATEMENT = {
    "business_date": "2026-03-10",
    "from": "2026-03-08T19:00+00:00",
    "to": "2026-03-10T19:00+00:00",
    "differences_left": 0,
    "files_damaged_left": 0,
}
MONEY = {"paid_out_cancelable": 5, "unrecovered": 1_234_567, "pending_payout": None, "expected_loss": 42}
ROW = {
    "entity_id": "100478",
    "state": "surge",
    "next_payout_date": date(2026, 3, 12),
    "settled_through": None,
    "at_risk": 1_234_572,
    **MONEY,
}
EXPOSED = Exposed(
    minute=END - timedelta(minutes=1),
    known=2000,
    totals=MONEY,
    unknown=dict.fromkeys(MONEY, 0) | {"pending_payout": 9},
    rows=[ROW],
    by_day=[(DAY - timedelta(days=1), MONEY), (DAY, MONEY)],
    amounts=list(MONEY),
)


def gathered(**more: Any) -> Gathered:  # noqa: ANN401 - values of fields
    given: dict[str, Any] = {
        "about": ABOUT,
        "span": ABOUT.span,
        "language": "en",
        "zone": SEOUL,
        "currency": "KRW",
        "named": False,
        "installation": "an-installation",
        "written_at": END + timedelta(minutes=1),
        "publication": Publication(9, END, [], END),
        "known_from": END - timedelta(days=30),
        **dict.fromkeys(("incidents", "actions", "delays", "budgets", "labels", "ledger", "statements"), ()),
        "timeline": {},
    }
    return Gathered(**{**given, **more})


FULL = gathered(
    incidents=[INCIDENT],
    timeline={
        7: [
            {"at": END, "what": "opened", "by": None, "said": {"minute": "x"}, "at_risk": 5, "sent_at": END},
            {**UNTOLD, "at": END, "what": "note", "by": "Kim", "said": {"text": "call me"}},
        ]
    },
    actions=[ACTION],
    delays=[DELAY],
    budgets=[(DAY, SimpleNamespace(spent=4, allowed=2.5, null_per_day=0.3, interval=(0.1, 0.9)))],
    labels=[Labelled(rule="cancel_surge", tier="top", week=DAY, incidents=3, true_alarms=2, false_alarms=1)],
    regrets=[REGRET],
    statements=[STATEMENT],
)
NOTHING = Published(exposed=None, movers={}, days_before=0, pictures={}, proof=PROOF)
PUBLISHED = replace(
    NOTHING,
    exposed=EXPOSED,
    movers={"approval_amount": [Mover("100478", 3000, 7000)], "cancel_count": [Mover("5", 80, 70)],
            "approval_count": []},
    days_before=7,
)  # fmt: skip


def said(section: str, given: Gathered, published: Published = NOTHING) -> str:
    """The text of a section."""
    facts = Facts(load_pack("merchants"), given, published, {"100478": "푸른상회"})
    html = SECTIONS[section](facts)
    assert "<script>alert" not in html
    return unescape(re.sub(r"<[^>]*>", " ", html))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("money", ["1,234,567", "푸른상회 (100478)", "cancels surge", "03-12", "unknown"]),
        (
            "incidents",
            ["653,486,190 KRW", "40,000,001", "7,654,321 KRW", "2026-03-12", "true alarm", "xxx", "…"],
        ),
        ("actions", ["7,654,321", "confirmed", "minuterisk", "xxx", "7,000,000"]),
        ("regret", ["900,000,000 0", "100,000,000 800,000,000", "300,000,000 600,000,000"]),
        ("budget", ["2.50", "0.30 (95 %: 0.10 – 0.90)", "66.6 %", "2, 1 / 3"]),
        ("delays", ["6.5 / 6.5"]),
        ("movers", ["▲ +200%", "3,000 1,000", "▲ +700%", "80 10"]),
        (
            "proof",
            [
                "1,440 / 1,440",
                "not compared",
                "approval_count 12,345",
                "abab",
                "2026-03-10: 2026-03-09 04:00 KST",
            ],
        ),
    ],
)
def test_a_section_says_the_numbers_it_was_given(section: str, words: list[str]) -> None:
    text = re.sub(r"\s+", " ", said(section, FULL, PUBLISHED))
    assert [word for word in words if word not in text] == []
    assert "Kim" not in text
    assert "Lee" not in text
    assert "call me" not in text


#: What each section says where nothing of it is given.
NOT_GIVEN = {
    "money": "no snapshot of the exposure",
    "incidents": "No incident lasted",
    "actions": "Nothing was proposed",
    "regret": "not reckoned",
    "budget": "measures no false-alarm budget",
    "delays": "No incident opened",
    "movers": "No whole day before",
    "proof": "No daily statement",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_not_given_is_said(section: str) -> None:
    assert section in NOT_GIVEN, "say here what it says where nothing is given"
    assert NOT_GIVEN[section] in said(section, gathered())


def test_a_day_that_is_not_over_is_compared_with_no_whole_days() -> None:
    until_ten = Span(ABOUT.span.start, ABOUT.span.start + timedelta(hours=10))
    text = said("movers", gathered(span=until_ten), PUBLISHED)
    assert "Not compared with whole days" in text
    assert "%" not in text
    lake: Any = SimpleNamespace(pack=load_pack("merchants"), zone=SEOUL)  # nothing is read
    assert _movers(lake, gathered(span=until_ten), ()) == ({}, 0)


def test_the_budget_says_which_night_a_day_is_held_against() -> None:
    unmeasured = SimpleNamespace(spent=4, allowed=None, null_per_day=None, interval=None)
    for some in (gathered(budgets=[(DAY, unmeasured)]), FULL):
        assert "Measured the night after" in said("budget", some)
    assert "unknown" in said("budget", gathered(budgets=[(DAY, unmeasured)]))


def test_incidents_that_are_not_listed_are_counted() -> None:
    many = {"total": 2_500, "opened": 2_400, "resolved": 2_300}
    text = said("incidents", gathered(incidents=[{**INCIDENT, **many}]))
    assert "2,500 incidents lasted in this period: 2,400 opened, 2,300 ended" in text


def test_no_regret_of_the_period_is_another_matter_than_none_reckoned() -> None:
    assert "no replay of one is kept" in said("regret", gathered(regrets=[]))
    nobody = replace(REGRET, told_at=None, at_once=None, hour_later=None, curve=())
    text = said("regret", gathered(regrets=[nobody]))
    assert "nobody was" in text
    assert text.count("unknown") == 4


@pytest.mark.parametrize(
    ("changed", "whole"),
    [
        ({}, True),
        ({"differences": 0}, True),
        ({"differences": 1}, False),
        ({"holes": 1}, False),
        ({"files_damaged": 1}, False),
        ({"files_equal_ledger": False}, False),
    ],
)
def test_one_fault_is_enough_not_to_be_proven(changed: dict[str, Any], *, whole: bool) -> None:
    assert holds({**PROOF, **changed}) == whole


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [
        ("KRW", -1_234_567, "-1,234,567"),
        ("USD", 1_234_567, "12,345.67"),
        ("USD", -5, "-0.05"),
        ("KWD", 1_000, "1.000"),
        ("KRW", None, "unknown"),
        ("KRW", 0, "0"),
    ],
)
def test_amounts_are_exact_in_every_minor_unit_and_unknown_is_never_0(
    currency: str, minor: int | None, text: str
) -> None:
    facts = Facts(load_pack("merchants"), gathered(currency=currency), NOTHING, {})
    assert facts.amount(minor) == text


def test_an_axis_of_large_amounts_is_in_korean_units() -> None:
    assert axis_amounts(2_500_000_000, "ko") == (10**8, "억")
    assert axis_amounts(25_000, "ko") == (10**4, "만")
    assert axis_amounts(25_000, "en") == axis_amounts(None, "ko") == (1, "")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_whole_is_one_file_that_names_no_other_and_is_signed(tmp_path: Path, language: str) -> None:
    settings = Settings(home=tmp_path, language=language)
    page = compose(settings, replace(FULL, language=language, statements=()), PUBLISHED, {})
    path = tmp_path / "report.html"
    path.write_bytes(page)
    assert verify_report(settings, path)["proof"] == json.loads(json.dumps(PROOF))
    text = re.sub(rb"<script>.*?</script>", b"", page, flags=re.DOTALL).decode()
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!#)[^"')\s>]+""", text) == []
    assert text.count('type="application/json"') == 3  # two pictures and the seal


@pytest.mark.parametrize("status", ["approved", "declined"])
def test_what_happened_says_which_action_and_what_was_done_with_it(status: str) -> None:
    step = said_of_action(ACTION, status, "call me")
    steps = [{**UNTOLD, "at": END, "what": "action", "by": "Kim", "said": step}]
    text = said("incidents", gathered(incidents=[INCIDENT], timeline={7: steps}))
    assert f"Hold the next payout: {status} · …" in text


def test_what_came_of_an_action_is_amounts_and_counts_of_days_and_no_flag_of_ours() -> None:
    text = re.sub(r"\s+", " ", said("actions", FULL))
    assert "Was to be paid out 7,654,321 · Kept 7,000,000 · Paid out 654,321 · " in text
    assert "settled" not in text
    assert "unknown" not in text
    days = {"cycle_days_before": 5, "cycle_days_since": 2, "settled": True}
    text = said("actions", gathered(currency="USD", actions=[{**ACTION, "outcome": days}]))
    assert "Cycle before, working days 5 · Cycle since, working days 2" in text
    assert "settled" not in text


def test_a_section_that_fails_leaves_the_others(tmp_path: Path) -> None:
    broken = gathered(incidents=[{"total": 1}])
    with capture_logs() as logs:
        page = compose(Settings(home=tmp_path), broken, PUBLISHED, {}).decode()
    assert [entry["section"] for entry in logs] == ["incidents"]
    shown = page.partition("<body>")[2].partition("<script")[0]
    assert "could not be made: KeyError" in shown
    assert "1,440 / 1,440" in shown
