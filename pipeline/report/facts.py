"""What each section is made from: the rows, what the files hold, words, and how figures are written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pipeline.amounts import minor_places
from pipeline.figures import moment, one_line
from pipeline.judge.verdicts import EVERYBODY
from pipeline.report.html import Html, data_of, join, tag
from pipeline.report.people import person
from pipeline.report.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import plotly.graph_objects as go

    from pipeline.pack import Pack
    from pipeline.report.gathered import Gathered
    from pipeline.report.published import Published

#: As wide as the paper leaves, in CSS pixels.
WIDTH: Final = 680
#: Told apart by colour-blind eyes, and on paper without colour by their order.
COLOURS: Final = ("#005a96", "#d55e00", "#00694e", "#8a5a00", "#6b4c9a", "#5f6368")
USUAL: Final = "#787878"
_FONT: Final = "'Noto Sans KR','Noto Sans CJK KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif"
#: What Korean calls large amounts, on an axis; Plotly's own are of English.
_KOREAN_FROM: Final = 10_000


@dataclass(slots=True)
class Facts:
    """Of one report; pictures are numbered as they are drawn."""

    pack: Pack[Any, Any]
    gathered: Gathered
    published: Published
    names: Mapping[str, str]  # of entities, by their ids
    figures: list[str] = field(default_factory=list)  # JSON of each picture

    def text(self, name: str, /, **fields: object) -> str:
        """A text of the report."""
        return TEXTS[self.gathered.language][name].format(**fields)

    def word(self, name: str) -> str:
        """A word of the pack, else one of the report; a name that nobody has a word for stands for itself."""
        own = self.pack.words[self.gathered.language]
        return own.get(name) or TEXTS[self.gathered.language].get(name) or name

    def amount(self, minor: object) -> str:
        """An amount in the currency, exactly; what is no integer is not known."""
        if not isinstance(minor, int) or isinstance(minor, bool):
            return self.text("unknown")
        places = minor_places(self.gathered.currency)
        whole, rest = divmod(abs(minor), 10**places)
        said = f"{whole:,}.{rest:0{places}}" if places else f"{whole:,}"
        return f"-{said}" if minor < 0 else said

    def money(self, minor: object) -> str:
        """The same with the currency."""
        said = self.amount(minor)
        return f"{said} {self.gathered.currency}" if isinstance(minor, int) else said

    def at(self, when: datetime, *, seconds: bool = False) -> str:
        """A time in the business zone, without the year, which the title says."""
        local = when.astimezone(self.gathered.zone)
        return local.strftime("%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M")

    def moment(self, when: datetime) -> str:
        """A time with its year and zone."""
        return moment(when, self.gathered.zone)

    def entity(self, entity_id: str, name: str | None = None) -> str:
        """An entity by its name and id; of everybody the pack's word."""
        if entity_id == EVERYBODY:
            return self.word("everybody")
        known = name or self.names.get(entity_id, "")
        if entity_id in known:
            return one_line(known)
        return f"{one_line(known)} ({one_line(entity_id)})" if known else one_line(entity_id)

    def person(self, name: str | None) -> str:
        """Who acted, as far as the report may say."""
        return one_line(person(name, named=self.gathered.named) or "–")

    def draw(self, figure: go.Figure, title: str, *, height: int = 240, top: int = 10) -> Html:
        """A picture with its title; what it shows stands in the file as JSON."""
        figure.update_layout(
            template="none",
            width=WIDTH,
            height=height,
            margin={"l": 70, "r": 12, "t": top, "b": 34},
            font={"family": _FONT, "size": 11, "color": "#16181d"},
            colorway=list(COLOURS),
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        )
        if figure.layout.showlegend is not False and len(figure.data) > 1:
            figure.update_layout(margin_t=top + 18)
        figure.update_xaxes(gridcolor="#e4e6ea", zeroline=False)
        figure.update_yaxes(gridcolor="#e4e6ea", zerolinecolor="#b9bec6")
        number = f"figure-{len(self.figures) + 1}"
        plain = figure.to_plotly_json()
        self.figures.append(data_of(_plain({"data": plain["data"], "layout": plain["layout"]})))
        place = tag("div", data_figure=number, role="img", aria_label=title)
        return tag("figure", tag("figcaption", title), place)

    def section(self, key: str, *content: str, page: bool = False) -> Html:
        """A section under its heading; `page`: on paper it begins on a page of its own."""
        return tag("section", tag("h2", self.text(key)), *content, id=key, cls="page" if page else "")

    def note(self, name: str, /, **fields: object) -> Html:
        """A small line."""
        return tag("p", self.text(name, **fields), cls="note")

    def scripts(self) -> Html:
        """The pictures' JSON, each in an element of its own that nothing runs."""
        return join(
            Html(f'<script type="application/json" id="figure-{number}">{content}</script>')
            for number, content in enumerate(self.figures, 1)
        )


def axis_format(unit: str) -> str | None:
    """How numbers beside a Korean word for large amounts are written: 9,926만, never "9.9k만"."""
    return "," if unit else None


def axis_amounts(largest: int | None, language: str) -> tuple[int, str]:
    """By how much amounts of an axis are divided, and the word for it: 1억, 1만; English has Plotly's own."""
    if language != "ko" or largest is None:
        return 1, ""
    return next(
        ((size, word) for size, word in ((10**8, "억"), (_KOREAN_FROM, "만")) if largest >= size), (1, "")
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - what a figure holds
    """Lists instead of tuples, times as text: JSON knows no other."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
