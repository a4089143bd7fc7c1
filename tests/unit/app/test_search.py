"""Searching entities, beside a plain oracle that compares letter by letter."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.pages.entity.search import ENTITIES, find, fold, index_of

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
FINALS = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
PAIRS = {"ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ"}
PAIRS |= {"ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ"}

Row = tuple[str, str | None, str | None, int | None]
letters = st.sampled_from("그린상회글깅값서울 aB1ㄱㅅㄳ()*.[")
names = st.text(letters, max_size=6)


def entities(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(list(rows), ENTITIES, orient="row")


def search(typed: str, *rows: Row) -> list[str]:
    return find([index_of(entities(*rows))], typed).shown["entity_id"].to_list()


def parts(syllable: str) -> tuple[str, int, str]:
    """The initial, the vowel's place and the final of a syllable."""
    code = ord(syllable) - 0xAC00
    return INITIALS[code // 588], code % 588 // 28, FINALS[code % 28]


def is_syllable(letter: str) -> bool:
    return "가" <= letter <= "힣"


def flat(text: str) -> str:
    """As it is compared, consonants as they stand on a keyboard."""
    for pair, apart in PAIRS.items():
        text = text.replace(pair, apart)
    return "".join(text.lower().split())


def stands_for(typed: str, letter: str) -> bool:
    return typed == letter or (typed in INITIALS and is_syllable(letter) and parts(letter)[0] == typed)


def fits(typed: str, text: str) -> bool:
    """Is `typed` somewhere in the text? The last syllable may be on its way to another one."""
    for start in range(len(text)):
        rest = text[start:]
        if len(rest) < len(typed) or not all(map(stands_for, typed[:-1], rest)):
            continue
        last, here, after = typed[-1], rest[len(typed) - 1], rest[len(typed) :]
        if stands_for(last, here):
            return True
        if not is_syllable(last) or not is_syllable(here):
            continue
        initial, vowel, final = parts(last)
        if not final and parts(here)[:2] == (initial, vowel):
            return True
        pair = PAIRS.get(final, f" {final}") if final else ""
        kept, goes = pair[:1], pair[1:]
        if final and parts(here) == (initial, vowel, kept.strip()) and after and stands_for(goes, after[0]):
            return True
    return False


@given(names, st.lists(st.tuples(names, names), max_size=6))
@example("글", [("그린상회", "")])
@example("ㄳ", [("그상", "")])
@example("값", [("갑수", "")])
def test_what_is_found_is_what_a_plain_comparison_finds(typed: str, known: list[tuple[str, str]]) -> None:
    rows: list[Row] = [(f"x{n}", name or None, fact or None, n) for n, (name, fact) in enumerate(known)]
    asked = flat(typed)
    expected = {
        entity_id
        for entity_id, name, fact, _ in rows
        if asked and any(fits(asked, flat(text)) for text in (entity_id, name or "", fact or ""))
    }
    assert set(search(typed, *rows)) == expected


@pytest.mark.parametrize(
    "typed",
    ["ㄱㄹㅅㅎ", "그린", "그ㄹ상", "ㄱ린상", "상회", "린상", "그 린", "그리", "글", "ㄱ", "  그린상회 "],
)
def test_a_name_is_found_by_its_parts_and_initials(typed: str) -> None:
    assert search(typed, ("1", "그린 상회", None, 1), ("2", "다나와", None, 9)) == ["1"]


@pytest.mark.parametrize("typed", ["cafe", "ＣＡＦＥ", "Café".replace("é", "e"), "ca fe"])
def test_case_width_and_spaces_make_no_difference(typed: str) -> None:
    assert search(typed, ("1", "The CAFE 24", None, 1)) == ["1"]


def test_a_name_that_is_written_in_letters_is_the_same_name() -> None:
    apart = unicodedata.normalize("NFD", "그린상회")
    assert search("그린", ("1", apart, None, 1)) == ["1"]
    assert search(apart, ("1", "그린상회", None, 1)) == ["1"]


def test_an_id_that_is_it_comes_first_then_names_and_the_largest_among_equals() -> None:
    rows: list[Row] = [
        ("a", "12 마트", None, 5),
        ("b", "12 마트", None, 7),
        ("112", None, None, 99),
        ("12", None, None, None),
        ("120", None, None, 50),
        ("c", None, "12류", 1000),
        ("d", "12", None, 1),
    ]
    assert search("12", *rows) == ["12", "d", "120", "b", "a", "112", "c"]


def test_many_are_cut_and_counted() -> None:
    rows: list[Row] = [(f"m{n}", "가게", None, n) for n in range(100)]
    found = find([index_of(entities(*rows))], "가게", at_most=3)
    assert (found.total, found.shown["entity_id"].to_list()) == (100, ["m99", "m98", "m97"])


def test_of_two_indexes_one_entity_is_found_once() -> None:
    first, second = (
        index_of(entities(("a", "그린", "food", 3))),
        index_of(entities(("a", "그린", None, None))),
    )
    found = find([first, second], "그린")
    assert found.shown.rows() == [("a", "그린", "food", 3)]


@pytest.mark.parametrize("typed", ["", "   ", "\u200b", "\x00"])
def test_nothing_typed_finds_nothing(typed: str) -> None:
    assert search(typed, ("a", "b", "c", 1)) == []


@given(st.text(max_size=80))
def test_whatever_is_typed_is_answered(typed: str) -> None:
    found = find([index_of(entities(("a", "그린", None, 1), (typed[:40], typed, typed, None)))], typed)
    assert found.total <= 2


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
