"""What is shown, as a file: CSV for tables, Parquet for machines. Who took what, and why, is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import streamlit as st

from app.gate import here
from app.pages import actor
from pipeline.errors import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.reads import Page

    Made = Callable[[], pl.DataFrame]

FORMATS: Final = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
#: A table program takes a text that begins so for a formula.
_FORMULA: Final = r"^[=+\-@\t\r]"
_LONGEST_REASON: Final = 500


def offer(page: Page, name: str, made: Made) -> None:
    """A button for those whose role may take data along. `made` gives what is shown, when it is asked for.

    `name` is that of the file, and what the audit says was taken.
    """
    if not actor.may(page, "export", "data"):
        return
    texts = page.texts
    with st.popover(texts("download.button"), icon=":material/download:"):
        reason = st.text_input(
            texts("download.reason"), key=f"download-reason-{name}", max_chars=_LONGEST_REASON
        ).strip()
        with st.container(horizontal=True):
            for kind, mime in FORMATS.items():
                st.download_button(
                    kind.upper() if kind == "csv" else "Parquet",
                    partial(_taken, page, here.token_of_page(), f"{name}.{kind}", reason, made),
                    file_name=f"{name}.{kind}",
                    mime=mime,
                    key=f"download-{name}-{kind}",
                    disabled=not reason,
                    on_click="ignore",
                )


def _taken(page: Page, token: str, file: str, reason: str, made: Made) -> bytes:
    """The file, once it is kept that it was asked for. Runs beside the script, after a press of any age."""
    found = page.entrance.visit(token, page.actor.origin).actor
    if found is None:
        msg = "your session has ended"
        raise NotAllowed(msg, "sign in again: nothing was changed")
    page.entrance.act(found, "download", "", {"what": file, "reason": reason}, page.pack.name)
    return as_csv(made()) if file.endswith(".csv") else as_parquet(made())


def frame_of(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a frame: a length of time in seconds, what is nested as JSON."""
    made = [{name: _flat(value) for name, value in row.items()} for row in rows]
    return pl.DataFrame(made, infer_schema_length=None)


def _flat(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def as_csv(frame: pl.DataFrame) -> bytes:
    """With the mark that table programs need for Korean; no text of it becomes a formula there."""
    texts = pl.col(pl.String)
    safe = pl.when(texts.str.contains(_FORMULA)).then(pl.lit("'") + texts).otherwise(texts)
    return frame.with_columns(safe.name.keep()).write_csv(include_bom=True).encode()


def as_parquet(frame: pl.DataFrame) -> bytes:
    """As it is."""
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()
