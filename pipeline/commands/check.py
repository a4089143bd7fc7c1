"""check: what the pipeline will see, found out without changing anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.common import json_option, read_settings, report
from pipeline.finding import as_error, as_text, short, worst_level
from pipeline.inspection.channels import channel_findings
from pipeline.inspection.installation import Inspection
from pipeline.inspection.live import live_findings, traffic
from pipeline.prove.statement import verify_statement
from pipeline.settings import describe_settings
from scheduler import open_source, source_class

if TYPE_CHECKING:
    from pipeline.finding import Finding
    from pipeline.settings import Settings


@click.command()
@click.option(
    "--live", is_flag=True, help="Also fail (exit 1) when the pipeline is late or its leader is gone."
)
@click.option(
    "--sample/--no-sample",
    default=None,
    help="Read one past hour through every query and say what is in it; on, but for --live.",
)
@click.option("--settings", "only_settings", is_flag=True, help="Only show the settings.")
@click.option(
    "--statement",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only verify a daily statement (reports/statement-DATE.json): exit 3 when it was changed.",
)
@click.option(
    "--public-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The key that --statement verifies with, kept elsewhere; default: statement.pub.pem beside it.",
)
@json_option
def check(
    *,
    live: bool,
    sample: bool | None,
    only_settings: bool,
    statement: Path | None,
    public_key: Path | None,
    as_json: bool,
) -> None:
    """Check settings, rights, both databases, and what an hour of the source holds; changes nothing."""
    settings = read_settings()
    if statement is not None:
        _show(verify_statement(settings, statement, public_key), as_json=as_json)
        return
    shown = describe_settings(settings)
    if only_settings:
        _show(shown, as_json=as_json)
        return
    found = {name: _inspected(settings.of(name), live=live, sample=sample) for name in settings.packs}
    findings = [
        finding if name == settings.pack else replace(finding, check=f"{name}: {finding.check}")
        for name, (listed, _) in found.items()
        for finding in listed
    ]
    if not live:
        asking = Inspection(settings, lambda urls: open_source(settings, urls))
        findings += asking.part("channels", lambda: channel_findings(settings))
    results = {name: short([f for f in findings if f.check == name]) for name in _names(findings)}
    others = [name for name in settings.packs if name != settings.pack]
    if live:
        results["traffic"] = traffic(settings)
        results |= {f"{name}: traffic": traffic(settings.of(name)) for name in others}
    promise = found[settings.pack][1]
    content = {
        "settings": shown,
        "checks": results,
        "findings": [finding.as_json() for finding in findings],
        "promise": promise,
        **{f"{name}: promise": found[name][1] for name in others},
        "ok": worst_level(findings) != "failure",
    }
    ending = {name: said for name, said in results.items() if name.endswith("traffic")}
    promises = {"promise": promise, **{f"{name}: promise": found[name][1] for name in others}}
    tail = [f"{name:<14}{value}" for name, value in {**ending, **promises}.items()]
    lines = [_lines(shown), "", as_text(findings), "", *tail]
    report(content, as_json=as_json, text="\n".join(lines))
    error = as_error(findings)
    if error is not None:
        raise error


def _inspected(settings: Settings, *, live: bool, sample: bool | None) -> tuple[list[Finding], str]:
    """What is found of one pack, and what its source promises."""
    inspection = Inspection(settings, lambda urls: open_source(settings, urls))
    whole = not live if sample is None else sample
    findings = inspection.run(sample=whole, brief=live and not whole)
    if live:
        findings += inspection.part("live", lambda: live_findings(settings))
    return findings, inspection.promise or source_class(settings.source_url).promise


def _names(findings: list[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.check for finding in findings))


def _show(content: dict[str, Any], *, as_json: bool) -> None:
    report(content, as_json=as_json, text=_lines(content))


def _lines(content: dict[str, Any]) -> str:
    return "\n".join(f"{name:<32}{value}" for name, value in content.items())
