from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

import app.merchants
from app.merchants.words import ENGLISH, KOREAN, WORDS
from app.texts import KOREAN as SHARED
from app.texts import texts_of
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.programmes.rows import shipped
from pipeline.packs.merchants.schema import BUDGETED_COLUMNS, CAUSES, PRIORS

SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in Path(app.merchants.__file__).parent.glob("*.py")
    if path.name != "words.py"
)
#: Keys that the code puts together from a word of the database, a window or a step.
COMPOSED = re.compile(r"(tier|kind|value|number|alt|against|reason|condition|why|saves|today)\.")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(KOREAN) == list(ENGLISH)


@pytest.mark.parametrize("key", KOREAN)
def test_both_languages_fill_in_the_same_fields(key: str) -> None:
    assert fields(KOREAN[key]) == fields(ENGLISH[key])


def test_every_key_that_the_code_names_exists() -> None:
    named = set(re.findall(r"texts\(\s*[\"']([a-z0-9_.]+)[\"']", SOURCES))
    assert len(named) > 15
    assert named <= {*KOREAN, *SHARED}


def test_no_text_is_left_over() -> None:
    single = [key for key in KOREAN if not COMPOSED.match(key) and key not in SHARED]
    assert [key for key in single if not re.search(f"[\"']{re.escape(key)}[\"']", SOURCES)] == []


def test_what_stands_in_place_of_a_shared_text_asks_for_no_field_that_it_does_not_have() -> None:
    assert [key for key in KOREAN if key in SHARED and not fields(KOREAN[key]) <= fields(SHARED[key])] == []


@pytest.mark.parametrize("language", WORDS)
def test_every_word_and_number_of_a_reason_is_known(language: str) -> None:
    texts = texts_of(PACK, WORDS, language)
    numbers = {*BUDGETED_COLUMNS, *(name for rule in PACK.rules for name in rule.numbers)}
    assert [name for name in numbers if texts.word("number", name) == name] == []
    assert [cause for cause in CAUSES if texts.word("value.cause", cause) == cause] == []
    assert [prior for prior in PRIORS if texts.word("value.prior", prior) == prior] == []
    kinds = {kind for rule in PACK.rules for kind in rule.kinds}
    assert all(texts(f"kind.{kind}") for kind in kinds)
    programmes = {row.name for row in shipped()}
    assert sorted(n for n in programmes if texts.word("forecast.programme", n) == n) == []


def test_a_word_of_the_database_that_nobody_knows_is_shown_as_it_is() -> None:
    texts = texts_of(PACK, WORDS, "ko")
    assert texts.word("rule", "cancel_surge") == "취소 급증"
    assert texts.word("rule", "new_rule") == "new_rule"
