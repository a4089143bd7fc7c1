from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import app
from app.texts import ENGLISH, KOREAN, LANGUAGES, Texts
from pipeline.alarms import ALARMS

SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in Path(app.__file__).parent.rglob("*.py"))
#: Keys that the code puts together from a word of the database, a window or a step.
COMPOSED = re.compile(
    r"(pulse|trend\.scope|trend\.window|trend\.step|rule|severity|status|tier|policy|event|delivery|kind|cause|prior|number|events|alarm)\."
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(KOREAN) == list(ENGLISH)


@pytest.mark.parametrize("key", KOREAN)
def test_both_languages_fill_in_the_same_fields(key: str) -> None:
    assert fields(KOREAN[key]) == fields(ENGLISH[key])


def test_every_key_that_the_code_names_exists() -> None:
    named = set(re.findall(r"texts\(\s*[\"']([a-z0-9_.]+)[\"']", SOURCES))
    assert len(named) > 40
    assert named <= set(KOREAN)


def test_no_text_is_left_over() -> None:
    code = _without_texts()
    single = [key for key in KOREAN if not COMPOSED.match(key)]
    assert [key for key in single if not re.search(f"[\"']{re.escape(key)}[\"']", code)] == []


def test_a_word_of_the_database_that_nobody_knows_is_shown_as_it_is() -> None:
    assert Texts("ko").word("rule", "cancel_surge") == "취소 급증"
    assert Texts("ko").word("rule", "new_rule") == "new_rule"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_key_is_an_error(language: str) -> None:
    with pytest.raises(KeyError):
        Texts(language)("no.such.key")


def _without_texts() -> str:
    folder = Path(app.__file__).parent
    return "\n".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.py") if p.name != "texts.py")


def test_every_alarm_has_a_title() -> None:
    assert {key.removeprefix("alarm.") for key in KOREAN if key.startswith("alarm.")} == set(ALARMS)


def test_every_alarm_is_in_the_table_of_the_room() -> None:
    told = (Path(app.__file__).parents[1] / "pipeline" / "README.md").read_text(encoding="utf-8")
    table = told[told.index("## Alarms") : told.index("## What may fail")]
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) == set(ALARMS)
