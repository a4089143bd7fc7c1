"""report: a day, a week or an incident as one file for people; and whether a file is as it was signed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import actor_of_terminal, do, open_desk
from pipeline.commands.common import json_option, progress_bar, read_settings, require_place
from pipeline.commands.common import report as show
from pipeline.desk.perform import require
from pipeline.desk.roles import Thing
from pipeline.errors import UsageError
from pipeline.pack import LANGUAGES
from pipeline.packs import load_pack
from pipeline.report.gathered import about_of, gather
from pipeline.report.seal import verify_report
from pipeline.report.write import default_path, make_report, put
from scheduler import open_lake

if TYPE_CHECKING:
    from pipeline.desk.perform import Desk
    from pipeline.settings import Settings

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("about", required=False, metavar="DAY|WEEK|INCIDENT")
@click.option("--language", type=click.Choice(LANGUAGES), help="Default: MINUTERISK_LANGUAGE.")
@click.option("--output", type=_FILE, help="The file; default: reports/report-PACK-….html under the home.")
@click.option("--names", "named", is_flag=True, help="With people's names and words; it is kept who asked.")
@click.option("--reason", help="Why the names are needed.")
@click.option("--verify", type=_FILE, help="Only verify a report: exit 3 when it was changed.")
@click.option("--public-key", type=_FILE, help="The key that --verify uses, kept elsewhere.")
@json_option
def report(  # noqa: PLR0913 - one parameter an option
    about: str | None,
    *,
    language: str | None,
    output: Path | None,
    named: bool,
    reason: str | None,
    verify: Path | None,
    public_key: Path | None,
    as_json: bool,
) -> None:
    """Write the report of a day (2026-11-29, yesterday), a week (2026-W48) or an incident (17).

    One HTML file with everything in it, which prints on A4 and is signed.
    """
    settings = read_settings(language=language or "")
    if verify is not None:
        content = verify_report(settings, verify, public_key)
        show(content, as_json=as_json, text=_verified(content))
        return
    if about is None:
        msg = "no day, week or incident is named"
        raise UsageError(msg, "write `minuterisk report yesterday`, 2026-W48, or the number of an incident")
    if named and not reason:
        msg = "no reason is given for showing people's names"
        raise UsageError(msg, "say why: --reason TEXT; it is kept")
    if output is not None:
        require_place(output, settings)
    with open_desk(settings) as desk:
        if named:
            do(desk, "unmask", given={"what": f"report {about}", "reason": reason})
        made = _make(desk, settings, about, output, named=named)
    show(made, as_json=as_json, text=_text(made))


def _make(desk: Desk, settings: Settings, text: str, output: Path | None, *, named: bool) -> dict[str, Any]:
    require(desk, actor_of_terminal(desk.state), "see", Thing("incident"))
    began, now, pack = time.monotonic(), datetime.now(UTC), load_pack(settings.pack)
    with progress_bar("report") as progress:
        about = about_of(desk.state, text, settings, now)
        progress(0, 2, about.key)
        gathered = gather(desk.state, pack, settings, about, now, named=named)
        content = make_report(desk.state, open_lake(settings), settings, gathered, _told(progress))
    written = put(about, output or default_path(settings, about), content)
    return {
        "about": about.key,
        "path": written.path,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "incidents": len(gathered.incidents),
        "seconds": round(time.monotonic() - began, 1),
    }


def _told(progress: Any) -> Any:  # noqa: ANN401 - Progress, and a Work of it
    """Do the work here, and say that a piece of it is done."""
    done = [0]

    def work(function: Any, *given: Any) -> Any:  # noqa: ANN401 - passed through
        found = function(*given)
        done[0] += 1
        progress(done[0], 2, "")
        return found

    return work


def _text(made: dict[str, Any]) -> str:
    return f"{made['path']}\n{made['bytes']:,} bytes, {made['incidents']} incidents, {made['seconds']} s"


def _verified(content: dict[str, Any]) -> str:
    proof = content["proof"]
    differences = proof["differences"]
    rows = {
        "about": content["about"],
        "pack": content["pack"],
        "period": content["period"],
        "installation": content["installation"],
        "written at": content["written_at"],
        "minutes": f"{proof['minutes']} of {proof['minutes_expected']}",
        "files": f"{proof['files_verified']} verified, {proof['files_damaged']} damaged",
        "sums": "equal to the ledger" if proof["files_equal_ledger"] else "not those of the ledger",
        "source": "not compared" if differences is None else f"{differences} minutes differ",
        "statements": ", ".join(str(one.get("business_date")) for one in content["statements"]) or "none",
        "signature": "holds",
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())
