from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

import app
from app.pages import SCREENS
from app.texts import ENGLISH, KOREAN, LANGUAGES, Texts, acts, states, texts_of
from pipeline.alarms import ALARMS
from tests.doors import PACK

FOLDER = Path(app.__file__).parent
TEXTS = ("words.py",)  # beside the folder app/texts
#: The shared files; a pack's own page has texts of its own beside the shared ones.
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (*FOLDER.glob("*.py"), *(FOLDER / "pages").rglob("*.py"))
    if path.name not in TEXTS
)
#: Keys that the code puts together from a word of the database, a window or a step.
COMPOSED = re.compile(
    r"(pulse|severity|status|policy|event|delivery|kind|number|alarm|role|screen|part|users|sessions|keys|keyboard"
    r"|health|step|job|aside|audit|actions?|action_status|outcome|door|credential|thing|did_act|way|period|act|did|state.demo|filter|owner|view|snooze|timeline)\."
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(KOREAN) == list(ENGLISH)


@pytest.mark.parametrize("key", KOREAN)
def test_both_languages_fill_in_the_same_fields(key: str) -> None:
    assert fields(KOREAN[key]) == fields(ENGLISH[key])


def test_an_english_number_may_be_one() -> None:
    plural = re.compile(r"\{(count|rows)\} (?!has |is )\w+s\b")
    assert [key for key, said in ENGLISH.items() if plural.search(said)] == [
        "now.all"
    ]  # told of several alone


def test_every_key_that_the_code_names_exists() -> None:
    named = set(re.findall(r"texts\(\s*[\"']([a-z0-9_.]+)[\"']", SOURCES))
    assert len(named) > 40
    assert named <= {*KOREAN, "entity"}  # every pack has a word for that


def test_no_text_is_left_over() -> None:
    files = [p for p in FOLDER.rglob("*.py") if p.name not in TEXTS and p.parent.name != "texts"]
    code = "\n".join(p.read_text(encoding="utf-8") for p in files)
    single = [key for key in KOREAN if not COMPOSED.match(key)]
    assert [key for key in single if not re.search(f"[\"']{re.escape(key)}[\"']", code)] == []


def test_no_two_screens_have_texts_of_one_key() -> None:
    found = [importlib.import_module(f"app.pages.{screen.name}.words").KOREAN for screen in SCREENS]
    keys = Counter(key for words in (*found, acts.KOREAN, states.KOREAN) for key in words)
    assert [key for key, times in keys.items() if times > 1] == []


def test_every_screen_has_its_texts_and_its_row_in_the_table_of_the_room() -> None:
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    addresses = ["/" if screen is SCREENS[0] else f"/{screen.name}" for screen in SCREENS]
    assert re.findall(r"^\| `(/\w*)` ", table, re.MULTILINE) == addresses
    assert [screen.name for screen in SCREENS if f"screen.{screen.name}" not in KOREAN] == []


def test_a_word_of_the_database_that_nobody_knows_is_shown_as_it_is() -> None:
    texts = texts_of(PACK, {}, "ko")
    assert texts.word("rule", "forced_entry") == "강제 개방"
    assert texts.word("rule", "new_rule") == "new_rule"


def test_a_pack_without_a_page_is_called_by_its_own_words() -> None:
    for language, said in PACK.words.items():
        texts = texts_of(PACK, {}, language)
        assert (texts("entity"), texts.word("tier", "top")) == (said["entity"], said["top"])
        assert texts("everybody") == LANGUAGES[language]["everybody"]  # no rule is about everybody


def test_an_own_text_stands_over_the_packs_word_and_this_over_the_shared_text() -> None:
    texts = texts_of(PACK, {"ko": {"tier.top": "정문", "title": "출입", "number.kind": "종류"}}, "ko")
    assert (texts.word("tier", "top"), texts.word("tier", "tail")) == ("정문", "일반 문")
    assert texts("title", entity="문") == "출입"
    assert texts.numbers[-1] == "kind"  # said again: it stands where the own page has it


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_key_is_an_error(language: str) -> None:
    with pytest.raises(KeyError):
        Texts(language)("no.such.key")


def test_every_alarm_has_a_title() -> None:
    assert {key.removeprefix("alarm.") for key in KOREAN if key.startswith("alarm.")} == set(ALARMS)


def test_every_alarm_is_in_the_table_of_the_room() -> None:
    told = (Path(app.__file__).parents[1] / "pipeline" / "README.md").read_text(encoding="utf-8")
    table = told[told.index("## Alarms") : told.index("## What may fail")]
    assert set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) == set(ALARMS)
