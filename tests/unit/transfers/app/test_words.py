"""The texts of the pack's own page: both languages say the same, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import app.transfers
from app.texts import ENGLISH as SHARED_ENGLISH
from app.texts import KOREAN as SHARED
from app.transfers import PAGE
from app.transfers.words import ENGLISH, KOREAN, WORDS
from pipeline.packs.transfers.language.measures import OPERATIONS
from pipeline.packs.transfers.schema import FIELDS, KINDS, STATUSES

FOLDER = Path(app.transfers.__file__).parent
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py") if path.name != "words.py"
)
#: Keys that the code puts together from a word of the database or the language of rules.
COMPOSED = re.compile(
    r"(screen|number|decision|why_decided|decided_by|kind_of|status_of|action_of|later_kind|origin|field|measure|tree"
    r"|event_rule|version_is|event_act|event_done|backtest|rule_precision|list_name|list_about|daily|relays|breaker|feed"
    r"|later|payment|learned)\."
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
    assert len(named) > 60
    assert named <= {*KOREAN, *SHARED}


def test_no_text_is_left_over() -> None:
    single = [key for key in KOREAN if not COMPOSED.match(key) and key not in SHARED]
    assert [key for key in single if not re.search(f"[\"']{re.escape(key)}[\"']", SOURCES)] == []


def test_no_text_of_all_packs_is_replaced_by_chance() -> None:
    assert [key for key in KOREAN if key in SHARED] == ["title"]
    assert set(SHARED) == set(SHARED_ENGLISH)


@pytest.mark.parametrize("language", WORDS)
def test_every_word_of_a_rule_and_of_a_payment_has_a_name(language: str) -> None:
    words = WORDS[language]
    needed = [f"field.{name}" for name in FIELDS] + [f"kind_of.{kind}" for kind in KINDS]
    needed += [f"status_of.{status}" for status in STATUSES] + [f"measure.{of}" for of in OPERATIONS]
    needed += [f"screen.{screen.name}" for screen in PAGE.screens]
    assert [key for key in needed if key not in words] == []
