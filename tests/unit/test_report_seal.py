"""The seal of a report: whatever is changed in the file is found, and nothing else is called a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import DifferencesFound, UsageError
from pipeline.prove.statement import write_statement
from pipeline.report.html import Html, data_of, join, table, tag
from pipeline.report.people import person, shape, written
from pipeline.report.seal import seal, verify_report
from pipeline.report.texts import TEXTS
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "<!doctype html><html><body><h1>일간 보고서</h1><p>1,234</p>"
SAID = {"about": "2026-11-29", "proof": {"minutes": 1440, "name": "</script><b>"}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def sealed(settings: Settings, tmp_path: Path) -> Path:
    statement = write_statement(settings, "2026-11-29", {"minutes": 1440})
    path = tmp_path / "report.html"
    said = json.loads(statement.read_text(encoding="utf-8"))
    path.write_bytes(seal(PAGE, settings, SAID, [said]).encode())
    return path


def test_a_report_as_it_was_signed_holds(settings: Settings, sealed: Path) -> None:
    content = verify_report(settings, sealed)
    assert content["proof"] == SAID["proof"]
    assert [one["business_date"] for one in content["statements"]] == ["2026-11-29"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1,234", "1,235"),
        ('"minutes":1440', '"minutes":1439'),
        ('"about":"2026-11-29"', '"about":"2026-11-28"'),
        ("</h1>", "</h1><script>alert(1)</script>"),
        ('{"about"', '{ "about"'),
        ('"format":', '"more":"</script><p>forged</p>","format":'),
    ],
)
def test_any_change_is_found(settings: Settings, sealed: Path, old: str, new: str) -> None:
    before = sealed.read_text(encoding="utf-8")
    assert old in before
    sealed.write_text(before.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DifferencesFound, match="changed after it was signed"):
        verify_report(settings, sealed)


def test_every_single_byte_counts(settings: Settings, sealed: Path) -> None:
    whole = sealed.read_bytes()
    for place in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[place] ^= 1
        sealed.write_bytes(changed)
        with pytest.raises((DifferencesFound, UsageError)):
            verify_report(settings, sealed)


def test_a_statement_of_somebody_else_is_found(settings: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other")
    foreign = json.loads(write_statement(other, "2026-11-29", {"minutes": 1}).read_text(encoding="utf-8"))
    path = tmp_path / "report.html"
    path.write_bytes(seal(PAGE, settings, SAID, [foreign]).encode())
    with pytest.raises(DifferencesFound, match="statement"):
        verify_report(settings, path)


def test_the_key_beside_the_file_counts_for_nothing(settings: Settings, sealed: Path, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "forger")
    sealed.write_bytes(seal(PAGE.replace("1,234", "0"), other, SAID, []).encode())
    (sealed.parent / "statement.pub.pem").write_bytes(
        (other.home / "reports" / "statement.pub.pem").read_bytes()
    )
    with pytest.raises(DifferencesFound, match="another installation"):
        verify_report(settings, sealed)
    assert verify_report(settings, sealed, other.home / "reports" / "statement.pub.pem")["about"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"<html></html>", b"[" * 100_000])
def test_what_is_no_report_is_wrong_use(settings: Settings, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        verify_report(settings, path)
    with pytest.raises(UsageError):
        verify_report(settings, tmp_path / "none.html")


def test_what_comes_from_outside_is_a_text(settings: Settings) -> None:
    evil = "<img src=x onerror=alert(1)>\n\u202e&"
    assert join([evil]) == "&lt;img src=x onerror=alert(1)&gt; &amp;"
    assert tag("p", Html("<b>"), 'x"', data_a='"') == '<p data-a="&quot;"><b>x&quot;</p>'
    assert "<script" not in table([evil, "<script>"], [["<script>", "1"]])
    assert "</" not in data_of({"a": "</script><!--\u2028"})
    assert json.loads(data_of({"a": "</script>&\u2029"})) == {"a": "</script>&\u2029"}


def test_names_of_people_are_masked_by_their_shape_and_their_words_left_out() -> None:
    assert shape("Kim 김 7-b") == "xxx x 0-x"
    assert person("Kim", named=True) == "Kim"
    assert person(None, named=False) is None
    assert (written("said", named=True), written("said", named=False)) == ("said", "…")


def test_both_languages_say_the_same() -> None:
    assert list(TEXTS["ko"]) == list(TEXTS["en"])
    fields = {key: {part.split("}")[0] for part in text.split("{")[1:]} for key, text in TEXTS["ko"].items()}
    assert fields == {
        key: {part.split("}")[0] for part in text.split("{")[1:]} for key, text in TEXTS["en"].items()
    }
