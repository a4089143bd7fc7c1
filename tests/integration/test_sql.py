"""`minuterisk sql`: questions by name, the forms of an answer, files, and what is wrong with a question."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from pipeline.cli import main
from pipeline.store.views import questions as questions_module
from pipeline.store.views.questions import questions
from pipeline.store.views.walls import process as process_module
from tests.contract.walls_home import published_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.settings import Settings

BUSY = """\
-- Question: Which merchants had the most approvals?
-- 질문: 승인이 가장 많은 가맹점은?
-- Grain: one row per merchant
-- Parameter: shops texts : of which merchants
-- Parameter: top integer = 2 : how many
-- Parameter: day date = today : of which business day
SELECT merchant_id, sum(approval_count)::BIGINT AS approval_count
FROM merchant_day
WHERE business_date = $day AND merchant_id IN (SELECT unnest($shops::VARCHAR[]))
GROUP BY ALL ORDER BY merchant_id LIMIT $top
"""
STANDING = dict.fromkeys(("limits", "rights", "files", "calls"))
GONE = """\
-- Question: What was in a column that went away?
-- 질문: 없어진 열에는 무엇이 있었나?
-- Grain: one row per merchant
SELECT gone_count FROM merchant_day
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_home(tmp_path_factory.mktemp("sql"))


@pytest.fixture(autouse=True)
def settings(
    published: Settings,
    state_engine: Engine,
    state_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    urls = {"STATE_URL": state_url, "SOURCE_URL": state_url}  # so that no command starts a server of its own
    given = {"HOME": str(published.home), **urls, "LANGUAGE": "en", "LOG_LEVEL": "error"}
    for name, value in given.items():
        monkeypatch.setenv(f"MINUTERISK_{name}", value)
    place = tmp_path / "queries" / "merchants" / "analyst"
    place.mkdir(parents=True)
    (place / "busy.sql").write_text(BUSY, encoding="utf-8")
    (place / "gone.sql").write_text(GONE, encoding="utf-8")
    (place / "app_own.sql").write_text("-- What the page asks.\nSELECT 1", encoding="utf-8")
    monkeypatch.setattr(questions_module, "FOLDER", tmp_path / "queries")
    questions.cache_clear()
    yield published
    questions.cache_clear()


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["sql", *arguments]) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def test_the_questions_are_listed_with_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    text = asked(capsys, "--list")
    assert "busy shops [top=2] [day=today]\n    Which merchants had the most approvals?" in text
    assert "app_own" not in text
    found = json.loads(asked(capsys, "--list", "--json"))["questions"]
    assert [one["name"] for one in found] == ["busy", "gone"]
    assert found[0]["question_ko"] == "승인이 가장 많은 가맹점은?"
    assert found[0]["parameters"][1] == {"name": "top", "type": "integer", "default": "2", "text": "how many"}
    assert asked(capsys, "--list", "busy") == BUSY


def test_a_question_is_asked_by_its_name_in_every_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ("busy", "--param", "shops=a,=c", "--param", "day=today")
    rows = [{"merchant_id": "=c", "approval_count": 600}, {"merchant_id": "a", "approval_count": 600}]
    assert json.loads(asked(capsys, *given, "--json")) == {"rows": rows}
    assert asked(capsys, *given, "--format", "csv") == "merchant_id,approval_count\n'=c,600\na,600\n"
    drawn = asked(capsys, *given, "--param", "top=1")
    assert "=c" in drawn
    assert "600" in drawn
    file = tmp_path / "busy.parquet"
    told = json.loads(asked(capsys, *given, "--output", str(file), "--json"))
    assert told == {"file": str(file), "rows": 2}
    assert pl.read_parquet(file).to_dicts() == rows  # as it is: no table program takes it for a formula
    assert [path.name for path in tmp_path.iterdir() if path.name != "queries"] == ["busy.parquet"]


def test_a_file_is_whole_or_not_touched(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    told = asked(capsys, "-c", "SELECT range AS n, [1] AS l FROM range(70000)", "--output", str(file))
    assert told == f"{file} with 70000 rows\n"
    before = file.read_bytes()
    assert before.startswith(b"n,l\n0,[1]\n")
    assert before.count(b"\n") == 70001
    late = "SELECT CASE WHEN range = 199999 THEN error('late') ELSE range END AS n FROM range(200000)"
    assert "late" in asked(capsys, "-c", late, "--output", str(file), code=1)
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"queries", "out.csv"}


