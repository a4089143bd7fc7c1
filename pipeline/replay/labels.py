"""Labels for a backtest: a file, Parquet or CSV with the columns of LABEL, or what people gave incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.errors import UsageError
from pipeline.minute import MINUTE
from pipeline.replay.score import EXPECTED, LABEL, rules_of
from pipeline.schema import conform

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.minute import Span
    from pipeline.pack import Pack
    from pipeline.store.state import State


def read_labels(path: Path, pack: Pack[Any, Any]) -> pl.DataFrame:
    """The labels of a file, schema LABEL; further columns are left out. UsageError names what is wrong."""
    try:
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"cannot read the labels {path}: {str(error).splitlines()[0]}"
        raise UsageError(msg, "give a Parquet file (.parquet) or a CSV file with a header") from error
    columns = [pack.entity if name == "entity_id" else name for name in LABEL]
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        msg = f"the labels {path} lack the column {', '.join(missing)}"
        raise UsageError(msg, f"the columns are {', '.join(columns)}")
    try:
        labels = conform(frame.with_columns(entity_id=pl.col(pack.entity).cast(pl.String)), LABEL)
    except (TypeError, pl.exceptions.PolarsError) as error:
        msg = f"the labels {path} cannot be understood: {str(error).splitlines()[0]}"
        raise UsageError(msg, "write times like 2026-11-21T09:00:00Z") from error
    empty = [shown for shown, name in zip(columns, LABEL, strict=True) if labels[name].null_count()]
    if empty:
        msg = f"the labels {path} have a row without {', '.join(empty)}"
        raise UsageError(msg, "fill it, or leave the row out")
    for name, known in (("rule", rules_of(pack)), ("expected", EXPECTED)):
        strange = labels.filter(~pl.col(name).is_in(known))[name]
        if len(strange):
            msg = f"{name} in the labels {path} is {strange[0]!r}"
            raise UsageError(msg, f"one of {', '.join(known)} is needed")
    return labels


def live_labels(state: State, span: Span, pack: Pack[Any, Any]) -> pl.DataFrame:
    """The labels that people gave incidents opened in `span`, schema LABEL.

    A true alarm is expected again while it lasted; where an alarm was false, quiet is. What nobody labelled
    is not in it, and neither are incidents of everybody.
    """
    known = rules_of(pack)
    rows = [
        {
            "label": f"incident {row['incident_id']}",
            "rule": row["rule"],
            "entity_id": row["entity_id"],
            "start": row["opened_minute"],
            "end": row["last_breach_minute"] + MINUTE,
            "expected": "alarm" if row["label"] == "true_alarm" else "quiet",
        }
        for row in state.rows("labelled_incidents", start=span.start, end=span.end)
        if row["rule"] in known
    ]
    return pl.DataFrame(rows, LABEL)


def _read_csv(path: Path) -> pl.DataFrame:
    frame = pl.read_csv(path, infer_schema=False)
    times = [name for name in ("start", "end") if name in frame.columns]
    return frame.with_columns(pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in times)
