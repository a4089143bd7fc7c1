"""One snapshot of the rows of a PostgreSQL source: whole, or around what cannot be read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pipeline.minute import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import adbc_driver_postgresql.dbapi as adbc
    import polars as pl

    from pipeline.minute import Span
    from pipeline.source.asked import Fence, ReadBeside

    Ask = Callable[[str, Sequence[datetime | int | str]], pl.DataFrame]

#: Rows of some ids, in whatever type the ids are; a list is one parameter as JSON.
_AMONG = 'given."{key}"::text = ANY (ARRAY(SELECT jsonb_array_elements_text($3::text::jsonb)))'
#: Of a query's rows by minute their number and a checksum, in whatever order they come.
PRINTS = """
SELECT
    floor(extract(epoch FROM given."{time}") / 60)::bigint      AS minute,
    count(*)                                                    AS rows,
    sum(hashtextextended(given::text, 0)::numeric)::text        AS print
FROM (
{query}
) AS given
GROUP BY 1
"""


class PgReading:
    """The rows of one snapshot; see `halve.Reading`."""

    def __init__(
        self,
        text: str,
        ask: Ask,
        cursor: adbc.Cursor,
        fence: Callable[[], Fence],
        key: str,
        beside: Callable[[Span], ReadBeside],
        minute: Ask,
    ) -> None:
        self._minute = minute  # of a whole one
        self._key = key
        self.beside = beside
        self._text = text.rstrip().rstrip(";")
        self._ask = ask
        self._cursor = cursor
        self._fence = fence

    def fence(self) -> Fence:
        """The snapshot."""
        return self._fence()

    def names(self, moment: datetime) -> list[str]:
        """The columns that the query gives, by the names that it gives them."""
        self._cursor.execute(self._text, [moment, moment][: parameters_of(self._text)])
        return list(self._cursor.fetch_arrow_table().column_names)

    def rows(
        self,
        start: datetime,
        end: datetime,
        columns: Sequence[str] = (),
        ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of [start, end), of some columns alone, or of some ids alone."""
        if not columns and ids is None:
            ask = self._minute if end - start == MINUTE else self._ask
            return ask(self._text, (start, end))
        chosen = ", ".join(f'given."{name}"' for name in columns) or "given.*"
        text = f"SELECT {chosen} FROM (\n{self._text}\n) AS given"  # noqa: S608 - around the company's query
        if ids is None:
            return self._ask(text, (start, end))
        return self._ask(
            f"{text} WHERE {_AMONG.replace('{key}', self._key)}", (start, end, json.dumps(list(ids)))
        )

    def count(self, start: datetime, end: datetime) -> int:
        """How many rows there are; the server computes no column for it."""
        text = f"SELECT count(*) AS rows FROM (\n{self._text}\n) AS given"  # noqa: S608 - the same
        return int(self._ask(text, (start, end))["rows"][0])


def parameters_of(text: str) -> int:
    """How many parameters a query takes: the largest number it names outside its comments."""
    return max((int(n) for n in re.findall(r"\$(\d+)", re.sub("--.*", "", text))), default=0)
