"""queries/merchants/guides: what its README and its notebook say is done, with the tools of analysts.

The tools are installed by pip from the index that this machine's configuration names.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipeline.store.views.analyst import Analyst
from tests.contract.walls_home import published_home

if TYPE_CHECKING:
    from pipeline.settings import Settings

GUIDES = Path(__file__).resolve().parents[2] / "queries" / "merchants" / "guides"
#: dbt-core from 1.11 on fetches a part of itself from outside of the index while it is installed.
TOOLS = (
    "duckdb==1.5.6",
    "duckdb-cli==1.5.6",
    "duckdb-engine==0.17.0",
    "sqlalchemy<2",
    "nbclient>=0.10",
    "ipykernel>=6",
)
DBT = ("dbt-core<1.11", "dbt-duckdb<1.11")
APPROVALS = 60 * 3 * 10


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the tools and nothing of ours."""
    folder = tmp_path_factory.mktemp("tools")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-input",
        "--no-compile",
    ]
    done = subprocess.run([*pip, *TOOLS, *DBT], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = f"NOT TESTED: pip cannot install the tools of analysts: {done.stderr.strip()[-300:]}"
        if os.environ.get("MINUTERISK_TEST_DUCKDB") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder / "bin"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with the file that clients open, made of the statements that `minuterisk sql` has as well."""
    found = published_home(tmp_path_factory.mktemp("guides"))
    with duckdb.connect(str(found.catalog), config={"storage_compatibility_version": "v1.0.0"}) as file:
        for statement in Analyst.open(found)._opening["statements"]:
            file.execute(statement)
    return found


def guide(settings: Settings, title: str) -> list[str]:
    """The blocks of code of a part of the README, for this home."""
    text = (GUIDES / "README.md").read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.MULTILINE)
    return [textwrap.dedent(block).strip().replace("HOME", str(settings.home)) for block in blocks]


def run(*command: str, cwd: Path, **environment: str) -> str:
    known = {"PATH": os.environ["PATH"], "HOME": str(cwd)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env={**known, **environment}
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_the_command_line_answers(tools: Path, settings: Settings, tmp_path: Path) -> None:
    (command,) = guide(settings, "Command line")
    told = run("sh", "-c", command, cwd=tmp_path, PATH=f"{tools}:{os.environ['PATH']}")
    assert told.split() == ["business_date,approvals", f"2026-03-10,{APPROVALS}"]


def test_the_notebook_runs_through(tools: Path, settings: Settings, tmp_path: Path) -> None:
    script = """
        import json, sys, nbformat
        from nbclient import NotebookClient
        book = nbformat.read(sys.argv[1], 4)
        NotebookClient(book, timeout=120, kernel_name="python3").execute()
        said = [o for c in book.cells if c.cell_type == "code" for o in c.outputs]
        print(json.dumps([o.get("text") or o["data"]["text/plain"] for o in said]))
    """
    said = run(
        str(tools / "python"),
        "-c",
        textwrap.dedent(script),
        str(GUIDES / "morning.ipynb"),
        cwd=tmp_path,
        MINUTERISK_HOME=str(settings.home),
        IPYTHONDIR=str(tmp_path / "ipython"),
    )
    views, busy, hours = json.loads(said)
    assert "merchant_day" in views
    assert busy == "[('=c', 600, 0.1), ('a', 600, 0.1), ('b', 600, 0.1)]"
    assert hours == "[(1773144000, 600)]"


def test_superset_finds_views_and_columns_by_the_uri_of_the_guide(
    tools: Path, settings: Settings, tmp_path: Path
) -> None:
    (block,) = guide(settings, "Superset")
    uri = re.findall(r"duckdb:\S+", block)[0].replace("////" + str(settings.home), "///" + str(settings.home))
    script = """
        import json, sys
        from sqlalchemy import create_engine, inspect, text
        engine = create_engine(sys.argv[1])
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT sum(approval_count)::BIGINT FROM merchant_day")).scalar()
            views = connection.execute(text("SELECT table_name FROM information_schema.tables")).fetchall()
        columns = [c["name"] for c in inspect(engine).get_columns("merchant_day", schema="main")]
        print(json.dumps([rows, [name for name, in views], columns]))
    """
    said = run(str(tools / "python"), "-W", "ignore", "-c", textwrap.dedent(script), uri, cwd=tmp_path)
    rows, views, columns = json.loads(said.splitlines()[-1])
    assert rows == APPROVALS
    assert {"merchant_day", "merchant_minute", "signal"} <= set(views)
    assert "approval_count" in columns


def test_dbt_builds_a_model_of_its_own_from_the_file(tools: Path, settings: Settings, tmp_path: Path) -> None:
    profile, model = guide(settings, "dbt")
    (tmp_path / "models").mkdir()
    (tmp_path / "profiles.yml").write_text(profile, encoding="utf-8")
    (tmp_path / "models" / "approvals_by_day.sql").write_text(model, encoding="utf-8")
    project = {"name": "reader", "version": "1.0", "profile": "minuterisk", "model-paths": ["models"]}
    (tmp_path / "dbt_project.yml").write_text(json.dumps(project), encoding="utf-8")
    before = settings.catalog.read_bytes()
    run(
        str(tools / "dbt"), "run", "--profiles-dir", ".", cwd=tmp_path, DBT_SEND_ANONYMOUS_USAGE_STATS="false"
    )
    assert settings.catalog.read_bytes() == before
    asked = "import duckdb; print(duckdb.connect('own.duckdb').execute('FROM approvals_by_day').fetchall())"
    said = run(str(tools / "python"), "-c", asked, cwd=tmp_path)
    assert f"{APPROVALS}" in said
