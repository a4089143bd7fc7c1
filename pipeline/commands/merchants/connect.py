"""connect: another company's database, from its URL to a folder of queries that fit it."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.commands.common import json_option, read_settings, report
from pipeline.embedded import Urls
from pipeline.errors import UsageError
from pipeline.errors.secrets import mask_url
from pipeline.errors.translate import storage_errors
from pipeline.finding import as_error, as_text
from pipeline.inspection.installation import Inspection
from pipeline.packs.merchants.connect.mapping import ANSWERS, Question, read_answers
from pipeline.packs.merchants.connect.preview import preview, preview_text, span_to_show
from pipeline.packs.merchants.connect.propose import candidates, propose
from pipeline.packs.merchants.connect.propose_legs import is_time, likeliest
from pipeline.packs.merchants.connect.write_queries import write_queries
from pipeline.source.catalog_reader import CatalogReader
from scheduler import open_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.connect.catalog import Sample, SourceCatalog, Table
    from pipeline.finding import Finding
    from pipeline.packs.merchants.connect.mapping import TradeMapping
    from pipeline.packs.merchants.connect.preview import Preview
    from pipeline.settings import Settings

#: What the folder was written from; it also tells whether somebody has edited a query since.
RECORD: Final = "connect.json"
#: Tables that are looked into; the likeliest come first.
_LOOKED_AT: Final = 6

_SET = "Say what the catalog does not: " + ", ".join(ANSWERS) + ". `none` says that there is no such column."


@click.command()
@click.argument("url", required=False)
@click.option(
    "--queries",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write; the default is source-queries in MINUTERISK_HOME.",
)
@click.option("--set", "answers", multiple=True, metavar="NAME=VALUE", help=_SET)
@click.option("--yes", is_flag=True, help="Ask nothing: take what is proposed, refuse what cannot be known.")
@click.option("--overwrite", is_flag=True, help="Replace queries in the folder that somebody has edited.")
@json_option
def connect(
    *,
    url: str | None,
    queries: Path | None,
    answers: tuple[str, ...],
    yes: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Propose, show and write the queries that read another company's tables.

    Reads the catalog and recent rows of URL (default: MINUTERISK_SOURCE_URL) with SELECT rights, and changes
    nothing there. Where a mapping was wrong for some hours, write it again and let `minuterisk reconcile
    --from --to` correct them; where it was wrong from the start, `minuterisk start-anew`.
    """
    settings = read_settings(**({"source_url": url} if url else {}))
    if settings.source_url is None:
        msg = "connect needs the URL of the source database"
        raise UsageError(
            msg, "minuterisk connect postgresql://reader@host/database, or set MINUTERISK_SOURCE_URL"
        )
    folder = (queries or settings.home / "source-queries").expanduser().resolve()
    _require_free(folder, overwrite=overwrite)
    talk = not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    reader = CatalogReader(settings.source_url, settings.source_timeout)
    catalog = reader.read()
    mapping, samples, said = _agree(reader, catalog, settings, read_answers(answers), talk=talk)
    files = write_queries(mapping, catalog.clock)
    found = _preview(settings, mapping, files, samples, catalog)
    if talk:
        click.echo(_proposal_text(mapping, found))
        click.confirm(f"\nwrite these queries to {folder}?", default=True, abort=True)
    _write(folder, files, said)
    findings = _check(read_settings(source_url=settings.source_url, source_queries=str(folder)))
    content = {
        "source": mask_url(settings.source_url),
        "queries": str(folder),
        "mapping": [{"name": d.name, "value": d.value, "why": d.why} for d in mapping.decisions],
        "warnings": list(mapping.warnings),
        "sample": found.as_json(),
        "findings": [finding.as_json() for finding in findings],
        "settings": {"MINUTERISK_SOURCE_QUERIES": str(folder)},
    }
    text = _closing_text(folder, findings)
    report(content, as_json=as_json, text=text if talk else f"{_proposal_text(mapping, found)}\n\n{text}")
    error = as_error(findings)
    if error is not None:
        raise error


def _check(settings: Settings) -> list[Finding]:
    """What `check` says of the source database with the queries just written."""
    urls = Urls(settings.source_url or "", "")
    return Inspection(settings, lambda found: open_source(settings, found), urls).run_source()