def test_a_question_that_lacks_a_wall_says_so_once_and_beside_the_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = process_module.Process.__init__

    def one_less(self: Any, opening: Any) -> None:  # noqa: ANN401 - a process
        given(self, opening)
        self.walls = STANDING | {"files": "no Landlock"}

    monkeypatch.setattr(process_module.Process, "__init__", one_less)
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 AS a; SELECT nowhere; SELECT 2 AS a;"))
    assert main(["sql", "--format", "csv"]) == 2
    said = capsys.readouterr()
    assert said.out == "a\n1\na\n2\n"
    assert said.err.count("one wall less: only published files: no Landlock") == 1


def test_json_comes_in_pieces_and_is_one_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    many = "SELECT range AS n FROM range(70000)"
    assert asked(capsys, "-c", many, "--output", str(file)) == f"{file} with 70000 rows\n"
    assert json.loads(file.read_bytes()) == {"rows": [{"n": n} for n in range(70000)]}
    assert json.loads(asked(capsys, "-c", f"{many} WHERE range < 0", "--json")) == {"rows": []}
    joined = "SELECT * FROM merchant_day AS a JOIN merchant_day AS b USING (merchant_id) LIMIT 1"
    assert "business_date_1" in json.loads(asked(capsys, "-c", joined, "--json"))["rows"][0]


def test_what_is_written_is_counted_not_only_what_is_heard(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pipeline.commands.ask.forms.LARGEST_ANSWER", 1 << 20)
    monkeypatch.setattr("pipeline.commands.ask.forms._MOST_PRINTED", 1 << 20)
    wide = "SELECT range % 2 = 0 AS a FROM range(300000)"  # a bit each, five letters as text
    for form, place in (("csv", "x.csv"), ("json", "x.json"), ("json", None)):
        into = () if place is None else ("--output", str(tmp_path / place))
        told = asked(capsys, "-c", wide, "--format", form, *into, code=2)
        assert "the answer has more than 1 MiB" in told
        assert [path.name for path in tmp_path.iterdir()] == ["queries"]


def test_no_text_of_an_answer_acts_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    acting = ("-c", "SELECT chr(27) || '[2J가' AS a", "--format", "csv")
    assert asked(capsys, *acting) == "a\n\x1b[2J가\n"  # a file or a program gets it as it is
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)
    assert asked(capsys, *acting) == "a\n[2J가\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("busy",), "needs the parameter shops"),
        (("busy", "--param", "shops=a", "--param", "top=many"), "top=many is no integer"),
        (("busy", "--param", "shop=a"), "no parameter shop"),
        (("busy", "--param", "shops"), "names no value"),
        (("bussy",), "did you mean busy"),
        (("busy", "-c", "SELECT 1"), "two questions"),
        (("-c", "SELECT 1", "--param", "a=b"), "a question that has a name"),
        (("gone",), "gone_count"),
        (("-c", "SELECT DATE 'infinity' AS d", "--format", "csv"), "d has a moment"),
        (("-c", "SELECT DATE 'infinity' AS d", "--json"), "d has a moment"),
        (("-c", "SELECT 1", "--format", "parquet"), "Parquet is no text"),
        (("-c", "SELECT 1", "--output", "answer"), "does not say in which form"),
        (("-c", "SELECT 1", "--output", "{home}/lake/x.csv"), "whose files are its own"),
        (("-c", "SELECT 1", "--output", "{home}/../nowhere/x.csv"), "there is no folder"),
        (("-c", "SELECT 1", "--format", "csv", "--output", "{home}/.."), "is a folder"),
    ],
)
def test_what_is_wrong_is_said_with_the_next_step(
    arguments: tuple[str, ...], said: str, published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    told = asked(capsys, *(one.replace("{home}", str(published.home)) for one in arguments), code=2)
    assert said in told
    assert "next:" in told


def test_each_wall_is_named_with_whether_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = asked(capsys, "--walls")
    assert text.count("stands  ") == 4
    monkeypatch.setattr(
        "pipeline.commands.analyst.Analyst.walls", lambda _: STANDING | {"files": "no Landlock"}
    )

    def told(*arguments: str) -> Any:  # noqa: ANN401 - parsed JSON, or text
        return asked(capsys, "--walls", *arguments)

    assert "MISSING the published files" in told()
    assert json.loads(told("--json"))["walls"]["files"] == "no Landlock"
