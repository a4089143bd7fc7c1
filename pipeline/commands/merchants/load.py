"""load: transactions from a file into the stand-in trade server. The pipeline itself never writes there."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from data.merchants.load import load_file
from pipeline.commands.common import json_option, progress_bar, read_settings, report
from pipeline.commands.simulate import database_of, stand_in_url
from pipeline.errors.translate import source_errors
from pipeline.figures import moment


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def load(file: Path, *, as_json: bool) -> None:
    """Load transactions from a Parquet or CSV FILE into the trade server; bad rows are set aside and counted.

    Columns: transaction_id, merchant_id, kind, amount, occurred_at; optional original_transaction_id and
    original_occurred_at (of a cancel: its approval's id and time), customer_id, country.
    """
    settings = read_settings()
    url = stand_in_url(settings)
    with source_errors(url), progress_bar(f"load {file.name}") as progress:
        found = load_file(
            file,
            url,
            database_of(url),
            quarantine_dir=settings.home / "quarantine",
            clock=lambda: datetime.now(UTC),
            progress=lambda done, total: progress(done, total, ""),
        )
    content, zone = asdict(found), settings.business_timezone
    lines = [f"{found.loaded:,} of {found.rows:,} rows loaded"]
    lines += [f"  set aside: {reason} {rows:,}" for reason, rows in found.quarantined.items()]
    lines += [f"  they are in {found.quarantine_file}"] if found.quarantine_file else []
    if found.first and found.last:
        ends = " to ".join(moment(end, zone, seconds=True) for end in (found.first, found.last))
        lines.append(f"  from {ends}; publish them with `minuterisk backfill`")
    report(content, as_json=as_json, text="\n".join(lines))
