"""What the commands of this pack share: its desk, and its queries."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
from sqlalchemy import text

from pipeline.commands.common import read_settings
from pipeline.desk.perform import Desk
from pipeline.embedded import open_urls
from queries import sql
from scheduler import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator

PACK: Final = "transfers"
#: A version's number; there is none beyond what the database holds.
VERSION: Final = click.IntRange(1, 2**31 - 1)


@contextmanager
def open_transfers() -> Iterator[Desk]:
    """The desk of this pack, whichever packs the settings name first; their databases are where it looks."""
    settings = read_settings()
    with open_state(open_urls(settings), settings.of(PACK)) as state:
        yield Desk(state, settings.of(PACK))


def rows_of(desk: Desk, query: str, **given: object) -> list[dict[str, Any]]:
    """What a query of queries/transfers/ops gives that only reads."""
    with desk.state.reading() as connection:
        return [
            dict(row) for row in connection.execute(text(sql(f"transfers/ops/{query}")), given).mappings()
        ]
