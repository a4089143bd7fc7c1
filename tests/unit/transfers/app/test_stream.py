"""What of the alerts an open page is sent, and when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.texts import texts_of
from app.transfers.feed.alerts import Alert, address_of, cells_of, rows_of, time_of
from app.transfers.feed.stream import Listener, changed, is_followed, message
from app.transfers.money import money
from app.transfers.words import WORDS
from pipeline.packs.transfers import PACK

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
KO, EN = (texts_of(PACK, WORDS, language) for language in ("ko", "en"))
ALERT = Alert(
    transfer_id="t1",
    occurred_at=NOW,
    account_id="acc-1",
    kind="card",
    status="completed",
    amount=123_456,
    currency="USD",
    country="US",
    decision="block",
    score=90,
    why="rules",
    late=False,
    revision=0,
    rules=("HIGH_VALUE", "OWN_RULE"),
    corrected=False,
)
HOSTILE = '<script>alert(1)</script>\n\ndata: {"x": 1}\n\nevent: over'


def test_whoever_comes_is_sent_all_and_then_what_is_new_or_was_said_anew() -> None:
    listener = Listener("", "", KO)
    others = [replace(ALERT, transfer_id=f"o{n}") for n in range(3)]
    first = (ALERT, *others)
    assert changed(listener, first) == list(first)
    assert changed(listener, (ALERT, *others)) == []
    revised = replace(ALERT, decision="allow", revision=1, corrected=True)
    newer = replace(ALERT, transfer_id="new")
    assert changed(listener, (newer, revised, *others)) == [newer, revised]
    assert changed(listener, (newer, revised)) == []  # the others are no longer among the latest
    assert changed(listener, (newer, revised, others[0])) == [others[0]]


def test_a_row_is_said_in_the_language_of_whoever_reads() -> None:
    cells = cells_of(ALERT, KO, SEOUL, NOW)
    assert cells == {
        "transfer": "t1",
        "time": "12:00:00",
        "tone": "critical",
        "decision": "▲ 차단",
        "score": "90",
        "account": "acc-1 · 카드 · US",
        "amount": "1,234.56 USD",
        "rules": "고액 거래 · OWN_RULE",
        "marks": "",
    }
    assert cells_of(ALERT, EN, SEOUL, NOW)["rules"] == "High value · OWN_RULE"


def test_an_account_on_the_deny_list_needs_no_rule() -> None:
    denied = replace(ALERT, rules=(), why="denied", kind=None, amount=None, status=None, country=None)
    cells = cells_of(denied, KO, SEOUL, NOW)
    assert (cells["rules"], cells["account"], cells["amount"]) == ("차단 목록", "acc-1", "–")


def test_what_is_not_as_usual_is_marked() -> None:
    marked = replace(ALERT, late=True, revision=2, status="reversed")
    assert cells_of(marked, EN, SEOUL, NOW)["marks"] == "came late · judged again: 2 · reversed"
    assert cells_of(replace(marked, corrected=True), KO, SEOUL, NOW)["marks"] == "늦게 도착 · 정정됨 · 취소"


def test_the_day_is_said_where_it_is_another_one() -> None:
    assert time_of(NOW.replace(day=28), SEOUL, NOW) == "11-28 12:00:00"


def test_no_name_ends_an_event_or_begins_another_one() -> None:
    hostile = replace(ALERT, transfer_id=HOSTILE, account_id=HOSTILE)
    sent = message("alerts", {"rows": [cells_of(hostile, KO, SEOUL, NOW)]})
    event, data, rest = sent.split("\n", 2)
    assert (event, rest) == ("event: alerts", "\n")
    assert json.loads(data.removeprefix("data: "))["rows"][0]["transfer"] == HOSTILE


def test_a_table_that_stands_in_for_the_stream_escapes_what_it_shows() -> None:
    hostile = replace(ALERT, transfer_id=HOSTILE, account_id=HOSTILE, rules=(HOSTILE,))
    shown = rows_of([cells_of(hostile, KO, SEOUL, NOW)], KO, "transfers")
    assert "<script" not in shown
    assert 'href="/feed?pack=transfers&amp;transfer=%3Cscript' in shown
    assert address_of("", None) == "/feed?transfer="


def test_amounts_are_in_the_units_of_their_currency() -> None:
    said = [money(5, "KRW", "ko"), money(5, "KRW", "en"), money(5, "USD", "ko"), money(5, "JPY", "en")]
    assert said == ["5원", "₩5", "0.05 USD", "5 JPY"]
    assert money(None, "KRW", "ko") == "–"


def test_nobody_follows_before_a_page_is_open() -> None:
    assert not is_followed("somebody")
