"""HTML made of escaped pieces: the only way a text from a database reaches the page.

Streamlit reads Markdown in almost every text it is given, so an entity's name could become a link, an
image or a formula. Here a plain `str` is always escaped; only what `tag` made is markup.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.errors import MinuteriskError

LONGEST_TEXT: Final = 120
#: Characters that draw nothing or turn the direction of writing: shown, so that nobody is fooled by them.
_UNSEEN: Final = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


#: ASCII punctuation acts in Markdown; behind a stroke it stands for itself. Also :, @, / and . of addresses.
_ACTS: Final = re.compile(r"([!-/:-@\[-`{-~])")


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def visible(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` on one line, cut at `longest` characters, invisible characters replaced by U+FFFD."""
    line = " ".join(text.split())
    shown = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSEEN else c for c in line)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` for a label, which Streamlit reads as Markdown: nothing in it acts, is a link or a picture."""
    return _ACTS.sub(r"\\\1", visible(text, longest))


def tag(name: str, /, *children: str, cls: str = "", **attributes: str) -> Markup:
    """One HTML element; children that are not `Markup` are escaped."""
    pairs = {"class": cls, **attributes}
    head = "".join(f' {key}="{escape(value)}"' for key, value in pairs.items() if value)
    return Markup(f"<{name}{head}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Markup:
    """Several pieces one after the other, escaped where they are not markup."""
    return Markup("".join(c if isinstance(c, Markup) else escape(visible(c, 2000)) for c in children))


def card(label: str, value: str, note: str = "", *, tone: str = "") -> Markup:
    """A figure with its name above and a remark below; `tone` is good, warn, bad or nothing."""
    return tag(
        "div",
        tag("div", label, cls="mr-label"),
        tag("div", value, cls="mr-value"),
        tag("div", note, cls="mr-note"),
        cls=f"mr-card mr-{tone}" if tone else "mr-card",
    )


def notice(title: str, body: str = "", *, tone: str = "warn") -> Markup:
    """A line that tells a person about a state of affairs and what to do; for errors and empty pages."""
    parts = (tag("strong", title), tag("span", body) if body else Markup(""))
    return tag("div", *parts, cls=f"mr-notice mr-{tone}", role="status")


def sentence(error: MinuteriskError, language: str) -> str:
    """What an error met, as a sentence that others can follow."""
    what, _ = error.in_language(language)
    return f"{what.rstrip('.')}."


def chip(text: str, kind: str) -> Markup:
    """A small label whose colour, and sign, say how bad it is."""
    return tag("span", text, cls=f"mr-chip mr-{kind}")


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: bool = False) -> Markup:
    """A plain table; with `numbers` every column but the first is set flush right."""
    header = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    inner = tag(
        "table",
        tag("thead", header),
        tag("tbody", *body),
        cls="mr-table mr-numbers" if numbers else "mr-table",
    )
    # Whoever has no mouse scrolls it by the arrow keys.
    return tag("div", inner, cls="mr-scroll", tabindex="0")
