"""What the commands of this pack share: its desk, and its queries."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from pipeline.commands.actor import open_desk
from pipeline.commands.common import read_settings
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.desk.perform import Desk

PACK: Final = "transfers"


@contextmanager
def open_transfers() -> Iterator[Desk]:
    """The desk of this pack, whichever packs the settings name first."""
    with open_desk(read_settings().of(PACK)) as desk:
        yield desk


def rows_of(desk: Desk, query: str, **given: object) -> list[dict[str, Any]]:
    """What a query of queries/transfers/ops gives that only reads."""
    with desk.state.reading() as connection:
        return [
            dict(row) for row in connection.execute(text(sql(f"transfers/ops/{query}")), given).mappings()
        ]
