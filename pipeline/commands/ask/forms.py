"""The forms in which an answer leaves: a table, CSV, JSON, Parquet; to the terminal or into a file."""

from __future__ import annotations

import io
import math
import os
import sys
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click
import polars as pl
import pyarrow.parquet as pq

from pipeline.commands.common import as_json_text, report
from pipeline.errors import UsageError
from pipeline.figures import harmless
from pipeline.store.views.analyst import convertible
from pipeline.store.views.walls.process import LARGEST_ANSWER, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.store.views.analyst import Analyst, Answer
    from pipeline.store.views.questions import Values

FORMS: Final = ("table", "csv", "json", "parquet")
#: A table program takes a text that begins so for a formula.
_FORMULA: Final = r"^[=+\-@\t\r]"
_HALF_WRITTEN: Final = ".writing"
#: JSON is printed whole or not at all, so it is held in memory until then; a file may have more.
_MOST_PRINTED: Final = 256 << 20


def form_of(asked: str | None, output: Path | None) -> str:
    """The form that was asked for, or that a file's name says. Raises UsageError where neither fits."""
    if asked is None and output is not None:
        said = output.suffix.removeprefix(".").lower()
        asked = said if said in FORMS else None
        if asked is None:
            msg = f"the name of {output.name} does not say in which form to write it"
            raise UsageError(msg, "add --format csv, json, parquet or table")
    if asked == "parquet" and output is None:
        msg = "Parquet is no text"
        raise UsageError(msg, "say where to write it: --output FILE.parquet")
    return asked or "table"


def show(analyst: Analyst, question: str, values: Values | None, form: str) -> None:
    """Answer one question on standard output."""
    if form == "table":
        report({}, as_json=False, text=analyst.show(question, values))
    elif form == "json":
        whole = io.BytesIO()
        _write_json(analyst.ask(question, values), _Bounded(whole, _MOST_PRINTED))
        click.echo(whole.getvalue().decode(), nl=False)
    else:
        sys.stdout.flush()
        _write_csv(analyst.ask(question, values), _Bounded(sys.stdout.buffer, acts=sys.stdout.isatty()))
        sys.stdout.buffer.flush()


def write(analyst: Analyst, question: str, values: Values | None, form: str, output: Path) -> int | None:
    """Answer one question into a file, whole or not at all; how many rows, where they are counted."""
    with _file(output) as file:
        if form == "table":
            file.write(f"{analyst.show(question, values)}\n".encode())
            return None
        answer = analyst.ask(question, values)
        return _WRITERS[form](answer, _Bounded(file))


@contextmanager
def _file(output: Path) -> Iterator[BinaryIO]:
    """A file beside the one that was named, which it replaces at the end."""
    place = output.resolve()
    half = place.with_name(f".{place.name}.{os.getpid()}{_HALF_WRITTEN}")
    try:
        with half.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(place)
    except OSError as error:
        msg = f"cannot write {output}: {error.strerror}"
        raise UsageError(msg, "free space, or name a file elsewhere") from error
    finally:
        half.unlink(missing_ok=True)


class _Bounded:
    """A file that takes so many bytes: a text can be many times the answer that is heard."""

    def __init__(self, file: BinaryIO, most: int | None = None, *, acts: bool = False) -> None:
        self.file = file
        self._left = self._most = LARGEST_ANSWER if most is None else most
        self._acts = acts  # a terminal does what texts of other people tell it

    def write(self, text: str) -> None:
        """Raises UsageError beyond the limit."""
        content = (harmless(text) if self._acts else text).encode()
        self._left -= len(content)
        if self._left < 0:
            raise too_large(self._most)
        self.file.write(content)


def _write_csv(answer: Answer, file: _Bounded) -> int:
    """A line of names first, also without rows. No text of it becomes a formula in a table program."""
    rows = 0
    for at, frame in enumerate(answer.frames()):
        with convertible():
            text = _flat(frame).write_csv(include_header=at == 0)
        file.write(text)
        rows += frame.height
    return rows


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """What CSV has no form for as JSON; a quote before texts that a table program takes for a formula."""
    made = [
        pl.Series(column.name, [_as_json(value) for value in column.to_list()], pl.String)
        if column.dtype.is_nested() or column.dtype == pl.Binary
        else column
        for column in frame.get_columns()
    ]
    texts = pl.col(pl.String)
    safe = pl.when(texts.str.contains(_FORMULA)).then(pl.lit("'") + texts).otherwise(texts)
    return pl.DataFrame(made).with_columns(safe.name.keep())


def _as_json(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.hex()
    return None if value is None else as_json_text({"": plain(value)})[5:-1]


def _write_json(answer: Answer, file: _Bounded) -> int:
    """One object on one line, a piece of the answer after the other."""
    rows = 0
    file.write('{"rows": [')
    for frame in answer.frames():
        with convertible():
            texts = [as_json_text(_plain_row(row)) for row in frame.iter_rows(named=True)]
        file.write((", " if rows and texts else "") + ", ".join(texts))
        rows += len(texts)
    file.write("]}\n")
    return rows


def _write_parquet(answer: Answer, file: _Bounded) -> int:
    """As DuckDB gives it, column by column; packed, it is not larger than what was heard."""
    rows = 0
    with pq.ParquetWriter(file.file, answer.schema) as writer:
        for batch in answer.batches():
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


_WRITERS: Final = {"csv": _write_csv, "json": _write_json, "parquet": _write_parquet}


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items()}


def plain(value: object) -> object:
    """A value as strict JSON knows it: whole decimals are numbers, what is no number is null."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
