"""Amounts of payments as people read them: in the units of their own currency. Pure."""

from __future__ import annotations

from app.format import won
from pipeline.amounts import DEFAULT_CURRENCY, minor_places


def money(amount: int | None, currency: str | None, language: str) -> str:
    """1,234,567원, or 12.34 USD; a dash where it is not known."""
    if amount is None or currency is None:
        return "–"
    if currency == DEFAULT_CURRENCY:
        return won(amount, language)
    places = minor_places(currency)
    whole, rest = divmod(amount, 10**places)
    return f"{whole:,}.{rest:0{places}} {currency}" if places else f"{whole:,} {currency}"
