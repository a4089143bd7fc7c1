"""Entities found by parts of their names, ids and facts, as people type them. Pure.

Case, spaces and how Unicode writes a character make no difference. A Korean consonant stands for every
syllable that begins with it (ㄱㄹ finds 그린), and the last syllable, which may not be finished, for all that
it can become.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A row per entity. `weight`: how much happened there in the last days; null: not known.
ENTITIES: Final = pl.Schema(
    {"entity_id": pl.String(), "name": pl.String(), "fact": pl.String(), "weight": pl.Int64()}
)
SHOWN: Final = 12
#: Nobody types more, and a pattern stays small.
LONGEST: Final = 60
_SEARCHED: Final = ("entity_id", "name", "fact")

# Syllables of Unicode: 0xAC00 + (initial * 21 + vowel) * 28 + final.
_FIRST, _LAST = 0xAC00, 0xD7A3
_FINALS: Final = 28
_PER_INITIAL: Final = 21 * _FINALS
_INITIAL: Final = 0x1100  # the first of the initials as NFKC writes a consonant that stands alone
_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_ENDS: Final = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"  # the finals; the first is none
#: A keyboard joins two consonants that follow each other.
_JOINED: Final = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Index:
    """All entities with their texts as they are compared; made once for what is known."""

    rows: pl.DataFrame  # ENTITIES and `folded_…` of each text, the heaviest first

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return int(self.rows.estimated_size())


@dataclass(frozen=True, slots=True)
class Found:
    """The best entities, and how many there are."""

    shown: pl.DataFrame  # ENTITIES
    total: int


def index_of(entities: pl.DataFrame) -> Index:
    """An index of these (ENTITIES, one row an entity)."""
    folded = [folded_of(pl.col(name)).alias(f"folded_{name}") for name in _SEARCHED]
    ordered = entities.sort(["weight", "entity_id"], descending=[True, False], nulls_last=True)
    return Index(ordered.with_columns(folded).rechunk())


def folded_of(texts: pl.Expr) -> pl.Expr:
    """Texts as they are compared."""
    parted = texts.str.replace_many(list(_JOINED), list(_JOINED.values()))
    together = parted.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[\s\p{Cc}\p{Cf}]+", "")
    return together.str.normalize("NFKC")  # what stood beside a space may join now


def fold(text: str) -> str:
    """One text as it is compared."""
    found: str = pl.select(folded_of(pl.lit(text))).item()
    return found


def find(indexes: Sequence[Index], typed: str, at_most: int = SHOWN) -> Found:
    """The entities that fit: an id first, then a name, what begins so, what holds it; heavy before light.

    Nothing typed finds nothing.
    """
    asked = fold(typed[:LONGEST])
    if not asked:
        return Found(ENTITIES.to_frame(), 0)
    found = pl.concat([_ranked(index, typed.strip(), asked) for index in indexes] or [_nobody()])
    best = found.unique("entity_id", keep="first", maintain_order=True).sort(
        ["rank", "weight", "entity_id"], descending=[False, True, False], nulls_last=True
    )
    return Found(best.head(at_most).select(ENTITIES.names()), best.height)


def _ranked(index: Index, typed: str, asked: str) -> pl.DataFrame:
    whole = pattern_of(asked)
    exactly, begins = f"^(?:{whole})$", f"^(?:{whole})"
    held = index.rows.filter(
        pl.any_horizontal(
            pl.col(f"folded_{name}").str.contains(whole).fill_null(value=False) for name in _SEARCHED
        )
    )
    folded = {name: pl.col(f"folded_{name}") for name in _SEARCHED}
    rank = (
        pl.when(pl.col("entity_id") == typed).then(0)
        .when(folded["entity_id"] == asked).then(1)
        .when(folded["name"].str.contains(exactly)).then(2)
        .when(folded["name"].str.contains(begins) | folded["entity_id"].str.contains(begins)).then(3)
        .when(folded["name"].str.contains(whole) | folded["entity_id"].str.contains(whole)).then(4)
        .otherwise(5)
    )  # fmt: skip
    return held.select(*ENTITIES.names(), rank.cast(pl.Int64).alias("rank"))


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={**ENTITIES, "rank": pl.Int64()})


def pattern_of(asked: str) -> str:
    """A pattern of texts as they are compared; `asked` is one too."""
    return "".join([*map(_character, asked[:-1]), _unfinished(asked[-1])])


def _character(character: str) -> str:
    initial = ord(character) - _INITIAL
    if 0 <= initial < len(_INITIALS):
        return f"[{character}{_syllables(initial * _PER_INITIAL, _PER_INITIAL)}]"
    return re.escape(character) if character.isascii() else character


def _unfinished(character: str) -> str:
    """The last character: while 그린 is typed there stand ㄱ, 그 and, before its vowel, 글."""
    code = ord(character) - _FIRST
    if not 0 <= code <= _LAST - _FIRST:
        return _character(character)
    final = code % _FINALS
    if not final:
        return f"[{_syllables(code, _FINALS)}]"
    joined = _JOINED.get(_ENDS[final], f" {_ENDS[final]}")
    kept, goes = joined[0], joined[1]  # a vowel would take the second one to its own syllable
    moved = chr(_FIRST + code - final + _ENDS.index(kept)) + _character(_consonant(goes))
    return f"(?:{character}|{moved})"


def _consonant(letter: str) -> str:
    return chr(_INITIAL + _INITIALS.index(letter))


def _syllables(first: int, count: int) -> str:
    return f"{chr(_FIRST + first)}-{chr(_FIRST + first + count - 1)}"
