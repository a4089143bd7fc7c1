"""HTML made of escaped pieces: whatever comes from a database stands in it as a text. Pure."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Nobody writes more into one place of a report.
LONGEST = 2_000


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def tag(name: str, /, *children: str, cls: str = "", **attributes: str) -> Html:
    """One element; children that are not `Html` are escaped."""
    pairs = {"class": cls, **attributes}
    head = "".join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in pairs.items() if value)
    return Html(f"<{name}{head}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    """Pieces one after the other. What comes from outside is one visible line: nothing in it acts."""
    return Html("".join(c if isinstance(c, Html) else escape(one_line(c, LONGEST)) for c in children))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> Html:
    """A table; the first `texts` columns are texts, the others numbers, which stand flush right."""

    def cells(kind: str, row: Sequence[str], **more: str) -> Html:
        return tag(
            "tr", *(tag(kind, cell, cls="" if n < texts else "number", **more) for n, cell in enumerate(row))
        )

    body = tag("tbody", *(cells("td", row) for row in rows))
    return tag("table", tag("thead", cells("th", head, scope="col")), body)


def pairs(rows: Iterable[tuple[str, str]]) -> Html:
    """Names, and what each of them is."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows))


def data_of(content: Any) -> str:  # noqa: ANN401 - what JSON holds
    """JSON that may stand inside a script element: no text in it ends the element."""
    said = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Line separators are valid JSON; some readers of HTML end a line there.
    for acting in "<>&\u2028\u2029":
        said = said.replace(acting, f"\\u{ord(acting):04x}")
    return said
