from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from app.markup import Markup, card, chip, join, notice, table, tag, visible
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
    assert set(seen.attributes) <= {"class", "role", "scope"}


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