def _agree(
    reader: CatalogReader, catalog: SourceCatalog, settings: Settings, answers: dict[str, str], *, talk: bool
) -> tuple[TradeMapping, dict[Table, Sample], dict[str, str]]:
    """The mapping that a person and the catalog agree on, the samples behind it, and what the person said."""
    samples: dict[Table, Sample] = {}
    while True:
        _look(reader, catalog, answers, samples)
        try:
            return propose(catalog, samples, answers, settings.business_timezone), samples, answers
        except Question as question:
            if not talk:
                raise
            answers = answers | _asked(question)


def _look(
    reader: CatalogReader, catalog: SourceCatalog, answers: Mapping[str, str], samples: dict[Table, Sample]
) -> None:
    """Sample the tables that may hold transactions, and those that a person named."""
    named = {answers[name].lower() for name in ("table", "cancel_table") if name in answers}
    wanted = [t for t in catalog.tables if {t.name.lower(), t.full_name.lower()} & named]
    for table in [*wanted, *candidates(catalog)[:_LOOKED_AT]]:
        if table not in samples:
            at = answers.get("occurred_at", "").lower()
            said = next((c for c in table.times() if c.name.lower() == at), None)
            newest = said or likeliest(table, "time", is_time) or likeliest(table, "cancelled_at", is_time)
            samples[table] = reader.sample(table, newest or next(iter(table.times()), None))


def _asked(question: Question) -> dict[str, str]:
    """Ask a person on the terminal."""
    click.echo(f"\n{question.what}")
    if question.choices:
        click.echo("\n".join(f"  {n}  {choice}" for n, choice in enumerate(question.choices, start=1)))
    else:
        click.echo(f"  {question.hint}")
    default = question.choices[0] if question.choices else None
    given = str(click.prompt(question.name, default=default))
    if given.isdigit() and 0 < int(given) <= len(question.choices):
        given = question.choices[int(given) - 1]
    return read_answers([part if "=" in part else f"{question.name}={part}" for part in given.split(";")])


def _preview(
    settings: Settings,
    mapping: TradeMapping,
    files: Mapping[str, str],
    samples: Mapping[Table, Sample],
    catalog: SourceCatalog,
) -> Preview:
    """Count a sampled hour through the queries themselves, before anything is written where it counts."""
    with tempfile.TemporaryDirectory() as temporary:
        for name, content in files.items():
            (Path(temporary) / f"{name}.sql").write_text(content, encoding="utf-8")
        over = {"source_url": settings.source_url or "", "source_queries": temporary}
        tried = read_settings(**over)
        with open_source(tried, Urls(settings.source_url or "", "")) as source:
            span = span_to_show(mapping, samples, catalog.clock)
            extracted = source.extract(span)
    return preview(extracted.rows, span, extracted.clock, mapping, samples)


def _require_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder with queries that somebody wrote or edited."""
    if overwrite or not folder.is_dir():
        return
    try:
        written = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        written = {}
    edited = [
        path.name
        for path in sorted(folder.glob("*.sql"))
        if written.get(path.name) != _digest(path.read_bytes())
    ]
    if edited:
        names = ", ".join(edited)
        msg = f"{folder} holds queries that connect did not write, or that were edited since: {names}"
        raise UsageError(msg, "name another folder with --queries, or --overwrite them")


def _write(folder: Path, files: Mapping[str, str], answers: Mapping[str, str]) -> None:
    """Write the queries and the record of them; a query that is not needed any more goes."""
    record: dict[str, Any] = {"answers": dict(answers), "files": {}}
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.sql"):
            if old.stem not in files:
                old.unlink()
        for name, content in files.items():
            (folder / f"{name}.sql").write_text(content, encoding="utf-8")
            record["files"][f"{name}.sql"] = _digest(content.encode())
        (folder / RECORD).write_text(
            json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _proposal_text(mapping: TradeMapping, found: Preview) -> str:
    lines = [f"{d.name:<14}{d.value}{f'   ({d.why})' if d.why else ''}" for d in mapping.decisions]
    lines += ["", *(f"warning: {warning}" for warning in mapping.warnings)] if mapping.warnings else []
    return "\n".join([*lines, "", preview_text(found, mapping.currency)])


def _closing_text(folder: Path, findings: Sequence[Finding]) -> str:
    lines = [
        as_text(findings),
        "",
        f"written to {folder}. Set these two, then `minuterisk check` and `minuterisk run`:",
        "  MINUTERISK_SOURCE_URL=(the URL you gave)",
        f"  MINUTERISK_SOURCE_QUERIES={folder}",
        "Were minutes published with another mapping before? `minuterisk reconcile --from --to` corrects",
        "some hours, `minuterisk start-anew` begins from nothing.",
    ]
    return "\n".join(lines)
