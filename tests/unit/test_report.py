"""The report of a backtest: one file that needs no network, with every run in it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.minute import Span
from pipeline.packs.merchants import PACK
from pipeline.replay.backtest import Backtest, Run
from pipeline.replay.replay import Replayed
from pipeline.replay.report import write_report
from pipeline.replay.score import Detection, Score
from tests.unit.test_score import incident, label

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.judge.life import Incident

START = datetime(2026, 2, 28, 15, tzinfo=UTC)  # midnight in Seoul
SPAN = Span(START, START + timedelta(days=2))


NUMBERS = {"approvals_hour": 40, "cancels_hour": 10, "approvals_week": 280, "cancels_week": 7}


def opened_by(merchant: str) -> Incident:
    return replace(incident(merchant, 5), reason=NUMBERS)


def run(policy: str, opened: list[Incident], rules: str = "rules.toml") -> Run:
    replayed = Replayed(raw=Counter({"cancel_surge": 12_345}), whole=False)
    result = Backtest(SPAN, policy, PACK, replayed, opened, notices={"opened": len(opened)})
    found = Detection(label("A"), opened[0] if opened else None)
    return Run(result, rules, Score(len(opened), 1, 0, [found], 0.0, 2.0), {"krw_caught": 1_234_567})


@pytest.mark.parametrize(("language", "words"), [("ko", "백테스트"), ("en", "Backtest")])
def test_it_is_one_file_that_asks_nobody_for_anything(tmp_path: Path, language: str, words: str) -> None:
    path = tmp_path / "report.html"
    runs = [run("budgeted", [opened_by("A")])]
    write_report(path, runs, [one.as_json() for one in runs], language, ZoneInfo("Asia/Seoul"))
    page = path.read_text(encoding="utf-8")
    assert words in page
    assert "12,345" in page
    assert "1,234,567" in page
    assert "2026-03-01 00:00" in page
    assert not re.findall(r"""<(?:script|link|img)[^>]+(?:src|href)=["']http""", page)
    assert page.count("Plotly.newPlot(") == 4


def test_runs_stand_side_by_side_and_names_of_files_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    runs = [run("budgeted", []), run("budgeted", [opened_by("A")], "<b>stricter.toml")]
    write_report(path, runs, [one.as_json() for one in runs], "en", ZoneInfo("Asia/Seoul"))
    head = re.findall(r"<tr><th></th>(.*?)</tr>", path.read_text(encoding="utf-8"))[0]
    assert head.count("<th>") == 2
    assert "&lt;b&gt;stricter" in head


def test_the_id_of_a_merchant_is_no_markup_in_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    runs = [run("budgeted", [opened_by("<a href='https://bad.example'>A</a>\u202e")])]
    write_report(path, runs, [one.as_json() for one in runs], "en", ZoneInfo("Asia/Seoul"))
    _library, *pictures = path.read_text(encoding="utf-8").split("Plotly.newPlot(")
    drawn = "".join(pictures)
    assert "bad.example" in drawn
    assert not [made for made in ("<a href", "\\u003ca href", "\u202e", "\\u202e") if made in drawn]
