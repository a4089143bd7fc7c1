from __future__ import annotations

import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.markup import Markup, card, chip, join, notice, plain, table, tag, visible
from tests.app.merchants.home import HOSTILE


class Seen(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("b", "&"), cls="a") == '<p class="a">&lt;b&gt;<b>&amp;</b></p>'


@given(st.text())
def test_whatever_the_text_it_adds_no_element_and_no_attribute(text: str) -> None:
    made = join([card(text, text, text), notice(text, text), chip(text, "high"), table([text], [[text]])])
    seen = Seen(made)
    assert set(seen.tags) <= {"div", "strong", "span", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(seen.attributes) <= {"class", "role", "scope", "tabindex"}


def test_a_hostile_name_is_read_letter_by_letter() -> None:
    seen = Seen(tag("div", visible(HOSTILE)))
    assert seen.tags == ["div"]
    assert "<img src=x onerror=alert(1)>[나쁜](http://bad.example)" in seen.text


def test_an_attribute_cannot_be_left() -> None:
    assert Seen(tag("div", title='"><script>')).tags == ["div"]


def test_invisible_and_turning_characters_are_shown() -> None:
    assert visible("a\u202eb\u200bc\x00d") == "a\ufffdb\ufffdc\ufffdd"
    assert visible("가\n\t나") == "가 나"
    assert visible("x" * 200, 10) == "x" * 9 + "…"


@given(st.text(), st.integers(1, 50))
def test_a_visible_text_is_one_line_of_limited_length(text: str, longest: int) -> None:
    shown = visible(text, longest)
    assert len(shown) <= longest
    assert len(shown.splitlines()) <= 1


def test_markup_stays_markup_when_joined() -> None:
    assert join([Markup("<br>"), "<br>"]) == "<br>&lt;br&gt;"


#: What Streamlit's labels know beside CommonMark: icons, colours, formulas. Each begins with one of these.
STREAMLITS = re.compile(r"(?<!\\)[:$]")
#: Letters of Markdown and HTML, and of nothing.
ACTING = st.text(st.sampled_from("ab가 1.*_`[]()!<>#-+~|\\$:/@&;=\"'\n\t\u202e\0{}^,?%") | st.characters())


def of_engine(label: str) -> tuple[set[str], str]:
    """The kinds of pieces that a Markdown engine finds in a label, and what a person reads."""
    (block,) = MarkdownIt("commonmark").enable("strikethrough").parse(f"x{label}x")[1:-1]
    pieces = block.children or []
    return {piece.type for piece in pieces}, "".join(piece.content for piece in pieces)


@given(ACTING)
@example(HOSTILE)
@example("https://bad.example")
@example("![x](http://bad.example/x.png)")
@example("<a href=x>")
@example("a\\*b*")
@example("&lt;b&gt;")
def test_no_text_acts_in_a_label_and_it_is_read_as_it_is(text: str) -> None:
    label = plain(text)
    kinds, read = of_engine(label)
    assert kinds <= {"text", "text_special"}
    assert read == f"x{visible(text)}x"
    assert not STREAMLITS.search(label.replace("\\\\", ""))
