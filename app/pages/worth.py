"""The money of an incident, or of one that is watched: the same figures on every screen."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from app.format import day, won, won_short
from app.markup import tag
from pipeline.money import EXPECTED_LOSS
from pipeline.money.said import figures_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.markup import Markup
    from app.reads import Page
    from pipeline.money.said import Figure

    Figures = Mapping[str, int | str | None]


def exact(page: Page, amount: int | None) -> str:
    """The exact amount, or that it is not known."""
    return page.texts("money.not_known") if amount is None else won(amount, page.texts.language)


def glance(page: Page, at_risk: int | None, expected_loss: int | None) -> list[str]:
    """A line's money: what is likely to be lost, where it is known, before all that is at risk."""
    language = page.texts.language
    risk = page.texts("incident.risk.not_known") if at_risk is None else won_short(at_risk, language)
    if expected_loss is None:
        return [risk]
    loss = f"{word(page, EXPECTED_LOSS)} {won_short(expected_loss, language)}"
    return [loss, risk if at_risk is None else f"{page.texts('incident.risk')} {risk}"]


def word(page: Page, name: str) -> str:
    """What the pack calls a part or a figure of its money."""
    return page.pack.words[page.texts.language].get(name, name)


def lines(page: Page, figures: Figures, *, saves: bool) -> list[Markup]:
    """The figures beside the parts, one a line; with `saves` what acting now does for each."""
    if not figures:
        return []
    return [_line(page, figure, saves=saves) for figure in figures_of(page.pack.figures, figures)]


def _line(page: Page, figure: Figure, *, saves: bool) -> Markup:
    texts = page.texts
    small = [tag("small", said) for said in beside(page, figure)]
    effect = texts.word("saves", figure.name)
    more = [tag("small", effect)] if saves and effect != figure.name else []
    said = f"{word(page, figure.name)} {exact(page, figure.amount)}"
    return tag("div", said, *small, *more, cls="mr-part")


def beside(page: Page, figure: Figure) -> list[str]:
    """The date of a figure and its interval, as far as they are known."""
    texts, said = page.texts, list[str]()
    if figure.date is not None:
        said.append(day(date.fromisoformat(figure.date), texts.language))
    if figure.low is not None and figure.high is not None:
        ends = {"low": won(figure.low, texts.language), "high": won(figure.high, texts.language)}
        said.append(texts("money.interval", **ends))
    return said
