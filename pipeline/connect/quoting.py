"""Names, literals and times in the SQL of a dialect. Pure."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from pipeline.connect.catalog import Column, Dialect, Stamp, Table

#: Words that are no names unless they are quoted, in either dialect; quoting one too many does no harm.
_RESERVED: Final = frozenset(
    """
    all analyse analyze and any array as asc asymmetric between both by call case cast change char
    check collate column condition constraint create cross current_date current_time
    current_timestamp current_user database default delete desc describe distinct div do double drop
    else end except exists explain false fetch float for foreign from full function grant group
    groups having if ignore in index inner insert int integer intersect interval into is join key
    keys kill lateral leading leave left like limit lines load localtime localtimestamp lock long
    loop match mod natural not null numeric of off offset on only option or order out outer over
    partition placing precision primary procedure range rank read real recursive references release
    rename repeat replace require restrict return returning revoke right row rows schema select
    sensitive separator session_user set show similar smallint some sql starting symmetric system
    table tablesample terminated then to trailing trigger true undo union unique unlock unsigned
    update usage use user using value values varchar variadic verbose when where while window with
    write xor zerofill
    """.split()  # noqa: SIM905 - a word a line would be four pages
)


class Sql:
    """How a dialect writes names, literals and times.

    `offset` gives a zone's offset from UTC where it never changes: MySQL converts by it.
    """

    def __init__(self, dialect: Dialect, offset: Callable[[str], timedelta | None]) -> None:
        self.mysql = dialect == "mysql"
        self._offset = offset
        said = (
            "start (included), end (excluded), both in UTC",
            "$1 start (included), $2 end (excluded), timestamptz",
        )
        self.span_said = said[0] if self.mysql else said[1]

    def name(self, name: str, *, bound: bool | None = None) -> str:
        """A name, quoted where needed; with parameters `bound` as %(name)s, a percent sign is doubled."""
        if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
            return name
        mark = "`" if self.mysql else '"'
        return self._percent(f"{mark}{name.replace(mark, 2 * mark)}{mark}", bound=bound)

    def table(self, table: Table, *, bound: bool | None = None) -> str:
        """A table, with its schema where that has to be said."""
        name = self.name(table.name, bound=bound)
        return name if table.is_default else f"{self.name(table.schema, bound=bound)}.{name}"

    def column(self, alias: str, column: Column, *, bound: bool | None = None) -> str:
        """A column of the table that goes by `alias`."""
        return f"{alias}.{self.name(column.name, bound=bound)}"

    def literal(self, text: str) -> str:
        """A text as a literal."""
        escaped = text.replace("\\", "\\\\") if self.mysql else text
        return self._percent("'" + escaped.replace("'", "''") + "'")

    def as_text(self, expression: str) -> str:
        """The expression as text."""
        return f"CAST({expression} AS CHAR)" if self.mysql else f"{expression}::text"

    def moment(self, alias: str, stamp: Stamp, *, bound: bool | None = None) -> str:
        """The column as a certain time, in MySQL a DATETIME in UTC."""
        column = self.column(alias, stamp.column, bound=bound)
        if stamp.zone is None or (self.mysql and stamp.zone == "UTC"):
            return column
        if self.mysql:
            return f"CONVERT_TZ({column}, '{self._hours(stamp.zone)}', '+00:00')"
        return f"{column} AT TIME ZONE '{stamp.zone}'"

    def since(self, alias: str, stamp: Stamp) -> str:
        """From the first parameter on, compared as the column holds it."""
        return f"{self.column(alias, stamp.column)} >= {self.given('start' if self.mysql else '$1', stamp)}"

    def before(self, alias: str, stamp: Stamp) -> str:
        """Before the second parameter."""
        return f"{self.column(alias, stamp.column)} < {self.given('end' if self.mysql else '$2', stamp)}"

    def outside(self, alias: str, stamp: Stamp) -> str:
        """Not within the third and fourth parameter; PostgreSQL only."""
        column = self.column(alias, stamp.column)
        return f"({column} < {self.given('$3', stamp)} OR {column} >= {self.given('$4', stamp)})"

    def given(self, parameter: str, stamp: Stamp) -> str:
        """A time given in UTC, as the column holds times. `parameter` is a name, or $1 in PostgreSQL."""
        text = parameter if parameter.startswith("$") else f"%({parameter})s"
        if stamp.zone is None or (self.mysql and stamp.zone == "UTC"):
            return text
        if self.mysql:
            return f"CONVERT_TZ({text}, '+00:00', '{self._hours(stamp.zone)}')"
        return f"({text}::timestamptz AT TIME ZONE '{stamp.zone}')"

    def recent(self, alias: str, stamp: Stamp) -> str:
        """Of the last two days."""
        column = self.column(alias, stamp.column)
        if self.mysql:
            hours = self._hours(stamp.zone) if stamp.zone and stamp.zone != "UTC" else "+00:00"
            return f"{column} >= CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', '{hours}') - INTERVAL 2 DAY"
        now = f"now() AT TIME ZONE '{stamp.zone}'" if stamp.zone else "now()"
        return f"{column} >= ({now}) - interval '2 days'"

    def _hours(self, zone: str) -> str:
        offset = self._offset(zone)
        if offset is None:
            msg = f"{zone} changes its offset from UTC, which MySQL converts only with zone tables loaded"
            raise UsageError(
                msg, "store times in UTC, or write the queries by hand: see the recipes in queries/"
            )
        minutes = int(offset.total_seconds()) // 60
        return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

    def _percent(self, text: str, *, bound: bool | None = None) -> str:
        return text.replace("%", "%%") if (self.mysql if bound is None else bound) else text


def comment(*lines: str) -> str:
    """Sentences as the comment at a file's head; nothing in them ends it."""
    plain = (" ".join(line.replace("%", " percent").split()) for line in lines)
    wrapped = (part for line in plain for part in textwrap.wrap(line, 112))
    return "".join(f"-- {part}\n" for part in wrapped)


def indented(text: str) -> str:
    """Four spaces before every line."""
    return textwrap.indent(text, "    ")
