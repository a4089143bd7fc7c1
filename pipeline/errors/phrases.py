"""Sentences that know what they were made of, so that a person may read them in another language. Pure.

The text itself is English: logs, the audit, the command line and the API keep one language. Where a person
is shown it, `in_language` makes it anew from the same values, with a sentence of `korean/`. A text without
values is its own template, so it may as well be a plain `str`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors.korean import KOREAN
from pipeline.errors.secrets import clean, clean_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LANGUAGES = {"ko": KOREAN}


class Phrase(str):
    """An English text with the template and the values that it was made of."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]


def phrase(template: str, /, **values: object) -> Phrase:
    """The template with its values filled in. It is constant: a test looks its other languages up."""
    return _made(template.format(**values) if values else template, template, values)


def word(text: str) -> Phrase:
    """A word of ours as a value of a sentence, such as a status: it is translated, what people gave never."""
    return text if isinstance(text, Phrase) else phrase(text)


def either(words: Sequence[str]) -> Phrase:
    """One of several words."""
    first, *others = words
    return phrase("{one} or {others}", one=word(first), others=either(others)) if others else word(first)


def cleaned(text: str) -> str:
    """The text without any secret, nor any in what it was made of."""
    if not isinstance(text, Phrase):
        return clean(text)
    values = {n: cleaned(v) if isinstance(v, Phrase) else clean_value(v) for n, v in text.values.items()}
    return _made(clean(text), text.template, values)


def in_language(text: str, language: str) -> str:
    """The same for somebody who reads that language; as it is where it is not known there."""
    known = _LANGUAGES.get(language, {})
    template = known.get(text.template if isinstance(text, Phrase) else text)
    if template is None:
        return str(text)
    if not isinstance(text, Phrase) or not text.values:
        return template
    values = {n: in_language(v, language) if isinstance(v, Phrase) else v for n, v in text.values.items()}
    return clean(template.format(**values))


def _made(text: str, template: str, values: Mapping[str, object]) -> Phrase:
    made = Phrase(text)
    made.template, made.values = template, values
    return made
